// Opens what is folded while a page is printed, for browsers whose style sheets cannot.
{
  const opened = []
  addEventListener("beforeprint", () => {
    for (const fold of document.querySelectorAll("article details:not([open])")) {
      fold.open = true
      opened.push(fold)
    }
  })
  addEventListener("afterprint", () => {
    for (const fold of opened.splice(0)) fold.open = false
  })
}

// Opens what is in depth: where an address leads into it, and all of it when the reader asks for that.
{
  const folds = [...document.querySelectorAll("article details.depth")]
  const button = document.querySelector(".minutes .opens")

  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)))
    const closed = folds.filter(fold => !fold.open && target && fold.contains(target))
    for (const fold of closed) fold.open = true
    if (closed.length) target.scrollIntoView()
  }
  addEventListener("hashchange", reveal)
  reveal()

  if (folds.length) {
    const words = { open: button.textContent, close: button.dataset.close }
    const show = () => { button.textContent = folds.every(fold => fold.open) ? words.close : words.open }
    button.addEventListener("click", () => {
      const open = !folds.every(fold => fold.open)
      for (const fold of folds) fold.open = open
    })
    for (const fold of folds) fold.addEventListener("toggle", show)
    show()
  }
}

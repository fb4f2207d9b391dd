// Copies code, never what it printed: each piece by a button of its own, and the page's by one more.
{
  const words = document.currentScript.dataset
  document.querySelector(".md-dialog").setAttribute("role", "status") // so that "copied" is read out

  const copy = async text => {
    try {
      const blob = Promise.resolve(text).then(text => new Blob([text], { type: "text/plain" }))
      await navigator.clipboard.write([new ClipboardItem({ "text/plain": blob })])
    } catch {
      // over plain HTTP browsers offer the old way only
      const area = Object.assign(document.createElement("textarea"), { value: await text })
      document.body.append(area)
      area.select()
      document.execCommand("copy")
      area.remove()
    }
    alert$.next(words.copied)
  }

  for (const code of document.querySelectorAll(".highlight code")) {
    const button = Object.assign(document.createElement("button"), {
      type: "button",
      className: "copy",
      title: words.copy,
    })
    const name = code.closest("[data-snippet]")?.dataset.snippet
    button.setAttribute("aria-label", name ? `${words.copy} ${name}` : words.copy)
    const text = code.textContent
    button.addEventListener("click", () => copy(text.replace(/\n$/, "")))
    code.closest(".highlight").append(button)
  }

  const page = document.querySelector(".page-code [data-script]")
  page?.addEventListener("click", () =>
    copy(fetch(page.dataset.script).then(answer => answer.text())),
  )
}

// Gives each piece of code a button that copies it: the code alone, never what it printed.
{
  const words = document.currentScript.dataset
  document.querySelector(".md-dialog").setAttribute("role", "status") // so that "copied" is read out

  const copy = async text => {
    try {
      await navigator.clipboard.writeText(text)
    } catch {
      // over plain HTTP browsers offer the old way only
      const area = Object.assign(document.createElement("textarea"), { value: text })
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
}

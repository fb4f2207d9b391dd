// Remembers on the reader's own machine which sections are read, and says so in the navigation.
{
  const KEY = "proven-notes.read" // of both languages: by section, true or, where the reader says so, false
  const words = document.currentScript.dataset
  const box = document.querySelector(".reading input")
  const reset = document.querySelector(".reading button")

  const load = () => {
    try { return JSON.parse(localStorage.getItem(KEY)) ?? {} } catch { return {} }
  }
  const store = read => {
    try { localStorage.setItem(KEY, JSON.stringify(read)) } catch {}
    show()
  }

  // `blocks` for /en/blocks/, ../blocks/ and ../blocks/index.html
  const root = new URL(words.root, location).pathname
  const section = link => link.pathname.slice(root.length).replace(/(index)?(\.html)?$/, "").replace(/\/$/, "")

  const show = () => {
    const read = load()
    for (const link of document.querySelectorAll(".md-nav--primary > .md-nav__list > .md-nav__item > a.md-nav__link")) {
      link.querySelector(".read")?.remove()
      if (!read[section(link)]) continue
      const mark = Object.assign(document.createElement("span"), { className: "read", textContent: "✓" })
      mark.setAttribute("role", "img")
      mark.setAttribute("aria-label", words.read)
      link.append(mark)
    }
    if (box) box.checked = Boolean(read[section(location)])
    if (reset) reset.hidden = !Object.values(read).some(Boolean)
  }

  const mark = isRead => store({ ...load(), [section(location)]: isRead })

  if (box) {
    box.addEventListener("change", () => mark(box.checked))
    reset.addEventListener("click", () => store({}))
    // who has come to the end of a section has read it
    const end = new IntersectionObserver(([entry]) => {
      if (!entry.isIntersecting) return
      end.disconnect()
      if (load()[section(location)] === undefined) mark(true)
    })
    end.observe(box)
  }
  addEventListener("storage", show) // another tab
  show()
}

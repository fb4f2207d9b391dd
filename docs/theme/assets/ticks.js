// Hides the marks of claims where a reader wants only the text, and remembers that on the reader's own machine.
{
  const KEY = "proven-notes.hide-ticks"
  const button = document.querySelector(".minutes .ticks")
  const names = button && { hide: button.textContent, show: button.dataset.show }
  const stored = () => { try { return localStorage.getItem(KEY) === "true" } catch { return false } }
  const apply = hidden => {
    document.documentElement.classList.toggle("no-ticks", hidden)
    if (button) button.textContent = hidden ? names.show : names.hide
  }
  apply(stored())
  button?.addEventListener("click", () => {
    const hidden = !document.documentElement.classList.contains("no-ticks")
    try { localStorage.setItem(KEY, hidden) } catch {}
    apply(hidden)
  })
}
// Lets a mark tell what it stands for: under its paragraph while a mouse is over it, pinned by a tap or by Enter. The
// words come once the first mark is asked, as a script: a page from disk may fetch nothing. Without them, a mark is the
// link to the list of claims that it is without this script.
if ("popover" in HTMLElement.prototype && document.currentScript.dataset.marks) {
  const source = document.currentScript.dataset.marks
  const text = Object.assign(document.createElement("span"), { id: "claim-text", className: "claim-text", popover: "auto" })
  let words = null
  let pressed = false // on the mark whose text is pinned: that alone closes it, before the click comes
  const pinned = () => text.matches(":popover-open")
  const load = () => words ??= new Promise(done => {
    const script = document.createElement("script")
    script.onload = () => done(provenMarks)
    script.onerror = () => { words = null; done({}) }
    script.src = source
    document.head.append(script)
  })
  const made = (name, content) => Object.assign(document.createElement(name), { textContent: content })
  const tell = async mark => {
    const all = await load()
    const name = mark.hash.slice(1)
    if (!Object.hasOwn(all, name)) return false
    if (text.previousSibling === mark) return true
    const [title, sentence, how, test] = all[name]
    if (pinned()) text.hidePopover()
    text.replaceChildren(
      made("strong", title), " ",
      ...sentence.split(/`([^`]+)`/).map((part, number) => number % 2 ? made("code", part) : part), " ",
      made("small", how), " ", Object.assign(made("a", test), { href: mark.href }))
    mark.after(text)
    return true
  }
  text.addEventListener("beforetoggle", ({ newState }) => {
    const mark = text.previousSibling
    mark.setAttribute("aria-expanded", newState === "open")
    if (newState === "open") mark.setAttribute("aria-details", text.id)
    else mark.removeAttribute("aria-details")
  })
  for (const mark of document.querySelectorAll(".claim-mark")) {
    mark.setAttribute("role", "button")
    mark.setAttribute("aria-expanded", false)
    mark.addEventListener("focus", load)
    mark.addEventListener("pointerenter", () => load().then(() => pinned() || tell(mark)))
    mark.addEventListener("pointerdown", () => { pressed = pinned() && text.previousSibling === mark })
    mark.addEventListener("keydown", event => {
      if (event.key !== " ") return // Enter clicks by itself
      event.preventDefault()
      mark.click()
    })
    mark.addEventListener("click", async event => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return // a new tab
      event.preventDefault()
      const closes = pinned() ? text.previousSibling === mark : pressed && event.detail
      pressed = false
      if (closes) pinned() && text.hidePopover()
      else if (!await tell(mark)) location.assign(mark.href)
      else if (!pinned()) text.showPopover()
    })
  }
}

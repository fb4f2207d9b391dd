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

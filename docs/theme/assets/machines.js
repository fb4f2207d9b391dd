// Lets a reader choose whose output to see where several machines ran a snippet; the choice holds for the page.
{
  const KEY = "proven-notes.machines" // of each page: whose outputs are in front
  const bars = [...document.querySelectorAll(".machines")]
  const tabs = bar => [...bar.querySelectorAll("[role=tab]")]
  const panel = tab => document.getElementById(tab.getAttribute("aria-controls"))

  const read = () => {
    try { return JSON.parse(localStorage.getItem(KEY)) ?? {} } catch { return {} }
  }

  const show = run => {
    for (const bar of bars) {
      if (!tabs(bar).some(tab => tab.dataset.run === run)) continue
      for (const tab of tabs(bar)) {
        const front = tab.dataset.run === run
        tab.setAttribute("aria-selected", front)
        tab.tabIndex = front ? 0 : -1
        panel(tab).classList.toggle("front", front)
      }
    }
  }

  const choose = tab => {
    const before = tab.getBoundingClientRect().top
    show(tab.dataset.run)
    scrollBy(0, tab.getBoundingClientRect().top - before) // boxes above may be higher now, or lower
    tab.focus({ preventScroll: true })
    try { localStorage.setItem(KEY, JSON.stringify({ ...read(), [location.pathname]: tab.dataset.run })) } catch {}
  }

  for (const bar of bars) {
    for (const tab of tabs(bar)) {
      panel(tab).setAttribute("role", "tabpanel")
      panel(tab).setAttribute("aria-labelledby", tab.id)
      panel(tab).tabIndex = 0
      tab.addEventListener("click", () => choose(tab))
    }
    bar.addEventListener("keydown", event => {
      const all = tabs(bar)
      const here = all.indexOf(event.target)
      const to = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: all.length - 1 }[event.key]
      if (to === undefined) return
      event.preventDefault()
      choose(all[(to + all.length) % all.length])
    })
  }
  show(read()[location.pathname])
}

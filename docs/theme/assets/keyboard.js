// Helps the keyboard where the browser and the theme do not: the drawer, and boxes that scroll.
{
  const drawer = document.getElementById("__drawer")
  const button = document.querySelector(".opens-drawer")
  button.addEventListener("click", () => drawer.click())
  addEventListener("keydown", event => {
    if (event.key === "Escape" && drawer.checked) {
      drawer.click()
      button.focus()
    }
  })

  // What scrolls inside of its box takes the focus, so that the arrow keys reach all of it.
  const watch = new ResizeObserver(entries => {
    for (const { target } of entries) {
      const scrolls =
        target.scrollWidth > target.clientWidth || target.scrollHeight > target.clientHeight
      target.toggleAttribute("tabindex", scrolls)
      if (scrolls) target.tabIndex = 0
    }
  })
  const boxes = "pre, .math, .wide, .md-typeset__scrollwrap"
  for (const box of document.querySelectorAll(boxes)) watch.observe(box)
}

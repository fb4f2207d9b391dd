// Keeps the place when the language is switched, and offers a first visitor the browser's language.
{
  const KEY = "proven-notes.language" // of both languages: the theme's own store has one for each
  const links = [...document.querySelectorAll(".md-select__link[hreflang], .language-bar a")]
  const bar = document.querySelector(".language-bar")
  const here = document.documentElement.lang

  const remembered = () => {
    try { return localStorage.getItem(KEY) } catch { return here } // no store: better never than again and again
  }
  const remember = language => {
    try { localStorage.setItem(KEY, language) } catch {}
  }

  // The heading that is being read: the last one that is not below the place where links put them.
  const headings = [...document.querySelectorAll("article :is(h1, h2, h3, h4, h5, h6)[id]")]
  const reading = () => headings.findLast(heading => heading.getBoundingClientRect().top < 80)?.id ?? ""

  for (const link of links) {
    const follow = () => { link.hash = reading() }
    for (const event of ["pointerdown", "focus", "click"]) link.addEventListener(event, follow)
    link.addEventListener("click", () => remember(link.hreflang))
  }

  if (bar) {
    const wanted = navigator.languages
      .map(language => language.split("-")[0])
      .find(language => language === here || language === bar.lang)
    bar.hidden = Boolean(remembered()) || wanted !== bar.lang
    bar.querySelector("button").addEventListener("click", () => {
      remember(here)
      bar.hidden = true
    })
  }
}

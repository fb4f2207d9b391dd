// Says which option of a question fits, opens what explains it, and remembers answers on the reader's own machine.
{
  const KEY = "proven-notes.answers" // of both languages, by section: questions with value and verdict, exercises done
  const OPEN = "proven-notes.open-answers"
  const words = document.currentScript.dataset
  const sections = JSON.parse(words.sections)
  const questions = [...document.querySelectorAll("[data-question]")]
  const exercises = [...document.querySelectorAll("[data-exercise]")]
  const answers = [...document.querySelectorAll("details.answer")]
  const button = document.querySelector(".minutes .answers")

  const read = key => {
    try { return JSON.parse(localStorage.getItem(key)) ?? {} } catch { return {} }
  }
  const write = (key, value) => {
    try { localStorage.setItem(key, JSON.stringify(value)) } catch {}
  }

  // `blocks` for /en/blocks/, ../blocks/ and ../blocks/index.html
  const root = new URL(words.root, location).pathname
  const section = link => link.pathname.slice(root.length).replace(/(index)?(\.html)?$/, "").replace(/\/$/, "")
  const here = section(location)

  const store = (name, value) => {
    const all = read(KEY)
    all[here] = { ...all[here], [name]: value }
    write(KEY, all)
    show()
  }

  // what is in depth is extra: the core decides whether a section is done
  const counted = field => !field.closest("details.depth")
  const verdict = field => {
    const [value] = read(KEY)[here]?.[field.dataset.question] ?? []
    const chosen = [...field.elements].find(option => option.value === value)
    const told = field.querySelector(".verdict")
    for (const option of field.elements) {
      option.checked = option === chosen
      const fits = chosen && option.value === field.dataset.key
      option.parentElement.classList.toggle("fits", Boolean(fits))
    }
    const right = chosen && value === field.dataset.key
    field.dataset.verdict = !chosen || field.dataset.key === undefined ? "" : right ? "right" : "wrong"
    told.textContent = told.dataset[field.dataset.verdict] ?? ""
    return chosen
  }

  const told = (name, form) => {
    const [asked, tasks] = sections[name]
    const kept = Object.values(read(KEY)[name] ?? {})
    const right = kept.filter(one => one[1] && one[2]).length
    const done = kept.filter(one => one === true).length
    const values = { right: Math.min(right, asked), asked, done: Math.min(done, tasks), tasks }
    return [kept.some(Boolean), form.replace(/%(\w+)/g, (_, key) => values[key])]
  }

  const show = () => {
    const links = ".md-nav--primary > .md-nav__list > .md-nav__item > a.md-nav__link, article:has(#proven-notes) td:first-child a"
    for (const link of document.querySelectorAll(links)) {
      link.querySelector(".score")?.remove()
      if (!sections[section(link)]) continue
      const [any, text] = told(section(link), words.short)
      if (!any) continue
      const mark = Object.assign(document.createElement("span"), { className: "score", textContent: text })
      mark.setAttribute("role", "img")
      mark.setAttribute("aria-label", told(section(link), words.progress)[1])
      link.append(mark)
    }
    for (const field of questions) verdict(field)
    for (const box of exercises) box.checked = read(KEY)[here]?.[box.dataset.exercise] === true
    const foot = document.querySelector(".progress")
    if (foot) {
      foot.querySelector("span").textContent = told(here, words.progress)[1]
      foot.querySelector("button").hidden = !Object.keys(read(KEY)).length
    }
  }

  for (const field of questions) {
    field.addEventListener("change", ({ target }) => {
      store(field.dataset.question, [target.value, target.value === field.dataset.key, counted(field)])
      field.closest(".snippet").querySelector("details.answer").open = true
    })
  }
  for (const box of exercises) {
    box.addEventListener("change", () => store(box.dataset.exercise, box.checked))
  }
  document.querySelector(".progress button")?.addEventListener("click", () => {
    write(KEY, {})
    for (const fold of answers) fold.open = false
    show()
  })

  if (button && answers.length) {
    const names = { show: button.textContent, hide: button.dataset.hide }
    const label = () => { button.textContent = answers.every(fold => fold.open) ? names.hide : names.show }
    button.addEventListener("click", () => {
      const open = !answers.every(fold => fold.open)
      for (const fold of answers) fold.open = open
      write(OPEN, open)
    })
    for (const fold of answers) fold.addEventListener("toggle", label)
  }
  // an answer that was given stays open
  const all = read(OPEN) === true
  for (const fold of answers) {
    const field = fold.closest(".snippet").querySelector("[data-question]")
    if (all || verdict(field)) fold.open = true
  }
  addEventListener("storage", show) // another tab
  show()
}

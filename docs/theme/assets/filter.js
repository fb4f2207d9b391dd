// Filters the entries of a page by words that a reader types or pastes, and by what kind they are.
for (const search of document.querySelectorAll("search.filter")) {
  // A reader's numbers and names are others: numbers count as one number, and two words in three are enough.
  const words_of = text => text.toLowerCase().replace(/\d+/g, "0").match(/[\w.]+|[\u4e00-\u9fff]/g) ?? []
  // An entry is a box, a row of a list, or a heading with what it begins.
  const box_of = entry => {
    if (entry.localName !== "h3") return [entry.closest(".admonition, li")]
    const box = [entry]
    for (let node = entry.nextElementSibling; node && !/^h[123]$/.test(node.localName); node = node.nextElementSibling) box.push(node)
    return box
  }
  const entries = [...document.querySelectorAll(search.dataset.entries)].map(entry => {
    const box = box_of(entry)
    return { told: entry.dataset, box, shown: true, text: ` ${words_of(box.map(node => node.textContent).join(" ")).join(" ")}` }
  })
  const [field, ...selects] = search.querySelectorAll("input, select")
  const none = search.querySelector("[role=status]")
  const overview = search.dataset.overview && document.querySelector(search.dataset.overview)

  // a heading without an entry that is shown goes, too
  const parts = new Map()
  for (const heading of document.querySelectorAll("article h2")) {
    const inside = []
    for (let node = heading.nextElementSibling; node && node.localName !== "h2"; node = node.nextElementSibling) {
      inside.push(...entries.filter(({ box }) => node.contains(box[0])))
    }
    if (inside.length) parts.set(heading, inside)
  }

  const filter = () => {
    const asked = words_of(field.value)
    let found = 0
    for (const entry of entries) {
      const { told, box, text } = entry
      const hits = asked.filter(word => text.includes(` ${word}`)).length
      const other = selects.some(select => select.value && select.value !== told[select.name])
      entry.shown = hits * 3 >= asked.length * 2 && !other
      for (const node of box) node.hidden = !entry.shown
      found += entry.shown
    }
    for (const [heading, inside] of parts) heading.hidden = !inside.some(({ shown }) => shown)
    if (overview) overview.hidden = asked.length > 0 || selects.some(select => select.value)
    none.hidden = found > 0
  }
  // an address leads to its entry, whatever was filtered before; the theme may have put another one since
  addEventListener("hashchange", ({ newURL }) => {
    const target = document.getElementById(decodeURIComponent(new URL(newURL).hash.slice(1)))
    if (!target?.closest("[hidden]")) return
    for (const control of [field, ...selects]) control.value = ""
    filter()
    target.scrollIntoView()
  })
  field.addEventListener("input", filter)
  for (const select of selects) select.addEventListener("change", filter)
}

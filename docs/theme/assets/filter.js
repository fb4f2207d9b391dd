// Filters the entries of a page by words that a reader types or pastes, and by what kind they are.
for (const search of document.querySelectorAll("search.filter")) {
  // A reader's numbers and names are others: numbers count as one number, and two words in three are enough.
  const words_of = text => text.toLowerCase().replace(/\d+/g, "0").match(/[\w.]+|[\u4e00-\u9fff]/g) ?? []
  const entries = [...document.querySelectorAll(search.dataset.entries)].map(entry => ({
    told: entry.dataset,
    box: entry.closest(".admonition, li"),
    text: ` ${words_of(entry.closest(".admonition, li").textContent).join(" ")}`,
  }))
  const [field, ...selects] = search.querySelectorAll("input, select")
  const none = search.querySelector("[role=status]")
  const overview = document.querySelector(search.dataset.overview)

  // a heading without an entry that is shown goes, too
  const parts = new Map()
  for (const heading of document.querySelectorAll("article h2")) {
    const inside = []
    for (let node = heading.nextElementSibling; node && node.localName !== "h2"; node = node.nextElementSibling) {
      inside.push(...entries.filter(({ box }) => node.contains(box)))
    }
    if (inside.length) parts.set(heading, inside)
  }

  const filter = () => {
    const asked = words_of(field.value)
    let found = 0
    for (const { told, box, text } of entries) {
      const hits = asked.filter(word => text.includes(` ${word}`)).length
      const other = selects.some(select => select.value && select.value !== told[select.name])
      box.hidden = hits * 3 < asked.length * 2 || other
      found += !box.hidden
    }
    for (const [heading, inside] of parts) heading.hidden = inside.every(({ box }) => box.hidden)
    overview.hidden = asked.length > 0 || selects.some(select => select.value)
    none.hidden = found > 0
  }
  field.addEventListener("input", filter)
  for (const select of selects) select.addEventListener("change", filter)
}

// Filters the index of errors by words of a message that a reader pastes, and by the type of the error.
{
  const list = document.querySelector(".exceptions")
  const boxes = [...document.querySelectorAll("article .error-entry")].map(entry => entry.closest(".admonition"))
  const parts = [...document.querySelectorAll("article h2")]

  // A reader's numbers and names are others: numbers count as one number, and two words in three are enough.
  const words_of = text => text.toLowerCase().replace(/\d+/g, "0").match(/[\w.]+|[\u4e00-\u9fff]/g) ?? []
  const texts = new Map(boxes.map(box => [box, new Set(words_of(box.textContent))]))

  const [field, types, none] = document.querySelector(".error-filter").children

  const filter = () => {
    const asked = words_of(field.value)
    let found = 0
    for (const box of boxes) {
      const hits = asked.filter(word => texts.get(box).has(word)).length
      const type = box.querySelector(".error-entry").dataset.type
      box.hidden = hits * 3 < asked.length * 2 || (types.value && types.value !== type)
      found += !box.hidden
    }
    for (const part of parts) {
      let node = part.nextElementSibling, seen = false, any = false
      for (; node && node.localName !== "h2"; node = node.nextElementSibling) {
        any ||= boxes.includes(node)
        seen ||= boxes.includes(node) && !node.hidden
      }
      part.hidden = any && !seen
    }
    list.hidden = asked.length > 0 || types.value !== ""
    none.hidden = found > 0
  }
  field.addEventListener("input", filter)
  types.addEventListener("change", filter)
}

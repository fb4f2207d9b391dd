// Lets a reader move through a table that a snippet has printed: every value was computed by the build.
{
  const words = document.currentScript.dataset
  const make = (name, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(name), properties)
    element.append(...children)
    return element
  }
  const SVG = "http://www.w3.org/2000/svg"
  const draw = (name, attributes) => {
    const element = document.createElementNS(SVG, name)
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
    return element
  }

  for (const [number, result] of document.querySelectorAll("[data-moves]").entries()) {
    const printed = result.querySelector("pre")
    const [head, ...rows] = printed.textContent.trim().split("\n").map(row => row.split("|").map(cell => cell.trim()))
    const count = Number(result.dataset.moves)
    const values = head.slice(0, count).map((_, column) => [...new Set(rows.map(row => row[column]))])
    const numeric = column => column.every(value => value !== "" && !isNaN(value))
    const chosen = values.map(() => 0)

    const controls = head.slice(0, count).map((name, column) => {
      const all = values[column]
      if (numeric(all) && all.length > 2) {
        const slider = make("input", { type: "range", min: 0, max: all.length - 1, value: 0 })
        const told = make("output", { textContent: all[0] })
        slider.setAttribute("aria-valuetext", all[0])
        slider.addEventListener("input", () => {
          chosen[column] = Number(slider.value)
          told.textContent = all[slider.value]
          slider.setAttribute("aria-valuetext", all[slider.value])
          show()
        })
        return make("label", {}, make("span", { textContent: name }), slider, told)
      }
      const options = all.map((value, index) => {
        const radio = make("input", { type: "radio", name: `movable-${number}-${column}`, checked: !index })
        radio.addEventListener("change", () => { chosen[column] = index; show() })
        return make("label", {}, radio, value)
      })
      return make("fieldset", {}, make("legend", { textContent: name }), ...options)
    })

    const shown = head.slice(count).map(name => {
      const [told, bar] = [make("output"), make("span", { className: "bar" })]
      bar.setAttribute("aria-hidden", "true")
      return { told, bar, row: make("div", {}, make("dt", { textContent: name }), make("dd", {}, told, bar)) }
    })
    const list = make("dl", {}, ...shown.map(({ row }) => row))
    const picture = draw("svg", { viewBox: "0 0 300 120", "aria-hidden": "true" })
    const scales = head.slice(count).map((_, column) => {
      const all = rows.map(row => row[count + column])
      if (!numeric(all)) return null
      const numbers = all.map(Number)
      const least = Math.min(...numbers.filter(value => value > 0))
      const most = Math.max(...numbers)
      const wide = least > 0 && most / least > 100
      return value => {
        if (!wide) return most ? Math.max(0, value / most) : 0
        return value > 0 ? (Math.log(value / least) + .5) / (Math.log(most / least) + .5) : 0
      }
    })
    const at = position => rows.find(row => position.every((index, column) => row[column] === values[column][index]))

    // the last thing to set is the axis of a curve, if it and the first thing shown are numbers
    const last = count - 1
    const curved = scales[0] && numeric(values[last]) && values[last].length > 4

    const show = () => {
      const row = at(chosen)
      for (const [column, { told, bar }] of shown.entries()) {
        told.textContent = row[count + column]
        const scale = scales[column]
        bar.hidden = !scale
        if (scale) bar.style.setProperty("inline-size", `${100 * scale(Number(row[count + column]))}%`)
      }
      if (!curved) return
      const axis = values[last].map(Number)
      const [from, to] = [Math.min(...axis), Math.max(...axis)]
      const points = axis.map((value, index) => {
        const there = at([...chosen.slice(0, last), index])
        return [10 + 280 * (value - from) / (to - from), 110 - 100 * scales[0](Number(there[count]))]
      })
      const [x, y] = points[chosen[last]]
      picture.replaceChildren(
        draw("polyline", { points: points.join(" "), fill: "none", stroke: "currentColor", "stroke-width": 2 }),
        draw("circle", { cx: x, cy: y, r: 5, fill: "currentColor" }),
      )
    }

    const box = make("div", { className: "movable" }, ...controls, list)
    box.setAttribute("role", "group")
    box.setAttribute("aria-label", head.join(", "))
    if (curved) box.append(picture)
    const label = printed.previousElementSibling
    const all = make("details", {}, make("summary", { textContent: words.all }))
    printed.before(box, all)
    all.append(printed)
    label.remove()
    show()
  }
}

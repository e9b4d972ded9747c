// A table of counts, ten by ten; a click, a tap or the Enter key picks a cell.
export default function ({ data, parentElement, setTriggerValue }) {
  const { counts, chosen } = data
  const size = counts.length
  const most = Math.max(1, ...counts.flatMap((row, is) => row.filter((_, said) => said !== is)))
  const make = (tag, parent, text = "") => {
    const element = document.createElement(tag)
    element.textContent = text
    parent.appendChild(element)
    return element
  }
  const had_focus = parentElement.contains(parentElement.activeElement)
  parentElement.querySelector("table")?.remove()
  const table = make("table", parentElement)
  make("caption", table, data.caption)
  const head = make("tr", make("thead", table))
  make("th", head, "is↓ said→").className = "corner"
  for (let said = 0; said < size; said++) make("th", head, said).scope = "col"
  const body = make("tbody", table)
  const cells = counts.flatMap((row, is) => {
    const line = make("tr", body)
    make("th", line, is).scope = "row"
    return row.map((count, said) => {
      const cell = make("button", make("td", line), count ? count.toLocaleString("en") : "·")
      const right = is === said
      if (right) cell.className = "right"
      cell.style.setProperty("--tint", right ? "0%" : `${65 * Math.sqrt(count / most)}%`)
      const place = is * size + said
      const read = right ? `read right: ${count}` : `read as ${said === 8 ? "an" : "a"} ${said}: ${count}`
      cell.setAttribute("aria-label", `${is} ${read}`)
      cell.setAttribute("aria-pressed", place === chosen)
      cell.tabIndex = place === chosen ? 0 : -1
      cell.onclick = () => setTriggerValue("picked", place)
      return cell
    })
  })

  // One stop for the Tab key; from there, the arrow keys walk.
  const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: size, ArrowUp: -size }
  table.onkeydown = (event) => {
    const step = steps[event.key]
    if (!step) return
    event.preventDefault()
    const now = cells.indexOf(parentElement.activeElement)
    cells[Math.min(cells.length - 1, Math.max(0, now + step))].focus()
  }
  if (had_focus) cells[chosen]?.focus()
}

// One digit as 28 x 28 numbers, each on a square of its own grey.
export default function ({ data, parentElement }) {
  let frame = parentElement.querySelector(".frame")
  const before = frame?.getAttribute("aria-label")
  if (!frame) {
    frame = document.createElement("div")
    frame.className = "frame"
    frame.setAttribute("role", "img")
    frame.tabIndex = 0 // so that the arrow keys scroll it where it is wider than the screen
    const grid = document.createElement("div")
    grid.className = "grid"
    grid.append(...data.values.map(() => document.createElement("span")))
    frame.appendChild(grid)
    parentElement.appendChild(frame)
  }
  const grid = frame.firstChild
  grid.classList.toggle("plain", !data.numbers)
  frame.setAttribute("aria-label", data.name)
  data.values.forEach((value, place) => {
    const pixel = grid.children[place]
    pixel.textContent = value
    pixel.className = value ? "" : "paper"
    pixel.style.setProperty("--ink", `${(100 * value) / 255}%`)
  })
  if (!before) {
    frame.scrollLeft = (frame.scrollWidth - frame.clientWidth) / 2
    frame.scrollTop = (frame.scrollHeight - frame.clientHeight) / 2
  }
  const show = () => frame.scrollIntoView({ block: "nearest", behavior: "smooth" })
  if (before && before !== data.name) setTimeout(show, 300) // when the page stands still
}

// One digit as 28 x 28 numbers, each on a square of its own grey.
const shown = {} // names by key: what waited for the data may mount anew at its first change
export default function ({ data, parentElement }) {
  const frame = parentElement.querySelector(".frame")
  const before = frame.getAttribute("aria-label")
  const last = shown[data.key]
  shown[data.key] = data.name
  const grid = frame.firstChild
  if (!before) grid.append(...data.values.map(() => document.createElement("span")))
  grid.ariaHidden = "true"
  grid.classList.toggle("plain", !data.numbers)
  frame.setAttribute("aria-label", data.name)
  data.values.forEach((value, place) => {
    const pixel = grid.children[place]
    pixel.textContent = value
    pixel.className = value ? "" : "paper"
    pixel.style.setProperty("--ink", `${(100 * value) / 255}%`)
  })
  if (!before) {
    const zoom = document.createElement("button") // on a phone; see the .css
    zoom.type = "button"
    const show = (near) => {
      frame.classList.toggle("near", near)
      zoom.textContent = near ? "Whole digit" : "Read its numbers"
      frame.scrollLeft = (frame.scrollWidth - frame.clientWidth) / 2
      frame.scrollTop = (frame.scrollHeight - frame.clientHeight) / 2
    }
    zoom.onclick = () => show(!frame.classList.contains("near"))
    frame.after(zoom)
    show(false)
  }
  const app = document.querySelector("[data-testid=stApp]")
  const bring = () => app.dataset.testScriptState !== "notRunning" ? setTimeout(bring, 50)
    : frame.scrollIntoView({ block: "nearest", behavior: "smooth" })
  if (last && last !== data.name) setTimeout(bring, 300) // when the page stands still
}

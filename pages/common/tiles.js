// Many small digits, cut from one picture; a click, a tap or the Enter key picks one.
export default function ({ data, parentElement, setTriggerValue }) {
  const box = parentElement.querySelector(".tiles")
  box.style.setProperty("--columns", data.columns)
  box.classList.toggle("fitting", !data.columns)
  box.classList.toggle("captioned", data.captions.length > 0)
  const last = data.names.length - 1

  const draw = (name, place) => {
    const tile = document.createElement(data.clickable ? "button" : "div")
    const ink = document.createElement("span")
    ink.className = "ink"
    const paint = data.coloured ? "background" : "mask"
    ink.classList.toggle("coloured", data.coloured)
    ink.style[`${paint}Image`] = `url(${data.sprite})`
    ink.style[`${paint}Size`] = `${100 * (last + 1)}% 100%`
    ink.style[`${paint}Position`] = `${last ? (100 * place) / last : 0}% 0`
    tile.appendChild(ink)
    if (data.captions.length) tile.append(data.captions[place])
    const named = data.clickable ? tile : ink
    if (!data.clickable) ink.setAttribute("role", "img")
    named.setAttribute("aria-label", name)
    return tile
  }
  // What stays the same stays in place, and keeps the focus.
  const drawn = JSON.stringify({ ...data, chosen: null, off: null })
  if (box.drawn !== drawn) {
    const focused = [...box.children].indexOf(parentElement.activeElement)
    box.replaceChildren(...data.names.map(draw))
    if (focused >= 0)
      (box.children[data.chosen ?? focused] ?? box.firstChild)?.focus({ preventScroll: true })
    box.drawn = drawn
  }
  if (data.clickable) {
    [...box.children].forEach((tile, place) => {
      const off = data.off.includes(place)
      tile.classList.toggle("off", off)
      tile.setAttribute("aria-pressed", off || place === data.chosen)
      tile.tabIndex = place === (data.chosen ?? 0) ? 0 : -1
      tile.onclick = () => {
        // One that comes while the page is at work would take the place of those before it.
        const when = performance.timeOrigin + performance.now()
        box.picks = [...(box.picks ?? []), [when, place]].slice(-50)
        setTriggerValue("picked", box.picks)
      }
    })
  }

  // One stop for the Tab key; from there, the arrow keys walk.
  box.onkeydown = (event) => {
    const columns = getComputedStyle(box).gridTemplateColumns.split(" ").length
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }
    const step = steps[event.key]
    if (!step) return
    event.preventDefault()
    const now = [...box.children].indexOf(parentElement.activeElement)
    box.children[Math.min(last, Math.max(0, now + step))].focus()
  }
}

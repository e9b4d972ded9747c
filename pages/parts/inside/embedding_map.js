// Many digits as points of a map; pointing shows the image, a click or the Enter key opens it.

export default function ({ data, parentElement, setTriggerValue }) {
  const map = parentElement.querySelector(".map")
  const [svg, tip] = map.children
  svg.setAttribute("aria-label", data.name)
  const at = (place) => ({ x: `${data.x[place]}%`, y: `${data.y[place]}%` })
  const ring = (parent, { x, y }, r) => make("circle", parent, { cx: x, cy: y, r })

  if (data.sheet) map.sheet = data.sheet
  const drawn = JSON.stringify([data.x, data.y, data.labels, data.read])
  if (map.drawn !== drawn) {
    map.drawn = drawn
    svg.replaceChildren()
    const right = make("g", svg, { "aria-hidden": true })
    const wrong = make("g", svg, { class: "wrong", "aria-hidden": true })
    data.labels.forEach((label, place) => {
      const missed = data.read[place] !== label
      const parent = missed ? wrong : right
      make("text", parent, { ...at(place), style: `--hue:${data.colors[label]}` }, label)
      if (missed) ring(parent, at(place), 11)
    })
    make("g", svg, { class: "open" })
    make("g", svg, { class: "drawing" })
    make("g", svg, { class: "open" })
  }
  const [, , open, drawing, here] = svg.children
  for (const group of [open, drawing, here]) group.replaceChildren()
  if (data.open != null) ring(open, at(data.open), 15)
  if (data.drawing) {
    const [x, y] = data.drawing
    ring(drawing, { x: `${x}%`, y: `${y}%` }, 9)
    const label = make("text", drawing, { x: `${x}%`, y: `${y}%` }, "your drawing")
    label.setAttribute("dy", y < 50 ? 22 : -22)
    label.style.textAnchor = x < 15 ? "start" : x > 85 ? "end" : "middle"
  }

  let now = null
  const show = (place) => {
    now = place
    tip.style.display = place === null ? "none" : "flex"
    here.replaceChildren()
    if (place === null) return
    ring(here, at(place), 15)
    const [ink, words] = tip.children
    const row = Math.floor(place / data.across)
    const rows = Math.ceil(data.labels.length / data.across)
    ink.style.maskImage = `url(${map.sheet})`
    ink.style.maskSize = `${100 * data.across}% ${100 * rows}%`
    ink.style.maskPosition = `${(100 * (place % data.across)) / (data.across - 1)}% ` +
      `${rows > 1 ? (100 * row) / (rows - 1) : 0}%`
    const label = data.labels[place], read = data.read[place]
    words.textContent = `Test image ${place}, a ${label}` +
      (read === label ? "." : `, but the network reads a ${read}.`)
    tip.style.left = data.x[place] < 50 ? `calc(${data.x[place]}% + 1.4rem)` : "auto"
    tip.style.right = data.x[place] < 50 ? "auto" : `calc(${100 - data.x[place]}% + 1.4rem)`
    tip.style.top = data.y[place] < 50 ? `${data.y[place]}%` : "auto"
    tip.style.bottom = data.y[place] < 50 ? "auto" : `${100 - data.y[place]}%`
  }
  const closest = (least, distance) => {
    let best = null
    for (let place = 0; place < data.labels.length; place++) {
      const far = distance(data.x[place], data.y[place])
      if (far < least) [best, least] = [place, far]
    }
    return best
  }
  const nearest = (event) => {
    const box = svg.getBoundingClientRect()
    const right = event.clientX - box.left, down = event.clientY - box.top
    return closest(24, (x, y) =>
      Math.hypot((x * box.width) / 100 - right, (y * box.height) / 100 - down))
  }
  const pick = (place) => setTriggerValue("picked", place)

  svg.onpointermove = (event) => event.pointerType === "mouse" && show(nearest(event))
  svg.onpointerleave = (event) => event.pointerType === "mouse" && show(null)
  svg.onclick = (event) => {
    const place = nearest(event)
    // A finger cannot point without touching: its first tap shows, the second one opens.
    const again = event.pointerType === "mouse" || place === now
    show(place)
    if (place !== null && again) pick(place)
  }
  svg.onblur = () => show(null)
  svg.onkeydown = (event) => {
    const ways = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }
    const way = ways[event.key]
    if (event.key === "Enter" && now !== null) pick(now)
    if (event.key === "Escape") show(null)
    if (!way) return
    event.preventDefault()
    if (now === null) return show(data.open ?? 0)
    show(closest(Infinity, (x, y) => {
      const right = x - data.x[now], down = y - data.y[now]
      const along = right * way[0] + down * way[1]
      return along > 0 ? along + 2 * Math.abs(right * way[1] + down * way[0]) : Infinity
    }) ?? now)
  }
}

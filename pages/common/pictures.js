// Saves what the frame around it shows. First an SVG is made of it: shapes stay shapes, words stay
// words, and what is painted comes as a picture. A PNG is that SVG, painted large.
const MARGIN = 12 // pixels around it
const SCALE = 3 // pixels of a PNG for each of the page: it is to be read from the back of a room
const LOOK = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray",
  "stroke-linejoin", "stroke-linecap", "opacity", "font-family", "font-size", "font-weight",
  "text-anchor", "dominant-baseline", "paint-order", "display", "visibility"]

const isSeen = ({ display, visibility, opacity }) =>
  display !== "none" && visibility === "visible" && opacity !== "0"
const isClear = (color) => /^transparent$|[,/] ?0\)$/.test(color)

// Other programs do not know what browsers make of a mixed colour, color(srgb 0.1 0.2 0.3).
const dot = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true })
const simple = (color) => {
  if (!color.startsWith("color(")) return color
  dot.clearRect(0, 0, 1, 1)
  dot.fillStyle = color
  dot.fillRect(0, 0, 1, 1)
  const [red, green, blue, alpha] = dot.getImageData(0, 0, 1, 1).data
  return `rgba(${red},${green},${blue},${alpha / 255})`
}

// Elsewhere the page's typeface may be missing, and others are wider.
const keepWidth = (text, width) => {
  text.setAttribute("textLength", width)
  text.setAttribute("lengthAdjust", "spacingAndGlyphs")
}

// A copy of a drawing that looks the same without the style sheets of the page.
const copyOf = (drawing, { x, y, width, height }) => {
  const copy = drawing.cloneNode(true)
  const parts = copy.querySelectorAll("*")
  drawing.querySelectorAll("*").forEach((part, place) => {
    const style = getComputedStyle(part)
    const mine = parts[place]
    for (const name of LOOK) mine.style.setProperty(name, simple(style.getPropertyValue(name)))
    mine.style.vectorEffect = "none" // else lines of a large PNG are as thin as here
    if (part.localName === "text") keepWidth(mine, part.getComputedTextLength())
  })
  for (const [name, value] of Object.entries({ x, y, width, height })) copy.setAttribute(name, value)
  copy.removeAttribute("style")
  copy.style.color = getComputedStyle(drawing).color
  return copy
}

// Each line of these words, where it stands.
const write = (words, style, to, { left, top }) => {
  const range = document.createRange()
  const text = words.data.replaceAll("\n", " "), lines = []
  for (let at = 0; at < text.length; at++) {
    range.setStart(words, at)
    range.setEnd(words, at + 1)
    const box = range.getClientRects()[0]
    if (!box?.width) continue
    const line = lines.at(-1)
    if (line && Math.abs(line.y - box.y) < 2) [line.words, line.end] = [line.words + text[at], box.right]
    else lines.push({ words: text[at], x: box.left, y: box.y, height: box.height, end: box.right })
  }
  for (const { words, x, y, height, end } of lines)
    keepWidth(make("text", to, { x: x - left, y: y - top + height / 2, "xml:space": "preserve",
      "dominant-baseline": "central", fill: simple(style.color), "font-family": style.fontFamily,
      "font-size": style.fontSize, "font-weight": style.fontWeight }, words), end - x)
}

// from: where the picture begins on the page; what stands below a tool moves up into its place.
const draw = (element, to, from) => {
  const style = getComputedStyle(element)
  if (!isSeen(style) || element.matches("[data-testid=stElementToolbar]")) return
  const box = element.getBoundingClientRect()
  if (element.matches("[data-tool]")) {
    from.top += box.height
    return
  }
  const place = { x: box.x - from.left, y: box.y - from.top, width: box.width, height: box.height }
  if (element.localName === "svg") return to.append(copyOf(element, place))
  if (element.localName === "canvas") return make("image", to, { ...place, href: element.toDataURL() })
  if (element.localName === "img") return make("image", to, { ...place, href: element.src })
  if (!isClear(style.backgroundColor) || (style.borderTopWidth !== "0px" && box.height))
    make("rect", to, { ...place, rx: parseFloat(style.borderRadius) || 0,
      fill: isClear(style.backgroundColor) ? "none" : simple(style.backgroundColor),
      stroke: style.borderTopWidth === "0px" ? "none" : simple(style.borderTopColor) })
  for (const part of (element.shadowRoot ?? element).childNodes) {
    if (part.nodeType === Node.TEXT_NODE) write(part, style, to, from)
    else if (part.nodeType === Node.ELEMENT_NODE && !["STYLE", "SCRIPT"].includes(part.nodeName))
      draw(part, to, from)
  }
}

const picture = (frame, self, name, paper) => {
  const box = frame.getBoundingClientRect()
  const from = { left: box.left - MARGIN, top: box.top - MARGIN }
  const whole = document.createElementNS(SVG, "svg")
  make("title", whole, {}, name)
  make("rect", whole, { width: "100%", height: "100%", fill: paper })
  for (const part of frame.children) if (!part.contains(self)) draw(part, whole, from)
  const size = { width: box.width + 2 * MARGIN, height: box.bottom + MARGIN - from.top }
  const viewBox = `0 0 ${size.width} ${size.height}`
  for (const [key, value] of Object.entries({ ...size, viewBox, role: "img" }))
    whole.setAttribute(key, value)
  return { text: new XMLSerializer().serializeToString(whole), ...size }
}

const painted = async ({ text, width, height }) => {
  const image = new Image()
  image.src = `data:image/svg+xml,${encodeURIComponent(text)}`
  await image.decode()
  const canvas = document.createElement("canvas")
  ;[canvas.width, canvas.height] = [width, height].map((side) => Math.round(SCALE * side))
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height)
  return new Promise((done) => canvas.toBlob(done))
}

const download = (content, name) => {
  const link = document.createElement("a")
  link.href = URL.createObjectURL(content)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}

export default function ({ data, parentElement }) {
  const menu = parentElement.querySelector("details")
  const [png, svg] = menu.querySelectorAll("button")
  const look = () => {
    const self = parentElement.host
    const paper = getComputedStyle(self).getPropertyValue("--st-background-color")
    return picture(self.closest("[class*=st-key-picture-]"), self, data.name, paper)
  }
  const close = () => { menu.open = false }
  png.onclick = async () => {
    close()
    download(await painted(look()), `${data.file}.png`)
  }
  svg.onclick = () => {
    close()
    download(new Blob([look().text], { type: "image/svg+xml" }), `${data.file}.svg`)
  }
  menu.onkeydown = ({ key }) => key === "Escape" && close()
  menu.onfocusout = ({ relatedTarget }) => menu.contains(relatedTarget) || close()
  png.ariaLabel = `Save as PNG: ${data.name}`
  svg.ariaLabel = `Save as SVG: ${data.name}`
}

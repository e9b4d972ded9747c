// The page: what the network says of what is on the sheet, while it is drawn.
const content = JSON.parse(document.getElementById("content").textContent)
const read = openNetwork(content)
const [answer, large, seen, bars, heard, drawn] = ["answer", "large", "seen", "bars", "heard", "drawn"]
  .map((name) => document.getElementById(name))

const aDigit = (digit) => `${digit === 8 ? "an" : "a"} ${digit}`
const predict = (strokes) => {
  if (areSeveralDigits(strokes)) return { told: "One at a time: it reads single digits." }
  const image = fromStrokes(strokes)
  if (!image) {
    const little = "That is too little ink to be a digit: draw it larger."
    return { told: strokes.length ? little : "Draw a digit first." }
  }
  const shares = paper.busy ? read(image, []) : read(image) // a phone takes its time for more
  const [first, second] = [...shares.keys()].sort((a, b) => shares[b] - shares[a])
  const sure = shares[first] >= content.threshold
  const told = sure ? `This is ${aDigit(first)}.` : `Not sure: perhaps ${aDigit(first)}, or ${aDigit(second)}.`
  return { image, shares, digit: first, sure, told }
}

const rows = Array.from({ length: 10 }, (_, digit) => {
  const row = bars.appendChild(document.createElement("li"))
  const [name, track, share] = ["span", "div", "span"].map((tag) => row.appendChild(document.createElement(tag)))
  name.textContent = digit
  return { row, share, fill: track.appendChild(document.createElement("div")) }
})
const showPixels = (image) => {
  const pixels = new ImageData(SIZE, SIZE)
  pixels.data.fill(255)
  for (let place = 0; place < SIZE * SIZE; place++)
    pixels.data.fill(Math.round(255 * (image?.[place] ?? 0)), 4 * place, 4 * place + 3)
  seen.getContext("2d").putImageData(pixels, 0, 0)
}
const show = ({ image, shares, digit, sure, told }) => {
  answer.textContent = told
  large.textContent = digit === undefined ? "–" : `${digit}${sure ? "" : "?"}`
  large.className = sure || !shares ? "" : "unsure"
  rows.forEach(({ row, share, fill }, place) => {
    row.className = place === digit ? "first" : ""
    fill.style.width = `${100 * (shares?.[place] ?? 0)}%`
    share.textContent = shares ? `${Math.round(100 * shares[place])} %` : ""
  })
  showPixels(image)
}

let timer = 0
let pause = 0 // ms: reading takes a third of the time at most, the pen shall not wait for it
const renew = () => {
  clearTimeout(timer)
  timer = 0
  const started = performance.now()
  const prediction = predict(paper.strokes.map(({ points }) => points))
  show(prediction)
  pause = 2 * (performance.now() - started)
  return prediction
}
const rested = () => {
  const { told, sure, shares, digit } = renew()
  heard.textContent = sure ? `${told.slice(0, -1)}, ${Math.round(100 * shares[digit])} % sure.` : told
  paintStrokes(drawn, paper.strokes)
}
const changed = () => {
  timer ||= setTimeout(renew, pause)
}
const paper = layPaper(document.querySelector(".sheet"), { penWidth: () => content.pen, changed, rested })
const own = () => {
  paper.lift()
  paper.put(content.drawing.map(([points, width]) => ({ points: [...points], width })))
  rested()
}
const again = document.getElementById("again")
if (again) again.onclick = own
own()
// Paper has other sizes than a screen.
new ResizeObserver(() => paintStrokes(drawn, paper.strokes)).observe(drawn)
document.getElementById("print").onclick = () => print()

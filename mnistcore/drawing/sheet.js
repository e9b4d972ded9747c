// A sheet of paper: strokes by mouse, finger, pen or keys.
const SIDE = 400 // units along the sheet: points and widths are in these, whatever its size on screen
const INK = "#17202c"
const STEP = 1 // units: what moves less than this adds no point
const [STROKES, POINTS] = [500, 10000] // nobody takes more; a digit has a few, a few hundred
const KEYS = "keys" // the pointer that the keys move
const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }
const [COARSE, FINE] = [16, 4] // units that an arrow moves the pen; with Shift
const PALM = 1000 // ms: so long after a pen was near, a touch is taken for the hand that holds it

const inside = (point) => point.every((value) => value >= 0 && value <= SIDE)
const brief = (value) => Math.round(10 * value) / 10

// Where the way from a point on the sheet to one beside it crosses the edge.
const edge = (on, off) => {
  const shares = on.map((from, axis) => {
    const to = off[axis]
    return to < 0 ? from / (from - to) : to > SIDE ? (SIDE - from) / (to - from) : 1
  })
  const share = Math.min(...shares)
  return on.map((from, axis) => from + share * (off[axis] - from))
}

// A smooth line: through the middles between its points, bent towards the points.
const trace = (context, { points, width }) => {
  const [start, ...others] = points
  context.lineWidth = width
  context.beginPath()
  context.moveTo(...start)
  if (!others.length) context.lineTo(start[0] + 0.01, start[1]) // its round ends are the dot
  others.forEach(([x, y], place) => {
    const next = others[place + 1]
    if (next) context.quadraticCurveTo(x, y, (x + next[0]) / 2, (y + next[1]) / 2)
    else context.lineTo(x, y)
  })
  context.stroke()
}

// Strokes, [{points: [[x, y], ...], width}], on a canvas as sharp as its screen.
const paintStrokes = (canvas, strokes) => {
  const context = canvas.getContext("2d")
  const size = Math.round(canvas.clientWidth * devicePixelRatio)
  if (canvas.width !== size) canvas.width = canvas.height = size
  context.setTransform(size / SIDE, 0, 0, size / SIDE, 0, 0)
  context.clearRect(0, 0, SIDE, SIDE)
  Object.assign(context, { strokeStyle: INK, lineCap: "round", lineJoin: "round" })
  for (const stroke of strokes) trace(context, stroke)
}

// Bring the elements of sheet.html to life. penWidth() is asked for the width of a stroke that
// begins, changed() is told of every change, rested() when no pen is down after one. On the paper
// that is given back, `strokes` are in the order in which they were drawn, null as long as it does
// not take any, and `busy` is whether a pen is down; put() exchanges them, lift() lets go of the pen.
const layPaper = (sheet, { penWidth, changed, rested }) => {
  const [canvas, hint, told, cursor, undo, clear] =
    sheet.querySelectorAll("canvas, p, output, i, button")
  let pointer = null // the one that draws
  let here = null // where it is, on the sheet or beside it
  let spot = [SIDE / 2, SIDE / 4] // where the pen that the keys move is
  let penNear = -Infinity // when a pen was last seen, in ms

  const paper = {
    strokes: null,
    get busy() {
      return pointer !== null
    },
    put(strokes) {
      paper.strokes = strokes
      paint()
    },
    lift() {
      pointer = null
    },
    leave() {
      sizes.disconnect()
    },
  }

  let frame = 0
  const paint = () => {
    frame = 0
    paintStrokes(canvas, paper.strokes ?? [])
    hint.hidden = Boolean(paper.strokes?.length)
  }
  const change = () => {
    frame ||= requestAnimationFrame(paint)
    changed()
  }
  const full = () => paper.strokes.reduce((sum, { points }) => sum + points.length, 0) >= POINTS
  const begin = (point) => paper.strokes.push({ points: [point.map(brief)], width: penWidth() })
  const add = (point) => {
    const { points } = paper.strokes.at(-1)
    const [x, y] = points.at(-1)
    if (Math.hypot(point[0] - x, point[1] - y) >= STEP) points.push(point.map(brief))
  }
  const go = (to) => {
    if (full()) return
    const [was, is] = [inside(here), inside(to)]
    if (!was && is) begin(edge(to, here)) // beside the sheet the pen leaves no ink
    if (is) add(to)
    else if (was) add(edge(here, to))
    here = to
  }
  const places = (event) => {
    const box = canvas.getBoundingClientRect()
    const all = event.getCoalescedEvents?.() ?? []
    return (all.length ? all : [event]).map(({ clientX, clientY }) => [
      ((clientX - box.left) / box.width) * SIDE,
      ((clientY - box.top) / box.height) * SIDE,
    ])
  }

  const near = (event) => {
    if (event.pointerType === "pen") penNear = event.timeStamp
  }
  const down = (event) => {
    near(event)
    const palm = event.pointerType === "touch" && event.timeStamp - penNear < PALM
    if (event.button !== 0 || !event.isPrimary || palm || !paper.strokes) return
    leaveKeys()
    if (paper.strokes.length >= STROKES || full()) return
    if (pointer !== null) {
      if (event.pointerType !== "pen") return
      paper.strokes.pop() // a palm was here before the pen
    }
    pointer = event.pointerId
    here = places(event)[0]
    begin(here)
    change()
    canvas.setPointerCapture(pointer)
  }
  const move = (event) => {
    near(event)
    if (event.pointerId !== pointer) return
    places(event).forEach(go)
    change()
  }
  const up = (event) => {
    if (event.pointerId !== pointer) return
    if (event.type === "pointerup") places(event).forEach(go)
    lift()
  }
  const lift = () => {
    pointer = null
    rested()
  }
  const keep = (count) => {
    if (pointer !== null) return
    if (paper.strokes.length) {
      paper.strokes.length = count
      change()
      rested()
    } else told.textContent = "There is nothing on the sheet."
  }

  const tell = (more = "") => {
    const [x, y] = spot.map((value) => Math.round((100 * value) / SIDE))
    told.textContent = `Pen ${pointer === KEYS ? "down" : "up"}, ${x} % across, ${y} % down.${more}`
    cursor.hidden = false
    cursor.className = pointer === KEYS ? "down" : ""
    cursor.style.translate = `${(spot[0] / SIDE) * canvas.clientWidth}px ${(spot[1] / SIDE) * canvas.clientHeight}px`
  }
  const leaveKeys = () => {
    if (pointer === KEYS) lift()
    cursor.hidden = true
    told.textContent = ""
  }
  canvas.onfocus = () => canvas.matches(":focus-visible") &&
    tell(` Arrows move it, space puts it down. Strokes on the sheet: ${paper.strokes?.length ?? 0}.`)
  canvas.onblur = leaveKeys
  canvas.onkeydown = (event) => {
    const way = WAYS[event.key]
    if (!(way || event.key === " ") || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault() // the page shall not scroll
    if (way) {
      const far = event.shiftKey ? FINE : COARSE
      spot = spot.map((value, axis) => Math.max(0, Math.min(SIDE, value + far * way[axis])))
      if (pointer === KEYS) go(spot)
    } else if (pointer === KEYS) {
      lift()
    } else if (pointer === null && paper.strokes.length < STROKES && !full()) {
      pointer = KEYS
      here = spot
      begin(spot)
    }
    if (pointer === KEYS) change()
    tell()
  }
  canvas.onpointerdown = down
  canvas.onpointermove = move
  canvas.onpointerup = canvas.onpointercancel = canvas.onlostpointercapture = up
  // Else tablets take a quick stroke of the pen for handwriting that is meant for a text field.
  canvas.addEventListener("touchmove", (event) => event.preventDefault(), { passive: false })
  undo.onclick = () => keep(paper.strokes.length - 1)
  clear.onclick = () => keep(0)
  sheet.onkeydown = (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.key !== "z") return
    event.preventDefault()
    undo.click()
  }
  const sizes = new ResizeObserver(paint)
  sizes.observe(canvas)

  return paper
}

// A sheet of paper: strokes by mouse, finger or pen, told while they grow and as the pen lifts.
const SIDE = 400 // units along the sheet: points and widths are in these, whatever its size on screen
const INK = "#17202c"
const PAUSE = 200 // ms at least between two reports of a stroke that still grows
const PATIENCE = 5000 // ms: so long after a report its answer is taken for lost
const LEAVE = 2000 // ms that another page may take to come
const STEP = 1 // units: what moves less than this adds no point
const [STROKES, POINTS] = [500, 10000] // the server takes no more; a digit has a few, a few hundred
const KEPT = "sheet" // by which the tab keeps what is on it, for a server that knows nothing of it
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

const lay = (sheet) => {
  const [canvas, hint, told, cursor, undo, clear, sample] =
    sheet.querySelectorAll("canvas, p, output, i, button")
  const context = canvas.getContext("2d")

  let strokes = null // [{points: [[x, y], ...], width}], in the order in which they were drawn
  let first = 0 // strokes that the server has taken away before the first of these
  let turn = 0 // reports so far
  let put = 0 // times that the server has exchanged the strokes
  let waiting = false // for the answer to the last report
  let asked = 0 // when that was sent, in ms
  let pause = PAUSE
  let timer = 0 // for the next report of a stroke that still grows
  let lost = 0 // for the answer
  let unsaid = false // something changed since the last report
  let leaving = false // for another page
  let pointer = null // the one that draws
  let here = null // where it is, on the sheet or beside it
  let spot = [SIDE / 2, SIDE / 4] // where the pen that the keys move is
  let penNear = -Infinity // when a pen was last seen, in ms
  let given = {} // what the server says: data and report

  let frame = 0
  const paint = () => {
    frame = 0
    const size = Math.round(canvas.clientWidth * devicePixelRatio)
    if (canvas.width !== size) canvas.width = canvas.height = size
    context.setTransform(size / SIDE, 0, 0, size / SIDE, 0, 0)
    context.clearRect(0, 0, SIDE, SIDE)
    Object.assign(context, { strokeStyle: INK, lineCap: "round", lineJoin: "round" })
    for (const stroke of strokes ?? []) trace(context, stroke)
    hint.hidden = Boolean(strokes?.length)
  }
  const changed = () => {
    unsaid = true
    frame ||= requestAnimationFrame(paint)
  }

  const report = (now = false) => {
    clearTimeout(timer)
    timer = 0
    if (!unsaid || leaving || (waiting && !now)) return // the answer lets the newest go
    clearTimeout(lost)
    unsaid = false
    turn += 1
    asked = performance.now()
    wait(true)
    lost = setTimeout(goOn, PATIENCE)
    keep()
    given.report({
      turn,
      first,
      put,
      strokes: strokes.map(({ points }) => points),
      widths: strokes.map(({ width }) => width),
    })
  }
  const keep = () => sessionStorage.setItem(KEPT, JSON.stringify(strokes))
  const wait = (yes) => {
    waiting = yes
    canvas.dataset.waiting = yes // for whoever measures or tests
  }
  const goOn = () => {
    clearTimeout(lost)
    wait(false)
    if (pointer === null) report()
    else reportSoon()
  }
  // One report at a time, and no more than a third of the time: the last one shall find the way free.
  const reportSoon = () => {
    if (pointer === null || !given.data.live || waiting || timer || !unsaid) return
    timer = setTimeout(() => report(), pause)
  }

  const full = () => strokes.reduce((sum, { points }) => sum + points.length, 0) >= POINTS
  const begin = (point) => strokes.push({ points: [point.map(brief)], width: given.data.pen })
  const add = (point) => {
    const { points } = strokes.at(-1)
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
    if (event.button !== 0 || !event.isPrimary || palm || !strokes) return
    leaveKeys()
    if (strokes.length >= STROKES || full()) return
    if (pointer !== null) {
      if (event.pointerType !== "pen") return
      strokes.pop() // a palm was here before the pen
    }
    pointer = event.pointerId
    here = places(event)[0]
    begin(here)
    changed()
    canvas.setPointerCapture(pointer)
  }
  const move = (event) => {
    near(event)
    if (event.pointerId !== pointer) return
    places(event).forEach(go)
    changed()
    reportSoon()
  }
  const up = (event) => {
    if (event.pointerId !== pointer) return
    if (event.type === "pointerup") places(event).forEach(go)
    pointer = null
    report()
  }
  const take = (kept) => {
    if (pointer !== null) return
    if (strokes.length) {
      strokes.length = kept
      changed()
      report()
    } else told.textContent = "There is nothing on the sheet."
  }

  const tell = (more = "") => {
    const [x, y] = spot.map((value) => Math.round((100 * value) / SIDE))
    told.textContent = `Pen ${pointer === KEYS ? "down" : "up"}, ${x} % across, ${y} % down.${more}`
    cursor.hidden = false
    cursor.className = pointer === KEYS ? "down" : ""
    cursor.style.translate = `${(spot[0] / SIDE) * canvas.clientWidth}px ${(spot[1] / SIDE) * canvas.clientHeight}px`
  }
  const lift = () => {
    pointer = null
    report()
  }
  const leaveKeys = () => {
    if (pointer === KEYS) lift()
    cursor.hidden = true
    told.textContent = ""
  }
  canvas.onfocus = () => canvas.matches(":focus-visible") &&
    tell(` Arrows move it, space puts it down. Strokes on the sheet: ${strokes?.length ?? 0}.`)
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
    } else if (pointer === null && strokes.length < STROKES && !full()) {
      pointer = KEYS
      here = spot
      begin(spot)
    }
    if (pointer === KEYS) changed()
    reportSoon()
    tell()
  }
  canvas.onpointerdown = down
  canvas.onpointermove = move
  canvas.onpointerup = canvas.onpointercancel = canvas.onlostpointercapture = up
  // Else tablets take a quick stroke of the pen for handwriting that is meant for a text field.
  canvas.addEventListener("touchmove", (event) => event.preventDefault(), { passive: false })
  undo.onclick = () => take(strokes.length - 1)
  clear.onclick = () => take(0)
  sample.onclick = () => given.trigger("sample", true)
  sheet.onkeydown = (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.key !== "z") return
    event.preventDefault()
    undo.click()
  }

  // A report right after the wish for another page would take that page's place: so what the server
  // has not heard goes before, as soon as a link is pressed, and then nothing for a while.
  const elsewhere = (event) => {
    const path = event.composedPath()
    if (path.includes(sheet) || !path.some(({ tagName }) => tagName === "A")) return
    report(true)
    leaving = true
    setTimeout(() => {
      leaving = false
      report()
    }, LEAVE)
  }
  addEventListener("pointerdown", elsewhere, true)

  const sizes = new ResizeObserver(paint)
  sizes.observe(canvas)

  sheet.hear = (data, report, trigger) => {
    given = { data, report, trigger }
    const fresh = !data.turn && !data.put // the tab was loaded anew, or the server started
    if (!strokes || data.put > put) {
      const kept = fresh && JSON.parse(sessionStorage.getItem(KEPT))
      strokes =
        kept || data.strokes.map((points, place) => ({ points, width: data.widths[place] }))
      turn = Math.max(turn, data.turn)
      ;({ first, put } = data)
      pointer = null
      unsaid = false
      if (waiting) goOn()
      keep()
      paint()
    } else if (data.first > first) {
      strokes.splice(0, data.first - first)
      first = data.first
      if (!strokes.length) pointer = null // what was being drawn is gone as well
      keep()
      paint()
    }
    if (fresh && strokes.length && !waiting) {
      unsaid = true
      goOn()
    }
    if (waiting && data.turn === turn) {
      pause = Math.max(PAUSE, 2 * (performance.now() - asked))
      goOn()
    }
  }
  sheet.leave = () => {
    clearTimeout(timer)
    clearTimeout(lost)
    removeEventListener("pointerdown", elsewhere, true)
    sizes.disconnect()
  }
}

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const sheet = parentElement.querySelector(".sheet")
  if (!sheet.hear) lay(sheet)
  sheet.hear(data, (drawing) => setStateValue("drawing", drawing), setTriggerValue)
  return sheet.leave
}

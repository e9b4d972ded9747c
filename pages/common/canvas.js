// What is on the sheet, told to the server while a stroke grows and as the pen lifts.
const PAUSE = 200 // ms at least between two reports of a stroke that still grows
const PATIENCE = 5000 // ms: so long after a report its answer is taken for lost
const LEAVE = 2000 // ms that another page may take to come
const KEPT = "sheet" // by which the tab keeps what is on it, for a server that knows nothing of it

const lay = (sheet) => {
  const [canvas, sample] = sheet.querySelectorAll("canvas, button:last-of-type")
  const paper = layPaper(sheet, {
    penWidth: () => given.data.pen,
    changed: () => {
      unsaid = true
      reportSoon()
    },
    rested: () => report(),
  })

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
  let given = {} // what the server says: data and report

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
      strokes: paper.strokes.map(({ points }) => points),
      widths: paper.strokes.map(({ width }) => width),
    })
  }
  const keep = () => sessionStorage.setItem(KEPT, JSON.stringify(paper.strokes))
  const wait = (yes) => {
    waiting = yes
    canvas.dataset.waiting = yes // for whoever measures or tests
  }
  const goOn = () => {
    clearTimeout(lost)
    wait(false)
    if (paper.busy) reportSoon()
    else report()
  }
  // One report at a time, and no more than a third of the time: the last one shall find the way free.
  const reportSoon = () => {
    if (!paper.busy || !given.data.live || waiting || timer || !unsaid) return
    timer = setTimeout(() => report(), pause)
  }
  sample.onclick = () => given.trigger("sample", true)

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

  sheet.hear = (data, report, trigger) => {
    given = { data, report, trigger }
    const fresh = !data.turn && !data.put // the tab was loaded anew, or the server started
    if (!paper.strokes || data.put > put) {
      const kept = fresh && JSON.parse(sessionStorage.getItem(KEPT))
      paper.lift()
      paper.put(
        kept || data.strokes.map((points, place) => ({ points, width: data.widths[place] })),
      )
      turn = Math.max(turn, data.turn)
      ;({ first, put } = data)
      unsaid = false
      if (waiting) goOn()
      keep()
    } else if (data.first > first) {
      paper.put(paper.strokes.slice(data.first - first))
      first = data.first
      if (!paper.strokes.length) paper.lift() // what was being drawn is gone as well
      keep()
    }
    if (fresh && paper.strokes.length && !waiting) {
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
    paper.leave()
  }
}

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const sheet = parentElement.querySelector(".sheet")
  if (!sheet.hear) lay(sheet)
  sheet.hear(data, (drawing) => setStateValue("drawing", drawing), setTriggerValue)
  return sheet.leave
}

// What is on the sheet, told to the server while a stroke grows and as the pen lifts.
const PAUSE = 200 // ms at least between two reports of a stroke that still grows
const PATIENCE = 5000 // ms: so long after a report its answer is taken for lost
const LEAVE = 2000 // ms that another page may take to come
const LATE = 500 // ms: so long may the answer to an older drawing stand, the pause included
const LOOK = 50 // ms between two looks at whether it does
const KEPT = "sheet" // by which the tab keeps what is on it, for a server that knows nothing of it

const lay = (sheet) => {
  const [canvas, sample] = sheet.querySelectorAll("canvas, button:last-of-type")
  const paper = layPaper(sheet, {
    penWidth: () => given.data.pen,
    changed: () => {
      unsaid ||= performance.now()
      since ||= unsaid
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
  let unsaid = 0 // when something first changed since the last report, in ms; 0: nothing did
  let leaving = false // for another page
  let since = 0 // likewise since the drawing that the answer shown is about
  let given = {} // what the server says: data and report

  const report = (now = false) => {
    clearTimeout(timer)
    timer = 0
    if (!unsaid || leaving || (waiting && !now)) return // the answer lets the newest go
    clearTimeout(lost)
    unsaid = 0
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
  // The answer on the page says which drawing it is about; frame.css shows one that is late.
  const watch = setInterval(() => {
    if (!since) return
    const { about } = document.querySelector("[data-about]")?.dataset ?? {}
    if (about === `${put} ${first} ${turn}`) since = unsaid
    const late = Boolean(about && since && performance.now() - since > LATE)
    document.documentElement.classList.toggle("late", late)
  }, LOOK)
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
      unsaid = 0
      since ||= performance.now()
      if (waiting) goOn()
      keep()
    } else if (data.first > first) {
      paper.put(paper.strokes.slice(data.first - first))
      first = data.first
      since ||= performance.now()
      if (!paper.strokes.length) paper.lift() // what was being drawn is gone as well
      keep()
    }
    if (fresh && paper.strokes.length && !waiting) {
      unsaid = performance.now()
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
    clearInterval(watch)
    document.documentElement.classList.remove("late")
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

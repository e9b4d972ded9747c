const NARROW = 768 // pixels: below, Streamlit lays the list of pages over the page
const PATIENCE = 6000 // milliseconds that a page may need until it is as long as it was
const LINGER = 1000 // and for which it may still move after that
const LOOK = 1000 // milliseconds between two looks at whether the page is alive
const REVIVE = 30_000 // between two attempts to bring it back
const SILENT = "The server does not answer. This page goes on by itself as soon as it does."

export default function({ data }) {
  install()
  if (data.anchor && data.step !== history.lesson) goTo(data.anchor)
  history.lesson = data.step
}

function install() {
  if (history.kept) return
  history.kept = true
  keepPlaces()
  for (const kind of ["wheel", "touchstart", "keydown", "mousedown"])
    addEventListener(kind, () => { history.byHand = Date.now() }, { capture: true, passive: true })
  setInterval(look, LOOK)
  new MutationObserver(seeFetched).observe(document.body, { childList: true, subtree: true })
  seeFetched()
  addEventListener("click", ({ target }) => {
    if (target.closest?.("[data-testid=stSidebarNavLink]")) setTimeout(closeMenu)
    if (target.closest?.(".st-key-lesson-bar a")) main().scrollTop = 0 // also within a page
  })
}

/** Say whether all parts of the page are there; frame.css holds back what stands below one. */
function seeFetched() {
  const fetched = !document.querySelector("[data-testid=stSkeleton]")
  document.documentElement.classList.toggle("fetched", fetched)
}

let dead = 0 // looks at which it was so, one after the other
let unanswered = 0 // likewise

/** See whether Streamlit has given up, or waits for the server. */
function look() {
  const state = document.querySelector("[data-testid=stApp]")?.dataset.testConnectionState
  dead = !state || state === "DISCONNECTED_FOREVER" ? dead + 1 : 0
  unanswered = !state || state === "CONNECTED" ? 0 : unanswered + 1
  if (dead > 1) revive()
  tellOfSilence(unanswered > 1 ? SILENT : "")
}

/** Load the page anew when Streamlit has given up: it shows an error that no visitor can cure.
 *
 * Then the page is empty, or what is on it is connected to nothing and never will be.
 */
function revive() {
  if (Date.now() - Number(sessionStorage.getItem("revived")) < REVIVE) return
  sessionStorage.setItem("revived", Date.now())
  location.reload()
}

/** Say that the server is gone for a while: Streamlit tells visitors how to start it. */
function tellOfSilence(words) {
  const told = document.getElementById("silence") ?? document.createElement("div")
  if (!told.id) document.body.append(Object.assign(told, { id: "silence", role: "status" }))
  if (told.textContent !== words) told.textContent = words
  document.documentElement.classList.toggle("silent", Boolean(words))
}

/** Each step of the history bears a number, under which is noted where its page was left.
 *
 * Whatever leads to another page begins with a click. Soon after it the page may be gone, and its
 * address has got the parameters of the other one.
 */
function keepPlaces() {
  const push = history.pushState
  const replace = history.replaceState
  let step, address
  const begin = () => {
    step = history.state?.step ?? Date.now()
    address = location.href
    replace.call(history, { ...history.state, step }, "")
  }
  const note = () => {
    address = location.href
    sessionStorage.setItem(`left ${step}`, Math.floor(main().scrollTop))
  }
  begin()
  if (location.hash) goTo(location.hash.slice(1))
  history.replaceState = (state, ...rest) =>
    replace.call(history, { ...state, step: history.state?.step }, ...rest)
  history.pushState = (state, title, next) => {
    const { pathname } = new URL(next, location.href)
    if (pathname === location.pathname) return history.replaceState(state, title, next)
    history.replaceState({}, "", address)
    push.call(history, state, title, next)
    begin()
    main().scrollTop = 0
  }
  addEventListener("click", note, true)
  addEventListener("popstate", ({ state }) => {
    note()
    begin()
    // A step without a state is new: a link within the page, which the browser follows by itself.
    if (state) returnTo(Number(sessionStorage.getItem(`left ${step}`)))
  }, true)
}

const main = () => document.querySelector("[data-testid=stMain]")

function closeMenu() {
  const open = "[data-testid=stSidebar][data-collapsed=false]"
  if (innerWidth < NARROW)
    document.querySelector(`${open} [data-testid=stSidebarCollapseButton] button`)?.click()
}

/** Scroll to where the page was left, as soon as it is long enough. */
function returnTo(place) {
  keepAt(PATIENCE, LINGER, () => {
    const part = main()
    if (part.scrollHeight - part.clientHeight < place) return false
    part.scrollTop = place
    return true
  })
}

/** Scroll to the heading, or the part, of this name, as soon as it is shown. */
function goTo(anchor) {
  keepAt(10 * PATIENCE, 3 * LINGER, () => {
    const part = document.getElementById(anchor)
      ?? document.querySelector(`.st-key-${CSS.escape(anchor)}`)
    if (!part?.offsetParent) return false
    part.scrollIntoView()
    return true
  })
}

/** Call `scroll` until it has done so, and for `linger` more, until somebody scrolls. */
function keepAt(patience, linger, scroll) {
  const from = history.state.step
  const begun = Date.now()
  let until = begun + patience
  let there = false
  const timer = setInterval(() => {
    const over = Date.now() > until || history.byHand > begun // when somebody may have scrolled
    if (over || history.state?.step !== from) return clearInterval(timer)
    if (!scroll()) return
    if (!there) until = Date.now() + linger
    there = true
  }, 50)
}

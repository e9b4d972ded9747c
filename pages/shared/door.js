const NARROW = 768 // pixels: below, Streamlit lays the list of pages over the page
const PATIENCE = 6000 // milliseconds that a page may need until it is as long as it was
const LINGER = 1000 // and for which it may still move after that

export default function({ data: page }) {
  if (history.page && history.page !== page) closeMenu()
  history.page = page
  if (history.replaces) return
  history.replaces = true
  const push = history.pushState
  history.pushState = function(state, title, address) {
    const same = new URL(address, location.href).pathname === location.pathname
    return (same ? history.replaceState : push).call(history, state, title, address)
  }
  // Whatever leads to another page begins with a click, and soon after it the page is at its top.
  addEventListener("click", () => sessionStorage.setItem(key(), main().scrollTop), true)
  addEventListener("popstate", () => returnTo(Number(sessionStorage.getItem(key()))))
}

const key = () => `left ${location.pathname}`
const main = () => document.querySelector("[data-testid=stMain]")

function closeMenu() {
  const open = "[data-testid=stSidebar][data-collapsed=false]"
  if (innerWidth < NARROW)
    document.querySelector(`${open} [data-testid=stSidebarCollapseButton] button`)?.click()
}

/** Scroll to where the page was left, as soon as it is long enough, until somebody scrolls. */
function returnTo(place) {
  if (!place) return
  const from = location.pathname
  let until = Date.now() + PATIENCE
  let there = false
  const stop = () => { until = 0 }
  for (const kind of ["wheel", "touchstart", "keydown", "mousedown"])
    addEventListener(kind, stop, { once: true, capture: true, passive: true })
  const timer = setInterval(() => {
    if (Date.now() > until || location.pathname !== from) return clearInterval(timer)
    const part = main()
    if (part.scrollHeight - part.clientHeight < place) return
    part.scrollTop = place
    if (!there) until = Date.now() + LINGER
    there = true
  }, 50)
}

// A small sign in the page's header; it does not announce itself at each update.
export default function ({ data, parentElement }) {
  const sign = parentElement.querySelector("button"), about = parentElement.querySelector("p")
  about.popover = "auto"
  sign.popoverTargetElement = about
  sign.className = data.learning ? "learning" : ""
  sign.ariaLabel = `Network ${data.words}`
  sign.title = about.textContent = data.about
  const [words, count] = data.words.split(": ")
  sign.lastChild.replaceChildren(words)
  if (count) {
    const more = document.createElement("small")
    more.textContent = `: ${count}`
    sign.lastChild.append(more)
  }
}

// A small sign in the page's header; it does not announce itself at each update.
export default function ({ data, parentElement }) {
  const sign = parentElement.querySelector("p")
  sign.className = data.learning ? "learning" : ""
  sign.title = data.about
  sign.lastChild.textContent = data.words
}

// A small sign in the page's header; it does not announce itself at each update.
export default function ({ data, parentElement }) {
  let sign = parentElement.querySelector("p")
  if (!sign) {
    sign = document.createElement("p")
    const wide = document.createElement("b")
    wide.textContent = "Network"
    sign.append(document.createElement("i"), wide, document.createElement("span"))
    parentElement.appendChild(sign)
  }
  sign.className = data.learning ? "learning" : ""
  sign.title = data.about
  sign.lastChild.textContent = data.words
}

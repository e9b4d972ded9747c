// A small sign in the page's header; it does not announce itself at each update.
export default function ({ data, parentElement }) {
  let sign = parentElement.querySelector("p")
  if (!sign) {
    sign = document.createElement("p")
    sign.append(document.createElement("i"), document.createElement("span"))
    parentElement.appendChild(sign)
  }
  sign.className = data.learning ? "learning" : ""
  sign.title = data.about
  sign.lastChild.textContent = data.words
}

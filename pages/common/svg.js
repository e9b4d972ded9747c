// A part of a drawing, added to another; for components that draw SVG to begin with.
const SVG = "http://www.w3.org/2000/svg"
const make = (kind, parent, attributes = {}, words = "") => {
  const part = document.createElementNS(SVG, kind)
  for (const [name, value] of Object.entries(attributes)) part.setAttribute(name, value)
  part.textContent = words
  parent.appendChild(part)
  return part
}

// A network, out of the numbers in this file: one image in, ten probabilities out.
const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))
const floats = (text) => new Float32Array(bytes(text).buffer)

// Whole numbers of so many bits, packed one after the other -> weights, by the scale of each row.
const unpack = (text, bits, scales, count) => {
  const [packed, mask, middle] = [bytes(text), 2 ** bits - 1, 2 ** (bits - 1) - 1]
  const weights = new Float32Array(count)
  let [buffer, left, at] = [0, 0, 0]
  for (let place = 0; place < count; place++) {
    for (; left < bits; left += 8) buffer = ((buffer << 8) | packed[at++]) & 0xffffff
    left -= bits
    weights[place] = (((buffer >> left) & mask) - middle) * scales[Math.floor((place * scales.length) / count)]
  }
  return weights
}

// Abramowitz and Stegun 7.1.26: never wrong by more than 1.5e-7.
const erf = (x) => {
  const t = 1 / (1 + 0.3275911 * Math.abs(x))
  const tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
  return Math.sign(x) * (1 - tail * Math.exp(-x * x))
}
const ACTIVATIONS = {
  ReLU: (x) => Math.max(0, x),
  LeakyReLU: (x) => (x < 0 ? 0.01 * x : x),
  GELU: (x) => (x / 2) * (1 + erf(x * Math.SQRT1_2)),
  SiLU: (x) => x / (1 + Math.exp(-x)),
  Tanh: Math.tanh,
  Sigmoid: (x) => 1 / (1 + Math.exp(-x)),
}

// Maps of side x side numbers, one after the other, with so many zeros around each.
const bordered = (maps, side, border) => {
  const wide = side + 2 * border
  const count = maps.length / (side * side)
  const result = new Float64Array(count * wide * wide)
  for (let row = 0; row < count * side; row++) {
    const [map, y] = [Math.floor(row / side), row % side]
    result.set(maps.subarray(row * side, (row + 1) * side), (map * wide + y + border) * wide + border)
  }
  return result
}

const convolve = (maps, side, { shape: [filters, channels, window], border, weights, biases }) => {
  const wide = side + 2 * border
  const image = border ? bordered(maps, side, border) : maps
  const out = wide - window + 1
  const result = new Float64Array(filters * out * out)
  const patch = new Float64Array(channels * window * window) // what all filters look at, at one place
  for (let to = 0; to < out * out; to++) {
    const corner = Math.floor(to / out) * wide + (to % out)
    let count = 0
    for (let channel = 0; channel < channels; channel++)
      for (let row = 0; row < window; row++) {
        const from = (channel * wide + row) * wide + corner
        for (let column = 0; column < window; column++) patch[count++] = image[from + column]
      }
    let place = 0
    for (let filter = 0; filter < filters; filter++) {
      let sum = biases[filter]
      for (let each = 0; each < count; each++) sum += weights[place++] * patch[each]
      result[filter * out * out + to] = sum
    }
  }
  return [result, out]
}

const pool = (maps, side) => {
  const out = Math.floor(side / 2)
  const result = new Float64Array((maps.length / (side * side)) * out * out)
  for (let to = 0; to < result.length; to++) {
    const [row, x] = [Math.floor(to / out), to % out]
    const from = (Math.floor(row / out) * side + 2 * (row % out)) * side + 2 * x
    result[to] = Math.max(maps[from], maps[from + 1], maps[from + side], maps[from + side + 1])
  }
  return [result, out]
}

const multiply = (values, { shape: [outputs, inputs], weights, biases }) => {
  const result = Float64Array.from(biases)
  let place = 0
  for (let output = 0; output < outputs; output++)
    for (let input = 0; input < inputs; input++) result[output] += weights[place++] * values[input]
  return result
}

const softmax = (logits) => {
  // Weights that have all but run away can give sums that no number holds.
  const finite = [...logits].map((x) => (Number.isNaN(x) ? 0 : Math.max(-1e38, Math.min(1e38, x))))
  const powers = finite.map((x) => Math.exp(x - Math.max(...finite)))
  const all = powers.reduce((a, b) => a + b)
  return powers.map((power) => power / all)
}

// Bilinear: each pixel from where the matrix [a, b, c, d] says, in half image sides from the middle.
const warp = (image, size, [a, b, c, d]) => {
  const at = (x, y) => (x >= 0 && x < size && y >= 0 && y < size ? image[y * size + x] : 0)
  return Float64Array.from(image, (_, pixel) => {
    const [right, down] = [pixel % size, Math.floor(pixel / size)].map((n) => (2 * n + 1) / size - 1)
    const [x, y] = [a * right + b * down, c * right + d * down].map((n) => ((n + 1) * size - 1) / 2)
    const [left, top] = [Math.floor(x), Math.floor(y)]
    const [u, v] = [x - left, y - top]
    const line = (row) => (1 - u) * at(left, row) + u * at(left + 1, row)
    return (1 - v) * line(top) + v * line(top + 1)
  })
}

// What web_page.py writes -> a function of an image; with matrices for warp, the mean over these views too.
const openNetwork = ({ bits, layers, views }) => {
  const opened = layers.map((layer) => {
    if (!layer.shape) return layer
    const count = layer.shape.reduce((a, b) => a * b)
    const scales = floats(layer.scales)
    return { ...layer, biases: floats(layer.biases), weights: unpack(layer.weights, bits, scales, count) }
  })
  const pass = (image) => {
    let [values, side] = [image, Math.sqrt(image.length)]
    for (const layer of opened)
      if (layer.kind === "conv") [values, side] = convolve(values, side, layer)
      else if (layer.kind === "pool") [values, side] = pool(values, side)
      else values = layer.kind === "dense" ? multiply(values, layer) : values.map(ACTIVATIONS[layer.kind])
    return softmax(values)
  }
  return (image, matrices = views) => {
    const all = [image, ...matrices.map((each) => warp(image, Math.sqrt(image.length), each))].map(pass)
    return all[0].map((_, digit) => all.reduce((sum, each) => sum + each[digit], 0) / all.length)
  }
}

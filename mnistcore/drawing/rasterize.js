// Strokes -> the 28 x 28 image that a network reads: rasterize.py once more, for a browser.
const SIZE = 28 // pixels
const INK_SIZE = 20 // pixels: the longer side of a digit's ink
const CENTER = 14.5 // pixels: its centre of mass
const PEN = 2.3 // pixels
const SOFTNESS = 1.5 // pixels over which the ink fades out
const [MIN_EXTENT, MIN_RELATIVE_EXTENT] = [6, 0.05]
const [RESAMPLE_STEP, MAX_RESAMPLED_POINTS] = [0.5, 800]
const [MIN_GAP, AXES] = [0.15, [0, 1]]

const sum = (values) => values.reduce((all, value) => all + value, 0)
const low = (points, axis) => points.reduce((least, point) => Math.min(least, point[axis]), Infinity)
const high = (points, axis) => points.reduce((most, point) => Math.max(most, point[axis]), -Infinity)
const extent = (points) => Math.max(...AXES.map((axis) => high(points, axis) - low(points, axis)))

// [[x, y], ...] without points that repeat the last, and how far it is from each to the next.
const measured = (stroke) => {
  const points = stroke.filter(([x, y], place) => {
    const last = stroke[place - 1]
    return !last || x !== last[0] || y !== last[1]
  })
  const lengths = points.slice(1).map(([x, y], place) => Math.hypot(x - points[place][0], y - points[place][1]))
  return { points, lengths }
}

// Evenly resampled, without slips of the pen -> [[from, to], ...].
const toSegments = (strokes) => {
  let lines = strokes.map(measured).filter(({ points }) => points.length > 1)
  const longest = Math.max(0, ...lines.map(({ points }) => extent(points)))
  if (longest < MIN_EXTENT) return []
  lines = lines.filter(({ points }) => extent(points) > MIN_RELATIVE_EXTENT * longest)
  const whole = sum(lines.map(({ lengths }) => sum(lengths)))
  const all = extent(lines.flatMap(({ points }) => points))
  const step = Math.max((RESAMPLE_STEP * all) / INK_SIZE, whole / MAX_RESAMPLED_POINTS)
  return lines.flatMap(({ points, lengths }) => {
    const total = sum(lengths)
    const count = Math.ceil(total / step)
    let [place, passed] = [0, 0]
    const even = Array.from({ length: count + 1 }, (_, number) => {
      const stop = (total * number) / count
      while (place < lengths.length - 1 && passed + lengths[place] < stop) passed += lengths[place++]
      const share = Math.min(1, (stop - passed) / lengths[place])
      return AXES.map((axis) => points[place][axis] + share * (points[place + 1][axis] - points[place][axis]))
    })
    return even.slice(1).map((to, number) => [even[number], to])
  })
}

// Segments, in pixels -> 784 numbers, 0 for paper to 1 for ink: by the distance to the nearest.
const rasterize = (segments) => {
  const image = new Float64Array(SIZE * SIZE).fill(Infinity) // at first: squared distances
  for (const [[x, y], to] of segments) {
    const [right, down] = [to[0] - x, to[1] - y]
    const length = Math.max(right * right + down * down, 1e-12)
    for (let pixel = 0; pixel < image.length; pixel++) {
      const dx = (pixel % SIZE) + 0.5 - x
      const dy = Math.floor(pixel / SIZE) + 0.5 - y
      const reached = Math.max(0, Math.min(1, (dx * right + dy * down) / length))
      image[pixel] = Math.min(image[pixel], (dx - reached * right) ** 2 + (dy - reached * down) ** 2)
    }
  }
  return image.map((near) => Math.max(0, Math.min(1, (PEN / 2 - Math.sqrt(near)) / SOFTNESS + 0.5)))
}

// Moved and enlarged into MNIST's frame: the ink's box, and its centre of mass.
const fitFrame = (segments) => {
  const ends = segments.flat()
  const scale = (INK_SIZE - PEN) / extent(ends)
  const [least, most] = [low, high].map((bound) => AXES.map((axis) => bound(ends, axis)))
  const moved = (by) => segments.map((segment) => segment.map((point) => AXES.map(
    (axis) => (point[axis] - (least[axis] + most[axis]) / 2) * scale + SIZE / 2 + by[axis],
  )))
  const ink = rasterize(moved([0, 0]))
  const places = [(pixel) => pixel % SIZE, (pixel) => Math.floor(pixel / SIZE)]
  return moved(AXES.map((axis) => {
    const mass = sum(ink.map((value, pixel) => value * (places[axis](pixel) + 0.5))) / sum(ink)
    const room = (SIZE - (most[axis] - least[axis]) * scale - PEN) / 2
    return Math.max(-room, Math.min(room, CENTER - mass))
  }))
}

// [[[x, y], ...], ...] -> 784 numbers; null with nothing to read.
const fromStrokes = (strokes) => {
  const segments = toSegments(strokes)
  return segments.length ? rasterize(fitFrame(segments)) : null
}

// Whether strokes stand side by side with a gap, two or more of them at least half as high.
const areSeveralDigits = (strokes) => {
  const boxes = strokes.map((points) => [low(points, 0), low(points, 1), high(points, 0), high(points, 1)])
  boxes.sort((a, b) => a[0] - b[0])
  const height = Math.max(...boxes.map((box) => box[3])) - Math.min(...boxes.map((box) => box[1]))
  const groups = []
  for (const box of boxes) {
    const last = groups.at(-1)
    if (!last || box[0] - last[2] >= MIN_GAP * height) groups.push([...box])
    else {
      last[1] = Math.min(last[1], box[1])
      for (const side of [2, 3]) last[side] = Math.max(last[side], box[side])
    }
  }
  return groups.filter(([, top, , bottom]) => bottom - top > height / 2).length > 1
}

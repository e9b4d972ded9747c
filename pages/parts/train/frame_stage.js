// The stage of a run, in elements that share what is kept here. Some show nothing: they bring images,
// frames, and the answers to the own drawing. "cloud" walks through the frames, "side" shows what
// else belongs to the moment that "cloud" has come to. A run's twin is shown beside it, at the moment
// when it had seen as many images.
const runs = (globalThis.digitStages ??= new Map())
const runOf = (id) => {
  if (!runs.has(id)) runs.set(id, { frames: new Map(), own: {}, images: null, wake: new Set() })
  return runs.get(id)
}
const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))
const calm = matchMedia("(prefers-reduced-motion: reduce)")
const REST_MS = 45 // between two pictures unless it is played: what paints them may be what trains
const FRAMES_A_SECOND = 6 // when played
const MARKS = ["first", "second"] // of twins: by these one sees what is whose
const MARGIN = 0.14 // of the cloud's width, for the digits around it
const withArticle = (digit) => `${digit === 8 ? "an" : "a"} ${digit}`

export default function ({ data, parentElement, setStateValue }) {
  const run = runOf(data.run)
  if (data.part !== "cloud" && data.part !== "side") {
    for (const frame of data.frames ?? []) {
      run.frames.set(frame.step, {
        ...frame,
        points: new Int16Array(bytes(frame.points).buffer),
        said: bytes(frame.said),
        filters: new Int8Array(bytes(frame.filters).buffer),
      })
    }
    if (data.own) run.own = data.own
    if (data.sprite) run.images = data
    run.wake.forEach((wake) => wake())
    return
  }
  let shown = parentElement.shown
  if (shown?.id !== data.run || !shown.root.isConnected) {
    shown?.root.remove()
    const root = document.createElement("div")
    root.className = data.part
    parentElement.appendChild(root)
    const twins = data.twin ? [run, runOf(data.twin)] : [run]
    shown = data.part === "cloud" ? openCloud(root, twins, setStateValue) : openSide(root, twins)
    parentElement.shown = { id: data.run, root, ...shown }
  }
  parentElement.shown.update(data)
}

// A test image, cut from the picture of all.
const cut = (element, images, number) => {
  const { across, rows, sprite } = images
  element.style.mask = `url(${sprite})`
  element.style.maskSize = `${100 * across}% ${100 * rows}%`
  element.style.maskPosition = `${(100 * (number % across)) / (across - 1)}% ` +
    `${rows > 1 ? (100 * Math.floor(number / across)) / (rows - 1) : 0}%`
}

// Where in a run's frames it had seen so many images, and between which two.
const placeAt = (frames, images) => {
  const next = frames.findIndex((frame) => frame.images > images)
  if (next <= 0) return next === 0 ? 0 : frames.length - 1
  const { images: before } = frames[next - 1]
  return next - 1 + (images - before) / (frames[next].images - before)
}
const between = (frames, view) => {
  const low = Math.floor(view), high = Math.min(low + 1, frames.length - 1)
  return [frames[low], frames[high], view - low]
}
const inOrder = (run) => [...run.frames.values()].sort((a, b) => a.step - b.step)
// Between which two frames that have an answer to the own drawing a place lies; not all have one.
const answersAround = (run, frames, view) => {
  const kept = [...frames.keys()].filter((at) => run.own[frames[at].step])
  if (!kept.length) return null
  const low = kept.findLast((at) => at <= view) ?? kept[0]
  const high = kept.find((at) => at >= view) ?? kept.at(-1)
  return [frames[low], frames[high], high > low ? (view - low) / (high - low) : 0]
}

const palette = (root) => {
  const style = getComputedStyle(root)
  return { ink: style.color, paper: style.getPropertyValue("--st-background-color"),
    line: style.getPropertyValue("--st-border-color"),
    accent: style.getPropertyValue("--st-primary-color") }
}
const fit = (canvas) => {
  const ratio = devicePixelRatio || 1
  const width = Math.round(canvas.clientWidth * ratio)
  const height = Math.round(canvas.clientHeight * ratio)
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height]
  const pen = canvas.getContext("2d")
  pen.setTransform(ratio, 0, 0, ratio, 0, 0)
  pen.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight)
  return pen
}

// The cloud of one run, at a place in its frames: at each a picture, and between two what lies between.
function openSky(root, run, lead) {
  const find = (name) => root.querySelector(name)
  const sky = find("canvas"), tip = find(".tip")
  let frames = [], view = 0, title = "", pointed = null // the image that is pointed at
  let end = "" // what the final test said, once it was taken

  const corner = (digit) => {
    const angle = (2 * Math.PI * digit) / 10
    return [Math.sin(angle), -Math.cos(angle)]
  }
  const spot = (x, y, side) => {
    const radius = side * (0.5 - MARGIN)
    return [side / 2 + x * radius, side / 2 + y * radius]
  }
  const pointAt = (number, side) => {
    const [a, b, share] = between(frames, view)
    const mix = (at) => (a.points[at] + (b.points[at] - a.points[at]) * share) / 32767
    return spot(mix(2 * number), mix(2 * number + 1), side)
  }

  const paintSky = () => {
    const pen = fit(sky), side = sky.clientWidth, { line } = palette(root)
    pen.lineWidth = 1
    pen.strokeStyle = line
    pen.beginPath()
    pen.arc(side / 2, side / 2, side * (0.5 - MARGIN), 0, 2 * Math.PI)
    pen.stroke()
    pen.textAlign = "center"
    pen.textBaseline = "middle"
    pen.font = `600 ${Math.max(18, side / 17)}px ${getComputedStyle(root).fontFamily}`
    for (let digit = 0; digit < 10; digit++) {
      const [x, y] = corner(digit)
      pen.fillStyle = lead.images.colors[digit]
      pen.fillText(digit, ...spot(1.24 * x, 1.24 * y, side))
    }
    return pen
  }
  const paintCloud = () => {
    const pen = paintSky(), side = sky.clientWidth, { ink } = palette(root)
    const now = frames[Math.round(view)], { labels, colors } = lead.images
    const radius = Math.max(2.6, side / 130)
    const wrong = []
    star(pen, side, (at) => pen.fillText("★", ...at)) // behind the points, and its outline before them
    labels.forEach((label, number) => {
      if (now.said[number] !== label) { wrong.push([label, number]); return }
      pen.globalAlpha = 0.75
      pen.fillStyle = colors[label]
      pen.beginPath()
      pen.arc(...pointAt(number, side), radius, 0, 2 * Math.PI)
      pen.fill()
    })
    const share = wrong.length / labels.length // while it is large, rings would be one black blob
    for (const [label, number] of wrong) { // above the others: they are what one looks for
      pen.globalAlpha = 1
      pen.fillStyle = colors[label]
      pen.beginPath()
      pen.arc(...pointAt(number, side), radius * 1.15, 0, 2 * Math.PI)
      pen.fill()
      pen.strokeStyle = ink
      pen.globalAlpha = 1 - 0.8 * share
      pen.lineWidth = 1 - 0.5 * share
      pen.stroke()
    }
    pen.globalAlpha = 1
    star(pen, side, (at) => pen.strokeText("★", ...at), 1.5)
    if (pointed !== null) {
      pen.strokeStyle = ink
      pen.lineWidth = 2
      pen.beginPath()
      pen.arc(...pointAt(pointed, side), radius * 2.2, 0, 2 * Math.PI)
      pen.stroke()
      showTip()
    }
  }
  // The own drawing: between the corners as a point is.
  const star = (pen, side, draw, lineWidth) => {
    const around = answersAround(run, frames, view)
    if (!around) return
    const [a, b, share] = around, to = run.own[b.step]
    let x = 0, y = 0
    run.own[a.step].forEach((old, digit) => {
      const weight = old + (to[digit] - old) * share, [cx, cy] = corner(digit)
      x += weight * cx
      y += weight * cy
    })
    const { ink } = palette(root), font = `${Math.max(26, side / 12)}px sans-serif`
    Object.assign(pen, { font, lineWidth, strokeStyle: ink, fillStyle: ink })
    draw(spot(x, y, side))
  }

  const showTip = () => {
    const { labels, numbers } = lead.images, label = labels[pointed]
    const said = frames[Math.round(view)].said[pointed], side = sky.clientWidth
    const [x, y] = pointAt(pointed, side)
    cut(tip.firstChild, lead.images, pointed)
    tip.lastChild.textContent = `Test image ${numbers[pointed]}, ${withArticle(label)}` +
      (said === label ? ", read right" : `, read as ${withArticle(said)}`)
    tip.style.left = x < side / 2 ? `${x + 14}px` : "auto"
    tip.style.right = x < side / 2 ? "auto" : `${side - x + 14}px`
    tip.style.top = `${Math.max(0, Math.min(y - 20, side - 90))}px`
  }
  const point = (number) => {
    if (number === pointed) return
    pointed = number
    tip.style.display = number === null ? "none" : "flex"
    paintCloud()
  }
  const nearest = (event) => {
    if (!frames.length || !lead.images) return
    const box = sky.getBoundingClientRect()
    const at = [event.clientX - box.left, event.clientY - box.top]
    let best = null, least = (event.pointerType === "mouse" ? 14 : 28) ** 2
    lead.images.labels.forEach((_, number) => {
      const [x, y] = pointAt(number, box.width)
      const far = (x - at[0]) ** 2 + (y - at[1]) ** 2
      if (far < least) [best, least] = [number, far]
    })
    point(best)
  }
  sky.onpointermove = sky.onpointerdown = nearest
  // A finger that is lifted leaves, too: what it touched stays, until it touches something else.
  sky.onpointerleave = (event) => { if (event.pointerType === "mouse") point(null) }

  return {
    name(now, result, won) {
      find(".title").textContent = title = now
      end = result
      find(".score").classList.toggle("won", won)
    },
    width: () => sky.clientWidth,
    renew() { frames = inOrder(run) },
    frames: () => frames,
    paint(images) { // as it was when it had seen so many
      if (!frames.length) { paintSky(); return }
      view = placeAt(frames, images)
      run.moment = frames[Math.round(view)]
      paintCloud()
    },
    step: () => frames.length && run.moment.step,
    tell() { // of that moment
      if (!frames.length) return
      const count = lead.images.labels.length, right = Math.round(run.moment.right * count)
      const words = `${right} of ${count} test images right`, last = run.moment === frames.at(-1)
      find(".score").textContent = (last && end) || `${count - right} of ${count} read wrong`
      find(".score").classList.toggle("last", last)
      root.dataset.step = run.moment.step
      sky.setAttribute("aria-label", `${title && `${title}. `}After ` +
        `${run.moment.images.toLocaleString("en")} training images: ${words}. Each point is a test ` +
        "image: the surer the network is of a digit, the nearer it lies to the digit's corner.")
    },
  }
}

function openCloud(root, runs, setStateValue) {
  const [run] = runs, alone = runs.length === 1
  root.innerHTML = `
    <div class="skies">${runs.map((_, at) => `<div class="${alone ? "" : `twin ${MARKS[at]}`}">
      <p class="title"></p><div class="sky"><canvas role="img"></canvas>
      <div class="tip"><span class="ink"></span><span></span></div></div>
      <p class="score"></p></div>`).join("")}</div>
    <p class="key">Each of the <span class="some">500 points is one of the 10,000 test images</span>, coloured
      by its true digit. In the middle: it cannot decide. At the rim: it is sure. Ringed: read wrong. Point at one
      to see it. <span class="own" hidden>★: your drawing.</span></p>
    <div class="time" data-tool><button type="button" disabled>▶ Replay</button><div class="track"><canvas></canvas>
      <input type="range" step="1" min="0" aria-label="Moment of the training">
      <p class="ends"><span>start</span><span>the early part is stretched</span><span></span></p></div></div>
    <p class="when"></p>`
  const find = (name) => root.querySelector(name)
  const boxes = root.querySelectorAll(".skies > div")
  const skies = runs.map((each, at) => openSky(boxes[at], each, run))
  const slider = find("input"), button = find("button"), graph = find(".track canvas")
  let data = {}, frames = [], view = 0, playing = false, follow = true, drawn = ""
  let asked = null // the step that is looked at; null: the newest
  let clock = performance.now(), telling = null, told = ""

  const place = (step) => {
    let best = 0
    frames.forEach((frame, at) => { if (frame.step <= step) best = at })
    return best
  }
  const tell = () => {
    clearTimeout(telling)
    telling = setTimeout(() => setStateValue("moment", asked), 250)
  }
  const look = (at) => {
    follow = data.live && at >= frames.length - 1
    asked = at >= frames.length - 1 ? null : frames[at].step
    view = at
    drawn = ""
    tell()
  }
  slider.oninput = () => { playing = false; look(+slider.value); soon() }
  button.onclick = () => {
    if (playing) { playing = false; look(Math.floor(view)) }
    else {
      playing = true
      follow = false
      if (view >= frames.length - 1) view = 0
    }
    soon()
  }

  // While it follows, the knob is at the newest: the cloud is on its way there.
  const thumb = () => (follow && !playing ? frames.length - 1 : Math.round(view))
  const renew = (moment) => {
    if (moment) return
    const [a, b, share] = frames.length ? between(frames, view) : []
    skies.forEach((sky) => sky.renew())
    frames = skies[data.clock ?? 0].frames() // of the one that goes to the end
    slider.max = Math.max(0, frames.length - 1)
    drawn = told = ""
    if (!playing && !follow) view = asked === null ? frames.length - 1 : place(asked)
    else if (a) view = placeAt(frames, a.images + (b.images - a.images) * share) // some came between
    slider.value = thumb()
  }
  runs.forEach((each) => each.wake.add(renew))

  const paintGraph = () => {
    const pen = fit(graph), width = graph.clientWidth, height = graph.clientHeight
    const { ink, accent } = palette(root), last = Math.max(1, frames.length - 1)
    const inset = 8 // as far as the knob of the slider stays from its ends
    const x = (at) => inset + (at / last) * (width - 2 * inset)
    const y = (share) => height - 6 - share * (height - 12)
    pen.strokeStyle = ink
    pen.globalAlpha = 0.6
    pen.lineWidth = 2
    skies.filter((sky) => sky.frames().length).forEach((sky, number) => {
      pen.setLineDash(number ? [5, 4] : [])
      pen.beginPath()
      frames.forEach((frame, at) => {
        pen.lineTo(x(at), y(sky.frames()[Math.round(placeAt(sky.frames(), frame.images))].right))
      })
      pen.stroke()
    })
    pen.globalAlpha = 1
    pen.fillStyle = ink
    pen.font = `0.8rem ${getComputedStyle(root).fontFamily}`
    pen.textAlign = "right"
    const low = frames.at(-1).right < 0.5 // where the line leaves room for its name
    pen.fillText("test images right", width - inset - 6, low ? 12 : height - 4)
    const now = thumb()
    pen.fillStyle = pen.strokeStyle = accent
    pen.setLineDash([])
    pen.beginPath()
    pen.moveTo(x(now), 0)
    pen.lineTo(x(now), height)
    pen.stroke()
    pen.beginPath()
    pen.arc(x(now), y(frames[now].right), 5, 0, 2 * Math.PI)
    pen.fill()
  }

  const paint = () => {
    const [a, b, share] = between(frames, view)
    skies.forEach((sky) => sky.paint(a.images + (b.images - a.images) * share))
    const moment = `${skies.map((sky) => sky.step())} ${playing} ${skies[0].width()} ${palette(root).ink}`
    if (moment !== told) paintMoment()
    told = moment
  }
  // What changes once a moment: a browser lays the page out anew for it, so not for every picture.
  const paintMoment = () => {
    const frame = frames[Math.round(view)]
    skies.forEach((sky) => sky.tell())
    const count = run.images.labels.length
    const begun = frame.images > 0, after = `After ${frame.images.toLocaleString("en")} training images`
    const words = (begun ? after : "Nothing learned yet") +
      (alone ? `: ${Math.round(frame.right * count)} of ${count} test images right` : "") +
      (begun ? "" : ", as good as guessing")
    find(".own").hidden = !Object.keys(run.own).length
    const all = run.images.total.toLocaleString("en")
    find(".some").textContent = `${count} points is one of the ${all} test images`
    find(".when").textContent = words
    slider.value = thumb()
    slider.setAttribute("aria-valuetext", words)
    button.textContent = playing ? "❚❚ Hold" : "▶ Replay"
    button.disabled = frames.length < 2
    root.dataset.step = frame.step
    root.dataset.frames = frames.length
    paintGraph()
    run.wake.forEach((wake) => wake(frame))
  }

  let timer = null, due = false
  const soon = () => {
    clearTimeout(timer)
    if (!due) requestAnimationFrame(loop)
    due = true
  }
  const loop = (time) => {
    due = false
    if (!root.isConnected) { runs.forEach((each) => each.wake.delete(renew)); return }
    draw(time)
    if (playing) soon()
    else timer = setTimeout(soon, REST_MS)
  }
  const draw = (time) => {
    const passed = Math.min(0.1, (time - clock) / 1000)
    clock = time
    const width = skies[0].width()
    if (!run.images || !width) return
    if (!frames.length) {
      if (drawn !== "empty") skies.forEach((sky) => sky.paint(0))
      drawn = "empty"
      return
    }
    const end = frames.length - 1
    if (playing) {
      view = Math.min(end, view + passed * FRAMES_A_SECOND)
      if (view >= end && !data.live) { playing = false; look(end) }
    } else if (follow) {
      const step = calm.matches ? 1 : 1 - Math.exp(-passed / 0.25)
      view = end - view < 0.002 ? end : view + (end - view) * step
    }
    view = Math.max(0, Math.min(view, end))
    const state = `${view} ${frames.length} ${playing} ${width} ${palette(root).ink}`
    if (state === drawn) return
    drawn = state
    paint()
  }
  soon()

  return {
    update(now) {
      const first = data.run === undefined
      data = now
      skies.forEach((sky, at) => sky.name(now.titles[at], now.results[at], at === now.winner))
      find(".ends").lastChild.textContent = now.live ? "now" : "end"
      if (first) {
        asked = now.moment
        follow = asked === null
      }
      renew()
      if (first) view = follow ? Math.max(0, frames.length - (now.live ? 2 : 1)) : place(asked ?? 0)
      drawn = ""
    },
  }
}

function openSide(root, runs) {
  const [run] = runs, alone = runs.length === 1
  const each = (name, more = "") => `<div class="pair">${
    runs.map((_, at) => `<div class="${alone ? "" : MARKS[at]}"><div class="${name}"${more}></div></div>`)
      .join("")}</div>`
  root.style.setProperty("--answers", runs.length)
  root.innerHTML = `
    <h3><span class="patterns"></span> <small></small></h3>
    ${each("filters", ' role="img"')}
    <h3>What ${alone ? "it says" : "they say"} of twelve test images</h3><div class="guesses"></div>
    <div class="mine" hidden><h3><span class="ink"></span><span class="of"></span></h3>
    ${each("bars")}</div>`
  const find = (name) => root.querySelector(name)
  let data = {}

  const paintFilters = (box, frame) => {
    const [all, height, width] = frame.shape
    const count = alone ? all : Math.min(all, 16) // of each, so that they are on one screen
    while (box.children.length > count) box.lastChild.remove()
    while (box.children.length < count) box.append(document.createElement("canvas"))
    const columns = count % 8 ? 6 : 8
    box.style.setProperty("--columns", columns)
    box.style.setProperty("--wide", count > 16 ? 16 : columns) // where there is the room
    box.setAttribute("aria-label", `${count} pictures of weights: blue for more, orange for less`)
    ;[...box.children].forEach((canvas, filter) => {
      if (canvas.width !== width) [canvas.width, canvas.height] = [width, height]
      const pen = canvas.getContext("2d"), picture = pen.createImageData(width, height)
      for (let at = 0; at < width * height; at++) {
        const value = frame.filters[filter * width * height + at]
        picture.data.set(value >= 0 ? [11, 128, 214] : [224, 123, 0], 4 * at)
        picture.data[4 * at + 3] = 255 * (Math.abs(value) / 127) ** 0.7
      }
      pen.putImageData(picture, 0, 0)
    })
  }

  const paintGuesses = () => {
    const box = find(".guesses")
    if (!box.children.length) {
      for (let number = 0; number < 12; number++) {
        const tile = document.createElement("div"), picture = document.createElement("span")
        picture.className = "ink"
        cut(picture, run.images, number)
        tile.className = "guess"
        tile.append(picture, ...runs.map(() => document.createElement("span")))
        box.append(tile)
      }
    }
    ;[...box.children].forEach((tile, number) => {
      const label = run.images.labels[number], said = runs.map((one) => one.moment?.said[number])
      said.forEach((digit, at) => {
        const line = tile.children[at + 1]
        line.className = alone ? "" : MARKS[at]
        line.classList.toggle("wrong", digit !== label)
        line.textContent = digit === undefined ? "" : `${digit} ${digit === label ? "✓" : "✗"}`
      })
      tile.title = `Test image ${run.images.numbers[number]}, ${withArticle(label)}, read as ` +
        said.map(withArticle).join(" and as ")
    })
  }
  const paintMine = () => { // where a frame has no answer, what was said nearest to it
    find(".mine").hidden = !data.drawing
    if (data.drawing) find(".mine .ink").style.mask = `url(${data.drawing}) 0 0 / 100% 100%`
    let then = ""
    runs.forEach((one, number) => {
      const frames = inOrder(one), around = answersAround(one, frames, frames.indexOf(one.moment))
      const near = around && around[around[2] < 0.5 ? 0 : 1]
      const box = root.querySelectorAll(".bars")[number]
      if (near) paintBars(box, one.own[near.step], run.images.colors)
      if (near && near !== one.moment) then = ` at ${near.images.toLocaleString("en")} images`
    })
    const who = alone ? "it" : "they", say = then ? "said" : alone ? "says" : "say"
    find(".of").textContent = `What ${who} ${say} of your drawing${then}`
  }
  const paintBars = (box, said, colors) => {
    if (!box.children.length) {
      for (let digit = 0; digit < 10; digit++) {
        const name = document.createElement("span"), cell = document.createElement("span")
        const bar = document.createElement("div"), share = document.createElement("span")
        name.textContent = digit
        bar.className = "bar"
        bar.style.background = colors[digit]
        share.className = "share"
        cell.append(bar)
        box.append(name, cell, share)
      }
    }
    said.forEach((share, digit) => {
      const [, cell, text] = [...box.children].slice(3 * digit, 3 * digit + 3)
      cell.firstChild.style.width = `${100 * share}%`
      text.textContent = `${Math.round(100 * share)} %`
    })
  }
  const renew = () => {
    if (!root.isConnected) { runs.forEach((one) => one.wake.delete(renew)); return }
    if (!run.moment || !run.images) return
    paintGuesses()
    runs.forEach(({ moment }, at) => {
      if (moment) paintFilters(root.querySelectorAll(".filters")[at], moment)
    })
    paintMine()
  }
  runs.forEach((one) => one.wake.add(renew))
  return {
    update(now) {
      data = now
      find(".patterns").textContent = data.patterns
      find("h3 small").textContent = data.caption
      renew()
    },
  }
}

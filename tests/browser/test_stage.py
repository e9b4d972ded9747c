"""The stage: a training whose every moment can be seen, step by step and afterwards."""

import re
import time
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect
from test_draw import SEVEN, draw
from test_train import RESULT, WATCH_SHIFTS, newest, start, tops
from visit import App, becomes, fits_its_width, run_without_frames, settle, stands_still, visit

from mnistcore.inspection.frames import recorded_steps
from mnistcore.presets import PRESETS
from mnistcore.runs import queue, store
from mnistcore.runs.store import Run

# Of each moment that the browser has: how far the points lie from the middle, on average, and
# which share of them is nearest to the corner of its own digit.
MOMENTS = """() => {
  const run = [...digitStages.values()].at(-1)
  const labels = run.images.labels
  return [...run.frames.values()].sort((a, b) => a.step - b.step).map((frame) => {
    let spread = 0, home = 0
    labels.forEach((label, at) => {
      const x = frame.points[2 * at] / 32767, y = frame.points[2 * at + 1] / 32767
      spread += Math.hypot(x, y) / labels.length
      const corner = Math.round((10 * Math.atan2(x, -y)) / (2 * Math.PI) + 10) % 10
      home += (corner === label) / labels.length
    })
    return { step: frame.step, spread, home, right: frame.right }
  })
}"""


def has_all_moments(page: Page, run: Run) -> None:
    """Wait until every moment of a run that is over can be looked at."""
    expect(page.get_by_text(RESULT)).to_be_visible(timeout=90_000)
    count = len(recorded_steps(run.frames))
    expect(page.locator(f".cloud[data-frames='{count}']")).to_be_visible()


def test_ten_flocks_fly_apart_and_every_moment_can_be_gone_back_to_sent_and_asked(
    app: App, desktop: Page
):
    visit(desktop, f"{app.address}/draw?model=shipped")
    draw(desktop, SEVEN)
    desktop.get_by_role("link", name="Train").first.click()
    desktop.get_by_role("radio", name="Fast", exact=True).click()
    settle(desktop)
    desktop.get_by_role("button", name="Start", exact=True).click()
    expect(desktop.get_by_text(RESULT)).to_be_visible(timeout=90_000)
    has_all_moments(desktop, newest(app))
    # Ten flocks fly apart into the corners of their digits.
    moments = desktop.evaluate(MOMENTS)
    first, last = moments[0], moments[-1]
    assert first["step"] == 0
    assert last["step"] == newest(app).status().progress.total_steps
    assert first["spread"] < 0.2 < 0.6 < last["spread"]
    assert last["home"] > 0.8
    assert last["right"] == pytest.approx(newest(app).status().result.test_accuracy, abs=0.01)

    slider = desktop.get_by_label("Moment of the training")
    slider.focus()
    slider.press("Home")
    slider.press("ArrowRight")
    expect(desktop.get_by_text("★: your drawing")).to_be_visible()
    step = recorded_steps(newest(app).frames)[1]
    expect(desktop).to_have_url(re.compile(rf"step={step}\b"))
    expect(desktop.locator(f".cloud[data-step='{step}']")).to_be_visible()
    expect(desktop.locator(".bars .share")).to_have_count(10)
    settle(desktop)
    said = desktop.locator(".bars .share").all_inner_texts()
    desktop.get_by_role("link", name="Draw for it, as it was then").click()
    expect(desktop.get_by_role("combobox")).to_have_value(re.compile(f"after {step} updates"))
    settle(desktop)
    card = desktop.get_by_test_id("stHtml").first

    def again() -> list[str]:
        shares = re.findall(r"([\d.]+) ?%", card.inner_text())[:10]
        return [f"{round(float(share))} %" for share in shares]

    becomes(desktop, again, said)
    desktop.go_back()
    expect(desktop.locator(f".cloud[data-step='{step}']")).to_be_visible()
    has_all_moments(desktop, newest(app))
    the_own_drawing_keeps_its_place_where_weights_were_not_kept(desktop)


# As if the weights of every second moment had not been kept: then nobody can be asked.
FORGET = """() => {
  const run = [...digitStages.values()].at(-1)
  const kept = Object.fromEntries(Object.entries(run.own).filter((_, at) => at % 2))
  Object.defineProperty(run, "own", { get: () => kept, set: () => {} })
}"""


def the_own_drawing_keeps_its_place_where_weights_were_not_kept(desktop: Page):
    slider = desktop.get_by_label("Moment of the training")
    slider.press("End")
    said, shares = desktop.locator(".of"), desktop.locator(".bars .share")
    expect(said).to_have_text("What it says of your drawing")
    expect(shares).to_have_count(10)
    settle(desktop)
    desktop.evaluate(FORGET)
    slider.focus()
    slider.press("Home")
    expect(said).to_have_text(re.compile("What it said of your drawing at .* images"))
    expect(shares).to_have_count(10)
    slider.press("ArrowRight")
    expect(said).to_have_text("What it says of your drawing")


@pytest.fixture(scope="module")
def simple(app: App, mnist_folder: Path) -> Run:
    """A run of the preset Too simple that is over."""
    recipe = PRESETS["too-simple"].config
    run = store.create_run(recipe, dataset="mnist", data=mnist_folder, folder=app.runs)
    queue.dispatch(app.runs)
    deadline = time.monotonic() + 120
    while run.status().state != "finished" and time.monotonic() < deadline:
        time.sleep(0.1)
    return run


@pytest.mark.parametrize("kind", ["desktop", "phone"])
def test_a_point_that_is_touched_shows_its_image(
    app: App, simple: Run, kind: str, request: pytest.FixtureRequest
):
    page: Page = request.getfixturevalue(kind)
    visit(page, f"{app.address}/train?run={simple.id}")
    has_all_moments(page, simple)
    sky, tip = page.locator(".sky canvas"), page.locator(".tip")
    sky.scroll_into_view_if_needed()
    box = sky.bounding_box()
    x, y = page.evaluate(
        """() => {
          const [run] = [...digitStages.values()].slice(-1)
          const { points } = [...run.frames.values()].reduce((a, b) => (a.step > b.step ? a : b))
          return [points[0] / 32767, points[1] / 32767]
        }"""
    )
    radius = (0.5 - 0.14) * box["width"]
    place = box["x"] + box["width"] / 2 + x * radius, box["y"] + box["height"] / 2 + y * radius
    (page.touchscreen.tap if kind == "phone" else page.mouse.move)(*place)
    page.wait_for_timeout(500)  # a finger that was lifted, too
    expect(tip).to_be_visible()
    expect(tip).to_contain_text(re.compile(r"Test image \d+, a \d, read"))


def start_in_steps(page: Page, app: App, preset: str) -> Locator:
    """Start a run that goes batch by batch; the button for the next one."""
    visit(page, f"{app.address}/train?preset={preset}")
    page.get_by_role("radio", name="Step", exact=True).click()
    settle(page)
    page.get_by_role("button", name="Start", exact=True).click()
    return page.get_by_role("button", name="Next batch")


def test_a_step_is_one_batch_and_the_lamp_tells_the_truth(app: App, desktop: Page):
    following = start_in_steps(desktop, app, "notebook")
    lamp = desktop.locator("button.learning")
    expect(following).to_be_enabled()
    expect(lamp).to_contain_text("learning: no updates yet")
    for step in (1, 2):
        following.click()
        expect(desktop.get_by_text(f"Batch {step}", exact=True)).to_be_visible()
        expect(lamp).to_contain_text(f"learning: {step} updates")
        assert newest(app).status().progress.step == step
        expect(desktop.locator(f".cloud[data-step='{step}']")).to_be_visible()
    expect(desktop.get_by_text("Then it changed its weights")).to_be_visible()
    lamp.click()
    expect(desktop.get_by_text("learns now: each batch of images changes")).to_be_visible()
    desktop.keyboard.press("Escape")
    desktop.get_by_role("button", name="Pause").click()
    expect(desktop.get_by_text("paused: 2 updates")).to_be_visible()
    desktop.get_by_role("button", name="Stop").click()
    expect(desktop.get_by_text("not learning now", exact=True)).to_be_visible()


def test_next_batch_and_its_panel_are_whole_on_a_phone(app: App, phone: Page):
    following = start_in_steps(phone, app, "fast")
    expect(following).to_be_enabled()
    following.click()
    last = phone.get_by_text("answer", exact=True).and_(phone.locator("span"))
    expect(last).to_be_visible()
    last.scroll_into_view_if_needed()
    for part in (following, last):  # whole, not scrolled away in a box of its own
        assert part.evaluate(WHOLE)
    phone.get_by_role("button", name="Stop").click()


# Whether no box around it cuts it off.
WHOLE = """(part) => {
  const { top, bottom } = part.getBoundingClientRect()
  for (let box = part.parentElement; box?.dataset?.testid !== "stMain"; box = box.parentElement) {
    const its = box.getBoundingClientRect(), cuts = getComputedStyle(box).overflowY !== "visible"
    if (cuts && (its.top > top || its.bottom < bottom)) return false
  }
  return true
}"""


def test_all_that_moves_is_on_one_screen(app: App, desktop: Page):
    start(desktop, app.address, "Notebook", epochs=100)  # for longer than all that is looked at
    # A run that another test left standing has the place for some seconds.
    expect(desktop.get_by_role("button", name="Pause")).to_be_visible()
    for name in (".cloud .sky", ".cloud input", ".side .filters", ".side .guesses"):
        expect(desktop.locator(name)).to_be_in_viewport(ratio=0.95)
    expect(desktop.get_by_test_id("stEChartsChart").first).to_be_in_viewport(ratio=1)
    expect(desktop.get_by_role("progressbar")).to_be_in_viewport(ratio=1)
    expect(desktop.get_by_role("button", name="Pause")).to_be_in_viewport(ratio=1)
    desktop.get_by_role("button", name="Stop").click()


# Of a run and its twin: where the points of the first moment lie, and of the last.
POINTS = """(ids) => ids.map((id) => {
  const frames = [...digitStages.get(id).frames.values()].sort((a, b) => a.step - b.step)
  return [frames[0], frames.at(-1)].map((frame) => [...frame.points])
})"""


@pytest.mark.parametrize("kind", ["desktop", "phone"])
def test_twins_start_alike_end_apart_and_their_verdict_is_true(
    app: App, kind: str, request: pytest.FixtureRequest
):
    page: Page = request.getfixturevalue(kind)
    page.add_init_script(WATCH_SHIFTS)
    visit(page, f"{app.address}/train?preset=fast&twin=rate-up")
    choice = page.get_by_role("combobox", name="Bet first")
    choice.evaluate(
        "part => part.scrollIntoView({ block: 'center' })"
    )  # its list closes at a scroll
    choice.click()
    page.get_by_role("option", name="its twin").click()
    settle(page)
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_text("images per second")).to_have_count(2)
    first = tops(page)
    page.evaluate("window.shifted = 0")  # of the change of view, which the visitor asked for
    expect(page.get_by_text("You bet on its twin")).to_be_visible(timeout=120_000)
    settle(page)
    assert page.evaluate("window.shifted") < 0.1
    assert tops(page) == pytest.approx(first, abs=2)
    assert fits_its_width(page)

    run = newest(app)
    twin = run.twin
    count = len(recorded_steps(run.frames))
    expect(page.locator(f".cloud[data-frames='{count}']")).to_be_visible()
    expect(page.locator(".twin .sky")).to_have_count(2)
    (mine, ours), (its, theirs) = page.evaluate(POINTS, [run.id, twin.id])
    assert mine == its
    assert ours != theirs
    curves = page.locator("[aria-label^='As you set it: Test accuracy went']").first
    begun = re.findall(r"went from (\d+)%", curves.get_attribute("aria-label"))
    assert len(begun) == 2 and len(set(begun)) == 1

    one, other = (each.written_status().result.test_accuracy for each in (run, twin))
    best, worst = max(one, other), min(one, other)
    if best - worst > 0.002:
        better = "With a learning rate ten times as large" if other > one else "As you set it"
        verdict = f"“{better}” won: {best:.1%} against {worst:.1%} "
        expect(page.get_by_text(verdict)).to_be_visible()
        winner = page.locator(".twin").nth(int(other > one)).locator(".score.won.last")
        expect(winner).to_have_text(f"{round(297 * (1 - best))} of 297 read wrong")
        expect(page.locator(".score.won.last")).to_have_count(1)
    right = "right" if other - one > 0.002 else "not this time"
    expect(page.get_by_text(f"You bet on its twin: {right}.")).to_be_visible()

    page.get_by_label("Moment of the training").focus()
    page.keyboard.press("Home")
    for each in page.locator(".skies > .twin").all():
        expect(each).to_have_attribute("data-step", "0")
    expect(page.locator(".score")).to_have_count(2)
    becomes(page, lambda: len({*page.locator(".score").all_inner_texts()}), 1)
    found = Axe().run(page).response["violations"]
    assert not [each["id"] for each in found if each["impact"] in ("serious", "critical")]


def test_twins_are_on_one_screen(app: App, desktop: Page):
    visit(desktop, f"{app.address}/train?preset=notebook&notebook+epochs=100&twin=rate-down")
    desktop.get_by_role("button", name="Start", exact=True).click()
    expect(desktop.locator(".guess").last).to_be_visible()
    for part in (*desktop.locator(".sky").all(), *desktop.locator(".side .pair").all()[:1]):
        expect(part).to_be_in_viewport(ratio=0.95)
    expect(desktop.locator(".side .guesses")).to_be_in_viewport(ratio=0.9)
    expect(desktop.get_by_test_id("stEChartsChart").first).to_be_in_viewport(ratio=1)
    stands_still(desktop)
    boxes = [part.bounding_box() for part in desktop.locator(".sky").all()]
    assert boxes[0]["y"] == boxes[1]["y"] and boxes[0]["x"] < boxes[1]["x"]
    # While a script runs, the bar above has a Stop of its own.
    desktop.get_by_test_id("stMain").get_by_role("button", name="Stop").click()
    expect(desktop.get_by_text("Stopped.")).to_be_visible()


def test_a_run_from_before_there_were_frames_is_shown_without_a_stage(app: App, desktop: Page):
    visit(desktop, f"{app.address}/train?run={run_without_frames(app).id}")
    expect(desktop.get_by_text("there is nothing to play back")).to_be_visible()
    expect(desktop.locator(".cloud")).to_have_count(0)
    expect(desktop.get_by_test_id("stEChartsChart")).to_have_count(2)

"""The Draw page and its choice of networks, run by Streamlit's own tester."""

import json
import math
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mnistcore.config import NetworkConfig, TrainConfig
from mnistcore.inspection.frames import recorded_steps
from mnistcore.models.checkpoint import save_network
from mnistcore.models.network import build_network
from mnistcore.runs import store
from mnistcore.runs.worker import run_training

ROOT = Path(__file__).parents[1]
SEVEN = [[(80.0, 90.0), (230.0, 90.0), (130.0, 300.0)]]
DASH = [(120.0, 200.0), (240.0, 200.0)]


pytestmark = pytest.mark.usefixtures("folder")


def draw_page(drawn: list | None = None, **address: str) -> AppTest:
    app = AppTest.from_file(ROOT / "app.py", default_timeout=30).run()
    app.query_params.update(address)
    if drawn:
        app.session_state["drawing"] = drawn
    app.switch_page("pages/draw.py").run()
    assert not app.exception
    return app


def card(app: AppTest) -> str:
    return app.get("html")[0].proto.body


def a_run(name: str, state: str = "finished", seed: int = 1) -> store.Run:
    config = NetworkConfig(convolutions=(), dense=(8,))
    run = store.create_run(TrainConfig(network=config), name=name)
    save_network(build_network(config, seed), run.model)
    seen = {"step": 1, "steps": 9, "images": 1234}
    status = {"state": state, "heartbeat": time.time(), "progress": seen}
    store.write_json(run.path / "status.json", status)
    return run


def test_an_empty_sheet_invites_to_draw() -> None:
    app = draw_page()
    assert "Draw a digit first." in card(app)
    assert "%</span>" not in card(app).replace("0.0%", "")


def test_a_drawing_is_read_and_every_digit_has_its_share() -> None:
    app = draw_page(SEVEN)
    assert "This is a 7." in card(app)
    assert card(app).count(" %</span>") == 10


def told(app: AppTest, strokes: object, **more: object) -> None:
    """What the sheet sends; Streamlit's tester has no browser in which it could be drawn."""
    app.session_state["sheet"] = {
        "drawing": {"turn": 1, "first": 0, "strokes": strokes, "widths": [20]} | more
    }
    app.run()
    assert not app.exception


def sheet(app: AppTest) -> dict:
    """What the sheet is given."""
    (component,) = (
        each.proto for each in app.get("bidi_component") if "canvas" in each.proto.component_name
    )
    return json.loads(component.json)


def test_what_the_sheet_tells_is_read_and_given_back_to_it() -> None:
    app = draw_page()
    told(app, [*SEVEN, DASH], turn=5, widths=[20, 9.5])
    assert card(app).count(" %</span>") == 10
    app.run()
    given = sheet(app)
    assert given["strokes"] == json.loads(json.dumps([*SEVEN, DASH]))
    assert (given["turn"], given["widths"]) == (5, [20, 9.5])


@pytest.mark.parametrize(
    "sent",
    [
        {"strokes": None},
        {"strokes": "ink"},
        {"strokes": [7, None, [], [[]], [[1]], {"path": 3}, "ab", [["x", "y"]]]},
        {"strokes": SEVEN, "first": None},
        {"strokes": SEVEN, "turn": "now"},
        {"strokes": SEVEN, "widths": 3},
        {"strokes": SEVEN, "first": 10**400},
        {"strokes": SEVEN, "turn": True},
        {"strokes": [[(-80, 90), (math.inf, 3), (math.nan, math.nan)]], "widths": [math.nan]},
    ],
)
def test_whatever_the_sheet_tells_the_page_stands(sent: dict) -> None:
    app = draw_page()
    told(app, **sent)
    assert "Draw a digit first." in card(app)
    assert sheet(app)["strokes"] == []
    app.session_state["sheet"] = {"drawing": "ink"}
    app.run()
    assert not app.exception


def test_what_was_sent_before_the_sheet_was_exchanged_does_not_come_back() -> None:
    app = draw_page(SEVEN)
    app.session_state["drawing_put"] = 1  # as a sample digit does
    told(app, [DASH], put=0)
    assert sheet(app)["strokes"] == json.loads(json.dumps(SEVEN))
    told(app, [DASH], put=1)
    app.run()
    assert sheet(app)["strokes"] == json.loads(json.dumps([DASH]))


def test_a_width_that_makes_no_sense_does_not_spoil_the_drawing() -> None:
    app = draw_page()
    told(app, SEVEN, widths=[10**400, math.nan, "thick", None])
    app.run()
    assert "This is a 7." in card(app)
    assert len(sheet(app)["widths"]) == 1


def test_the_sheet_tells_while_it_is_drawn_on_unless_more_than_an_answer_is_wished() -> None:
    app = draw_page(SEVEN)
    assert sheet(app)["live"]
    app.session_state["more"] = "Why this answer?"
    app.run()
    assert not sheet(app)["live"]


def test_a_link_chooses_the_network_of_a_run_and_its_answer_differs() -> None:
    run = a_run("Mine")
    with_shipped, with_run = draw_page(SEVEN), draw_page(SEVEN, model=run.id)
    assert with_run.selectbox(key="model").value == run.id
    assert card(with_run) != card(with_shipped)


def test_runs_of_the_same_name_can_be_told_apart() -> None:
    first, second = a_run("Twin"), a_run("Twin")
    app = draw_page()
    titles = app.selectbox(key="model").options
    assert len(titles) == len(set(titles)) == 3
    assert all(any(run.id in title for title in titles) for run in (first, second))


@pytest.mark.parametrize("which", ["gone", "../../etc/passwd", "", "a b"])
def test_a_network_that_is_not_there_leaves_the_shipped_one(which: str) -> None:
    app = draw_page(SEVEN, model=which)
    assert app.selectbox(key="model").value == "shipped"
    assert "This is a 7." in card(app)


def test_a_run_deleted_while_its_network_is_chosen_leaves_the_shipped_one() -> None:
    run = a_run("Short-lived")
    app = draw_page(SEVEN, model=run.id)
    run.path.rename(run.path.with_name(".deleted"))
    app.run()
    assert not app.exception
    assert "no longer there" in app.toast[0].value
    assert app.selectbox(key="model").value == "shipped"


def test_a_run_that_has_learned_nothing_yet_is_answered_in_words() -> None:
    run = a_run("Young", state="running")
    run.model.unlink()
    app = draw_page(SEVEN, model=run.id)
    assert "has not learned anything yet" in app.warning[0].value


def test_a_network_that_still_learns_says_how_far_it_is() -> None:
    run = a_run("Busy", state="running")
    run.checkpoint.write_bytes(b"torn")
    app = draw_page(SEVEN, model=run.id)
    assert any("still learning: 1,234 images" in caption.value for caption in app.caption)


def test_a_damaged_network_is_answered_in_words() -> None:
    run = a_run("Broken")
    run.model.write_bytes(b"torn")
    assert "damaged" in draw_page(SEVEN, model=run.id).warning[0].value


TRAP = "![x](http://far.away/y)"


def trapped(text: str) -> bool:
    """Whether a picture would be fetched."""
    return "[x](" in text or "http://" in text


def test_the_name_of_an_upload_is_shown_letter_by_letter() -> None:
    app = draw_page()
    app.get("file_uploader")[0].set_value((f"{TRAP}.png", b"no picture", "image/png")).run()
    assert "cannot be read as a picture" in app.warning[0].value
    assert not trapped(app.warning[0].value)


@pytest.mark.parametrize("state", ["failed", "interrupted", "running"])
def test_what_a_run_says_is_shown_letter_by_letter(state: str) -> None:
    run = a_run("Mine", state=state)
    message = f"{TRAP}<img src='//far.away/z'>"
    status = {"state": state, "heartbeat": time.time(), "message": message}
    store.write_json(run.path / "status.json", status)
    app = AppTest.from_file(ROOT / "app.py", default_timeout=30).run()
    app.query_params["run"] = run.id
    app.switch_page("pages/train.py").run()
    assert not any(trapped(each.value) for each in (*app.error, *app.warning, *app.caption))
    assert not any(trapped(each.value) for each in app.markdown)
    written = " ".join(each.proto.body for each in app.get("html"))  # where Markdown is no trap
    assert "far.away" in written
    assert "<img src='//" not in written


def a_learned_run() -> store.Run:
    """A run that has really learned, with frames of the way."""
    network = NetworkConfig(convolutions=(), dense=(16,))
    config = TrainConfig(network=network, epochs=2, batch_size=32, threads=1)
    run = store.create_run(config, dataset="digits", here=True)
    run_training(run)
    return run


def test_a_run_says_when_it_learned_to_read_a_drawing() -> None:
    run = a_learned_run()
    app = draw_page(SEVEN, model=run.id)
    app.button_group(key="more").set_value("When did it learn this?").run()
    assert not app.exception
    said = " ".join(each.value for each in app.markdown)
    assert "taken this for a" in said or "took this for a" in said
    assert len(app.get("plotly_chart")) == 1


def test_the_network_of_a_moment_reads() -> None:
    run = a_learned_run()
    step = recorded_steps(run.frames)[1]
    app = draw_page(SEVEN, model=f"{run.id}@{step}")
    assert card(app).count(" %</span>") == 10
    assert f"after {step} updates" in app.selectbox[0].options[-1]
    app.session_state["more"] = "When did it learn this?"
    app.query_params["model"] = "shipped"
    app.switch_page("pages/explore.py").run()
    app.session_state["model"] = "shipped"
    app.switch_page("pages/draw.py").run()
    assert not app.exception

"""A run whose numbers ran away: every page shows it, in words, also to who lays it over theirs."""

import json
import time
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest
from test_draw_page import SEVEN

from mnistcore.config import Conv, NetworkConfig, TrainConfig
from mnistcore.models.network import build_network
from mnistcore.records import Progress
from mnistcore.runs import queue, store

ROOT = Path(__file__).parents[1]
ME = "0" * 32
GREW = "The loss grew beyond all bounds after 1,536 images: try a smaller learning rate."


pytestmark = pytest.mark.usefixtures("fresh")


@pytest.fixture(autouse=True)
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "warm_spare_worker", lambda: None)


def a_run(scale: float = 1.0, convolutions: tuple[Conv, ...] = (), **status: object) -> store.Run:
    """One that has failed; its weights are those of a fresh network times `scale`."""
    config = NetworkConfig(convolutions, (8,))
    recipe = TrainConfig(config, batch_size=64, learning_rate=1.0)
    run = store.create_run(recipe, name="Wild", dataset="mnist", owner=ME)
    weights = {
        name: scale * values for name, values in build_network(config, 1).state_dict().items()
    }
    torch.save({"network": weights, "step": 21}, run.checkpoint)
    progress = asdict(Progress(21, 35, 1344, 3.0, 1091.6, 0.18, 1.0, 1, 900, 0, 1.4e8, 0.09, 500))
    told = {
        "state": "failed",
        "message": GREW,
        "progress": progress,
        "result": {"ended": "diverged"},
    }
    store.write_json(run.path / "status.json", told | status)
    return run


def record(step: int, loss: str, test_loss: str, accuracy: float) -> str:
    """A line as it was written before anybody looked at what was in it."""
    progress = Progress(step, 35, 64 * step, step / 7, 1.0, 0.2, 1.0, 1, 900, 0, 2.0, accuracy, 500)
    values = asdict(progress) | {"loss": "@loss", "test_loss": "@test"}
    return json.dumps(values).replace('"@loss"', loss).replace('"@test"', test_loss)


def page(name: str, drawn: list | None = None, **address: str) -> AppTest:
    app = AppTest.from_file(ROOT / "app.py", default_timeout=60).run()
    app.session_state["_visitor"] = ME
    if drawn:
        app.session_state["drawing"] = drawn
    app.query_params.update(address)
    app.switch_page(f"pages/{name}.py").run()
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    kinds = (app.markdown, app.success, app.warning, app.info, app.error, app.caption)
    told = [element.value for kind in kinds for element in kind]
    told += [each.proto.body for each in app.get("html")]
    return "\n".join(told + [each.label for each in app.expander])


def charts(app: AppTest) -> list[str]:
    return [each.proto.spec for each in app.get("echarts_chart")]


@pytest.fixture(params=["Infinity", "-Infinity", "NaN", "1e400"])
def wild(request: pytest.FixtureRequest) -> store.Run:
    """A folder as it may lie on a disk: with what is not finite wherever there is a measure."""
    run, bad = a_run(), request.param
    lines = [record(1, "2.3", "2.3", 0.1), record(14, "2.2", "2.5", 0.3)]
    lines += [record(21, "1091.6", "1.4e8", 0.09), record(24, bad, bad, 0.08)]
    (run.path / "metrics.jsonl").write_text("\n".join(lines))
    status = json.loads((run.path / "status.json").read_text())
    status["progress"] |= {"loss": "@", "test_loss": "@", "seconds_left": "@"}
    status |= {"guesses": [[0, 7, "@"]], "result": {"test_loss": "@", "train_accuracy": "@"}}
    (run.path / "status.json").write_text(json.dumps(status).replace('"@"', bad))
    return run


def test_a_run_with_infinity_on_disk_shows_its_curve_and_what_to_try(wild: store.Run) -> None:
    app = page("train", run=wild.id)
    assert GREW in words(app)
    accuracy, loss = charts(app)
    assert "[1344,1091.6]" in loss.replace(" ", "")
    assert "[1536,8.0]" in accuracy.replace(" ", "")
    assert not {"Infinity", "NaN"} & {*loss.replace(":", ",").replace("]", ",").split(",")}


def test_it_can_be_laid_over_the_run_of_somebody_else(wild: store.Run) -> None:
    mine = a_run(state="finished", message="")
    (mine.path / "metrics.jsonl").write_text(record(35, "0.1", "0.2", 0.9))
    app = page("train", run=mine.id)
    app.button_group(key="compare").set_value([wild.id]).run()
    assert not app.exception
    assert all("Wild, test" in chart for chart in charts(app))


def test_evaluate_says_that_a_run_that_broke_off_has_diverged() -> None:
    told = words(page("evaluate", model=a_run(1.0).id))
    assert "**Its loss ran away** (diverged)" in told
    assert "A smaller learning rate, such as 0.01" in told


def test_evaluate_tells_a_collapse_from_a_network_that_is_too_simple() -> None:
    run = a_run(0.01, state="interrupted", message="", result={}, heartbeat=time.time())
    lines = [record(5, "1.7", "1.7", 0.38), record(12, "1.2", "1.2", 0.62)]
    (run.path / "metrics.jsonl").write_text("\n".join([*lines, record(21, "2.4", "2.3", 0.1)]))
    told = words(page("evaluate", model=run.id))
    assert "**It only guesses** (collapsed)" in told
    assert "it lost what it knew (62% once)" in told
    assert "underfitting" not in told
    shown = page("train", run=run.id)
    assert "it lost what it knew (62% once)" in "".join(
        str(each.proto) for each in shown.get("bidi_component")
    )


@pytest.mark.parametrize("scale", [1e18, 1e30, float("inf"), float("nan")])
@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("draw", {}),
        ("inside", {"picture": "Test image"}),
        ("evaluate", {}),
        ("evaluate", {"look": "Figures"}),
        ("evaluate", {"look": "Sunshine and snow"}),
    ],
)
def test_weights_that_ran_away_break_no_page(name: str, address: dict, scale: float) -> None:
    run = a_run(scale, (Conv(4, 5),))
    app = page(name, SEVEN, model=run.id, **address)
    shown = "".join(each.proto.body for each in app.get("html"))
    assert ">nan" not in shown
    assert ">inf" not in shown
    if not scale < 1e31:
        assert "The weights of this network grew beyond all bounds" in words(app)

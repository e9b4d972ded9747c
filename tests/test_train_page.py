"""The Train page, run by Streamlit's own tester: damaged runs, and what a new run is told."""

import json
import os
import re
import time
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button, Toggle
from test_draw_page import SEVEN

from mnistcore.config import NetworkConfig, TrainConfig
from mnistcore.data import download
from mnistcore.data.defects import taught_set
from mnistcore.drawing.rasterize import from_strokes
from mnistcore.errors import DivergenceError
from mnistcore.inspection.frames import recorded_steps
from mnistcore.models.registry import load_model
from mnistcore.presets import PRESETS
from mnistcore.records import PaceKind, Prediction, Progress, RunResult, RunStatus, to_dict
from mnistcore.runs import queue, slow_motion, store
from mnistcore.runs.worker import run_training
from mnistcore.training import frame_recorder
from mnistcore.training.twins import twin_of
from mnistcore.viz.twin_commentary import Winner
from pages.common import datasets
from pages.common.datasets import dataset_by_name
from pages.common.text import escape_markdown
from pages.parts.train import bet, film, moment_layers, run_panel

ROOT = Path(__file__).parents[1]
ME = "0" * 32


@pytest.fixture(autouse=True)
def idle(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of the test's own, and no worker."""
    monkeypatch.setattr(queue, "warm_spare_worker", lambda: None)
    monkeypatch.setattr(queue, "dispatch", lambda folder: None)
    monkeypatch.setattr(download, "_COMMAND", ["false"])


def train_page(run: store.Run | None = None) -> AppTest:
    app = AppTest.from_file(ROOT / "app.py", default_timeout=60).run()
    app.session_state["_visitor"] = ME
    if run:
        app.query_params["run"] = run.id
    app.switch_page("pages/train.py").run()
    assert not app.exception
    return app


def a_run(dataset: str = "mnist", **status: object) -> store.Run:
    """One that has done all its steps."""
    run = store.create_run(TrainConfig(), name="Made up", dataset=dataset, owner=ME)
    progress = asdict(Progress(9, 9, 72, 1, 0.5, 0.5, 0.1, 1, 72, 0, 0.5, 0.5, 100))
    guesses = [[0, 7, 0.9], [1, 2, 0.8]]
    told = {"state": "finished", "guesses": guesses, "progress": progress} | status
    store.write_json(run.path / "status.json", told)
    return run


def buttons(app: AppTest) -> set[str]:
    return {button.label for button in app.button}


def html(app: AppTest) -> str:
    return "\n".join(each.proto.body for each in app.get("html"))


def shows_guesses(app: AppTest) -> bool:
    return "<b>Never seen</b>" in html(app)


def test_a_whole_run_shows_what_it_says_of_the_test_images() -> None:
    assert shows_guesses(train_page(a_run()))


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("config.json", "{"),
        ("status.json", '{"state": "running", "heartbeat": null}'),
        ("status.json", '{"state": "finished", "result": {"test_accuracy": 0.9}}'),
        ("status.json", '{"state": "finished", "guesses": [[99999, 7, 0.9], [-1, 7, 0.9]]}'),
        ("metrics.jsonl", '{"step": 1}\n{"step": 2, "images": "many", "steps": 9}\n'),
    ],
)
def test_a_damaged_run_neither_stops_its_page_nor_the_list(file: str, content: str) -> None:
    damaged = a_run()
    (damaged.path / file).write_text(content)
    train_page(damaged)
    assert {"Train another"} <= buttons(train_page(damaged))
    name = damaged.id if file == "config.json" else "Made up"
    assert {name, "Start"} <= buttons(train_page())


def test_a_run_of_unknown_images_is_shown_without_them() -> None:
    assert not shows_guesses(train_page(a_run(dataset="fashion")))


def test_a_run_of_mnist_is_shown_without_its_images_while_they_cannot_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNIST_DATA", str(tmp_path / "nothing"))
    datasets._loading.clear()
    dataset_by_name.clear()
    try:
        assert not shows_guesses(train_page(a_run()))
        assert shows_guesses(train_page(a_run(dataset="digits")))
    finally:
        datasets._loading.clear()


def test_a_run_that_lacks_only_its_final_test_can_be_resumed() -> None:
    run = a_run(state="interrupted", message="No room: make room, then resume.")
    app = train_page(run)
    assert "<b>Interrupted.</b> No room: make room, then resume." in html(app)
    assert "Resume" in buttons(app)


def test_who_has_left_can_be_told_to_go_on_but_not_to_stop() -> None:
    left = train_page(a_run(state="paused", pid=store.PID_EXITED))
    assert "Go on" in buttons(left)
    assert "Stop" not in buttons(left)


def test_when_nothing_is_left_to_stop_another_can_be_trained() -> None:
    running = a_run(state="running", pid=os.getpid(), heartbeat=time.time() + 20)
    assert "Train another" not in buttons(train_page(running))
    app = train_page(a_run())
    assert not {"Pause", "Stop"} & buttons(app)
    next(button for button in app.button if button.label == "Train another").click().run()
    assert not app.exception
    assert "Start" in buttons(app)


def test_the_verdict_stands_first() -> None:
    result = {"images": 1000, "test_accuracy": 0.688, "test_count": 10_000}
    result |= {"train_accuracy": 1.0, "train_count": 100, "seconds": 4.0}
    assert "<b>Learned by heart.</b> It reads <b>68.8%</b>" in html(
        train_page(a_run(result=result))
    )


def test_a_new_run_learns_from_the_images_that_the_page_shows(
    mnist_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(mnist_folder.parent)
    monkeypatch.setenv("MNIST_DATA", mnist_folder.name)
    app = train_page()
    next(button for button in app.button if button.label == "Start").click().run()
    assert not app.exception
    (run,) = store.list_runs()
    assert json.loads((run.path / "config.json").read_text())["data"] == str(mnist_folder)


def test_a_recipe_that_would_take_the_machine_cannot_be_started() -> None:
    app = train_page()
    app.slider(key="fast convolutions").set_value(4)
    app.slider(key="fast dense").set_value(0).run()
    for number in range(4):
        app.number_input(key=f"fast filters {number}").set_value(256)
        app.selectbox(key=f"fast window {number}").set_value(2)
        app.toggle(key=f"fast pool {number}").set_value(False)
    app.select_slider(key="fast batch").set_value(512)
    app.run()
    assert not app.exception
    assert "use a batch size of" in app.error[0].value
    assert next(button for button in app.button if button.label == "Start").disabled


def test_a_run_that_waits_says_how_long_and_can_be_stopped() -> None:
    running = a_run(state="running", pid=os.getpid(), heartbeat=time.time() + 20)
    first, second, third = (store.create_run(TrainConfig(), owner=str(n)) for n in range(3))
    for run, words in (
        (first, "<b>Waiting</b>: its turn is next."),
        (second, "<b>Waiting</b>: 1 run goes before this one."),
        (third, "<b>Waiting</b>: 2 runs go before this one."),
    ):
        assert words in html(train_page(run))
        assert "“Made up” is learning, 100% done." in html(train_page(run))
    assert "Waiting" not in html(train_page(running))
    slow_motion.set_pace(running, "step", ME)
    assert "makes way after 10 s without a press" in html(train_page(first))
    mine = store.create_run(TrainConfig(), owner=ME)
    app = train_page(mine)
    next(button for button in app.button if button.label == "See it").click().run()
    assert app.title[0].value == "Made up"
    app = train_page(mine)
    next(button for button in app.button if button.label == "Stop").click().run()
    assert store.STOPPED_WAITING in html(app)
    assert "Resume" in buttons(app)


@pytest.mark.parametrize(
    ("pace", "words"),
    [
        ("full", "<b>10% done</b>, about 45 s left."),
        ("slow", "<b>10% done</b>, about 2 min left."),
        ("step", "<b>100 of 1,000 batches done</b>."),
    ],
)
def test_the_time_that_is_left_goes_by_the_pace(pace: PaceKind, words: str) -> None:
    progress = asdict(Progress(100, 1000, 800, seconds_left=45.0))
    run = a_run(state="running", pid=os.getpid(), heartbeat=time.time() + 20, progress=progress)
    slow_motion.set_pace(run, pace, ME)
    assert words in html(train_page(run))


def test_what_a_page_shows_of_a_pace_never_takes_one_back() -> None:
    run = a_run(state="running", pid=os.getpid(), heartbeat=time.time() + 20)
    slow_motion.set_pace(run, "step", ME)
    app = train_page(run)
    assert app.button_group(key=f"pace {run.id}").value == "step"
    # Nothing is sent that a browser would put in the place of what was pressed meanwhile.
    assert not app.run().button_group(key=f"pace {run.id}").proto.set_value
    # A busy server may hear of both at once.
    app.button(key="next batch").click()
    app.button_group(key=f"pace {run.id}").set_value("full").run()
    assert slow_motion.read_pace(run).kind == "full"
    assert app.button_group(key=f"pace {run.id}").value == "full"
    slow_motion.set_pace(run, "slow", ME)  # in another window
    assert app.run().button_group(key=f"pace {run.id}").value == "slow"


def test_who_comes_with_fresh_cookies_is_told_that_others_wait() -> None:
    for number in range(store.MAX_PER_ADDRESS):
        store.create_run(TrainConfig(), owner=str(number), address="this machine")
    app = train_page()
    next(button for button in app.button if button.label == "Start").click().run()
    assert not app.exception
    assert "runs from your network address are under way" in app.warning[0].value
    assert len(store.list_runs()) == store.MAX_PER_ADDRESS


def test_a_run_that_went_to_make_room_leaves_its_page_in_peace() -> None:
    run = a_run()
    app = train_page(run)
    run.remove()
    app.run()
    assert not app.exception
    assert "no longer there" in app.warning[0].value


def test_a_steering_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    run = a_run(state="interrupted")
    app = train_page(run)
    monkeypatch.setattr(store, "MAX_WAITING", 0)
    next(button for button in app.button if button.label == "Resume").click().run()
    assert not app.exception
    assert "try again in a few minutes" in app.error[0].value
    assert not app.run().error


def test_a_name_is_shown_letter_by_letter() -> None:
    run = a_run()
    run.rename("![x](http://y) *", ME)
    assert train_page(run).title[0].value == escape_markdown("![x](http://y) *")


@pytest.mark.parametrize(("accuracy", "low"), [(0.85, True), (0.95, False)])
def test_one_can_look_closer_once_both_curves_can_be_seen_so(accuracy: float, low: bool) -> None:
    run = a_run()
    record = asdict(Progress(9, 9, 72, 1, 0.5, 0.99, 0.1, 1, 72, 0, 0.5, accuracy, 100))
    (run.path / "metrics.jsonl").write_text(json.dumps(record))
    app = train_page(run)
    assert app.toggle(key="closer").disabled == low
    assert "of the last 72 or so" in html(app)


def test_a_recipe_that_was_changed_is_not_described_as_the_preset() -> None:
    app = train_page()
    assert any(each.value.startswith("Watch") for each in app.markdown)
    app.number_input(key="fast epochs").set_value(3.0).run()
    assert not any(each.value.startswith("Watch") for each in app.markdown)
    assert any("Your own recipe, begun from Fast" in each.value for each in app.markdown)
    next(button for button in app.button if button.label == "Start").click().run()
    assert app.title[0].value == "Fast, epochs 3"
    assert app.caption[0].value == "Recipe: Fast with epochs 3"


def test_a_run_that_was_stopped_says_one_accuracy() -> None:
    result = {"test_accuracy": 0.25, "test_count": 300, "train_accuracy": 0.0}
    result |= {"train_count": 300, "seconds": 0.0}
    app = train_page(a_run(state="stopped", result=result))
    assert "25.0%" in html(app)
    assert "of 300 test images right" in html(app)


def test_what_it_learned_from_is_shown_beside_what_it_has_never_seen() -> None:
    train, test = dataset_by_name("digits")
    learned = [[image, int(train.labels[image]), 1.0] for image in (3, 5)]
    new = [[0, int(test.labels[0]), 1.0], [1, (int(test.labels[1]) + 1) % 10, 0.5]]
    more = {"format": 2, "predictions": new, "train_predictions": learned}
    shown = html(train_page(a_run("digits", **more)))
    assert "<b>Learned from</b>: 2 of 2 right" in shown
    assert "<b>Never seen</b>: 1 of 2 right" in shown
    old = html(train_page(a_run("digits")))
    assert "Learned from" not in old
    assert "<b>Never seen</b>: " in old


def test_runs_are_compared_in_a_table() -> None:
    first = store.create_run(
        replace(TrainConfig(), learning_rate=1.0), preset="notebook", name="One", dataset="mnist"
    )
    record = asdict(Progress(9, 9, 72, 1, 0.5, 0.9, 0.1, 2.0, 72, 0, 0.5, 0.75, 100))
    (first.path / "metrics.jsonl").write_text(json.dumps(record))
    store.write_json(first.path / "status.json", {"state": "stopped", "progress": record})
    app = train_page(a_run())
    assert not app.table
    app.button_group(key="compare").set_value([first.id]).run()
    assert not app.exception
    (table,) = app.table
    rows = table.value.to_dict("records")
    assert [row["Run"] for row in rows] == ["Made up", "One"]
    assert rows[1] | {"Recipe": ""} == {
        "Run": "One",
        "Recipe": "",
        "Weights": "49,770",
        "Images looked at": "72",
        "Time": "2 s",
        "Training images right": "90.0%",
        "Test images right": "75.0%",
    }
    assert "learning rate 1" in rows[1]["Recipe"]


def test_one_may_see_only_ones_own_runs() -> None:
    store.create_run(TrainConfig(), name="Hers", owner="1" * 32)
    a_run()
    app = train_page()
    assert {"Hers", "Made up"} <= buttons(app)
    app.toggle(key="only mine").set_value(True).run()
    assert "Made up" in buttons(app)
    assert "Hers" not in buttons(app)


def test_renaming_and_deleting_ask_first() -> None:
    run = a_run()
    app = train_page(run)
    next(button for button in app.button if button.label == "Rename ...").click().run()
    app.text_input(key="new name").set_value("Better")
    next(button for button in app.button if button.label == "Rename").click().run()
    assert (run.name, app.title[0].value) == ("Better", "Better")
    assert "Rename" not in buttons(app)
    next(button for button in app.button if button.label == "Delete ...").click().run()
    assert run.path.is_dir()
    next(button for button in app.button if button.label == "Delete for good").click().run()
    assert not app.exception
    assert not run.path.exists()
    assert app.title[0].value == "Train"


def test_a_bet_counts_for_the_run_that_starts_next(folder: Path) -> None:
    app = train_page()
    app.toggle(key="betting").set_value(True).run()
    assert app.number_input(key="bet").value == 90.0  # from which its buttons count
    app.number_input(key="bet").set_value(91.0).run()
    next(each for each in app.button if each.label == "Start").click().run()
    assert not app.exception
    (run,) = store.list_runs(folder)
    assert app.session_state["bets"] == {run.id: 91.0}
    assert "your bet: 91 %" in json.dumps(echarts(app))


def test_a_spoiled_recipe_is_bet_on_trained_and_judged_digit_by_digit(folder: Path) -> None:
    app = train_page()
    app.button_group(key="preset").set_value("never-saw-7").run()
    app.toggle(key="betting").set_value(True).run()
    digit = app.selectbox(key="digit bet: What will it take sevens for?").set_value(9)
    assert "7" not in digit.options
    app.button_group(key="preset").set_value("wrong-labels").run()
    assert app.selectbox(key="digit bet: Which digit will suffer most?").value is None
    app.button_group(key="preset").set_value("never-saw-7").run()
    assert any("Spoiled on purpose: **no 7**" in each.value for each in app.markdown)
    next(each for each in app.button if each.label == "Start").click().run()
    (run,) = store.list_runs(folder)
    assert app.caption[0].value == "Recipe: Never saw a 7"
    assert app.session_state["digit bets"] == {run.id: 9}
    assert "Spoiled on purpose: no 7." in html(app)
    assert "The damage is counted in the end" in html(app)
    row = [0] * 10
    counted = [[30 * (n == digit) for n in range(10)] for digit in range(10)]
    counted[7] = [*row[:9], 30]
    result = RunResult(
        images=1500, train_accuracy=0.99, train_count=300, test_accuracy=0.9, test_count=300
    )
    result = replace(result, confusion=tuple(map(tuple, counted)))
    store.write_record(run.path / "status.json", RunStatus("finished", result=result))
    record = Progress(9, 9, 1500, train_accuracy=0.99, test_accuracy=0.9, test_count=300)
    (run.path / "metrics.jsonl").write_text(json.dumps(to_dict(record)))
    app.run()
    assert not app.exception
    assert "Of the 30 sevens in the test it reads none right; it takes 30 for nines." in html(app)
    assert "<b>Spoiled.</b>" in html(app)
    said = " ".join(str(each.proto) for each in app.get("bidi_component"))
    assert "takes sevens for nines: right, 30 of 30 are taken for nines." in said


def test_a_spoiled_twin_is_told_beside_its_run(folder: Path) -> None:
    config = PRESETS["fast"].config
    twin = twin_of(config, "wrong-labels")
    run = store.create_run(config, twin=twin, preset="fast", dataset="digits", owner=ME)
    whole = tuple(tuple(30 * (n == digit) for n in range(10)) for digit in range(10))
    for each in (run, run.twin):
        result = RunResult(test_accuracy=1.0, test_count=300, confusion=whole)
        store.write_record(each.path / "status.json", RunStatus("finished", result=result))
    app = train_page(run)
    assert "with 40 % wrong labels; thin line: as you set it" in html(app)
    assert html(app).count("left:calc(100.0%") == 10
    assert app.caption[0].value.endswith("the same again, but with 40 % wrong labels.")


def test_wrong_labels_are_shown_as_they_were_given(folder: Path) -> None:
    train, _ = dataset_by_name("digits")
    recipe = replace(PRESETS["wrong-labels"].config, train_size=200)
    taught = taught_set(train, recipe)
    wrong = (taught.digits.labels != train.labels[:200]).nonzero().flatten().tolist()[:2]
    run = store.create_run(recipe, preset="wrong-labels", dataset="digits", owner=ME)
    said = [Prediction(wrong[0], int(taught.digits.labels[wrong[0]]), 0.9)]
    said += [Prediction(wrong[1], int(train.labels[wrong[1]]), 0.8)]
    progress = Progress(9, 9, 90, train_accuracy=0.7, test_accuracy=0.6, test_count=100)
    status = RunStatus("stopped", progress=progress, train_predictions=tuple(said))
    store.write_record(run.path / "status.json", status)
    shown = html(train_page(run))
    assert "<b>Learned from, by the labels given</b>: 1 of 2 right" in shown
    for image in wrong:
        label = int(taught.digits.labels[image])
        assert f"labelled {label}" in shown and f"label {label}<br>" in shown
    assert "right by the labels given, of the last 90 or so" in shown


def test_who_does_not_bet_has_no_bet(folder: Path) -> None:
    app = train_page()
    assert not app.toggle(key="betting").value
    next(each for each in app.button if each.label == "Start").click().run()
    assert "your bet" not in json.dumps(echarts(app))
    assert "bets" not in app.session_state


def test_the_same_again_is_trained_beside_it_and_bet_on(folder: Path) -> None:
    app = train_page()
    assert "no twin" in app.selectbox(key="twin").options[0]
    app.selectbox(key="twin").set_value("rate-up").run()
    assert app.query_params["twin"] == "rate-up"
    assert any("with a learning rate ten times as large." in each.value for each in app.markdown)
    app.selectbox(key="twin bet").set_value("twin")
    app.text_input(key="twin why").set_value("it is bolder").run()
    next(each for each in app.button if each.label == "Start").click().run()
    assert not app.exception
    (run,) = store.list_runs(folder)
    assert run.twin.train_config().learning_rate == 10 * run.train_config().learning_rate
    assert app.session_state["twin bets"] == {run.id: ("twin", "it is bolder")}
    assert "twin" not in app.query_params
    assert "Its twin: the same again, but with a learning rate ten times as large." in (
        app.caption[0].value
    )
    assert "Fast, with a twin: a learning rate ten times as large" in buttons(app)
    other = a_run()
    (other.path / "metrics.jsonl").touch()
    app.run()
    app.button_group(key="compare").set_value([other.id]).run()
    rows = [row["Run"] for row in app.table[0].value.to_dict("records")]
    assert rows == [run.name, run.twin.name, other.name]


def test_a_twin_of_other_shapes_is_said_not_to_begin_alike_and_can_be_linked_to() -> None:
    app = train_page_at(preset="fast", twin="no-convolutions")
    assert app.selectbox(key="twin").value == "no-convolutions"
    assert any("because their shapes differ" in each.value for each in app.markdown)
    app.button_group(key="preset").set_value("plain").run()  # which has no convolutions
    assert app.selectbox(key="twin").value == ""
    assert "twin" not in app.query_params
    assert train_page_at(twin="nonsense").selectbox(key="twin").value == ""


def test_a_network_too_large_for_a_page_says_so_at_its_button() -> None:
    run = store.create_run(TrainConfig(NetworkConfig((), (1_200,))), dataset="mnist", owner=ME)
    run.model.touch()
    store.write_json(run.path / "status.json", {"state": "finished"})
    app = train_page(run)
    app.session_state["take home"] = True  # opened
    app.run()
    buttons = {each.proto.label: each.proto for each in app.get("download_button")}
    assert buttons["Page (network.html)"].disabled
    assert not buttons["Weights (network.safetensors)"].disabled
    assert any("954,010 weights this network is too large" in each.value for each in app.caption)


def train_page_at(**asked: str) -> AppTest:
    app = AppTest.from_file(ROOT / "app.py", default_timeout=60).run()
    for name, value in asked.items():
        app.query_params[name] = value
    app.switch_page("pages/train.py").run()
    assert not app.exception
    return app


@pytest.mark.parametrize("own", [True, False])
def test_one_that_broke_off_is_told_and_the_other_goes_on(own: bool) -> None:
    calm = TrainConfig(NetworkConfig((), (64,), "none"), epochs=4, batch_size=50, threads=1)
    calm = replace(calm, optimizer="SGD with momentum", learning_rate=0.01)
    wild = replace(calm, learning_rate=100.0)
    config, twin = (wild, calm) if own else (calm, wild)
    run = store.create_run(config, twin=twin, dataset="digits", owner=ME, here=True)
    with pytest.raises(DivergenceError) if own else nullcontext():
        run_training(run)
    app = train_page(run)
    parts = (str(each.proto) for each in app.get("bidi_component"))
    told = next(part for part in parts if "it broke off" in part)
    over, rest = ("As you set it", "With learning rate 0.01")
    if not own:
        over, rest = "With learning rate 100", over
    assert f"{over}, it broke off" in told
    assert f"{rest}, it reads" in told


@pytest.mark.parametrize(
    ("winner", "why", "said"),
    [
        ("twin", "", "You bet on its twin: right."),
        ("this", "too bold", "You bet on its twin, because “too bold”: not this time."),
        (None, "", ""),
    ],
)
def test_a_bet_on_twins_is_judged_by_who_won(winner: Winner | None, why: str, said: str) -> None:
    assert bet.verdict_on_twins("twin", why, winner) == said
    assert bet.verdict_on_twins(None, why, winner) == ""


def echarts(app: AppTest) -> list[str]:
    return [str(each.proto) for each in app.get("echarts_chart")]


@pytest.mark.parametrize(
    ("accuracy", "said"),
    [
        (0.934, "You bet 90 %: it did 3.4 points better."),
        (0.702, "You bet 90 %: it did 19.8 points worse."),
        (0.902, "You bet 90 %: spot on."),
        (None, ""),
    ],
)
def test_a_bet_is_judged_by_the_final_test(accuracy: float | None, said: str) -> None:
    assert bet.verdict(90.0, RunResult("a run", test_accuracy=accuracy)) == said
    assert bet.verdict(None, RunResult("a run", test_accuracy=accuracy)) == ""


def test_the_axes_of_a_run_that_has_not_begun_are_those_of_its_end() -> None:
    run = store.create_run(TrainConfig(epochs=2, batch_size=64), owner=ME, dataset="digits")
    axes = [json.loads(c.proto.spec)["xAxis"] for c in train_page(run).get("echarts_chart")]
    assert [(axis["min"], axis["max"]) for axis in axes] == [(0, 2 * (1500 // 64) * 64)] * 2


def test_a_run_that_has_ended_gives_its_film_and_says_so_where_it_cannot() -> None:
    config = TrainConfig(NetworkConfig((), (8,)), epochs=0.1, batch_size=50, threads=1)
    run = store.create_run(config, dataset="digits", owner=ME, here=True)
    run_training(run)
    app = train_page(run)
    film_of(app).click().run()
    assert not app.exception
    kept = film._films(str(run.path), recorded_steps(run.frames)[-1])
    assert kept[0].ready(60)
    app.run()
    labels = [each.proto.label for each in app.get("download_button")]  # also of what to take home
    assert any(re.fullmatch(r"Download the film \(\d\.\d MB GIF\)", label) for label in labels)

    kept.clear()
    for path in run.frames.iterdir():
        path.write_bytes(b"torn")
    film_of(app.run()).click().run()
    assert kept[0].ready(60)
    app.run()
    assert not app.exception
    assert any("was not kept" in caption.value for caption in app.caption)
    assert film_of(app)


def test_a_moment_shows_what_each_layer_made_of_the_own_drawing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(frame_recorder, "MAX_TIME_SHARE", 1e9)
    config = TrainConfig(NetworkConfig((), (8,)), epochs=0.5, batch_size=50, threads=1)
    run = store.create_run(config, dataset="digits", owner=ME, here=True)
    run_training(run)
    step = recorded_steps(run.frames)[1]
    app = train_page(run)
    assert layers_of(app) is None  # without a drawing
    app.session_state["drawing"] = SEVEN
    app.session_state["step"] = step
    app.run()
    assert "units, each of them" not in words(app)
    layers_of(app).set_value(True).run()
    assert not app.exception
    assert "8 units, each of them" in words(app) and "one sum for each digit" in words(app)
    drawn = from_strokes(SEVEN)
    then = load_model(f"{run.id}@{step}", run.path.parent)
    found = moment_layers._layers(str(run.path), step, drawn.numpy().tobytes(), drawn)
    said = found.said[-1][1].softmax(0)
    torch.testing.assert_close(said, then.probabilities(drawn[None])[0], atol=1e-5, rtol=0)
    other = recorded_steps(run.frames)[2]
    (run.frames / f"{other:07d}.safetensors").write_bytes(b"torn")
    app.session_state["step"] = other
    app.run()
    assert not app.exception and "units, each of them" not in words(app)
    assert any("were not kept" in caption.value for caption in app.caption)


def words(app: AppTest) -> str:
    return " ".join(each.value for each in app.markdown)


def layers_of(app: AppTest) -> Toggle | None:
    return next((each for each in app.toggle if each.label.startswith("What each layer")), None)


def film_of(app: AppTest) -> Button:
    return next(each for each in app.button if each.label == "Take the film along")


@pytest.mark.parametrize(
    ("state", "every"),
    [("interrupted", run_panel.AWAY_S), ("stopped", run_panel.AWAY_S), ("finished", None)],
)
def test_a_run_that_may_go_on_from_elsewhere_is_looked_at_again(
    state: str, every: float | None
) -> None:
    """Its worker wakes up, or its owner has another tab, or another server."""
    assert run_panel._interval(a_run(state=state)) == every

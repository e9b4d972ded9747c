"""The Evaluate page, run by Streamlit's own tester on small digits and made-up runs."""

import os
import threading
import time
from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest

from mnistcore.config import NetworkConfig, TrainConfig
from mnistcore.evaluation import robustness
from mnistcore.evaluation.diagnosis import margin_of_error
from mnistcore.models.checkpoint import save_network
from mnistcore.models.network import build_network
from mnistcore.runs import store
from pages.parts.evaluate import robustness as pages_robustness

ROOT = Path(__file__).parents[1]


pytestmark = pytest.mark.usefixtures("fresh")


def evaluate(**address: str) -> AppTest:
    app = AppTest.from_file(ROOT / "app.py", default_timeout=30).run()
    app.query_params.update(address)
    app.switch_page("pages/evaluate.py").run()
    assert not app.exception
    return app


def a_run(state: str = "finished", dataset: str = "mnist", **result: float) -> store.Run:
    """A run of a network that has learned nothing: it misreads about nine of ten."""
    config = NetworkConfig(convolutions=(), dense=(4,))
    run = store.create_run(TrainConfig(network=config), name="Made up", dataset=dataset)
    save_network(build_network(config, 1), run.model)
    status = {"state": state, "heartbeat": time.time(), "result": {"images": 1500} | result}
    store.write_json(
        run.path / "status.json", status | {"progress": {"step": 1, "steps": 9, "images": 1234}}
    )
    return run


def words(app: AppTest) -> str:
    kinds = (app.markdown, app.success, app.warning, app.info, app.caption)
    lines = [element.value for kind in kinds for element in kind]
    return "\n".join(lines + [each.label for each in app.expander])


def spoken(app: AppTest) -> str:
    return " ".join(str(each.proto) for each in app.get("bidi_component"))


def compared(app: AppTest) -> list[str]:
    return [metric.label for metric in app.metric if "read right" in metric.label]


def test_the_verdict_is_in_words_and_says_what_it_rests_on():
    app = evaluate(model=a_run().id)
    assert "**Made up** reads " in words(app)
    assert "**It has learned too little** (underfitting: high bias)" in words(app)
    assert "297 test images" in words(app)
    assert "What to try next" in words(app)


def test_a_runs_own_training_accuracy_is_taken_where_there_is_one():
    app = evaluate(model=a_run(train_accuracy=1.0, train_count=500).id)
    assert "**It has learned by heart** (overfitting: high variance)" in words(app)
    assert "and 500 that it did" in words(app)


def test_the_mistakes_come_surest_first_with_what_it_should_have_said():
    app = evaluate(model=a_run().id)
    assert "its surest mistakes first" in words(app)
    assert "It said " in spoken(app)


def test_a_guess_shows_the_label_and_the_score_is_kept():
    app = evaluate(model=a_run().id, look="Would you have known?")

    def press(label: str) -> None:
        next(button for button in app.button if button.label.startswith(label)).click().run()

    assert "took it for" not in words(app)
    assert "**0 of 0**" in words(app)
    press("**3**")
    assert "took it for" in words(app)
    knew = int("**Yes, a 3.**" in words(app))
    assert f"You knew **{knew} of 1**" in words(app)
    pressed = {button.label: button.disabled for button in app.button}
    assert not pressed.pop("**3**")  # it keeps the focus
    assert sum(pressed.values()) == 9
    press("Next")
    assert "took it for" not in words(app)
    press("**3**")
    assert " of 2**" in words(app)


def test_a_link_opens_a_cell_of_the_confusion_matrix():
    app = evaluate(model=a_run().id, look="Mix-ups", true="3", said="3")
    assert app.header[0].value.endswith("of a 3 read right")
    app.selectbox(key="said").set_value(7).run()
    assert app.header[0].value.endswith("of a 3 read as a 7")


def test_the_first_cell_that_is_open_is_the_worst():
    app = evaluate(model=a_run().id, look="Mix-ups")
    assert app.selectbox(key="true").value != app.selectbox(key="said").value


def test_calibration_is_told_in_words():
    assert "percentage points on average" in words(evaluate(model=a_run().id, look="Figures"))


def test_a_slider_changes_the_images_and_both_accuracies():
    app = evaluate(model=a_run().id, look="Sunshine and snow", kind="invert")
    start = app.metric[-1].value
    app.select_slider(key="invert").set_value(0).run()
    assert not app.exception
    assert app.metric[-1].value != start
    assert "the same 200 of 297" in words(app)


def test_while_a_network_beside_it_learns_its_curve_stays_until_asked_again():
    beside = a_run(state="running")
    beside.model.unlink()
    weights = build_network(NetworkConfig((), (4,)), 1).state_dict()
    torch.save({"network": weights, "step": 100}, beside.checkpoint)
    app = evaluate(look="Sunshine and snow", kind="invert")
    app.selectbox(key="against").set_value(beside.id).run()
    filling = set(robustness._sweeps)
    os.utime(beside.checkpoint, (2, 2))  # it has learned more
    app.select_slider(key="invert").set_value(50).run()
    assert not app.exception
    assert not set(robustness._sweeps) - filling
    next(button for button in app.button if button.label == "Take it as it is now").click().run()
    assert not app.exception
    assert set(robustness._sweeps) - filling


def test_a_curve_that_was_forgotten_to_make_room_is_worked_out_again():
    def begun() -> set[threading.Thread]:
        return {thread for (kind, *_), thread in robustness._sweeps.items() if kind == "noise"}

    app = evaluate(model=a_run().id, look="Sunshine and snow", kind="snow")
    first = begun()
    assert first
    for thread in first:
        thread.join(60)
    app.run()
    assert not begun() - first  # it is known
    pages_robustness._severity_curves.clear()
    app.run()
    assert not app.exception
    assert begun() - first


def test_what_chance_can_do_to_a_step_is_worked_out_from_its_figures():
    app = evaluate(model=a_run().id, look="Sunshine and snow")
    points = 100 * margin_of_error(float(app.metric[-1].value.rstrip("%")) / 100, 200)
    assert f"chance alone can move a figure by up to {points:.1f} points" in words(app)


def test_without_another_network_there_is_a_way_to_get_one():
    app = evaluate(look="Sunshine and snow")
    links = [link.proto.label for link in app.get("page_link")]
    assert any("Train one without augmentation" in label for label in links)
    assert len(compared(app)) == 1


def test_snow_begins_where_people_still_read_it_and_alone_until_another_network_is_asked_for():
    beside = a_run()
    app = evaluate(look="Sunshine and snow", kind="snow")
    assert app.select_slider(key="noise").value == 30
    assert app.select_slider(key="noise").label == "Snow (noise, % of full ink)"
    assert len(compared(app)) == 1
    assert "**The app's network** never saw snow while learning." in words(app)
    app.selectbox(key="against").set_value(beside.id).run()
    assert len(compared(app)) == 2
    assert "**The app's network and Made up** never saw snow while learning." in words(app)


def test_a_network_that_still_learns_is_judged_as_it_was_until_asked_again():
    run = a_run(state="running")
    run.model.unlink()

    def learn(seed: int) -> None:
        weights = build_network(NetworkConfig((), (4,)), seed).state_dict()
        torch.save({"network": weights, "step": 100}, run.checkpoint)
        os.utime(run.checkpoint, (seed, seed))

    learn(seed=1)
    app = evaluate(model=run.id)
    assert "clean test images right, so far." in words(app)
    assert "1,234 images seen so far" in words(app)
    first = app.metric[1].value
    learn(seed=2)
    app.run()
    assert app.metric[1].value == first
    next(button for button in app.button if button.label == "Judge it again").click().run()
    assert not app.exception
    assert app.metric[1].value != first


def test_a_network_that_cannot_be_read_is_answered_in_words():
    run = a_run()
    run.model.write_bytes(b"torn")
    assert "damaged" in words(evaluate(model=run.id))


def test_a_network_that_learned_other_images_is_judged_on_theirs():
    app = evaluate(model=a_run(dataset="digits").id)
    assert "297 test images" in words(app)


@pytest.mark.parametrize(
    "address",
    [
        {"model": "gone"},
        {"look": "nothing"},
        {"look": "Mix-ups", "true": "eleven", "said": ""},
        {"look": "Sunshine and snow", "kind": "rain"},
        {"look": "Sunshine and snow", "kind": "blur", "blur": "1e9"},
    ],
)
def test_an_address_that_makes_no_sense_is_ignored(address: dict[str, str]):
    app = evaluate(**address)
    assert "test images" in words(app)

"""The Inside page, run by Streamlit's own tester on scikit-learn's digits."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button
from test_draw_page import SEVEN, a_run
from test_retouch import painted

from mnistcore.config import Conv, NetworkConfig, TrainConfig
from mnistcore.data.digits import Digits
from mnistcore.inspection import embedding
from mnistcore.models.checkpoint import save_network
from mnistcore.models.network import build_network
from mnistcore.models.registry import Model, load_model
from mnistcore.runs import store
from pages.parts.inside import embedding_map

ROOT = Path(__file__).parents[1]
Parts = tuple[Digits, Digits]


pytestmark = pytest.mark.usefixtures("folder")


def inside(drawn: list | None = None, **address: str) -> AppTest:
    app = AppTest.from_file(ROOT / "app.py", default_timeout=30).run()
    app.query_params.update(address)
    if drawn:
        app.session_state["drawing"] = drawn
    app.switch_page("pages/inside.py").run()
    assert not app.exception
    return app


def text(app: AppTest) -> str:
    return "\n".join(each.value for each in app.markdown)


def written_out(app: AppTest) -> str:
    return "\n".join(each.proto.body for each in app.get("html"))


def test_a_test_image_goes_through_every_layer(digits: Parts) -> None:
    app = inside(test_image="5")
    assert f"A {int(digits[1].labels[5])}. The network reads a" in text(app)
    for layer in ("Convolution 1", "Convolution 3", "Dense 1", "Answer"):
        assert f"**{layer}**" in text(app)
    assert "products" in written_out(app) and "after ReLU" in written_out(app)
    assert "softmax" in "".join(caption.value for caption in app.caption)


def test_the_address_opens_a_unit() -> None:
    app = inside(layer="answer", unit="7")
    assert (app.selectbox(key="layer").value, app.number_input(key="unit").value) == ("answer", 7)
    assert "dense 1, unit" in written_out(app)


@pytest.mark.parametrize(
    "address",
    [
        {"test_image": "99999"},
        {"picture": "elephant"},
        {"layer": "basement", "unit": "7"},
        {"layer": "answer", "unit": "70"},
        {"unit": "-1"},
        {"map": "world"},
    ],
)
def test_an_address_that_makes_no_sense_is_ignored(address: dict) -> None:
    app = inside(**address)
    assert app.session_state["layer"] in ("convolution 1", "answer")
    assert app.session_state["map"] == "PCA"


def test_a_link_to_a_layer_opens_its_most_excited_unit() -> None:
    app = inside(layer="answer")
    assert f"The network reads a **{app.number_input(key='unit').value}**" in text(app)


def test_another_layer_begins_with_its_most_excited_unit() -> None:
    app = inside()
    app.selectbox(key="layer").set_value("answer").run()
    assert not app.exception
    assert f"The network reads a **{app.number_input(key='unit').value}**" in text(app)


def test_another_place_of_a_map_gives_another_sum() -> None:
    app = inside()
    before = written_out(app)
    next(box for box in app.number_input if box.label.startswith("Row")).set_value(0).run()
    assert not app.exception
    assert written_out(app) != before


def test_the_visitors_own_drawing_goes_through_too() -> None:
    app = inside(SEVEN, picture="Your drawing")
    assert "Your drawing. The network reads a **7**" in text(app)


def test_without_a_drawing_the_page_says_where_to_draw() -> None:
    app = inside(picture="Your drawing")
    assert "no drawing yet" in app.info[0].value
    assert app.get("page_link")[0].proto.page == "draw"


@pytest.mark.parametrize(
    "config",
    [
        NetworkConfig((), (), "none"),
        NetworkConfig((), (100, 8), "Tanh", dropout=0.2, batch_norm=True),
        NetworkConfig((Conv(3, 3, pool=False, padding=True),), (), "GELU", batch_norm=True),
    ],
)
def test_every_kind_of_network_can_be_looked_into(config: NetworkConfig) -> None:
    run = store.create_run(TrainConfig(network=config), name="Other")
    save_network(build_network(config, 1), run.model)
    store.write_json(run.path / "status.json", {"state": "finished", "progress": {}})
    app = inside(SEVEN, model=run.id)
    for name in app.selectbox(key="layer").options:
        app.selectbox(key="layer").set_value(name).run()
        assert not app.exception


def test_a_layer_that_the_other_network_lacks_is_forgotten() -> None:
    app = inside(model=a_run("Flat").id, layer="convolution 3", unit="40")
    assert app.selectbox(key="layer").value == "dense 1"


def test_a_network_that_still_learns_is_shown_as_it_was_until_asked_again() -> None:
    config = NetworkConfig((), (4,))
    run = store.create_run(TrainConfig(network=config), name="Learning")
    now = {
        "state": "running",
        "heartbeat": time.time(),
        "progress": {"step": 1, "steps": 9, "images": 1234},
    }
    store.write_json(run.path / "status.json", now)

    def learn(seed: int) -> None:
        torch.save({"network": build_network(config, seed).state_dict()}, run.checkpoint)
        os.utime(run.checkpoint, (seed, seed))

    learn(seed=1)
    app = inside(model=run.id, layer="answer", unit="7")
    first = written_out(app)
    learn(seed=2)
    app.run()
    assert written_out(app) == first
    assert "1,234 images seen so far" in "".join(caption.value for caption in app.caption)
    next(button for button in app.button if button.label == "Look at it again").click().run()
    assert not app.exception
    assert written_out(app) != first


def test_maps_form_one_at_a_time_and_none_is_ever_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    at_work, most = [], []

    def form(features: torch.Tensor) -> Iterator[embedding.Embedding]:
        yield embedding.pca(features)
        at_work.append(1)
        most.append(len(at_work))
        time.sleep(0.2)
        at_work.pop()
        yield embedding.pca(features.square())

    monkeypatch.setattr(embedding, "tsne", form)
    forming = [embedding_map.FormingMap(torch.rand(9, 4)) for _ in range(3)]
    begun = [each.plane.points for each in forming]
    while any(each.is_forming() for each in forming):
        time.sleep(0.01)
    assert most == [1, 1, 1]
    for points, each in zip(begun, forming, strict=True):
        assert points.shape == each.plane.points.shape
        assert not points.equal(each.plane.points)


def test_an_empty_word_in_the_address_is_no_word() -> None:
    assert not inside(map="", test_image="", layer="", unit="").exception


def result_of(app: AppTest) -> str:
    """The card of what the network says of the changed picture."""
    return next(body for body in written_out(app).split("<section ") if "'Result'" in body)


def test_the_machine_turns_a_test_image_into_the_digit_that_is_asked_for(digits: Parts) -> None:
    target = (int(digits[1].labels[5]) + 2) % 10  # from a 3 no way to a 4 is found
    app = inside(test_image="5", fool="The machine", target=str(target))
    least = app.slider(key="changed").value
    assert f"a {target}." in result_of(app) or f"an {target}." in result_of(app)
    app.slider(key="changed").set_value(least - 1).run()
    assert f"a {target}." not in result_of(app)
    app.segmented_control(key="method").set_value("Many steps").run()
    assert f"a {target}." in result_of(app) or f"an {target}." in result_of(app)
    assert app.slider(key="percent").value < 50
    assert not app.exception


@pytest.mark.parametrize(
    "address",
    [
        {"fool": "Nobody"},
        {"fool": "The machine", "target": "elephant", "method": "magic", "changed": "-4"},
        {"fool": "The machine", "method": "One step", "percent": "1e9"},
        {"fool": "The machine", "target": "12", "changed": "61"},
    ],
)
def test_fool_it_ignores_an_address_that_makes_no_sense(address: dict) -> None:
    assert not inside(**address).exception


def test_an_address_sets_how_the_machine_shall_fool_it() -> None:
    app = inside(fool="The machine", method="One step", percent="20", target="3")
    assert app.slider(key="percent").value == 20
    assert app.segmented_control(key="target").value == 3


def test_who_touches_up_a_test_image_is_told_how_many_pixels_and_keeps_the_best(
    digits: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = 5

    def paint(app: AppTest, side: int) -> None:
        sheet = painted(lambda draw: draw.rectangle((0, 0, 11 * side - 1, 307), fill="white"))
        app.session_state[f"sheet 0 with test image {index}"] = {"drawing": {"data": sheet}}
        app.run()
        assert not app.exception

    def still(app: AppTest) -> Button:
        return app.button(key="still that digit")

    app = inside(test_image=str(index), fool="You")
    assert still(app).disabled
    paint(app, side=28)
    assert still(app).disabled  # white all over, it reads something else, but notices
    monkeypatch.setattr(Model, "in_distribution", lambda *_: True)
    app.run()
    assert still(app).label.startswith("To me it is still a")
    assert not still(app).disabled
    still(app).click().run()
    worst = int((digits[1].images[index] != 255).sum())
    assert f"Your best: **{worst} of 784 pixels**" in text(app)
    assert still(app).disabled  # it is no better than itself
    app.switch_page("pages/draw.py").run()
    app.switch_page("pages/inside.py").run()
    assert f"Your best: **{worst} of 784 pixels**" in text(app)


def test_what_is_painted_on_a_test_image_is_still_there_on_returning() -> None:
    def changed(app: AppTest) -> str:
        return next(
            str(each.proto) for each in app.get("bidi_component") if "retouched" in str(each.proto)
        )

    app = inside(test_image="5", fool="You")
    sheet = painted(lambda draw: draw.rectangle((0, 0, 109, 109), fill="white"))
    app.session_state["sheet 0 with test image 5"] = {"drawing": {"data": sheet}}
    app.run()
    many = changed(app)
    assert "pixels changed" in many
    app.number_input(key="test_image").set_value(6).run()
    assert "Nothing is changed" in changed(app)
    app.number_input(key="test_image").set_value(5).run()
    assert changed(app) == many
    app.segmented_control(key="fool").set_value("The machine").run()
    app.segmented_control(key="fool").set_value("You").run()
    assert changed(app) == many
    app.switch_page("pages/home.py").run()
    app.switch_page("pages/inside.py").run()
    assert changed(app) == many
    next(button for button in app.button if button.label == "Start over").click().run()
    assert "Nothing is changed" in changed(app)
    assert not app.exception


def test_pixels_can_be_painted_and_taken_back_by_keyboard(digits: Parts) -> None:
    def press(app: AppTest, label: str) -> None:
        next(button for button in app.button if button.label == label).click().run()
        assert not app.exception

    app = inside(test_image="5", fool="You")
    press(app, "Paint this pixel: ink")
    app.number_input(key="painted row").set_value(3).run()
    app.segmented_control(key="retouching pen").set_value("Eraser").run()
    press(app, "Paint this pixel: eraser")
    assert app.session_state["painted pixels of test image 5"] == {(14, 14): 255, (3, 14): 0}
    press(app, "Take these back")
    assert "painted pixels of test image 5" not in app.session_state


def test_only_a_test_image_that_is_read_right_can_be_touched_up(digits: Parts) -> None:
    assert "choose one above" in inside(SEVEN, fool="You", picture="Your drawing").caption[-1].value
    app = inside(fool="You", model=a_run("Knows nothing", seed=3).id)
    images, labels = digits[1].images[:40] / 255, digits[1].labels[:40]
    read = load_model(app.session_state["model"]).probabilities(images).argmax(1)
    wrong = int((read != labels).nonzero()[0])
    app.number_input(key="test_image").set_value(wrong).run()
    assert "misread as it is" in app.info[0].value
    right = int((read == labels).nonzero()[0])
    app.number_input(key="test_image").set_value(right).run()
    assert not app.info

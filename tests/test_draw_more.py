"""Why an answer, and teaching, on the Draw page, run by Streamlit's own tester."""

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mnistcore.config import TrainConfig
from mnistcore.models.checkpoint import load_network, save_network
from mnistcore.models.registry import load_model, weights_path
from mnistcore.runs import store
from mnistcore.training.finetune_session import (
    FineTuneSession,
    LabeledDrawing,
    rasterize_drawings,
    read_drawings,
)
from pages.common.datasets import shared_dataset

ROOT = Path(__file__).parents[1]
SEVEN = [(80.0, 90.0), (230.0, 90.0), (130.0, 300.0)]
TEACH, WHY = "Teach it my handwriting", "Why this answer?"


@pytest.fixture(autouse=True)
def quick(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of the test's own, and a teaching that is soon over."""
    monkeypatch.setattr("mnistcore.training.finetune_session.N_EVALUATION", 100)


def draw_page(*strokes: list, more: str | None = None) -> AppTest:
    app = AppTest.from_file(ROOT / "app.py", default_timeout=60).run()
    app.session_state["drawing"] = list(strokes)
    if more:
        app.session_state["more"] = more
    app.switch_page("pages/draw.py").run()
    assert not app.exception
    return app


def visitor(app: AppTest) -> str:
    """Make the session somebody's, as a cookie does."""
    app.session_state["_visitor"] = "0" * 32
    return "0" * 32


def words(app: AppTest) -> str:
    every = (*app.markdown, *app.caption, *app.get("html"))
    return "\n".join(str(getattr(each, "value", "") or each.proto.body) for each in every)


def press(app: AppTest, label: str) -> None:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception


def teach_on(app: AppTest) -> None:
    app.session_state["more"] = TEACH
    app.run()
    press(app, "Teach")


def say_that_it_was(app: AppTest, digit: int) -> None:
    app.button_group(key="was").set_value(digit).run()
    assert not app.exception


def test_why_needs_a_drawing() -> None:
    assert "Draw a digit, and here you will see why" in words(draw_page(more=WHY))


def test_why_shows_the_steps_the_ink_and_what_looks_alike() -> None:
    app = draw_page(SEVEN, more=WHY)
    assert "as you drew it" in words(app)
    assert "Ink that spoke for a 7 in blue" in words(app)
    assert "training images, these excite" in words(app)


def test_why_can_be_asked_of_any_other_digit() -> None:
    app = draw_page(SEVEN, more=WHY)
    app.button_group(key="why_not_drawn").set_value(3).run()
    assert "for a 7 in blue, for a 3 in orange" in words(app)
    app.button_group(key="why_not_drawn").set_value(7).run()  # its own answer: the runner-up
    assert "for a 7 in orange" not in words(app)


def test_nothing_drawn_is_kept_without_the_visitors_wish(folder: Path) -> None:
    say_that_it_was(draw_page(SEVEN), 4)
    assert not list(folder.glob("*/*"))


def test_a_wrong_answer_is_a_lesson_that_is_learned_and_undone(folder: Path) -> None:
    app = draw_page(SEVEN)
    say_that_it_was(app, 4)
    assert app.session_state["more"] == TEACH
    say_that_it_was(app, 3)  # said twice, the second word counts
    press(app, "Teach")
    run = store.list_runs(folder)[0]
    assert app.session_state["model"] == app.selectbox(key="model").value == run.id
    assert "This is a 3." in words(app) or "perhaps a 3" in words(app)
    assert "taught my hand" in run.name
    assert run.status().state == "finished"
    assert [lesson.digit for lesson in read_drawings(run)] == [3]
    assert app.metric[0].value == "1 of 1"
    spoken = " ".join(str(each.proto) for each in app.get("bidi_component"))
    assert "Taught. Of your 1 drawing it reads 1 right; of the first 100 test images" in spoken
    assert app.metric[1].label == "First 100 test images of MNIST"

    press(app, "Undo the teaching")
    assert app.session_state["model"] == "shipped"
    assert "This is a 7." in words(app)
    assert not store.list_runs(folder)


def test_teaching_again_starts_from_the_network_before(folder: Path) -> None:
    app = draw_page(SEVEN)
    say_that_it_was(app, 4)
    press(app, "Teach")
    first = store.list_runs(folder)[0]
    teach_on(app)
    (second,) = store.list_runs(folder)
    assert second.id != first.id
    assert second.status().result.fine_tune.base_model == "shipped"


def test_the_taught_network_is_its_owners_alone() -> None:
    mine, other = draw_page(SEVEN), draw_page(SEVEN)
    say_that_it_was(mine, 4)
    press(mine, "Teach")
    other.run()
    assert "This is a 7." in words(other)
    assert not any("taught my hand" in option for option in other.selectbox(key="model").options)
    assert any("taught my hand" in option for option in mine.selectbox(key="model").options)


def test_a_taught_network_is_in_nobody_elses_list_of_runs(folder: Path) -> None:
    mine = draw_page(SEVEN)
    say_that_it_was(mine, 4)
    press(mine, "Teach")
    run = store.list_runs(folder)[0]
    plain = store.create_run(run.config().train, name="For all", owner="somebody", folder=folder)
    store.write_json(plain.path / "status.json", {"state": "finished"})
    for app, others in ((mine, {run.id}), (draw_page(), set())):
        app.switch_page("pages/train.py").run()
        listed = {each.key for each in app.button if str(each.key).startswith("open ")}
        assert listed == {f"open {name}" for name in others | {plain.id}}
        app.query_params["run"] = plain.id
        app.run()
        assert not app.exception
        # Nothing to lay over its curve: the other network was taught, and has none.
        assert not [each for each in app.button_group if each.key == "compare"]


def test_what_a_network_is_called_opens_it_for_nobody(folder: Path) -> None:
    run = store.create_run(
        TrainConfig(), name="Shipped, taught my hand", owner="somebody", folder=folder
    )
    other = draw_page(SEVEN)
    for name, found in ((run.name, False), (run.id, True)):
        other.query_params["run"] = name
        other.switch_page("pages/train.py").run()
        assert not other.exception
        assert (other.title[0].value == run.name) == found
        assert bool(other.warning) != found
    del other.session_state["model"]
    other.query_params["model"] = run.name
    other.switch_page("pages/draw.py").run()
    assert other.session_state["model"] == "shipped"


def test_a_dot_is_no_lesson() -> None:
    app = draw_page([(200.0, 200.0)])
    say_that_it_was(app, 1)
    assert "Draw it larger first" in app.toast[0].value
    assert app.session_state["lessons"] == []
    app.session_state["drawing"] = [SEVEN]
    say_that_it_was(app, 7)
    assert len(app.session_state["lessons"]) == 1


def test_choosing_another_network_while_one_learns_takes_nothing_away(folder: Path) -> None:
    app = draw_page(SEVEN)
    say_that_it_was(app, 4)
    press(app, "Teach")
    first = store.list_runs(folder)[0]
    app.selectbox(key="model").set_value("shipped").run()
    teaching = FineTuneSession("shipped", app.session_state["lessons"], shared_dataset().train)
    next(iter(teaching))  # as it stands when a click interrupts the page
    app.session_state["teaching"] = teaching, None
    app.selectbox(key="model").set_value(first.id).run()
    assert not app.exception
    names = {run.id for run in store.list_runs(folder)}
    assert len(names) == 2
    assert first.id in names


def test_lessons_that_were_damaged_take_only_their_pictures_away(folder: Path) -> None:
    app = draw_page(SEVEN)
    say_that_it_was(app, 4)
    press(app, "Teach")
    (store.list_runs(folder)[0].path / "lessons.jsonl").write_text('{"label": 4, "str')
    app.run()
    assert not app.exception
    assert "can no longer be read" in words(app)
    assert app.metric[0].value.endswith("of 1")


def test_lessons_of_any_digit_are_kept_by_one_tap_each_and_the_sheet_is_free_again() -> None:
    app = draw_page(more=TEACH)
    assert next(button for button in app.button if button.label == "Teach").disabled
    for digit, stroke in ((7, SEVEN), (1, [(80.0, 90.0), (80.0, 300.0)]), (7, SEVEN[::-1])):
        app.session_state["drawing"] = [stroke]
        app.run()
        say_that_it_was(app, digit)
        assert app.session_state["drawing"] == []
    assert [lesson.digit for lesson in app.session_state["lessons"]] == [7, 1, 7]
    press(app, "Back to the answer")
    assert "Draw a digit first." in words(app)


@pytest.mark.parametrize(("answer", "kept"), [("Yes, it is a 7", 7), ("No, keep it as a 0", 0)])
def test_a_lesson_that_is_clearly_another_digit_is_doubted(answer: str, kept: int) -> None:
    app = draw_page(SEVEN, more=TEACH)
    say_that_it_was(app, 0)
    assert app.session_state["lessons"] == []
    assert app.session_state["drawing"] == [SEVEN]
    press(app, answer)
    assert [lesson.digit for lesson in app.session_state["lessons"]] == [kept]
    assert app.session_state["drawing"] == []


def test_a_doubt_is_over_when_something_else_is_drawn() -> None:
    app = draw_page(SEVEN, more=TEACH)
    say_that_it_was(app, 0)
    app.session_state["drawing"] = [SEVEN, [(90.0, 200.0), (200.0, 200.0)]]
    app.run()
    assert "Teach" in {button.label for button in app.button}


def test_a_drawing_that_nobody_named_is_not_left_out_of_a_teaching(folder: Path) -> None:
    app = draw_page(SEVEN, more=TEACH)
    say_that_it_was(app, 7)
    app.session_state["drawing"] = [[(80.0, 90.0), (80.0, 300.0)]]
    app.run()
    press(app, "Teach")
    assert not store.list_runs(folder)
    say_that_it_was(app, 1)
    press(app, "Teach")
    assert len(read_drawings(store.list_runs(folder)[0])) == 2


def test_what_was_learned_lies_on_the_sheet_and_is_read_before_and_after() -> None:
    app = draw_page(SEVEN, more=TEACH)
    say_that_it_was(app, 3)
    press(app, "No, keep it as a 3")
    press(app, "Teach")
    assert app.session_state["drawing"] == [SEVEN]
    assert "Before: a 7." in words(app)
    assert "Of your 1 drawing it reads 1 right, before it read 0." in words(app)


def test_a_stroke_that_was_begun_before_the_page_took_the_sheet_stays() -> None:
    app = draw_page(SEVEN, more=TEACH)
    say_that_it_was(app, 7)
    dash = [(120.0, 200.0), (240.0, 200.0)]
    late = {"turn": 2, "first": 0, "strokes": [SEVEN, dash], "widths": [20, 9]}
    app.session_state["sheet"] = {"drawing": late}
    app.run()
    assert app.session_state["drawing"] == [dash]
    assert app.session_state["drawing_widths"] == [9]


def test_lessons_are_kept_in_the_format_of_stroke_files(folder: Path) -> None:
    app = draw_page(SEVEN)
    say_that_it_was(app, 7)
    press(app, "Teach")
    run = store.list_runs(folder)[0]
    (line,) = (run.path / "lessons.jsonl").read_text().splitlines()
    assert json.loads(line)["label"] == 7
    images, digits = rasterize_drawings(read_drawings(run))
    assert images.shape == (1, 28, 28)
    assert digits.tolist() == [7]
    assert load_model(run.id).title == run.name


def test_a_lesson_without_ink_is_no_lesson() -> None:
    images, _ = rasterize_drawings(
        [LabeledDrawing(1, []), LabeledDrawing(1, [[(10, 10), (10, 200)]])]
    )
    assert len(images) == 1


def test_a_taught_network_can_be_watched_and_judged_like_any_other() -> None:
    app = draw_page(SEVEN)
    say_that_it_was(app, 7)
    press(app, "Teach")
    run = store.list_runs()[0]
    for page in ("train", "evaluate"):
        app.query_params["run"] = run.id
        app.switch_page(f"pages/{page}.py").run()
        assert not app.exception, page
        assert not app.error, page
        assert "random" not in words(app)


def test_reasons_for_a_drawing_and_for_a_picture_can_stand_one_below_the_other() -> None:
    def script(drawing: list) -> None:
        from mnistcore.drawing.rasterize import from_strokes
        from pages.parts.draw import explanation

        explanation.show("shipped", from_strokes(drawing), drawing)
        explanation.show("shipped", from_strokes(drawing))

    app = AppTest.from_function(script, kwargs={"drawing": [SEVEN]}, default_timeout=60).run()
    assert not app.exception
    assert len(app.button_group) == 2


def test_teaching_needs_no_place_among_the_runs_under_way(folder: Path) -> None:
    app = draw_page(SEVEN)
    for _ in range(store.MAX_PER_OWNER):
        store.create_run(TrainConfig(), owner=visitor(app), folder=folder)
    say_that_it_was(app, 7)
    press(app, "Teach")
    assert not app.error
    assert sum("taught my hand" in run.name for run in store.list_runs(folder)) == 1


def test_who_teaches_on_when_the_network_before_is_gone_loses_nothing(folder: Path) -> None:
    app = draw_page(SEVEN)
    me = visitor(app)
    base = store.create_run(TrainConfig(), name="Base", owner=me, folder=folder)
    save_network(load_network(weights_path()).network, base.model)
    store.write_json(base.path / "status.json", {"state": "finished"})
    app.run()
    app.selectbox(key="model").set_value(base.id).run()
    say_that_it_was(app, 7)
    press(app, "Teach")
    base.delete(me)
    teach_on(app)
    assert not app.exception
    assert [run.name for run in store.list_runs(folder)] == [
        "Base, taught my hand, taught my hand",
        "Base, taught my hand",
    ]


def test_the_machine_turns_a_drawing_into_another_digit_and_takes_no_more_than_it_needs() -> None:
    app = draw_page(SEVEN, more="Fool it")
    least = app.slider(key="draw changed").value
    result = words(app).split("'Result'")[1]
    assert f"a {app.segmented_control(key='draw target').value}." in result.replace("an 8", "a 8")
    app.slider(key="draw changed").set_value(least - 1).run()
    assert not app.exception
    assert words(app).split("'Result'")[1] != result


def test_without_a_drawing_there_is_nothing_to_fool() -> None:
    assert "the machine will change it" in words(draw_page(more="Fool it"))

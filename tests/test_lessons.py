"""Lessons: what may stand in a file, and what is said of one that cannot be given."""

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mnistcore.errors import LessonError
from mnistcore.lessons import Lesson, parse_lesson
from pages.common import lessons, links
from pages.common.datasets import shared_dataset

ROOT = Path(__file__).parents[1]
STEP = """[[step]]
title = "Look"
minutes = 2
address = "/explore?index=10"
do = "Choose one."
look_for = "Explore"
say = "Look at them."
expect = "Numbers."
idea = 1
"""
LESSON = f'title = "Mine"\naudience = "My class"\n{STEP}'


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for a teacher's own lessons."""
    (folder := tmp_path / "own").mkdir()
    monkeypatch.setenv(lessons.OWN, str(folder))
    return folder


def parse(content: bytes) -> Lesson:
    return parse_lesson(content, links.from_address)


def home(**address: str) -> AppTest:
    app = AppTest.from_file(ROOT / "app.py", default_timeout=30)
    app.query_params.update(address)
    app.run()
    assert not app.exception
    return app


def sheet(app: AppTest) -> str:
    """All that is written in HTML, the worksheet among it."""
    return "".join(each.value for each in app.get("html"))


def bar(app: AppTest) -> str | None:
    """The title in the bar, with the number of the step."""
    return next((e.proto.label for e in app.get("page_link") if " of " in e.proto.label), None)


def test_the_apps_lessons_can_be_given_and_take_as_long_as_they_say():
    for lesson in map(lessons.read, lessons.files().values()):
        assert lesson.audience.startswith(f"{lesson.minutes} minutes")
        for step in lesson.steps:
            assert step.ask and step.answer and step.task and step.standards, step.title


def test_the_standards_that_lessons_serve_stand_in_the_documents():
    told = (ROOT / "docs" / "lessons.md").read_text()
    listed = set(re.findall(r"^\| ((?:AI4K12|UNESCO) [\w.-]+) \|", told, re.M))
    steps = [step for path in lessons.files().values() for step in lessons.read(path).steps]
    served = {name.split(",")[0] for step in steps for name in step.standards}
    assert served == listed


def test_the_lesson_of_the_documents_can_be_given():
    told = (ROOT / "docs" / "lessons.md").read_text()
    assert parse(re.search(r"```toml\n(.*?)```", told, re.S).group(1).encode()).minutes == 4


def test_a_lesson_that_a_teacher_wrote_is_found_by_the_name_of_its_file(own: Path):
    def title(name: str) -> str:
        return lessons.read(lessons.files()[name]).title

    (own / "mine.toml").write_text(LESSON)
    assert title("mine") == "Mine"
    (own / "mine.toml").write_text(LESSON.replace('"Mine"', '"Mine, and longer"'))
    assert title("mine") == "Mine, and longer"
    (own / "class.toml").write_text(LESSON)
    assert title("class") == "Mine"


@pytest.mark.parametrize(
    ("there", "instead", "said"),
    [
        ("minutes = 2", 'minutes = "two"', "minutes cannot be 'two'."),
        ("minutes = 2", "minutes = 0", "minutes cannot be 0."),
        ('title = "Look"\n', "", "it has no title."),
        ('title = "Look"', 'title = " "', "title is empty."),
        ('"Look"', f'"{"x" * 61}"', "title has 61 characters, 60 is the most."),
        ("idea = 1", "idea = 10", "idea cannot be 10."),
        ("idea = 1", 'idea = 1\nhint = ""', "it has something called 'hint'."),
        ("idea = 1", 'idea = 1\nask = "Why?"', "ask needs an answer."),
        ("idea = 1", 'idea = 1\ntask = "Why?"', "solution needs a paragraph for each of task."),
        ("index=10", "indx=10", "address has 'indx', which no page knows."),
        ("/explore?index=10", "https://example.org/", "address cannot be 'https://example.org/'"),
        ("/explore", "//example.org/explore", "address cannot be '//example.org/explore"),
        ("/explore?index=10", "javascript:alert()", "address cannot be 'javascript:alert()'"),
    ],
)
def test_a_mistake_is_named_with_its_step_and_field(there: str, instead: str, said: str):
    with pytest.raises(LessonError, match=f"^lesson, step 2: {re.escape(said)}"):
        parse((LESSON + STEP.replace(there, instead)).encode())


@pytest.mark.parametrize(
    "content",
    [b"", b"idea 1", b"\xff", b"step = 1", b"[[step]]", b"x=" + b"[" * 99_999, b"#" * 200_001],
    ids=lambda content: repr(content[:8]),
)
def test_what_is_no_lesson_is_refused_in_a_sentence(content: bytes):
    with pytest.raises(LessonError, match=r"^lesson: .*\.$"):
        parse(content)


def test_a_lesson_may_have_been_saved_by_any_editor():
    assert parse(b"\xef\xbb\xbf" + LESSON.replace("\n", "\r\n").encode()).title == "Mine"


@pytest.mark.usefixtures("fresh")
def test_a_lesson_begins_at_its_first_step_and_stays_until_one_leaves(own: Path):
    (own / "mine.toml").write_text(LESSON + STEP.replace("Look", "Look again"))
    assert bar(home()) is None
    app = home(lesson="mine")
    assert bar(app) == "**1 of 2. Look**"
    assert app.query_params["at"] == "1" and app.query_params["index"] == "10"
    del app.session_state["_page"]  # else the tester runs the page without the frame around it
    app.switch_page("pages/draw.py").run()
    assert bar(app) == "**1 of 2. Look**"
    assert (app.query_params["lesson"], app.query_params["at"]) == ("mine", "1")
    next(each for each in app.button if each.label == "Leave").click().run()
    assert bar(app) is None and "lesson" not in app.query_params


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize(("at", "step"), [("0", 1), ("2", 2), ("99", 2), ("-1", 1), ("x", 1)])
def test_a_step_that_is_not_there_means_the_nearest_or_the_first(own: Path, at: str, step: int):
    (own / "mine.toml").write_text(LESSON + STEP)
    assert bar(home(lesson="mine", at=at)) == f"**{step} of 2. Look**"


@pytest.mark.usefixtures("fresh")
def test_a_broken_lesson_breaks_no_page_and_says_what_is_wrong(own: Path):
    (own / "mine.toml").write_text(LESSON.replace("idea = 1", "idea = 0"))
    app = home(lesson="mine")
    assert [each.value for each in app.warning] == ["mine.toml, step 1: idea cannot be 0."]
    assert app.title
    assert "lesson" not in home(lesson="../class").query_params
    (own / "class.toml").write_text("[")  # in the place of one that Home shows
    shared_dataset()
    app.run()
    assert not app.exception and "Give a lesson" in [each.value for each in app.header]
    del app.session_state["_page"]
    app.switch_page("pages/lesson.py").run()
    assert [each.value.split(",")[0].split(":")[0] for each in app.warning] == [
        "class.toml",
        "mine.toml",
    ]


@pytest.mark.usefixtures("fresh")
def test_the_words_of_a_lesson_are_shown_letter_by_letter(own: Path):
    evil = "<b>x</b> ![](http://example.org/a.png) [y](http://example.org)"
    here = LESSON.replace('address = "/explore?index=10"', 'address = "/"')
    (own / "mine.toml").write_text(here.replace("Choose one.", evil))
    app = home(lesson="mine", at="1")
    shown = next(each for each in app.markdown if "example" in each.value)
    assert "\\<b\\>" in shown.value and "\\[y\\]" in shown.value
    assert not shown.allow_html


@pytest.mark.usefixtures("fresh")
def test_the_notes_go_on_step_by_step_and_keep_the_answer_folded(own: Path):
    asked = 'ask = "Why?"\nanswer = "Because."\ntask = "How many?"\nsolution = "Two."\n'
    (own / "mine.toml").write_text(LESSON + STEP.replace("Look", "Look again") + asked)
    app = home(lesson="mine")
    app.query_params = {"lesson": "mine"}
    del app.session_state["_page"]
    app.switch_page("pages/lesson.py").run()
    assert app.header[0].value == "1 of 2. Look" and not app.expander
    next(each for each in app.button if each.label == "Next").click().run()
    assert app.header[0].value == "2 of 2. Look again" and app.query_params["at"] == "2"
    assert app.expander[0].markdown[0].value == "Because." and not app.expander[0].proto.expanded
    app.button_group(key="show").set_value("Worksheet").run()
    assert "Step 2: Look again" in sheet(app) and "How many?" in sheet(app)
    assert "Two." not in sheet(app) and "Why?" not in sheet(app)
    app.button_group(key="show").set_value("Worksheet with answers").run()
    assert "Two." in sheet(app)

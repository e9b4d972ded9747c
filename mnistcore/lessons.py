"""Lesson: a guided visit in a file that a teacher can write, read and checked (no torch)."""

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, TypeVar

from mnistcore.errors import LessonError
from mnistcore.serialization import NEEDED, Range, read_bounded, structure

_MAX_BYTES, _MAX_STEPS = 200_000, 60
_SHORT = {"title": 60, "do": 110, "look_for": 60}  # characters that there is room for
_LONG = 3_000  # characters of any other text
_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")
T = TypeVar("T", "Lesson", "Step")


def _needed(default: Any = "") -> Any:
    return field(default=default, metadata=NEEDED)


@dataclass(frozen=True)
class Step:
    """One step of a lesson; all texts are plain, paragraphs stand between empty lines."""

    title: str = _needed()
    minutes: Annotated[int, Range(1, 240)] = _needed(1)
    address: str = _needed()  # as in the browser, after the server's name: /explore?index=10
    do: str = _needed()  # what to click there, or to do
    look_for: str = _needed()  # words that are on the page then
    say: str = _needed()
    expect: str = _needed()
    idea: Annotated[int, Range(1, 9)] = _needed(1)  # of Home's nine
    ask: str = ""  # before anything is shown
    answer: str = ""
    task: str = ""  # for the worksheet, a paragraph for each question
    solution: str = ""  # likewise, for each of them
    standards: tuple[str, ...] = ()  # what it serves, with its source


@dataclass(frozen=True)
class Lesson:
    """A guided visit."""

    title: str = _needed()
    audience: str = _needed()  # for whom, and where
    steps: tuple[Step, ...] = ()
    sources: tuple[str, ...] = ()  # of the standards

    @property
    def minutes(self) -> int:
        """How long it takes."""
        return sum(step.minutes for step in self.steps)


def read_lesson(path: Path, check_address: Callable[[str], object]) -> Lesson:
    """The lesson in a TOML file.

    check_address: raises ValueError, about `address`, for one that leads nowhere. Raises
    LessonError, which names the file, the step and the field, where something is wrong.
    """
    file = _shown(path.name)
    if not _NAME.fullmatch(path.stem):
        raise LessonError(
            f"{file}: name a lesson's file with at most 40 letters from a to z, digits and hyphens."
        )
    try:
        return parse_lesson(read_bounded(path, _MAX_BYTES), check_address, file)
    except OSError as error:
        raise LessonError(f"{file} cannot be read: {_shown(error.strerror)}.") from error


def parse_lesson(
    content: bytes, check_address: Callable[[str], object], file: str = "lesson"
) -> Lesson:
    """The same for what is in such a file; `file` is what errors call it."""
    if len(content) > _MAX_BYTES:
        raise LessonError(f"{file}: it has more than {_MAX_BYTES:,} bytes.")
    try:
        values = tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise LessonError(f"{file}: save it as UTF-8.") from None
    except RecursionError:
        raise LessonError(f"{file}: it is nested too deeply.") from None
    except ValueError as error:
        raise LessonError(f"{file}: it is no TOML. {_shown(error)}.") from None
    steps = values.pop("step", None)
    if "steps" in values or not isinstance(steps, list) or not 1 <= len(steps) <= _MAX_STEPS:
        raise LessonError(f"{file}: it needs 1 to {_MAX_STEPS} steps, each below [[step]].")
    lesson = _checked(Lesson, values, file)
    parts = []
    for number, each in enumerate(steps, 1):
        where = f"{file}, step {number}"
        parts.append(_checked(Step, each, where))
        try:
            check_address(parts[-1].address)
        except ValueError as error:
            raise LessonError(f"{where}: {_shown(error)}.") from None
    return replace(lesson, steps=tuple(parts))


def _checked(kind: type[T], values: Any, where: str) -> T:
    """A Lesson or a Step, if its texts have their length."""
    needed = {each.name for each in fields(kind) if each.metadata == NEEDED}
    try:
        made: T = structure(kind, values, "it")
        for name, text in _texts(made):
            if name in needed and not text.strip():
                raise ValueError(f"{name} is empty")
            if len(text) > (most := _SHORT.get(name, _LONG)):
                raise ValueError(f"{name} has {len(text):,} characters, {most:,} is the most")
        if isinstance(made, Step) and made.ask and not made.answer:
            raise ValueError("ask needs an answer")
        if isinstance(made, Step) and len(paragraphs(made.task)) != len(paragraphs(made.solution)):
            raise ValueError("solution needs a paragraph for each of task")
    except ValueError as error:
        raise LessonError(f"{where}: {_shown(error)}.") from None
    return made


def _texts(made: Lesson | Step) -> list[tuple[str, str]]:
    """Every text in it, with the name of its field."""
    found: list[tuple[str, str]] = []
    for name, value in vars(made).items():
        texts = [value] if isinstance(value, str) else value if isinstance(value, tuple) else ()
        found += [(name, text) for text in texts if isinstance(text, str)]
    return found


def _shown(what: object) -> str:
    """Quoted from a file, in letters that can be shown, and not too many of them."""
    return str(what).encode(errors="replace").decode()[:200]


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a lesson's text, each in one line."""
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", text) if part.strip()]

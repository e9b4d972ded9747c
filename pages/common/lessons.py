"""The lessons that can be given: the app's own, and those that a teacher wrote."""

import os
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from mnistcore.lessons import Lesson, read_lesson
from pages.common import links

OWN = "MNIST_LESSONS"  # names a folder with further lessons
_FOLDER = Path(__file__).parents[1] / "lessons"
_MAX_FILES = 200


def files() -> dict[str, Path]:
    """By name, the app's own lessons, the shortest first, then those in $MNIST_LESSONS.

    The name is that of the file, without `.toml`. One of the app's gives way to one of its name.
    """
    found = sorted(_FOLDER.glob("*.toml"), key=lambda path: read(path).minutes)
    if own := os.environ.get(OWN):
        with suppress(OSError, ValueError):
            found += sorted(Path(own).glob("*.toml"))[:_MAX_FILES]
    return {path.stem: path for path in found}


def step_link(name: str, lesson: Lesson, at: int) -> links.Link:
    """To the page of a step, set up as it says, with the bar of the lesson."""
    return links.lesson(name, at, links.from_address(lesson.steps[at - 1].address))


def read(path: Path) -> Lesson:
    """The lesson in a file, read anew when it has changed; LessonError says what is wrong."""
    mtime_ns = size = 0
    with suppress(OSError):  # which reading it will name
        stat = path.stat()
        mtime_ns, size = stat.st_mtime_ns, stat.st_size
    return _read(path, mtime_ns, size)


@lru_cache(maxsize=2 * _MAX_FILES)
def _read(path: Path, mtime_ns: int, size: int) -> Lesson:
    return read_lesson(path, links.from_address)

"""Lessons that are kept: a taught network becomes a run, whole or not at all."""

import pytest

from mnistcore import runs
from mnistcore.errors import RunError
from mnistcore.lessons import Lesson, Teaching

SEVEN = [[(80.0, 90.0), (230.0, 90.0), (130.0, 300.0)]]


@pytest.mark.parametrize("file", ["model.safetensors", "lessons.jsonl", "status.json"])
def test_a_full_disk_leaves_nothing_of_a_taught_network_behind(tmp_path, monkeypatch, digits, file):
    teaching = Teaching("shipped", [Lesson(7, SEVEN)], digits[0])
    next(iter(teaching))
    write = runs.write_atomically

    def full(path, content):
        if path.name == file:
            raise OSError(28, "No space left on device")
        write(path, content)

    for module in ("runs", "predict", "lessons"):
        monkeypatch.setattr(f"mnistcore.{module}.write_atomically", full)
    monkeypatch.setattr("mnistcore.lessons.EXAM", 10)
    with pytest.raises(RunError, match="No space left on device"):
        teaching.keep(digits[1], "me", tmp_path)
    assert list(tmp_path.iterdir()) == []

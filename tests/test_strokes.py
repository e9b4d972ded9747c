"""Strokes as the canvas sends them and as files keep them."""

import gzip
import json
import math
from pathlib import Path

import numpy as np
import pytest

from mnistcore.errors import DrawingError
from mnistcore.strokes import canvas_strokes, layout, read_strokes


def fabric(path: list, **changes: object) -> dict:
    """A freehand stroke as the canvas sends it, untouched: its centre is that of its path."""
    ends = np.array([command[-2:] for command in path], dtype=float)
    left, top = (ends.min(axis=0) + ends.max(axis=0)) / 2
    thing = {
        "type": "Path",
        "originX": "center",
        "originY": "center",
        "left": left,
        "top": top,
        "strokeWidth": 20,
        "scaleX": 1,
        "scaleY": 1,
        "angle": 0,
        "flipX": False,
        "flipY": False,
        "path": path,
    }
    return {"version": "7.4.0", "objects": [thing | changes]}


ACROSS = [["M", 100, 50], ["L", 200, 50]]


def test_a_stroke_lies_where_it_was_drawn() -> None:
    (stroke,) = canvas_strokes(fabric([["M", 10, 20], ["Q", 10, 60, 50, 60], ["L", 90, 60]]))
    assert stroke[0] == pytest.approx((10, 20))
    assert stroke[-1] == pytest.approx((90, 60))


def test_a_curve_bends_as_the_canvas_bends_it() -> None:
    (stroke,) = canvas_strokes(fabric([["M", 0, 0], ["Q", 0, 100, 100, 100]]))
    # A quadratic Bezier curve at t = 0.6: 0.16 of its start, 0.48 of its handle, 0.36 of its end.
    assert any(math.dist(point, (36, 84)) < 1e-9 for point in stroke)


def test_a_click_is_a_dot() -> None:
    (stroke,) = canvas_strokes(fabric([["M", 199.98, 200], ["L", 200.02, 200]]))
    assert np.ptp(stroke, axis=0).max() < 0.1


@pytest.mark.parametrize(
    ("changes", "ends"),
    [
        ({"left": 250, "top": 80}, [(200, 80), (300, 80)]),
        ({"scaleX": 0.5}, [(125, 50), (175, 50)]),
        ({"angle": 90}, [(150, 0), (150, 100)]),
        ({"flipX": True}, [(200, 50), (100, 50)]),
        # older versions count from the top left corner, the pen's edge included
        (
            {"originX": "left", "originY": "top", "left": 90, "top": 40},
            [(100, 50), (200, 50)],
        ),
    ],
)
def test_what_was_moved_scaled_turned_or_flipped_lies_where_it_is_seen(
    changes: dict, ends: list
) -> None:
    (stroke,) = canvas_strokes(fabric(ACROSS, **changes))
    assert np.allclose([stroke[0], stroke[-1]], ends)


@pytest.mark.parametrize(
    "junk",
    [
        None,
        [],
        {},
        {"objects": None},
        {"objects": 7},
        {"objects": [None, 3, "x", [], {}, {"path": None}, {"path": [[]]}, {"path": [["M"]]}]},
        {"objects": [{"path": [["M", "a", "b"]]}, {"path": [], "left": 0, "top": 0}]},
        fabric(ACROSS, left="here"),
        fabric(ACROSS, angle=None),
        fabric(ACROSS, strokeWidth=[1, 2, 3]),
    ],
)
def test_junk_is_no_stroke_and_no_error(junk: object) -> None:
    assert canvas_strokes(junk) == []


DIGIT = {"label": 7, "writer": 3, "strokes": [[[100, 150], [300, 150], [200, 350]]]}


@pytest.mark.parametrize("name", ["some.jsonl", "some.jsonl.gz"])
def test_strokes_come_back_from_a_file(tmp_path: Path, name: str) -> None:
    opened = gzip.open if name.endswith("gz") else open
    with opened(tmp_path / name, "wt") as file:
        file.write(json.dumps(DIGIT) + "\n\n" + json.dumps({"strokes": []}) + "\n")
    first, second = read_strokes(tmp_path / name)
    assert first == (7, 3, [[(100, 150), (300, 150), (200, 350)]])
    assert second == (None, None, [])


def test_a_missing_torn_or_foreign_file_is_told_in_a_sentence(tmp_path: Path) -> None:
    whole = gzip.compress(json.dumps(DIGIT).encode() * 50)
    files = {
        "torn.jsonl.gz": whole[: len(whole) // 2],
        "foreign.jsonl.gz": b"no gzip at all",
        "foreign.jsonl": b"\xff\xfe\x00",
        "half.jsonl": b'{"label": 7, "strokes": [[[1',
        "list.jsonl": b"[1, 2]",
        "label.jsonl": b'{"label": 12, "strokes": []}',
        "flat.jsonl": b'{"label": 1, "strokes": [1, 2]}',
        "empty.jsonl": b"",
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DrawingError, match=name):
            read_strokes(tmp_path / name)
    with pytest.raises(DrawingError, match="no file"):
        read_strokes(tmp_path / "nowhere.jsonl")
    with pytest.raises(DrawingError):
        read_strokes(tmp_path)


def test_as_written_keeps_the_place_in_the_box() -> None:
    (stroke,) = layout(DIGIT["strokes"], "as-written", canvas=250)
    assert stroke == [(50, 75), (150, 75), (100, 175)]


def test_filling_brings_the_longer_side_to_70_percent_about_the_middle() -> None:
    (stroke,) = layout(DIGIT["strokes"], "filling", canvas=100)
    low, high = np.min(stroke, axis=0), np.max(stroke, axis=0)
    assert (high - low).max() == pytest.approx(70)
    assert np.allclose((low + high) / 2, 50)


def test_an_unknown_layout_is_refused_in_words() -> None:
    with pytest.raises(DrawingError, match="as-written, filling"):
        layout(DIGIT["strokes"], "sideways")

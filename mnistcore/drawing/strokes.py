"""Pen strokes: from the canvas, which is not trusted, from files, and placed on a canvas."""

import reprlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mnistcore import serialization
from mnistcore.errors import DrawingError

Stroke = Sequence[tuple[float, float]]
"""One movement of the pen: points in canvas pixels, x to the right, y down."""

TABLET_SIZE = 500.0  # pixels: the box in which a file's strokes were written
CANVAS_SIZE = 400.0  # pixels: the canvas that they are placed on, the Draw page's
MIN_GAP = 0.15  # of the height of the ink: two digits stand that far apart, two strokes do not
FILL_RATIO = 0.7  # of the canvas: the longer side of a digit that fills it
LAYOUTS = ("as-written", "filling")  # with the tablet's whole box, or as large as FILL_RATIO says
MAX_POINTS = 10_000  # that are taken from a browser: a digit has a few hundred
MAX_STROKES = 500  # likewise: a digit has a few
MAX_FILE_BYTES = 24_000_000  # of a file, unpacked: some 50,000 digits


def parse_canvas_strokes(sent: object) -> list[Stroke]:
    """What a browser's canvas sends -> strokes on it; what is beside it or none is left out."""
    strokes: list[Stroke] = []
    remaining = MAX_POINTS
    for stroke in sent[:MAX_STROKES] if isinstance(sent, list) else []:
        if not isinstance(stroke, list | tuple):
            continue
        some = stroke[:remaining]
        remaining -= len(some)
        try:
            points = [(float(x), float(y)) for x, y in some]
        except (OverflowError, TypeError, ValueError):
            continue
        points = [(x, y) for x, y in points if 0 <= x <= CANVAS_SIZE and 0 <= y <= CANVAS_SIZE]
        if points:
            strokes.append(points)
    return strokes


def read_strokes(path: Path | str) -> list[tuple[int | None, Any, list[Stroke]]]:
    """(label or None, writer, strokes) of each line of a .jsonl[.gz] file; raises DrawingError."""
    path = Path(path)
    try:
        content = serialization.read_bounded(path, MAX_FILE_BYTES)
        if len(content) > MAX_FILE_BYTES:
            raise DrawingError(
                f"{path} has more than {MAX_FILE_BYTES // 1_000_000} MB of strokes: split it."
            )
        lines = content.decode().split("\n")
    except FileNotFoundError:
        raise DrawingError(f"There is no file {path}: give the path of one with strokes.") from None
    except (OSError, UnicodeDecodeError) as problem:
        raise DrawingError(
            f"{path} cannot be read ({problem}): it has to be a .jsonl or .jsonl.gz file."
        ) from None
    numbered = enumerate(lines, start=1)
    digits = [_digit(line, f"Line {number} of {path}") for number, line in numbered if line.strip()]
    if not digits:
        raise DrawingError(f"{path} holds no digits: it has to have one JSON object a line.")
    return digits


def place_on_canvas(strokes: Sequence[Stroke], how: str) -> list[Stroke]:
    """A file's strokes on the Draw page's canvas, by one of LAYOUTS; else raises DrawingError."""
    if how not in LAYOUTS:
        raise DrawingError(f"There is no layout {how!r}: choose one of {', '.join(LAYOUTS)}.")
    points = np.array([point for stroke in strokes for point in stroke]).reshape(-1, 2)
    if how == "as-written" or not len(points):
        scale, center = CANVAS_SIZE / TABLET_SIZE, np.full(2, TABLET_SIZE / 2)
    else:
        low, high = points.min(axis=0), points.max(axis=0)
        scale, center = FILL_RATIO * CANVAS_SIZE / max((high - low).max(), 1e-9), (low + high) / 2
    return [
        [tuple(point) for point in ((np.array(stroke) - center) * scale + CANVAS_SIZE / 2).tolist()]
        for stroke in strokes
        if len(stroke)
    ]


def are_several_digits(strokes: Sequence[Stroke]) -> bool:
    """Whether strokes stand side by side with a gap, two or more of them at least half as high.

    True for none of the 2,499 single digits on which it was tried, for nearly all pairs.
    """
    boxes = sorted((*np.min(s, 0), *np.max(s, 0)) for s in strokes if len(s))
    height = max((box[3] for box in boxes), default=0) - min((b[1] for b in boxes), default=0)
    groups: list[Any] = []  # left, top, right, bottom
    for box in boxes:
        if groups and box[0] - groups[-1][2] < MIN_GAP * height:
            groups[-1] = (*np.minimum(groups[-1], box)[:2], *np.maximum(groups[-1], box)[2:])
        else:
            groups.append(box)
    return sum(bool(bottom - top > height / 2) for _, top, _, bottom in groups) > 1


def _digit(line: str, where: str) -> tuple[int | None, Any, list[Stroke]]:
    try:
        digit = serialization.parse_object(line)
        strokes: list[Stroke] = [[(float(x), float(y)) for x, y in s] for s in digit["strokes"]]
        numbers = [number for each in digit["strokes"] for point in each for number in point]
        if not all(map(serialization.is_number, numbers)):
            raise ValueError("There are points at no place.")
    except (KeyError, OverflowError, TypeError, ValueError):
        raise DrawingError(
            f'{where} is no digit: it should read like {{"label": 7, "strokes": [[[x, y], ...]]}}.'
        ) from None
    label = digit.get("label")
    if label is not None and (type(label) is not int or label not in range(10)):
        label = reprlib.repr(label)
        raise DrawingError(f"{where} has the label {label}: it should be 0 to 9, or left out.")
    return label, digit.get("writer"), strokes

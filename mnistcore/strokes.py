"""Pen strokes: as the sheet of paper sends them, as a file keeps them, and laid out on it."""

import gzip
import json
import math
import zlib
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from mnistcore.errors import DrawingError

Stroke = Sequence[tuple[float, float]]
"""One movement of the pen: points in canvas pixels, x to the right, y down."""

TABLET = 500.0  # pixels: the box in which a file's strokes were written
CANVAS = 400.0  # pixels: the canvas that they are laid out on, and the Draw page's sheet
FILLED = 0.7  # of the canvas: the longer side of a digit that fills it
LAYOUTS = ("as-written", "filling")
MOST_POINTS = 10_000  # that are taken from a browser: a digit has a few hundred


def sheet_strokes(sent: object) -> list[Stroke]:
    """The strokes that the Draw page's sheet of paper sends: lists of (x, y) in canvas pixels.

    It comes from a browser and is not trusted: points beside the sheet, more points than any
    digit needs and what is no stroke are left out. This never raises.
    """
    strokes: list[Stroke] = []
    left = MOST_POINTS
    for stroke in sent if isinstance(sent, list) else []:
        try:
            points = [(float(x), float(y)) for x, y in stroke[:left]]
        except (LookupError, OverflowError, TypeError, ValueError):
            continue
        points = [(x, y) for x, y in points if 0 <= x <= CANVAS and 0 <= y <= CANVAS]
        if points:
            strokes.append(points)
            left -= len(points)
    return strokes


def read_strokes(path: Path | str) -> list[tuple[int | None, Any, list[Stroke]]]:
    """(label, writer, strokes) of every digit in a .jsonl or .jsonl.gz file.

    One JSON object a line with `strokes` and, where known, `label` (0 to 9) and `writer`.
    """
    path = Path(path)
    opened = gzip.open if path.suffix == ".gz" else open
    digits = []
    try:
        with opened(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    digits.append(_digit(line, f"Line {number} of {path}"))
    except FileNotFoundError:
        raise DrawingError(f"There is no file {path}: give the path of one with strokes.") from None
    except (EOFError, OSError, UnicodeDecodeError, zlib.error) as problem:
        raise DrawingError(
            f"{path} cannot be read ({problem}): it has to be a .jsonl or .jsonl.gz file."
        ) from None
    if not digits:
        raise DrawingError(f"{path} holds no digits: it has to have one JSON object a line.")
    return digits


def layout(strokes: Sequence[Stroke], how: str) -> list[Stroke]:
    """A file's strokes on the square canvas of the Draw page.

    `how` is "as-written", the whole box that they were written in, or "filling", scaled about
    the canvas's centre so that the digit's longer side is 70 % of it.
    """
    if how not in LAYOUTS:
        raise DrawingError(f"There is no layout {how!r}: choose one of {', '.join(LAYOUTS)}.")
    points = np.array([point for stroke in strokes for point in stroke]).reshape(-1, 2)
    if how == "as-written" or not len(points):
        scale, middle = CANVAS / TABLET, np.full(2, TABLET / 2)
    else:
        low, high = points.min(axis=0), points.max(axis=0)
        scale, middle = FILLED * CANVAS / max((high - low).max(), 1e-9), (low + high) / 2
    return [
        [tuple(point) for point in ((np.array(stroke) - middle) * scale + CANVAS / 2).tolist()]
        for stroke in strokes
        if len(stroke)
    ]


def _digit(line: str, where: str) -> tuple[int | None, Any, list[Stroke]]:
    """One line of a file of strokes."""
    try:
        digit = json.loads(line)
        label = digit.get("label")
        strokes = [[(float(x), float(y)) for x, y in stroke] for stroke in digit["strokes"]]
        if not all(map(math.isfinite, chain.from_iterable(chain.from_iterable(strokes)))):
            raise ValueError
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        raise DrawingError(
            f'{where} is no digit: it should read like {{"label": 7, "strokes": [[[x, y], ...]]}}.'
        ) from None
    if label is not None and label not in range(10):
        raise DrawingError(f"{where} has the label {label!r}: it should be 0 to 9, or left out.")
    return label, digit.get("writer"), strokes

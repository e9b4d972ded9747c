"""Pen strokes: as the canvas sends them, as a file keeps them, and laid out on a canvas."""

import gzip
import json
import math
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mnistcore.errors import DrawingError

Stroke = Sequence[tuple[float, float]]
"""One movement of the pen: points in canvas pixels, x to the right, y down."""

TABLET = 500.0  # pixels: the box in which a file's strokes were written
CANVAS = 400.0  # pixels: the canvas that they are laid out on
FILLED = 0.7  # of the canvas: the longer side of a digit that fills it
LAYOUTS = ("as-written", "filling")
_TO_CENTRE = {"left": 0.5, "top": 0.5, "right": -0.5, "bottom": -0.5}  # fabric.js


def canvas_strokes(json_data: dict | None) -> list[Stroke]:
    """The strokes in what the drawing canvas sends (its fabric.js objects), in canvas pixels.

    Strokes that the visitor moved, scaled, flipped or turned come out where they are seen.
    What is no freehand stroke, or makes no sense, is left out: this never raises.
    """
    objects = json_data.get("objects") if isinstance(json_data, dict) else None
    strokes = []
    for thing in objects if isinstance(objects, list) else []:
        try:
            points = _placed(thing, _flattened(thing["path"]))
        except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError):
            continue
        strokes.append([(x, y) for x, y in points.tolist()])
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


def layout(strokes: Sequence[Stroke], how: str, canvas: float = CANVAS) -> list[Stroke]:
    """A file's strokes on a square canvas of so many pixels.

    `how` is "as-written", the whole box that they were written in, or "filling", scaled about
    the canvas's centre so that the digit's longer side is 70 % of it.
    """
    if how not in LAYOUTS:
        raise DrawingError(f"There is no layout {how!r}: choose one of {', '.join(LAYOUTS)}.")
    points = np.array([point for stroke in strokes for point in stroke]).reshape(-1, 2)
    if how == "as-written" or not len(points):
        scale, middle = canvas / TABLET, np.full(2, TABLET / 2)
    else:
        low, high = points.min(axis=0), points.max(axis=0)
        scale, middle = FILLED * canvas / max((high - low).max(), 1e-9), (low + high) / 2
    return [
        [tuple(point) for point in ((np.array(stroke) - middle) * scale + canvas / 2).tolist()]
        for stroke in strokes
        if len(stroke)
    ]


def _digit(line: str, where: str) -> tuple[int | None, Any, list[Stroke]]:
    """One line of a file of strokes."""
    try:
        digit = json.loads(line)
        label = digit.get("label")
        strokes = [[(float(x), float(y)) for x, y in stroke] for stroke in digit["strokes"]]
    except (AttributeError, KeyError, TypeError, ValueError):
        raise DrawingError(
            f'{where} is no digit: it should read like {{"label": 7, "strokes": [[[x, y], ...]]}}.'
        ) from None
    if label is not None and label not in range(10):
        raise DrawingError(f"{where} has the label {label!r}: it should be 0 to 9, or left out.")
    return label, digit.get("writer"), strokes


def _flattened(path: list) -> np.ndarray:
    """(n, 2) points along an SVG-like path of M, L and Q commands: what a free hand leaves."""
    points: list[tuple[float, float]] = []
    for letter, *numbers in path:
        x, y = map(float, numbers[-2:])
        if letter == "Q" and points:
            (fromx, fromy), (byx, byy) = points[-1], map(float, numbers[:2])
            for t in (0.2, 0.4, 0.6, 0.8):
                a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t * t
                points.append((a * fromx + b * byx + c * x, a * fromy + b * byy + c * y))
        points.append((x, y))
    return np.reshape(points, (-1, 2))


def _placed(thing: dict, points: np.ndarray) -> np.ndarray:
    """The points of a fabric.js path where the canvas shows them."""
    width, height = np.ptp(points, axis=0)
    scale = np.array([thing.get("scaleX", 1), thing.get("scaleY", 1)], dtype=float)
    outer = (np.array([width, height]) + thing.get("strokeWidth", 0)) * scale
    sign = np.array([-1 if thing.get(flip) else 1 for flip in ("flipX", "flipY")])
    angle = math.radians(thing.get("angle", 0))
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    # fabric 7 counts from an object's centre; before, from its top left corner with the pen's edge
    origin = [_TO_CENTRE.get(thing.get(axis), 0.0) for axis in ("originX", "originY")]
    centre = np.array([thing["left"], thing["top"]], dtype=float) + (outer * origin) @ turn
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    return ((points - middle) * scale * sign) @ turn + centre

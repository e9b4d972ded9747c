"""Rasterisation: strokes, or a picture of a digit -> the 28 x 28 image that a network reads."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from mnistcore.config import IMAGE_SIZE
from mnistcore.drawing.strokes import Stroke
from mnistcore.drawing.vectorize import to_grayscale, trace_centerline

INK_SIZE = 20.0  # pixels: the longer side of a digit's ink, as in MNIST
CENTER = 14.5  # pixels from the left and top edge: the centre of mass of the ink, as in MNIST
PEN_WIDTH = 2.3  # pixels: the pen that redraws every digit
EDGE_SOFTNESS = 1.5  # pixels over which its ink fades out, as soft as the edges in MNIST
MIN_EXTENT = 6.0  # canvas pixels: what reaches no further than this is a slip of the hand
MIN_RELATIVE_EXTENT = 0.05  # of the longest stroke: a shorter one beside it was not meant
RESAMPLE_STEP = 0.5  # pixels between the points of a redrawn stroke
MAX_RESAMPLED_POINTS = 800  # a longer scribble is redrawn more coarsely, and costs no more


def from_strokes(strokes: Sequence[Stroke]) -> torch.Tensor | None:
    """Strokes -> (28, 28) float32 in [0, 1], bright ink on black; None with nothing to read.

    Drawn anew with MNIST's own pen into MNIST's own box: neither place, size and pen width of the
    drawing nor the number of its points change the answer.
    """
    segments = fit_mnist_frame(to_segments(strokes))
    return None if segments is None else torch.from_numpy(rasterize(segments))


def from_bitmap(image: Image.Image) -> torch.Tensor | None:
    """A scan or photograph, dark ink or bright -> the same; what is 28 x 28 on black, as it is."""
    if (ready := _already_mnist(image)) is not None:
        return ready
    segments = fit_mnist_frame(trace_centerline(image))
    return None if segments is None else torch.from_numpy(rasterize(segments))


def to_segments(strokes: Sequence[Stroke]) -> NDArray[np.float64]:
    """Strokes, evenly resampled, without slips -> segments, (n, 2, 2): from, to; canvas pixels."""
    lines = [line for line in map(_points, strokes) if len(line) > 1]
    longest = max((np.ptp(line, axis=0).max() for line in lines), default=0.0)
    if longest < MIN_EXTENT:
        return np.empty((0, 2, 2))
    lines = [line for line in lines if np.ptp(line, axis=0).max() > MIN_RELATIVE_EXTENT * longest]
    extent = np.ptp(np.concatenate(lines), axis=0).max()
    lengths = [np.hypot(*np.diff(line, axis=0).T) for line in lines]
    whole = sum(length.sum() for length in lengths)
    step = max(RESAMPLE_STEP * extent / INK_SIZE, whole / MAX_RESAMPLED_POINTS)
    pieces = []
    for line, length in zip(lines, lengths, strict=True):
        along = np.concatenate([[0.0], np.cumsum(length)])
        stops = np.linspace(0.0, along[-1], 1 + math.ceil(along[-1] / step))
        even = np.stack([np.interp(stops, along, line[:, axis]) for axis in (0, 1)], axis=1)
        pieces.append(np.stack([even[:-1], even[1:]], axis=1))
    return np.concatenate(pieces)


def fit_mnist_frame(segments: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The same segments in pixels of the 28 x 28 image, in MNIST's frame; None if there are none.

    The inked box is 20 pixels on its longer side, its centre of mass where MNIST has it.
    """
    if not len(segments):
        return None
    low, high = segments.min(axis=(0, 1)), segments.max(axis=(0, 1))
    scale = (INK_SIZE - PEN_WIDTH) / (high - low).max()
    centered = (segments - (low + high) / 2) * scale + IMAGE_SIZE / 2
    ink = rasterize(centered)
    at = np.arange(IMAGE_SIZE) + 0.5
    mass = np.array([ink.sum(axis=0) @ at, ink.sum(axis=1) @ at]) / ink.sum()
    room = (IMAGE_SIZE - (high - low) * scale - PEN_WIDTH) / 2
    framed: NDArray[np.float64] = centered + np.clip(CENTER - mass, -room, room)
    return framed


def rasterize(segments: NDArray[np.float64], pen_width: float = PEN_WIDTH) -> NDArray[np.float32]:
    """Segments -> (28, 28) float32 in [0, 1]: a round pen's ink, by the distance to the nearest."""
    start = segments[:, 0].astype(np.float32)
    way = np.diff(segments, axis=1)[:, 0].astype(np.float32)
    at = np.arange(IMAGE_SIZE, dtype=np.float32)[:, None] + np.float32(0.5)
    across, down = at - start[:, 0], at - start[:, 1]
    length = np.maximum((way**2).sum(axis=1), np.float32(1e-12))
    reached = (across * (way[:, 0] / length))[None] + (down * (way[:, 1] / length))[:, None]
    np.clip(reached, 0, 1, out=reached)
    squared = (across[None] - reached * way[:, 0]) ** 2
    squared += (down[:, None] - reached * way[:, 1]) ** 2
    ink: NDArray[np.float32] = (pen_width / 2 - np.sqrt(squared.min(axis=2))) / EDGE_SOFTNESS + 0.5
    return ink.clip(0, 1)


def _already_mnist(image: Image.Image) -> torch.Tensor | None:
    """An image out of MNIST itself, which redrawing could only harm; None if it is not one."""
    if image.size != (IMAGE_SIZE, IMAGE_SIZE):
        return None
    light = to_grayscale(image).astype(np.float32)
    rim = np.concatenate([light[:2].ravel(), light[-2:].ravel(), light[:, :2].ravel()])
    return torch.from_numpy(light) if rim.max() < 0.1 and light.max() > 0.5 else None


def _points(stroke: Stroke) -> NDArray[np.float64]:
    """(n, 2) float64 without what is no number and without points that repeat the last."""
    try:
        points = np.asarray(stroke, dtype=np.float64).reshape(-1, 2)
    except (TypeError, ValueError):
        return np.empty((0, 2))
    points = points[(np.abs(points) < 1e6).all(axis=1)]
    moved: NDArray[np.bool_] = np.append(True, (np.diff(points, axis=0) != 0).any(axis=1))
    return points[moved[: len(points)]]

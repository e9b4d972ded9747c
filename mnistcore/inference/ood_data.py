"""Training data for the out-of-distribution detector: digits and what is none, as pen drawings.

Letters and digits in type come from the typeface inside Pillow, or from fonts that are given,
thinned to a pen's line, those in handwriting from `allographs`; training images are drawn anew
likewise, so that digits do not differ from letters by the pen.
"""

import itertools
import string
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from PIL.ImageFont import FreeTypeFont
from PIL.ImageFont import ImageFont as BitmapFont
from torch import Tensor
from torch.nn import functional

from mnistcore.config import IMAGE_SIZE
from mnistcore.drawing import allographs
from mnistcore.drawing.allographs import distort, round_corners
from mnistcore.drawing.rasterize import fit_mnist_frame, from_strokes, rasterize
from mnistcore.drawing.vectorize import trace_centerline
from mnistcore.errors import MnistError

Typeface = FreeTypeFont | BitmapFont
# Left out because as handwriting they are digits: 0 (D O Q o), 1 (I J i l), 2 (Z z), 5 (S s),
# 6 (G b), 9 (g q).
LIKE_DIGITS = "DOQoIJilZzSsGbgq"
LETTERS = "".join(c for c in string.ascii_letters if c not in LIKE_DIGITS)
TYPE_SIZE = 120  # pixels: the size in which type is set before it is thinned
DISTORTIONS = (0.4, 1.0)  # of type: from a careful copy to as much as letters take
PADDING = 4  # pixels of black around a training image, so that its ink touches no edge
RING_RATE = 0.4  # of scribbles of several marks: inside a ring, so that not all rings are a 0
HEART_RATE = 0.02  # of scribbles; a heart is what many draw next, and has a 0's outline
_NO_SIGN = "\uffff"  # is in no font, which then shows an empty box or so
_CANVAS_SIZE = 200.0  # pixels: of a scribble; it is scaled anyway


def letters(count: int, rng: np.random.Generator, fonts: Sequence[Typeface] = ()) -> Tensor:
    """Letters that look like no digit: (count, 28, 28) float32 in [0, 1], as all that follow.

    fonts: whose letters, in turn; without any, those of the typeface inside Pillow.
    """
    return _typeset(LETTERS, count, rng, fonts)


def typed_digits(count: int, rng: np.random.Generator, fonts: Sequence[Typeface] = ()) -> Tensor:
    """The ten digits in type, clean as no hand writes them, distorted as letters are."""
    return _typeset(string.digits, count, rng, fonts)


def open_fonts(folder: Path) -> list[Typeface]:
    """The fonts with letters, .ttf and .otf, in a folder and those within; MnistError without."""
    paths = sorted(path for kind in ("ttf", "otf") for path in folder.rglob(f"*.{kind}"))
    try:
        fonts = [ImageFont.truetype(path, TYPE_SIZE) for path in paths]
    except OSError as error:
        raise MnistError(f"A font in {folder} cannot be read: {error}.") from error
    lettered: list[Typeface] = [font for font in fonts if _has(font, "a")]
    if not lettered:
        raise MnistError(f"There is no font in {folder}: give a folder with .ttf or .otf files.")
    return lettered


def handwritten(signs: Iterable[str], count: int, rng: np.random.Generator) -> Tensor:
    """Signs of `allographs` in turn, as different hands write them."""
    signs = itertools.cycle(signs)
    return _render([allographs.write(sign, rng) for sign in itertools.islice(signs, count)])


def rerendered(images: Tensor, rng: np.random.Generator) -> Tensor:
    """Digits, (n, 28, 28) uint8, drawn anew and a little distorted, where there is any line."""
    padded = functional.pad(images, [PADDING] * 4).numpy()
    lines = [trace_centerline(Image.fromarray(image)) for image in padded]
    return _render([distort(line, rng, 0.5) for line in lines if len(line)])


def composites(digits: Tensor) -> Tensor:
    """Half as many pictures, each of parts of two digits: on top of, above or beside each other."""
    count, half = len(digits) // 2, IMAGE_SIZE // 2
    ours, theirs = (digits[torch.randperm(len(digits))[:count]] for _ in range(2))
    both = torch.maximum(ours, theirs)
    both[1::3] = torch.cat([ours[1::3, :half], theirs[1::3, half:]], 1)
    both[2::3] = torch.cat([ours[2::3, :, :half], theirs[2::3, :, half:]], 2)
    return both


def scribbles(count: int, rng: np.random.Generator) -> Tensor:
    """No signs: a pen that wanders about, up to five marks, some in a ring, or a heart."""
    drawn: list[Tensor] = []
    while len(drawn) < count:
        box = np.array([rng.uniform(0.5, 1.0), 1.0]) * _CANVAS_SIZE
        marks = int(rng.integers(1, 6))
        # One line, arc or corner alone may well be a 1, a 0 or a 7.
        parts = [_random_mark(rng) for _ in range(marks)] if marks > 1 else [_random_walk(rng)]
        if marks > 1 and rng.random() < RING_RATE:
            small = rng.uniform(0.1, 0.5, marks)
            places = zip(parts, small, rng.uniform(0.25, 0.75, (marks, 2)), strict=True)
            turn = np.linspace(0, 2 * np.pi, 40)[:, None]
            ring = 0.5 + 0.5 * np.hstack([np.cos(turn), np.sin(turn)])
            parts = [ring, *((part - part.mean(0)) * size + at for part, size, at in places)]
        if rng.random() < HEART_RATE:
            parts = [_heart(rng)]
        if (picture := from_strokes([list(map(tuple, part * box)) for part in parts])) is not None:
            drawn.append(picture)
    return torch.stack(drawn)


def _heart(rng: np.random.Generator) -> NDArray[np.float64]:
    """One line from the tip around and back to about there: (n, 2) in [0, 1]."""
    turn = np.linspace(0, 2 * np.pi, 60) + np.pi
    dip, tip = rng.uniform(0.8, 1.3), rng.uniform(0.8, 1.4)
    across = np.sin(turn) ** 3
    down = -(13 * np.cos(turn) - 5 * dip * np.cos(2 * turn) - 2 * tip * np.cos(3 * turn)) / 17
    points = np.stack([across, down], 1) + rng.normal(0, 0.03, (60, 2)).cumsum(0) * 0.3
    heart: NDArray[np.float64] = (points - points.min(0)) / np.ptp(points, 0)
    return heart


def _typeset(signs: str, count: int, rng: np.random.Generator, fonts: Sequence[Typeface]) -> Tensor:
    """Signs of the fonts in turn, each distorted in its own way."""
    faces: Sequence[Typeface] = fonts or [ImageFont.load_default(TYPE_SIZE)]
    lines = [_set(font, sign) for font in faces for sign in signs if _has(font, sign)]
    strengths = rng.uniform(*DISTORTIONS, count)
    return _render([distort(line, rng, by) for line, by in zip(itertools.cycle(lines), strengths)])


def _set(font: Typeface, sign: str) -> NDArray[np.float64]:
    """The centreline of a sign in type, (n, 2, 2)."""
    sheet = Image.new("L", (4 * TYPE_SIZE, 4 * TYPE_SIZE), 255)
    middle = (2 * TYPE_SIZE, 2 * TYPE_SIZE)
    ImageDraw.Draw(sheet).text(middle, sign, fill=0, font=font, anchor="mm")
    return trace_centerline(sheet)


def _has(font: Typeface, sign: str) -> bool:
    """Whether the font has a picture of its own for this sign."""
    own, none = (bytes(font.getmask(each)) for each in (sign, _NO_SIGN))
    return any(own) and own != none


def _render(lines: list[NDArray[np.float64]]) -> Tensor:
    """Pieces of pen lines, (n, 2, 2) each, as the network sees them."""
    boxed = [box for line in lines if (box := fit_mnist_frame(line)) is not None]
    return torch.from_numpy(np.stack([rasterize(box) for box in boxed]))


def _random_mark(rng: np.random.Generator) -> NDArray[np.float64]:
    """One stroke of a scribble, (n, 2), in a box of about 1 x 1."""
    kind = rng.integers(4)
    if kind == 0:  # a line
        return rng.uniform(0, 1, (2, 2))
    if kind == 1:  # an arc, or more than a full turn
        way = np.linspace(0, rng.uniform(1.5, 7), 20) * rng.choice((-1, 1))
        angle = rng.uniform(0, 2 * np.pi) + way
        ring = np.stack([np.cos(angle), np.sin(angle)], 1) * rng.uniform(0.1, 0.5, 2)
        return rng.uniform(0, 1, 2) + ring
    if kind == 2:  # corners
        return rng.uniform(0, 1, (rng.integers(3, 6), 2))
    return _random_walk(rng)


def _random_walk(rng: np.random.Generator) -> NDArray[np.float64]:
    """A random walk of the pen, (n, 2), its corners rounded."""
    line = rng.normal(0, 1, (rng.integers(4, 12), 2)).cumsum(0)
    line = (line - line.min(0)) / np.ptp(line, axis=0).max()
    return round_corners(line)

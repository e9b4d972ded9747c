"""Film: the replay of a training as an animated GIF, for chats and slides."""

import io
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from mnistcore.config import IMAGE_SIZE
from mnistcore.errors import NotKeptError
from mnistcore.inspection.frames import Frame
from mnistcore.viz import theme
from mnistcore.viz.probability_cloud import CORNERS, positions

MAX_BYTES = 5_000_000
SIZE = (640, 400)
_SMOOTH = 2  # drawn so many times as large
_PICTURE_MS, _FIRST_MS, _LAST_MS = 80, 600, 2_000  # GIF counts in hundredths of a second
_MAX_DENSE_FILTERS = 9  # 28 x 28 numbers each
_PICTURES_A_FRAME = 6  # at the most: where frames are few, points take longer on their way
# What is tried in turn until it is small enough: pictures at the most, and shades of each colour.
_QUALITIES = [(180, 6), (120, 5), (80, 4), (40, 3), (20, 3), (10, 2), (2, 2)]

# Places in pixels of the small picture.
_MIDDLE, _RADIUS, _POINT = (172, 190), 120, 3.2
_FILTERS = (356, 52, 624, 322)
_HEADS, _CAPTION, _BAR = 14, 352, (16, 384, 624, 388)
_LINE = "#D8DADC"

_Point = tuple[float, float]


class _Moment(NamedTuple):
    """What one picture shows."""

    points: list[list[float]]  # (n, 2), among the corners
    right: list[bool]  # (n,)
    filters: Tensor  # (k, h, w)
    images: int  # training images seen
    share: float  # of the film


def render_film(
    frames: Sequence[Frame], labels: Tensor, report: Callable[[float, float], None]
) -> bytes:
    """The film of a run, a GIF of MAX_BYTES at the most.

    frames: in order, with their surveys; what has none, or does not fit the last one, is left out.
    labels: of all test images. report: is told how many pictures are done, and of how many.
    Raises NotKeptError if no frame is left.
    """
    surveyed = [f for f in frames if f.probabilities is not None]
    surveyed = [f for f in surveyed if int(f.test_indices.max()) < len(labels)]
    usable = [f for f in surveyed if _fits(f, surveyed[-1])]
    if not usable:
        raise NotKeptError("How it learned was not kept: train it anew to get its film.")
    truth = labels[usable[-1].test_indices]
    for most, shades in _QUALITIES:
        total = min(most, _PICTURES_A_FRAME * (len(usable) - 1) + 1)
        film = _encode(_moments(usable, truth, total), truth.tolist(), total, shades, report)
        if len(film) <= MAX_BYTES:
            break
    return film


def caption(images: int, right: int, count: int) -> str:
    """What stands below a picture: training images seen, test images read right, of how many."""
    return f"After {images:,} training images: {right} of {count} test images right"


def _fits(frame: Frame, last: Frame) -> bool:
    return frame.filters.shape == last.filters.shape and torch.equal(
        frame.test_indices, last.test_indices
    )


def _moments(frames: Sequence[Frame], truth: Tensor, total: int) -> Iterator[_Moment]:
    """So many moments from the first frame to the last, points and filters on straight ways."""
    said = [f.probabilities.nan_to_num() for f in frames if f.probabilities is not None]
    points = [positions(each).clamp(-1, 1) for each in said]
    filters = [f.filters[: _MAX_DENSE_FILTERS if _is_dense(f) else None] for f in frames]
    filters = [each / (float(each.abs().amax()) or 1.0) for each in filters]
    last = len(frames) - 1
    for number in range(total):
        view = last * number / (total - 1) if total > 1 else 0.0
        low, high = int(view), min(int(view) + 1, last)
        share = view - low
        near = high if share >= 0.5 else low
        yield _Moment(
            points[low].lerp(points[high], share).tolist(),
            (said[near].argmax(1) == truth).tolist(),
            filters[low].lerp(filters[high], share),
            frames[near].images,
            view / last if last else 1.0,
        )


def _is_dense(frame: Frame) -> bool:
    return frame.filters.shape[1] == IMAGE_SIZE


def _encode(
    moments: Iterator[_Moment],
    labels: list[int],
    total: int,
    shades: int,
    report: Callable[[float, float], None],
) -> bytes:
    palette, background = _palette(shades), _background()

    def pictures() -> Iterator[Image.Image]:
        for number, moment in enumerate(moments):
            report(number, total)
            picture = _draw(background.copy(), moment, labels).reduce(_SMOOTH)
            yield picture.quantize(palette=palette, dither=Image.Dither.NONE)

    drawn = pictures()
    film = io.BytesIO()
    durations = [_FIRST_MS, *[_PICTURE_MS] * (total - 2), _LAST_MS][-total:]
    next(drawn).save(
        film, "GIF", save_all=True, append_images=drawn, duration=durations, loop=0, optimize=True
    )
    return film.getvalue()


def _palette(shades: int) -> Image.Image:
    """All colours of the film, each in so many shades down to paper; and room for one more."""
    inks = [theme.INK, *theme.DIGIT_COLORS, theme.BLUE, theme.ORANGE]
    steps = [number / shades for number in range(1, shades + 1)]
    colors = [_blend(theme.PAPER, ink, step) for ink in inks for step in steps]
    colors += [_blend(ink, theme.INK, 0.5) for ink in theme.DIGIT_COLORS]  # edges of the misread
    extra = [_blend(theme.PAPER, ink, n / 24) for ink in inks[-2:] for n in range(1, 24)]
    colors = list(dict.fromkeys([_rgb(theme.PAPER), _rgb(_LINE), *colors, *extra]))
    palette = Image.new("P", (1, 1))
    palette.putpalette(list(itertools.chain(*colors)))
    return palette


def _rgb(color: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(color[1:])
    return red, green, blue


def _blend(under: str, over: str, share: float) -> tuple[int, int, int]:
    red, green, blue = (
        round(low + (high - low) * share) for low, high in zip(_rgb(under), _rgb(over), strict=True)
    )
    return red, green, blue


def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size * _SMOOTH)


def _spot(x: float, y: float) -> _Point:
    """Where a place among the corners lies in the large picture."""
    return (_MIDDLE[0] + x * _RADIUS) * _SMOOTH, (_MIDDLE[1] + y * _RADIUS) * _SMOOTH


def _box(middle: _Point, radius: float) -> tuple[float, float, float, float]:
    return middle[0] - radius, middle[1] - radius, middle[0] + radius, middle[1] + radius


def _background() -> Image.Image:
    """What stays as it is."""
    picture = Image.new("RGB", (SIZE[0] * _SMOOTH, SIZE[1] * _SMOOTH), theme.PAPER)
    pen = ImageDraw.Draw(picture)
    circle = _box(_spot(0, 0), _RADIUS * _SMOOTH)
    pen.ellipse(circle, outline=_LINE, width=_SMOOTH)
    for digit, (x, y) in enumerate(CORNERS.tolist()):
        middle = _spot(1.16 * x, 1.16 * y)
        pen.text(middle, str(digit), theme.DIGIT_COLORS[digit], _font(21), "mm")
    heads = {
        _BAR[0]: "Points are test images; outlined: read wrong",
        _FILTERS[0]: "What its first layer looks for",
    }
    for left, words in heads.items():
        pen.text((left * _SMOOTH, _HEADS * _SMOOTH), words, theme.INK, _font(14.5), "la")
    return picture


def _draw(picture: Image.Image, moment: _Moment, labels: list[int]) -> Image.Image:
    pen = ImageDraw.Draw(picture)
    points = list(zip(moment.points, moment.right, labels, strict=True))
    for (x, y), right, label in sorted(points, key=lambda point: not point[1]):  # misread: on top
        pen.ellipse(
            _box(_spot(x, y), (_POINT if right else 1.25 * _POINT) * _SMOOTH),
            theme.DIGIT_COLORS[label],
            None if right else theme.INK,
            0 if right else _SMOOTH,
        )
    _draw_filters(picture, moment.filters)
    words = caption(moment.images, sum(moment.right), len(labels))
    pen.text((_BAR[0] * _SMOOTH, _CAPTION * _SMOOTH), words, theme.INK, _font(18), "la")
    left, top, right_end, bottom = (each * _SMOOTH for each in _BAR)
    pen.rectangle((left, top, right_end, bottom), _LINE)
    if moment.share:
        end = left + moment.share * (right_end - left)
        pen.rectangle((left, top, end, bottom), theme.BLUE)
    return picture


def _draw_filters(picture: Image.Image, filters: Tensor) -> None:
    """Each as large as the place allows for all of them: blue above zero, orange below."""
    left, top, right, bottom = (each * _SMOOTH for each in _FILTERS)
    columns = max(
        range(1, len(filters) + 1),
        key=lambda n: min((right - left) / n, (bottom - top) / math.ceil(len(filters) / n)),
    )
    pitch = min((right - left) // columns, (bottom - top) // math.ceil(len(filters) / columns))
    side = pitch - 4 * _SMOOTH
    colors = theme.diverging_rgba(filters, 1.0)
    for number, values in enumerate(colors.numpy()):
        tile = Image.fromarray(values).resize((side, side), Image.Resampling.NEAREST)
        row, column = divmod(number, columns)
        picture.paste(tile, (left + column * pitch, top + row * pitch), tile)

"""Vectorisation: a scan or photograph of a digit -> the centreline of the pen."""

import contextlib
import io
import logging
import math
import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from scipy import ndimage

from mnistcore.drawing.strokes import Stroke
from mnistcore.errors import DrawingError

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")  # no other is even tried
MAX_BYTES = 150_000_000  # of a file; the pages take less
# JPEG: more than nearly any telephone's camera gives; WebP takes 15 bytes of memory for each.
MAX_PIXELS_BY_FORMAT = {"JPEG": 60_000_000, "MPO": 60_000_000, "WEBP": 16_000_000}
MAX_PIXELS = 36_000_000  # of others, unpacked in full: A4 at 600 dots an inch
MAX_SCANS = 100  # in which a JPEG builds up its picture; ten are usual
MAX_DECODE_WORK = 400_000_000  # pixels times scans: three seconds
DECODE_TIMEOUT_S = 5.0  # seconds of a processor that a file may take to be read
LIGHT_WORK = 13_000_000  # pixels times scans; what is more is heavy
MAX_CONCURRENT_HEAVY = 2  # the others wait, so that they do not fill the memory
QUEUE_TIMEOUT_S = 15.0  # seconds to wait for one
WORKING_SIZE = 384  # pixels: a larger picture is made smaller first, so that it costs no more
MIN_CONTRAST = 0.12  # of the light of the paper: what is darker by less is no ink
THINNING_SIZE = 72  # pixels along the longer side of the ink when it is thinned to a line
_heavy = threading.BoundedSemaphore(MAX_CONCURRENT_HEAVY)
_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd7\xff])")  # of a JPEG; the others have no length
_log = logging.getLogger(__name__)


def trace_centerline(image: Image.Image) -> NDArray[np.float64]:
    """The ink's centreline: segments, (n, 2, 2), in own pixels; n is 0 where nothing stands out."""
    mask = ink_mask(to_grayscale(image))
    if mask is None:
        return np.empty((0, 2, 2))
    ink = _resized(mask)
    line = zhang_suen_thin(ink)
    return np.concatenate([_segments(line), _blots(ink, line)])


def trace_strokes(image: Image.Image) -> list[Stroke]:
    """The centreline of the ink as strokes of a pen, in pixels of their own; see trace_centerline.

    At a crossing a stroke goes straight on. Spurs, up to a tenth of the longest, are left out.
    """
    near = defaultdict(list)  # the points that a point is joined to
    for segment in trace_centerline(image).tolist():
        a, b = map(tuple, segment)
        if a != b:
            near[a].append(b)
            near[b].append(a)
    strokes: list[Stroke] = []
    for start in sorted(near, key=lambda point: len(near[point]) != 1):  # ends come first
        while near[start]:
            line = [start, start]
            while following := near[line[-1]]:
                (x0, y0), (x, y) = line[-2:]
                ahead = (2 * x - x0, 2 * y - y0)
                point = min(following, key=lambda each: math.dist(each, ahead))
                following.remove(point)
                near[point].remove(line[-1])
                line.append(point)
            strokes.append(line[1:])
    longest = max(map(len, strokes), default=0)
    return [stroke for stroke in strokes if len(stroke) > longest / 10]


def open_image(source: Path | str | BinaryIO) -> Image.Image:
    """A picture from a file, or from what a visitor uploads; DrawingError, in words, if it is none.

    A large one comes smaller, but with 2 * WORKING_SIZE pixels or more along its longer side.
    It takes seconds at the most, and keeps nobody waiting whose picture is no more than LIGHT_WORK.
    """
    name = getattr(source, "name", source if isinstance(source, str) else "This file")
    try:
        if isinstance(source, Path | str):
            with Path(source).open("rb") as file:
                content = file.read(MAX_BYTES + 1)
        else:
            source.seek(0)
            content = source.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise DrawingError(
                f"This file has more than {MAX_BYTES // 1_000_000} MB: give a smaller picture."
            )
        return _unpacked(Image.open(_DeadlineReader(content), formats=FORMATS), content)
    except FileNotFoundError:
        raise DrawingError(f"There is no picture {source}: give the path of one.") from None
    except DrawingError:
        raise
    except Exception:  # Pillow raises all kinds for a damaged file
        raise DrawingError(
            f"{name} cannot be read as a picture: give a PNG, JPEG or WebP file."
        ) from None


class _DeadlineReader(io.BytesIO):
    """A file that can be read for DECODE_TIMEOUT_S seconds of this thread's processor time."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self._until = time.thread_time() + DECODE_TIMEOUT_S

    def read(self, size: int | None = -1, /) -> bytes:
        if time.thread_time() > self._until:
            raise DrawingError("This picture takes too long to read: save it anew as a PNG.")
        return super().read(size)


def _unpacked(image: Image.Image, content: bytes) -> Image.Image:
    """What is in the file, small and upright."""
    pixels = image.width * image.height
    if pixels > MAX_PIXELS_BY_FORMAT.get(image.format or "", MAX_PIXELS):
        raise DrawingError(
            f"This picture has {image.width} x {image.height} pixels, too many to read: "
            "make it smaller."
        )
    scans = _count_scans(content) if image.format in ("JPEG", "MPO") else 1
    if scans > MAX_SCANS or scans * pixels > MAX_DECODE_WORK:
        raise DrawingError(
            "This JPEG builds up its picture in too many passes: save it anew as a PNG, or smaller."
        )
    with _decoding_slot(scans * pixels):
        return _small(image)


def _count_scans(content: bytes) -> int:
    """How many times a JPEG goes over its pixels; counted to one more than MAX_SCANS."""
    scans, at = 0, 2
    while scans <= MAX_SCANS and (marker := _MARKER.search(content, at)):
        if marker[1] == b"\xd9":  # the end; what follows is another picture, or a film
            break
        scans += marker[1] == b"\xda"
        at = marker.end() + int.from_bytes(content[marker.end() : marker.end() + 2], "big")
    return scans


@contextlib.contextmanager
def _decoding_slot(work: int) -> Iterator[None]:
    """Within it, so much work (in pixels) may be done; a light picture never waits for it."""
    waits = work > LIGHT_WORK
    if waits and not _heavy.acquire(timeout=QUEUE_TIMEOUT_S):
        raise DrawingError(
            "Others read large pictures just now: make yours smaller, or try again in a minute."
        )
    try:
        yield
    finally:
        if waits:
            _heavy.release()


def _small(image: Image.Image) -> Image.Image:
    image.draft(None, (2 * WORKING_SIZE, 2 * WORKING_SIZE))  # a JPEG is not even unpacked in full
    image.load()
    try:
        notes = image.getexif().tobytes()
    except Exception:  # damaged notes are no reason to refuse the picture itself
        _log.info("The notes in a picture cannot be read.", exc_info=True)
        notes = b""
    factor = max(image.size) // (2 * WORKING_SIZE)
    if factor > 1 and (image.mode in ("1", "P") or image.mode.startswith("I;16")):
        size = [max(1, side // factor) for side in image.size]
        image = image.resize(size, Image.Resampling.NEAREST)  # no means can be taken in these
    elif factor > 1:
        image = image.reduce(factor)
    image.info["exif"] = notes
    ImageOps.exif_transpose(image, in_place=True)  # turned as the camera was held
    return image


def to_grayscale(image: Image.Image) -> NDArray[np.float64]:
    """Brightness in [0, 1], (height, width) up to WORKING_SIZE; what is transparent is paper."""
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    elif image.mode in ("I", "F"):
        values = np.nan_to_num(np.asarray(image, dtype=np.float64))
        low, high = values.min(), values.max()
        image = Image.fromarray(np.uint8((values - low) / max(high - low, 1e-9) * 255))
    small = min(1.0, WORKING_SIZE / max(image.size))
    size = [max(1, round(side * small)) for side in image.size]
    image = image.convert("RGBA").resize(size, Image.Resampling.BOX if small < 1 else None)
    light = np.asarray(image.convert("RGB").convert("L"), dtype=np.float64) / 255
    solid = np.asarray(image.getchannel("A"), dtype=np.float64) / 255
    if solid.min() == 1.0:
        return light
    paper = 1.0 if (light * solid).sum() < 0.5 * solid.sum() else 0.0
    return light * solid + paper * (1 - solid)


def ink_mask(light: NDArray[np.float64]) -> NDArray[np.bool_] | None:
    """Binarisation of brightness, (height, width): the ink, cropped; None if none stands out."""
    light = ndimage.gaussian_filter(light, max(light.shape) / 200)
    if _bright_ink(light):
        light = 1 - light
    light = light / estimate_illumination(light)
    # Closing a picture over more than a pen's width leaves the paper, with what shadows there are:
    # over half of the picture, it would take away the shadow of whoever holds the camera.
    paper = ndimage.grey_closing(light, max(3, max(light.shape) // 4))
    dark = 1 - light / np.maximum(paper, 1e-3)
    grain, plain, *inks = np.quantile(dark, (0.1, 0.3, 0.998, 0.9995))
    # A small digit on a large sheet covers less than a pixel in five hundred.
    least = max(MIN_CONTRAST, 9 * (plain - grain))
    ink = next((ink for ink in inks if ink - plain >= least), None)
    if ink is None:
        return None
    return _the_digit(dark > plain + 0.45 * (ink - plain))


def estimate_illumination(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """The light on the paper, (height, width): a quadratic surface, fitted to what is not ink."""
    down, across = np.ix_(*(np.linspace(-1, 1, side) for side in light.shape))
    powers = ((0, 0), (0, 1), (1, 0), (1, 1), (0, 2), (2, 0))
    surface = np.stack([down**i * across**j for i, j in powers], axis=-1)
    some = (slice(None, None, max(1, light.shape[0] // 64)),) * 2
    seen, shape = light[some].ravel(), surface[some].reshape(-1, 6)
    paper = seen >= np.median(seen)
    for _ in range(6):
        weights = np.linalg.lstsq(shape[paper], seen[paper], rcond=None)[0]
        off = seen - shape @ weights
        paper = off > -2 * np.median(np.abs(off)) - 1e-6
    return np.maximum(surface @ weights, 0.02)


def _bright_ink(light: NDArray[np.float64]) -> bool:
    """Whether the ink is brighter than its paper.

    Ink covers less than paper, so the pixels that differ most from what is around them are ink.
    Where that says little, because the digit fills the picture, most of it and of its rim is paper.
    """
    stand_out = light - ndimage.uniform_filter(light, max(3, max(light.shape) // 3))
    skew = (stand_out**3).mean() / max((stand_out**2).mean() ** 1.5, 1e-9)
    if abs(skew) > 1:
        return bool(skew > 0)
    bright = light > (light.min() + light.max()) / 2
    rim = np.concatenate([bright[0], bright[-1], bright[:, 0], bright[:, -1]])
    return bool(bright.mean() + rim.mean() < 1)


def _the_digit(ink: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """The largest connected ink with what belongs to it, cropped; the picture's rim is dropped."""
    names, count = ndimage.label(ink, np.ones((3, 3)))
    if not count:
        return None
    boxes = ndimage.find_objects(names)
    edges = np.array([[(side.start, side.stop) for side in box] for box in boxes])
    start, stop = edges[..., 0], edges[..., 1]  # (n, 2) each: rows, columns
    extents = (stop - start).max(axis=1)
    if extents.max() < max(4, max(ink.shape) / 25):
        return None
    inside = ((start > 0) & (stop < ink.shape)).all(axis=1)
    # A shadow or the table at the rim is not the digit, if there is a digit within.
    if inside.any() and extents[inside].max() > max(ink.shape) / 8:
        extents = np.where(inside, extents, 0)
    main = int(extents.argmax())
    near = extents[main] / 4
    touching = (start[main] - near < stop) & (start < stop[main] + near)
    kept = touching.all(axis=1) & (extents > extents[main] / 6)
    digit = np.isin(names, np.flatnonzero(kept) + 1)
    cropped: NDArray[np.bool_] = digit[ndimage.find_objects(digit.astype(np.uint8))[0]]
    return cropped


def _resized(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask, THINNING_SIZE pixels on its longer side, smoothed, with a rim of 4 pixels."""
    scale = THINNING_SIZE / max(mask.shape)
    size = [max(1, round(side * scale)) for side in mask.shape[::-1]]
    kind = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    smooth = np.asarray(Image.fromarray(np.uint8(mask) * 255).resize(size, kind)) / 255
    smooth = ndimage.gaussian_filter(np.pad(smooth, 4), 1.0)
    resized: NDArray[np.bool_] = smooth > min(0.4, smooth.max() / 2)
    return resized


def zhang_suen_thin(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The skeleton, a pixel wide, of a mask with a blank rim (Zhang and Suen 1984); same shape."""
    line = mask.astype(np.uint8)
    changed = True
    while changed:
        changed = False
        for first in (True, False):
            ring = [
                np.roll(line, shift, (0, 1))
                for shift in [(1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1)]
            ]
            n, _, e, _, s, _, w, _ = ring
            neighbours = sum(ring)
            runs = sum((a == 0) & (b == 1) for a, b in zip(ring, [*ring[1:], n], strict=True))
            enclosed = e * s * (n + w) if first else n * w * (e + s)
            peel = (line == 1) & (neighbours >= 2) & (neighbours <= 6) & (runs == 1)
            peel &= enclosed == 0
            changed |= bool(peel.any())
            line[peel] = 0
    return line.astype(bool)


def _segments(line: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(n, 2, 2) segments that join the neighbouring pixels of a skeleton."""
    number = np.where(line, np.cumsum(line).reshape(line.shape) - 1, -1)
    points = np.argwhere(line)[:, ::-1] + 0.5
    # Half a line's noise is its pixels: each point moves to the mean of its neighbourhood.
    joins = []
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        other = np.roll(number, (-down, -right), (0, 1))
        joined = (number >= 0) & (other >= 0)
        joins.append(np.stack([number[joined], other[joined]], axis=1))
    pairs = np.concatenate(joins)
    near = np.zeros((len(points), 3))
    for a, b in (pairs.T, pairs.T[::-1]):
        np.add.at(near, a, np.column_stack([points[b], np.ones(len(b))]))
    ends = near[:, 2:] < 2
    smooth: NDArray[np.float64] = np.where(ends, points, (points + near[:, :2]) / (1 + near[:, 2:]))
    return np.asarray(smooth[pairs])


def _blots(ink: NDArray[np.bool_], line: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(n, 2, 2) segments without length that fill what a thick pen filled: a 6 keeps its loop."""
    if not line.any():
        return np.empty((0, 2, 2))
    depth = ndimage.distance_transform_edt(ink)
    usual = np.median(depth[line])
    points = np.argwhere(depth > 0.6 * usual + 1)[:, ::-1] + 0.5
    points = points[(points % 2 < 1).all(axis=1)]
    return np.stack([points, points], axis=1)

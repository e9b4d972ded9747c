"""A picture of a digit reads like the strokes that it was made of."""

import contextlib
import struct
import threading
import time
import warnings
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageOps

from mnistcore.drawing import vectorize
from mnistcore.drawing.rasterize import from_bitmap, from_strokes
from mnistcore.drawing.strokes import place_on_canvas
from mnistcore.drawing.vectorize import open_image, trace_strokes
from mnistcore.errors import DrawingError

STROKES = {
    "2": [[(90, 100), (130, 70), (170, 100), (150, 150), (90, 220), (180, 220)]],
    "4": [[(120, 60), (90, 150), (190, 150)], [(160, 100), (160, 230)]],
    "1": [[(140, 60), (130, 220)]],
}


def picture(strokes: list, pen: int = 14, side: int = 280) -> Image.Image:
    """Black on white, as a drawing program would save it."""
    image = Image.new("L", (side * 2, side * 2), 255)
    draw = ImageDraw.Draw(image)
    for stroke in strokes:
        points = [(2 * x, 2 * y) for x, y in stroke]
        draw.line(points, fill=0, width=2 * pen)
        for x, y in points:
            draw.ellipse((x - pen, y - pen, x + pen, y + pen), fill=0)
    return image.resize((side, side), Image.Resampling.BOX)


def photographed(image: Image.Image) -> Image.Image:
    """Grey paper, a soft pencil, light from one side, noise, and held a little askew."""
    ink = np.asarray(image.rotate(4, fillcolor=255, resample=Image.Resampling.BICUBIC)) / 255
    down, across = np.mgrid[0:1:280j, 0:1:280j]
    noise = np.random.default_rng(2).normal(0, 0.03, ink.shape)
    seen = (0.35 + 0.45 * ink) * (0.5 + 0.3 * across + 0.2 * down) + noise
    return Image.fromarray(np.uint8(seen.clip(0, 1) * 255)).convert("RGB")


def half_in_shadow(image: Image.Image) -> Image.Image:
    """Somebody's shadow falls across the digit, with a sharp edge."""
    ink = np.asarray(image) / 255
    down, across = np.mgrid[0:1:280j, 0:1:280j]
    noise = np.random.default_rng(2).normal(0, 0.02, ink.shape)
    seen = (0.2 + 0.6 * ink) * np.where(across + 0.3 * down > 0.62, 0.55, 1) + noise
    return Image.fromarray(np.uint8(seen.clip(0, 1) * 255))


def on_squared_paper(image: Image.Image) -> Image.Image:
    ink = np.minimum(np.asarray(image), 230)
    ink[::20] = np.minimum(ink[::20], 190)
    ink[:, ::20] = np.minimum(ink[:, ::20], 190)
    return Image.fromarray(ink)


def transparent(image: Image.Image) -> Image.Image:
    ink = Image.new("RGBA", image.size, (20, 30, 40, 0))
    ink.putalpha(ImageOps.invert(image))
    return ink


def upside_down_with_a_note(image: Image.Image) -> Image.Image:
    file, exif = BytesIO(), Image.Exif()
    exif[0x0112] = 3
    image.rotate(180).save(file, "JPEG", exif=exif)
    return open_image(file)


WAYS = {
    "black on white": lambda image: image,
    "white on black": ImageOps.invert,
    "colour": lambda image: ImageOps.colorize(image, "navy", "lightyellow"),
    "palette": lambda image: image.convert("P"),
    "one bit": lambda image: image.convert("1"),
    "16 bit": lambda image: Image.fromarray(np.asarray(image).astype(np.uint16) * 200),
    "float": lambda image: image.convert("F"),
    "CMYK": lambda image: image.convert("CMYK"),
    "transparent": transparent,
    "white on transparent": lambda image: transparent(image).point(lambda value: value, "RGBA"),
    "turned by its EXIF note": upside_down_with_a_note,
    "huge": lambda image: image.resize((3000, 3000)),
    "tiny": lambda image: image.resize((40, 40)),
    "wide": lambda image: ImageOps.expand(image, (900, 0), 255),
    "photograph": photographed,
    "half in shadow": half_in_shadow,
    "on squared paper": on_squared_paper,
    "small on a large sheet": lambda image: ImageOps.expand(image, 1000, 255),
}


def unlikeness(one: torch.Tensor, other: torch.Tensor) -> float:
    """Share of the ink that differs, after moving by at most a pixel: 0 the same, 1 apart."""
    return min(
        ((one - other.roll((down, right), (0, 1))).abs().sum() / (one + other).sum()).item()
        for down in (-1, 0, 1)
        for right in (-1, 0, 1)
    )


@pytest.mark.parametrize("digit", STROKES)
@pytest.mark.parametrize("way", WAYS)
def test_a_picture_reads_like_its_strokes(way: str, digit: str) -> None:
    seen = from_bitmap(WAYS[way](picture(STROKES[digit])))
    assert unlikeness(seen, from_strokes(STROKES[digit])) < 0.35


@pytest.mark.parametrize("pen", [3, 8, 20, 32])
def test_the_width_of_the_pen_hardly_matters(pen: int) -> None:
    seen = from_bitmap(picture(STROKES["2"], pen))
    assert unlikeness(seen, from_strokes(STROKES["2"])) < 0.35


def test_what_lies_about_on_the_table_is_left_out() -> None:
    image = picture(STROKES["2"])
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 12, 280), fill=60)
    draw.ellipse((250, 250, 254, 254), fill=0)
    assert unlikeness(from_bitmap(image), from_bitmap(picture(STROKES["2"]))) < 0.05


def test_an_image_of_mnist_itself_stays_as_it_is() -> None:
    image = from_strokes(STROKES["4"])
    saved = Image.fromarray(np.uint8(image.numpy() * 255))
    assert torch.allclose(from_bitmap(saved), image, atol=1 / 255)


@pytest.mark.parametrize("colour", ["white", "black", "grey", "red"])
def test_an_empty_picture_is_none(colour: str) -> None:
    assert from_bitmap(Image.new("RGB", (300, 200), colour)) is None
    assert from_bitmap(Image.new("RGB", (1, 1), colour)) is None
    assert from_bitmap(Image.new("RGB", (28, 28), colour)) is None


def test_empty_paper_under_a_lamp_is_none() -> None:
    assert from_bitmap(photographed(Image.new("L", (280, 280), 255))) is None


def test_what_is_no_picture_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    for source in (tmp_path / "torn.png", BytesIO(b"hello"), BytesIO(), tmp_path):
        with pytest.raises(DrawingError, match="cannot be read"):
            open_image(source)
    with pytest.raises(DrawingError, match="no picture"):
        open_image(tmp_path / "nowhere.png")


def test_no_kind_of_file_is_tried_but_pictures_of_the_usual_kinds() -> None:
    """PostScript is a program; whatever its name says, nobody's is run here."""
    file = BytesIO()
    picture(STROKES["2"]).convert("RGB").save(file, "EPS")
    with pytest.raises(DrawingError, match="cannot be read"):
        open_image(BytesIO(file.getvalue()))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF"])
def test_damage_anywhere_in_a_file_is_a_picture_or_a_sentence(kind: str) -> None:
    file, exif = BytesIO(), Image.Exif()
    exif[0x0112] = 3
    notes = {"exif": exif} if kind in ("PNG", "JPEG", "WEBP", "TIFF") else {}
    picture(STROKES["2"]).convert("RGB").save(file, kind, **notes)
    whole, chance = file.getvalue(), np.random.default_rng(1)
    for _ in range(60):
        torn = bytearray(whole)
        for place in chance.integers(0, min(len(torn), 400), 3):
            torn[place] = chance.integers(256)
        with warnings.catch_warnings(), contextlib.suppress(DrawingError):
            warnings.simplefilter("ignore")  # Pillow mutters over damaged notes
            from_bitmap(open_image(BytesIO(torn)))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize("notes", [b"MM\x00*and nonsense", b"MM\x00*\x00\x00\x00\x08", b"nonsense"])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_notes_that_make_no_sense_do_not_cost_the_picture(kind: str, notes: bytes) -> None:
    file = BytesIO()
    picture(STROKES["2"]).save(file, kind, exif=b"Exif\x00\x00" + notes)
    seen = from_bitmap(open_image(BytesIO(file.getvalue())))
    assert unlikeness(seen, from_strokes(STROKES["2"])) < 0.35


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16", "F"])
def test_a_large_picture_is_made_small_before_anything_else(mode: str) -> None:
    large = picture(STROKES["2"]).resize((4000, 4000))
    if mode == "I;16":
        large = Image.fromarray(np.asarray(large).astype(np.uint16) * 200)
    elif mode != "L":
        large = large.convert(mode)
    file = BytesIO()
    large.save(file, "TIFF" if mode == "F" else "PNG")
    opened = open_image(file)
    assert max(opened.size) < 2000
    assert unlikeness(from_bitmap(opened), from_strokes(STROKES["2"])) < 0.35


def jpeg(side: int = 64, more_passes: int = 0) -> bytes:
    """A progressive JPEG, whose last pass over the picture is there so many times more."""
    file = BytesIO()
    Image.new("RGB", (side, side), "white").save(file, "JPEG", progressive=True)
    whole = file.getvalue()
    last = whole[whole.rindex(b"\xff\xda") : -2]
    return whole[:-2] + last * more_passes + whole[-2:]


def test_a_jpeg_of_three_hundred_passes_is_refused_at_once_and_holds_up_nobody() -> None:
    """Twelve thousand of them over a larger picture would take minutes."""
    started = time.thread_time()
    with pytest.raises(DrawingError, match=r"too many passes: save it anew"):
        open_image(BytesIO(jpeg(more_passes=300)))
    with pytest.raises(DrawingError, match="too many passes"):
        open_image(BytesIO(jpeg(2500, more_passes=80)))
    assert time.thread_time() - started < 1
    assert open_image(BytesIO(jpeg(2500, more_passes=5))).width > 2 * vectorize.WORKING_SIZE


def test_what_follows_the_end_of_a_jpeg_or_lies_in_its_notes_is_no_pass() -> None:
    """A telephone puts a small picture before the picture, and a short film after it."""
    note = b"\xff\xda\x00\x02" * 300
    note = b"\xff\xe5" + (len(note) + 2).to_bytes(2, "big") + note
    whole = jpeg()
    assert open_image(BytesIO(whole[:2] + note + whole[2:] + note)).size == (64, 64)


def test_large_pictures_wait_for_each_other_and_small_ones_for_nobody(monkeypatch) -> None:
    monkeypatch.setattr(vectorize, "QUEUE_TIMEOUT_S", 0.05)
    with contextlib.ExitStack() as others:
        for _ in range(vectorize.MAX_CONCURRENT_HEAVY):
            others.enter_context(vectorize._decoding_slot(vectorize.LIGHT_WORK + 1))
        with pytest.raises(DrawingError, match="try again in a minute"):
            open_image(BytesIO(jpeg(2000)))
        assert open_image(BytesIO(jpeg())).size == (64, 64)
    assert open_image(BytesIO(jpeg(2000))).width > 2 * vectorize.WORKING_SIZE


def test_a_small_picture_is_read_while_a_slow_one_is_under_way() -> None:
    slow = threading.Event()
    done = threading.Event()

    class Slow(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            slow.set()
            assert done.wait(5)
            return super().read(size)

    other = threading.Thread(target=open_image, args=(Slow(jpeg()),))
    other.start()
    assert slow.wait(30)
    assert open_image(BytesIO(jpeg())).size == (64, 64)
    done.set()
    other.join()


def empty_chunks() -> bytes:
    file = BytesIO()
    Image.new("L", (9, 9)).save(file, "PNG")
    chunk = struct.pack(">I4sI", 0, b"abCd", zlib.crc32(b"abCd"))
    return file.getvalue()[:33] + chunk * 50_000 + file.getvalue()[33:]


def packed_rows() -> bytes:
    """A BMP of 2 pixels a run, which Pillow unpacks in plain Python."""
    rows = b"\x02\x07" * 400_000
    size = struct.pack("<IiiHHII", 40, 2000, 2000, 1, 8, 1, len(rows))
    return struct.pack("<2sIII", b"BM", 1078 + len(rows), 0, 1078) + size + bytes(1040) + rows


@pytest.mark.parametrize(
    "file", [empty_chunks(), packed_rows(), b"\xff\xd8" + b"\xff\xe1\x00\x09Exif\0\0a" * 50_000]
)
def test_a_file_that_takes_too_long_is_given_up(file: bytes, monkeypatch) -> None:
    monkeypatch.setattr(vectorize, "DECODE_TIMEOUT_S", 0.02)
    started = time.thread_time()
    with pytest.raises(DrawingError, match="too long to read"):
        open_image(BytesIO(file))
    assert time.thread_time() - started < 1


def test_a_file_that_never_ends_is_not_read_to_its_end() -> None:
    class Endless(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            assert 0 < size < 200_000_000
            return bytes(size)

    with pytest.raises(DrawingError, match="MB: give a smaller picture"):
        open_image(Endless())


@pytest.mark.parametrize("digit", STROKES)
def test_strokes_traced_from_a_picture_look_like_those_it_was_made_of(digit: str) -> None:
    traced = from_strokes(place_on_canvas(trace_strokes(picture(STROKES[digit])), "filling"))
    assert float((traced - from_strokes(STROKES[digit])).abs().mean()) < 0.03


def test_a_traced_stroke_goes_straight_on_at_a_crossing_and_blank_paper_has_none() -> None:
    cross = trace_strokes(picture([[(60, 140), (220, 140)], [(140, 60), (140, 220)]]))
    assert len(cross) == 2
    assert all(np.ptp(stroke, axis=0).max() > 60 for stroke in map(np.array, cross))
    assert trace_strokes(picture([])) == []

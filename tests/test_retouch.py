"""What was painted over a digit: pixels that were covered change, and no others."""

import base64
import io
from collections.abc import Callable

import pytest
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from mnistcore.drawing.retouch import PEN_WIDTH, SHEET_SIZE, ZOOM, retouch
from mnistcore.errors import DrawingError

GREY = torch.full((28, 28), 100, dtype=torch.uint8)


def painted(paint: Callable[[ImageDraw.ImageDraw], object], size: int = SHEET_SIZE) -> str:
    """A sheet as the browser sends it."""
    picture = Image.new("RGBA", (size, size))
    paint(ImageDraw.Draw(picture))
    file = io.BytesIO()
    picture.save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def dot(x: float, y: float, color: str = "white") -> str:
    """A tap of the pen, in pixels of the image."""
    middle, radius = (ZOOM * x, ZOOM * y), PEN_WIDTH / 2
    return painted(lambda sheet: sheet.circle(middle, radius, fill=color))


def changed(image: Tensor) -> set[tuple[int, int]]:
    return {(row, column) for row, column in (image != GREY).nonzero().tolist()}


def test_a_tap_inside_a_pixel_turns_it_to_full_ink_and_no_other() -> None:
    inked = retouch(GREY, dot(5.5, 20.5))
    assert changed(inked) == {(20, 5)} and inked[20, 5] == 255


@pytest.mark.parametrize("place", [(5, 5), (5.5, 5), (5.25, 5.25), (0, 0), (27.9, 13.3)])
def test_a_tap_anywhere_changes_a_pixel(place: tuple[float, float]) -> None:
    assert 1 <= len(changed(retouch(GREY, dot(*place)))) <= 4


def test_the_eraser_leaves_no_ink_and_ink_over_it_is_ink() -> None:
    assert retouch(GREY, dot(5.5, 20.5, "black"))[20, 5] == 0

    def both(sheet: ImageDraw.ImageDraw) -> None:
        sheet.rectangle((0, 0, 54, 54), fill="black")
        sheet.rectangle((0, 0, 21, 54), fill="white")

    image = retouch(GREY, painted(both))
    assert image[:5, :2].unique().tolist() == [255] and image[:5, 2:5].unique().tolist() == [0]
    assert len(changed(image)) == 25


def test_nothing_painted_is_the_image_itself() -> None:
    assert retouch(GREY, None).equal(GREY)
    assert retouch(GREY, painted(lambda _: None)).equal(GREY)


@pytest.mark.parametrize(
    "sent",
    [
        "data:image/png;base64,AAAA",
        "no picture",
        7,
        ["data:"],
        "x" * 2_000_000,
        painted(lambda _: None, size=SHEET_SIZE + 1),
        painted(lambda _: None, size=9_000)[:900_000],
    ],
)
def test_what_is_no_such_sheet_is_refused_in_words(sent: object) -> None:
    with pytest.raises(DrawingError, match="paint anew"):
        retouch(GREY, sent)

"""Images in HTML: data URIs of PNG and SVG pictures."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # torch takes seconds to import
    from PIL.Image import Image
    from torch import Tensor


def data_uri(content: bytes, mime_type: str = "image/png") -> str:
    """The content of an image file as an address, for `src`, `href` or `url()`."""
    return f"data:{mime_type};base64,{base64.b64encode(content).decode()}"


def png_uri(picture: Image) -> str:
    """A picture as the address of a PNG."""
    file = BytesIO()
    picture.save(file, "PNG")
    return data_uri(file.getvalue())


def svg_uri(svg: str) -> str:
    """An SVG as an address: HTML on a page may not hold it bare."""
    return data_uri(svg.encode(), "image/svg+xml")


def ink_uri(images: Tensor) -> str:
    """Images, (n, rows, columns) or, with colours, (n, rows, columns, 4) uint8, in a row, as a PNG.

    Grey ones are its opacity, so that the theme gives the ink.
    """
    from PIL import Image

    row = images.transpose(0, 1).flatten(1, 2).numpy()
    picture = Image.fromarray(row)
    if row.ndim == 2:
        picture = Image.merge("LA", (Image.new("L", picture.size), picture))
    return png_uri(picture)


def sheet_uri(images: Tensor, across: int) -> str:
    """Images, (n, side, side) uint8, in rows of `across`, likewise; the last row is filled up."""
    from torch.nn import functional

    rows, side = -(-len(images) // across), images.shape[1]
    full = functional.pad(images, (0, 0, 0, 0, 0, rows * across - len(images)))
    columns = full.view(rows, across, side, side).transpose(0, 1)
    return ink_uri(columns.reshape(across, rows * side, side))

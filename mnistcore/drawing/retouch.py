"""Retouching: what was painted over a digit, in ink or with the eraser, as changed pixels."""

import base64
import io

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from mnistcore.errors import DrawingError

ZOOM = 11  # pixels of the sheet to one of the image, in each direction
SHEET_SIZE = 28 * ZOOM
PEN_WIDTH = 1.5 * ZOOM
MIN_COVERAGE = 0.4  # of a pixel, from which it counts: a dot anywhere changes one at least
MAX_LENGTH = 1_000_000  # of what a browser sends; a sheet full of scribbles has 30,000


def retouch(image: Tensor, painted: object) -> Tensor:
    """The image, (28, 28) uint8, with what was painted over it: full ink, or none.

    painted: a PNG of SHEET_SIZE pixels each way as a data URI, not trusted; white is ink, black the
    eraser, and where it is transparent the image stays. None for nothing. Raises DrawingError.
    """
    if painted is None:
        return image
    layer = _decode(painted).reshape(28, ZOOM, 28, ZOOM, 4).mean((1, 3))
    covered = torch.from_numpy(layer[..., 3])
    ink = torch.from_numpy(layer[..., 0]) >= 0.5 * covered
    return torch.where(covered < MIN_COVERAGE, image, ink.byte() * 255)


def _decode(painted: object) -> np.ndarray:
    """(SHEET_SIZE, SHEET_SIZE, 4) float32 in [0, 1]; the colours times the opacity."""
    try:
        if not isinstance(painted, str) or len(painted) > MAX_LENGTH:
            raise ValueError
        content = base64.b64decode(painted.partition(",")[2], validate=True)
        with Image.open(io.BytesIO(content), formats=["PNG"]) as picture:
            if picture.size != (SHEET_SIZE, SHEET_SIZE):
                raise ValueError
            layer = np.asarray(picture.convert("RGBA"), np.float32) / 255
    except Exception:  # Pillow raises all kinds for a damaged file
        raise DrawingError("What was painted cannot be read: undo it, and paint anew.") from None
    return np.concatenate([layer[..., :3] * layer[..., 3:], layer[..., 3:]], -1)

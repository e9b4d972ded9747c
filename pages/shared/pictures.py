"""Digits on a page: many small ones to choose from, and one large one as the numbers it is."""

import base64
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from torch import Tensor

_HERE = Path(__file__).parent


def _component(name: str) -> Callable:
    """A part of the page whose look and behaviour are in `name`.css and `name`.js."""
    css, js = ((_HERE / f"{name}.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    return st.components.v2.component(f"digit_{name}", css=css, js=js)


_tiles, _pixels = _component("tiles"), _component("pixels")


def tiles(
    images: "Tensor",
    names: Sequence[str],
    key: str,
    *,
    columns: int = 6,
    captions: Sequence[str] | None = None,
    chosen: int | None = None,
    on_pick: Callable[[int], None] | None = None,
) -> None:
    """Small pictures side by side; with `on_pick`, each is a button.

    images: (n, 28, 28) uint8; names: what a screen reader says for each; captions: what stands
    below each. `chosen` is the place of the one that is framed. `on_pick` is called with the
    place of the picture that was clicked, before the page runs again.
    """

    def picked() -> None:
        place = st.session_state[key].get("picked")
        if on_pick and place is not None and place < len(names):
            on_pick(place)

    _tiles(
        key=key,
        data={
            "sprite": _as_ink(images),
            "names": list(names),
            "columns": columns,
            "captions": list(captions or []),
            "chosen": chosen,
            "clickable": on_pick is not None,
        },
        on_picked_change=picked,
    )


def pixels(image: "Tensor", name: str, key: str, *, numbers: bool = True) -> None:
    """One picture, (28, 28) uint8, large, with the value of each pixel written into it."""
    _pixels(key=key, data={"values": image.flatten().tolist(), "name": name, "numbers": numbers})


def _as_ink(images: "Tensor") -> str:
    """The pictures in one row, as the opacity of a PNG, so that the page's theme gives the ink."""
    from PIL import Image

    row = images.permute(1, 0, 2).reshape(images.shape[1], -1).numpy()
    png = BytesIO()
    Image.merge("LA", (Image.new("L", row.shape[::-1]), Image.fromarray(row))).save(png, "PNG")
    return "data:image/png;base64," + base64.b64encode(png.getvalue()).decode()

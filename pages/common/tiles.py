"""Digits on a page: many small ones to choose from, and one large one as the numbers it is."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.common.images import ink_uri
from pages.common.state import Key

if TYPE_CHECKING:
    from torch import Tensor


def component(path: str | Path) -> Callable:
    """A part of the page whose look and behaviour are in the .css and the .js beside `path`."""
    css, js = (Path(path).with_suffix(kind).read_text(encoding="utf-8") for kind in (".css", ".js"))
    return st.components.v2.component(f"digit_{Path(path).stem}", css=css, js=js)


_tiles, _pixels = component(__file__), component(Path(__file__).with_name("pixels"))


def picked_place(key: str, count: int) -> int | None:
    """Which of `count` things was clicked in this part of the page, if the browser names one."""
    place = Key[Any](key, None).get().get("picked")
    return place if type(place) is int and 0 <= place < count else None


def tiles(
    images: "Tensor",
    names: Sequence[str],
    key: str,
    *,
    columns: int | None = 6,
    captions: Sequence[str] | None = None,
    chosen: int | None = None,
    on_pick: Callable[[int], None] | None = None,
) -> None:
    """Small pictures side by side; with `on_pick`, each is a button.

    images: (n, rows, columns) uint8, or (n, rows, columns, 4) with colours of their own; names:
    what a screen reader says for each; captions: what stands below each. With None for `columns`
    there are as many as fit. `chosen` is the place of the one that is framed. `on_pick` is called
    with the place of the picture that was clicked, before the page runs again.
    """

    def picked() -> None:
        place = picked_place(key, len(names))
        if on_pick and place is not None:
            on_pick(place)

    _tiles(
        key=key,
        data={
            "sprite": ink_uri(images),
            "coloured": images.ndim == 4,
            "names": list(names),
            "columns": columns,
            "captions": list(captions or []),
            "chosen": chosen,
            "clickable": on_pick is not None,
        },
        on_picked_change=picked,
    )


def pixels(image: "Tensor | bytes", name: str, key: str, *, numbers: bool = True) -> None:
    """One picture, (28, 28) uint8, large, with the value of each pixel written into it."""
    values = list(image) if isinstance(image, bytes) else image.flatten().tolist()
    _pixels(key=key, data={"values": values, "name": name, "numbers": numbers})

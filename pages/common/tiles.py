"""Digits on a page: many small ones to choose from, and one large one as the numbers it is."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.common import state
from pages.common.images import ink_uri
from pages.common.state import Key
from pages.common.text import with_article

if TYPE_CHECKING:
    from torch import Tensor

    from mnistcore.data.digits import Digits


# What a component that draws SVG in the browser begins with.
SVG = Path(__file__).with_name("svg.js").read_text(encoding="utf-8")


def component(path: str | Path, html: str | None = None, script: str = "") -> Callable:
    """A part of the page that begins as `html`, with the .css and the .js beside `path`.

    script: what the .js builds on.
    """
    css, js = (Path(path).with_suffix(kind).read_text(encoding="utf-8") for kind in (".css", ".js"))
    name = f"digit_{Path(path).stem}"
    return st.components.v2.component(name, html=html, css=css, js=script + js)


_tiles = component(__file__, "<div class='tiles' role='group'></div>")
# The arrow keys scroll it where it is wider than the screen.
_FRAME = "<div class='frame' role='img' tabindex='0'><div class='grid'></div></div>"
_pixels = component(Path(__file__).with_name("pixels"), _FRAME)


def picking(key: str, count: int, on_pick: Callable[[int], None] | None) -> Callable[[], None]:
    """A callback that calls `on_pick` with the place, of `count`, of what was clicked there."""

    def picked() -> None:
        place = Key[Any](key, None).get().get("picked")
        if on_pick and type(place) is int and 0 <= place < count:
            on_pick(place)

    return picked


def _picking(
    key: str, count: int, on_pick: Callable[[int], None] | None, every: bool
) -> Callable[[], None]:
    """The same for tiles, which send their latest picks again, each with its time."""

    def picked() -> None:
        last, places = state.last_pick(key), []
        for when, place in Key[Any](key, None).get().get("picked") or ():
            if when > last.get() and type(place) is int and 0 <= place < count:
                last.set(when)
                places.append(place)
        for place in places if every else places[-1:]:
            if on_pick:
                on_pick(place)

    return picked


def tiles(
    images: "Tensor",
    names: Sequence[str],
    key: str,
    *,
    columns: int | None = 6,
    captions: Sequence[object] | None = None,
    chosen: int | None = None,
    off: Sequence[int] = (),
    on_pick: Callable[[int], None] | None = None,
    every: bool = False,
) -> None:
    """Small pictures side by side; with `on_pick`, each is a button.

    images: (n, rows, columns) uint8, or (n, rows, columns, 4) with colours of their own; names:
    what a screen reader says for each; columns: None for as many as fit; chosen: the place of the
    one that is framed; off: the places of those that are crossed out; on_pick: called with the
    place of the one that was clicked; every: also those that were clicked while the page worked,
    and not only the last.
    """
    data = {
        "sprite": ink_uri(images),
        "coloured": images.ndim == 4,
        "names": list(names),
        "columns": columns,
        "captions": [str(each) for each in captions or ()],
        "chosen": chosen,
        "off": list(off),
        "clickable": on_pick is not None,
    }
    _tiles(key=key, data=data, on_picked_change=_picking(key, len(names), on_pick, every))


def gallery(
    digits: "Digits", part: str, indices: list[int], key: str, chosen: int, on_pick: Callable
) -> None:
    """Some images of a part, eight to a row; chosen: an index; on_pick: called with another."""
    labels = digits.labels[indices].tolist()
    named = zip(indices, map(with_article, labels), strict=True)
    names = [f"{part} image {n}, {digit}" for n, digit in named]
    images, place = digits.images[indices], indices.index(chosen) if chosen in indices else None
    tiles(images, names, key, columns=8, chosen=place, on_pick=lambda n: on_pick(indices[n]))


def answers(digits: "Digits", said: Sequence[int], key: str, columns: int | None = None) -> None:
    """Images, and below each whether it was read right, and as what."""
    each = list(zip(digits.labels.tolist(), said, strict=True))
    names = [f"{with_article(label)}, read as {with_article(read)}" for label, read in each]
    captions = [f"{'✓' if label == read else '✗'} {read}" for label, read in each]
    tiles(digits.images, names, key, columns=columns, captions=captions)


def pixels(image: "Tensor | bytes", name: str, key: str, *, numbers: bool = True) -> None:
    """One picture, (28, 28) uint8, large, with the value of each pixel written into it."""
    values = list(image) if isinstance(image, bytes) else image.flatten().tolist()
    _pixels(key=key, data={"key": key, "values": values, "name": name, "numbers": numbers})

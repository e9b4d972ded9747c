"""The sheet of paper to draw on; what is on it stays when the page is left."""

import random
from pathlib import Path
from typing import Any, TypeGuard

import streamlit as st

from mnistcore.drawing.sheet import sheet
from mnistcore.drawing.strokes import Stroke, parse_canvas_strokes, place_on_canvas
from mnistcore.serialization import is_number
from pages.common import state
from pages.common.datasets import shared_dataset
from pages.common.text import with_article

PEN_WIDTH = 20.0  # width of a stroke, in units of which the sheet is 400 wide

_SAMPLE = """<button type="button" aria-label="Take a sample digit">
  <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M5 3h14v18H5zM9 8h6l-4 9"/></svg>
  Sample
</button>"""

_sheet = st.components.v2.component(
    "digit_canvas",
    html=sheet("html").replace("{more}", _SAMPLE),
    css=sheet("css"),
    js=sheet("js") + Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
)


def canvas(pen: float, *, live: bool) -> list[Stroke]:
    """Show the sheet, as large as there is room for, and return the strokes on it.

    pen: width of the next strokes; live: hear of a stroke also before the pen lifts.
    """
    first, turn = state.DRAW_PLACE.get()
    data: dict[str, Any] = {"pen": pen, "live": live, "first": first, "turn": turn}
    data |= {"put": state.DRAW_PUT.get(), "strokes": current_strokes()}
    data["widths"] = [width for _, width in current_drawing()]
    _sheet(key=state.DRAW_SHEET, data=data, on_drawing_change=_take, on_sample_change=_put_sample)
    _take()  # what a tab brings along to a server that has been started anew
    return current_strokes()


def current_strokes() -> list[Stroke]:
    """The strokes on the sheet, in units of which it is 400 wide and high."""
    return [*state.DRAW_STROKES.get()]


def drawing_name() -> str:
    """By which the sheet knows whether an answer is about what is on it: `data-about` of a card."""
    return " ".join(map(str, (state.DRAW_PUT.get(), *state.DRAW_PLACE.get())))


def current_drawing() -> list[tuple[Stroke, float]]:
    """The same, each with its width."""
    drawn = current_strokes()
    return list(zip(drawn, [*state.DRAW_WIDTHS.get(), *[PEN_WIDTH] * len(drawn)], strict=False))


def clear() -> None:
    """Take away every stroke that the page knows of; one that has been begun since stays."""
    first, turn = state.DRAW_PLACE.get()
    state.DRAW_PLACE.set((first + len(current_strokes()), turn))
    state.DRAW_STROKES.set([])
    state.DRAW_WIDTHS.set([])


def put_on_sheet(strokes: list[Stroke]) -> None:
    """Exchange what is on the sheet for these strokes."""
    clear()
    state.DRAW_STROKES.set(strokes)
    state.DRAW_PUT.set(state.DRAW_PUT.get() + 1)


def _put_sample() -> None:
    """Put a test digit on the sheet, as the pen strokes that it may have been made of."""
    from PIL import Image

    from mnistcore.drawing.vectorize import trace_strokes

    test = shared_dataset().test
    place = random.randrange(len(test))
    image, label = test.images[place], int(test.labels[place])
    state.DRAW_SAID.set(f"A sample: {with_article(label)} by its label.")
    put_on_sheet(place_on_canvas(trace_strokes(Image.fromarray(image.numpy())), "filling"))


def _take() -> None:
    """Keep what the browser says is on the sheet, where it makes sense."""
    sent = (state.DRAW_SHEET.get() or {}).get("drawing")
    if not isinstance(sent, dict):
        return
    first, _ = state.DRAW_PLACE.get()
    at, turn, widths = (sent.get(name) for name in ("first", "turn", "widths"))
    if not (_counted(at) and _counted(turn) and isinstance(widths, list)):
        return
    put = sent.get("put", 0)
    if not _counted(put) or put < state.DRAW_PUT.get():  # sent before the sheet was exchanged
        return
    state.DRAW_PUT.set(put)
    cleared = max(first - at, 0)  # meanwhile, by `clear`
    strokes = parse_canvas_strokes(sent.get("strokes"))[cleared:]
    state.DRAW_PLACE.set((max(first, at), turn))
    state.DRAW_STROKES.set(strokes)
    wide = [float(width) if is_number(width) else PEN_WIDTH for width in widths[cleared:]]
    state.DRAW_WIDTHS.set([max(1.0, min(100.0, width)) for width in wide[: len(strokes)]])


def _counted(value: object) -> TypeGuard[int]:
    """Whether a browser can have come so far."""
    return type(value) is int and is_number(value)

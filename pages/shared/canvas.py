"""The sheet of paper to draw on: it can undo, and it keeps the drawing when the page is left."""

from typing import Any

import streamlit as st
from streamlit_drawable_canvas import st_canvas

BAND = 36  # pixels above the paper; the component's own, hidden toolbar lies there
INK = "#17202C"
_KEY, _KEPT, _START = "canvas", "canvas_kept", "canvas_start"


def sheet(side: int, pen: int) -> dict[str, Any]:
    """Show the sheet, `side` pixels square, and return what is on it, as the canvas sends it.

    pen: width of the next strokes in pixels; those already drawn keep theirs.
    """
    state = st.session_state
    if _KEY not in state or _START not in state:  # a first visit, or back from another page
        put(kept())
    # As high as its content: what the component shows above itself while hovered is cut off.
    with st.container(height=side + BAND, border=False):
        drawn = st_canvas(
            width=side,
            height=side + BAND,
            stroke_width=pen,
            stroke_color=INK,
            background_image=_paper(side),
            initial_drawing=state[_START],
            key=_KEY,
        ).json_data
    strokes = drawn.get("objects") if drawn else None
    state[_KEPT] = strokes if isinstance(strokes, list) else []
    return {"objects": state[_KEPT]}


def kept() -> list[dict[str, Any]]:
    """The strokes on the sheet, in the canvas's own format."""
    return st.session_state.get(_KEPT, [])


def undo() -> None:
    """Take the last stroke away."""
    put(kept()[:-1])


def clear() -> None:
    """Take every stroke away."""
    put([])


def put(strokes: list[dict[str, Any]]) -> None:
    """Replace what is on the sheet by these strokes, in the canvas's own format.

    The component loads a drawing only when what it starts from has changed, hence the number.
    """
    state = st.session_state
    number = state.get(_START, {}).get("number", 0) + 1
    state[_START] = {"objects": strokes, "number": number}
    state[_KEPT] = strokes
    state[_KEY] = {"drawing": {"raw": state[_START], "data": None}, "backgroundFit": None}


def _paper(side: int) -> str:
    """White in every theme, because the ink is dark in every theme."""
    return (
        "data:image/svg+xml,"
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{side}' height='{side + BAND}'>"
        "<rect width='100%25' height='100%25' fill='%23fff'/>"
        f"<rect width='100%25' height='{BAND}' fill='%23DCE6F2'/>"
        f"<text x='14' y='{BAND / 2 + 5}' font-family='sans-serif' font-size='15' "
        "fill='%2344546A'>Write one digit here, 0 to 9</text></svg>"
    )

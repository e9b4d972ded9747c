"""Fool it, your way: a test image touched up by hand until the network changes its mind."""

import streamlit as st
import torch
from PIL import Image
from streamlit_drawable_canvas import st_canvas
from torch import Tensor

from mnistcore.data.digits import Digits, to_float
from mnistcore.drawing.retouch import PEN_WIDTH, SHEET_SIZE, retouch
from mnistcore.errors import DrawingError
from mnistcore.models.registry import Model
from pages.common import state, tiles
from pages.common.prediction_card import show_reading
from pages.common.state import Painted, Retouched
from pages.common.text import escape_markdown, with_article
from pages.common.widgets import live_region, one_of

_PENS = {"Ink": "#ffffff", "Eraser": "#000000"}
_SHEETS = 50  # test images of which is kept what was painted on them
# The library shows its buttons to who points at the sheet: a finger does not.
_toolbar = st.components.v2.component(
    "toolbar_shown",
    js="""
    const rules = new CSSStyleSheet()
    rules.replaceSync(`
        .dc-toolbar { opacity: 1 !important; top: -3.5rem !important; }
        .dc-toolbar-card { box-shadow: none; }
        .dc-icon-button { padding: 0.5rem; }
        .dc-icon-button svg { width: 1.1rem; height: 1.1rem; }
        [aria-label^="Update"], [aria-label="Edit"], .dc-toolbar-separator { display: none; }
    `)
    export default function({ data }) {
        const show = (times) => {
            // Again and again: for a moment the sheet from before may still be there.
            if (times) setTimeout(show, 100, times - 1)
            const parts = [...document.querySelectorAll(".st-key-retouching *")]
            const host = parts.findLast(each => each.shadowRoot?.querySelector(".dc-toolbar"))
            const sheet = host?.shadowRoot.querySelector(".upper-canvas")
            if (!sheet) return
            const sheets = host.shadowRoot.adoptedStyleSheets
            if (!sheets.includes(rules)) host.shadowRoot.adoptedStyleSheets = [...sheets, rules]
            sheet.setAttribute("role", "img")
            sheet.setAttribute("aria-label", data.name)
        }
        show(100)
    }
    """,
)


def show(model: Model, stamp: int, test: Digits, index: int) -> None:
    """A sheet with a test image on it, what the network says of it as it is now, and the best.

    stamp: when the weights were written.
    """
    original, label = test.images[index], int(test.labels[index])
    digit = with_article(label)
    if int(model.probabilities(to_float(original)[None])[0].argmax()) != label:
        st.info(f"This is {digit}, and it is misread as it is: take another test image.")
        return
    st.markdown(
        f"Touch it up until the network no longer reads {digit}, and you still do. "
        "The fewer pixels, the better, and it must find nothing odd."
    )
    sheet, answer = st.columns(2, gap="large")
    with sheet:
        try:
            touched = _sheet(original, index, f"Test image {index}, {digit}, to paint on")
        except DrawingError as error:
            st.warning(escape_markdown(error))
            return
    with answer:
        said = st.container()
        reading = show_reading(model, to_float(touched), name="Touched up")
        assert reading.digit is not None  # for there is an image
        now = Retouched(int((touched != original).sum()), reading.digit, touched.numpy().tobytes())
        spot = (model.model_id, stamp, index)
        with said:
            _score(now, label, spot, noticed=not reading.in_distribution)
            if best := state.INSIDE_FOOLED.get().get(spot):
                _show_best(best, label)


def _sheet(original: Tensor, index: int, name: str) -> Tensor:
    """Show it; the image as it is now, (28, 28) uint8; or DrawingError."""
    sheet, pixels = state.inside_sheet(index), state.inside_pixels(index)
    begun = original.numpy().tobytes()
    under, now = state.INSIDE_PAINTED.get().get(index, Painted(begun, begun))
    if not sheet.exists():  # it is put up anew: what was painted before lies under it from now on
        under = now
        pixels.pop()
    image = _image(under)
    for (row, column), value in pixels.get().items():
        image[row, column] = value
    picture = Image.fromarray(image.numpy())
    with st.container(key="retouching"):
        pen = one_of("Pen", list(_PENS), state.INSIDE_PEN, bound=False)
        st_canvas(
            stroke_width=round(PEN_WIDTH),
            stroke_color=_PENS[pen],
            background_image=picture.resize((SHEET_SIZE, SHEET_SIZE), Image.Resampling.NEAREST),
            height=SHEET_SIZE,
            width=SHEET_SIZE,
            return_image_data=True,
            key=sheet,
        )
        _toolbar(key=f"toolbar of {sheet}", data={"name": name})
    _by_keyboard(index, pen)
    sent = (sheet.get() or {}).get("drawing")
    touched = retouch(image, sent.get("data") if isinstance(sent, dict) else None)
    others = {key: each for key, each in state.INSIDE_PAINTED.get().items() if key != index}
    last = dict(list(others.items())[1 - _SHEETS :])
    state.INSIDE_PAINTED.set({**last, index: Painted(under, touched.numpy().tobytes())})
    return touched


def _start_over(index: int) -> None:
    """A new sheet, with the test image as it was."""
    state.INSIDE_PAINTED.set(
        {key: each for key, each in state.INSIDE_PAINTED.get().items() if key != index}
    )
    state.inside_pixels(index).pop()
    state.INSIDE_SHEETS.set(state.INSIDE_SHEETS.get() + 1)


def _image(pixels: bytes) -> Tensor:
    return torch.frombuffer(bytearray(pixels), dtype=torch.uint8).reshape(28, 28)


def _by_keyboard(index: int, pen: str) -> None:
    """Single pixels, for who has neither a mouse nor a finger: they lie under what is painted."""
    key = state.inside_pixels(index)

    def paint() -> None:
        key.set({**key.get(), (row, column): 255 if pen == "Ink" else 0})

    def take_back() -> None:
        key.pop()

    with (
        st.expander("By keyboard", icon=":material/keyboard:"),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        row = st.number_input("Row", 0, 27, 14, width=120, key="painted row")
        column = st.number_input("Column", 0, 27, 14, width=120, key="painted column")
        st.button(f"Paint this pixel: {pen.lower()}", key="paint", on_click=paint)
        st.button("Take these back", disabled=not key.get(), on_click=take_back)


def _score(now: Retouched, label: int, spot: tuple[str, int, int], noticed: bool) -> None:
    """Whether it is fooled, and a button for who is not."""
    best = state.INSIDE_FOOLED.get().get(spot)
    many = f"{now.changed} pixel{'s' * (now.changed != 1)} changed"
    words = f"{many}: it still reads {with_article(label)}."
    fooled = now.read != label
    if fooled:
        words = f"{many}: it reads {with_article(now.read)}. Fooled, if you are not!"
    if fooled and noticed:
        words = (
            f"{many}. Half fooled: it reads {with_article(now.read)}, but finds that it hardly is "
            "a digit. That does not count: who smells a trick is not taken in."
        )
    live_region(words if now.changed else "Nothing is changed yet.", "retouched", 3, wide=2)

    def keep() -> None:
        state.INSIDE_FOOLED.set({**state.INSIDE_FOOLED.get(), spot: now})

    better = fooled and not noticed and (best is None or now.changed < best.changed)
    with st.container(horizontal=True):
        st.button(
            f"To me it is still {with_article(label)}",
            key="still that digit",
            icon=":material/check:",
            disabled=not better,
            on_click=keep,
        )
        st.button(
            "Start over",
            icon=":material/restart_alt:",
            disabled=not now.changed,
            on_click=_start_over,
            args=(spot[-1],),
        )


def _show_best(best: Retouched, label: int) -> None:
    """The fewest pixels so far, and what they made of the image."""
    st.markdown(f"Your best: **{best.changed} of 784 pixels**.")
    name = f"{with_article(label)}, read as {with_article(best.read)}"
    tiles.tiles(
        _image(best.pixels)[None], [name], "retouched best", columns=8, captions=[f"✗ {best.read}"]
    )

"""Prediction card: the answer and ten probability bars, as one piece of HTML, which is fast."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from mnistcore.errors import MnistError
from mnistcore.viz.theme import GREY, HIGHLIGHT
from pages.common import model_picker
from pages.common.bars import bar_row
from pages.common.images import png_uri
from pages.common.text import escape_markdown, with_article
from pages.common.widgets import announce

if TYPE_CHECKING:  # torch takes seconds to import
    from torch import Tensor

    from mnistcore.inference.predict import PredictionResult
    from mnistcore.models.registry import Model

# Two lines high where the longest sentence takes two: the bars shall not jump while one draws.
_SENTENCE = (
    "margin:0 0 .3rem;font-size:clamp(1.05rem,5cqw,1.2rem);line-height:1.3;"
    "min-height:clamp(1lh,(27em - 100cqw)*99,2lh)"
)


LEAST_MARK = 0.005  # a smaller share of before would only be a line at 0 %
NOTHING = "Draw a digit first."


def show_prediction(
    which: str,
    picture: Callable[[], Tensor | None],
    nothing: str = NOTHING,
    *,
    before: str | None = None,
    spoken: str = "",
    averaged: bool = False,
    about: str = "",
) -> Tensor | None:
    """Read a picture with the network of this name, show what it says, and return the picture.

    picture: gives (28, 28) float32 in [0, 1], or None where there is `nothing` to read. before: the
    name of the network that it was taught from; spoken: under this key it is read out as well;
    averaged: over several views of the picture, see `predict`; about: `canvas.drawing_name`.
    """
    try:
        image, model = picture(), model_picker.latest_model(which)
        earlier = model_picker.latest_model(before) if before else None
        reading = show_reading(
            model, image, nothing, before=earlier, averaged=averaged, about=about
        )
        if spoken:
            announce(_in_words(reading), spoken)
        return image
    except MnistError as error:
        st.warning(escape_markdown(error), icon=":material/help:")
        return None


def show_reading(
    model: Model,
    image: Tensor | None,
    nothing: str = NOTHING,
    *,
    before: Model | None = None,
    mark: str = "before your teaching",
    name: str = "Answer",
    averaged: bool = False,
    about: str = "",
) -> PredictionResult:
    """What a network says of an image, (28, 28) float32 in [0, 1], and another said before.

    mark: what the thin line at what was said before is called; name: of the card, for who hears it.
    """
    from mnistcore.inference.predict import predict

    was = predict(before, image, averaged=averaged) if before else None
    reading = predict(model, image, nothing, averaged=averaged)
    st.html(_card(reading, image, was, mark, name, about))
    return reading


def _in_words(reading: PredictionResult) -> str:
    """The answer for who hears it."""
    if not reading.sure or reading.digit is None or not reading.probabilities:
        return reading.sentence
    return f"{reading.sentence[:-1]}, {100 * reading.probabilities[reading.digit]:.0f} % sure."


def _card(
    prediction: PredictionResult,
    image: Tensor | None,
    before: PredictionResult | None,
    mark: str,
    name: str,
    about: str,
) -> str:
    """The answer large, what the network saw, and how sure it is of each of the ten digits."""
    sentence, nothing = prediction.sentence, [None] * 10
    lines = [p if p >= LEAST_MARK else None for p in before.probabilities or ()] if before else None
    if before and before.digit not in (None, prediction.digit):
        sentence += f" Before: {with_article(before.digit)}."
    doubt, faint = ("", "") if prediction.sure else ("?", ";opacity:.45")
    shown = "–" if prediction.digit is None else f"{prediction.digit}{doubt}"
    large = shown if prediction.in_distribution else "?"
    shares = zip(range(10), prediction.probabilities or nothing, lines or nothing, strict=True)
    rows = "".join(_row(prediction, digit, share, line) for digit, share, line in shares)
    told = ["If it had to choose."] * (not prediction.in_distribution)
    told += [f"Thin line: {mark}."] * bool(lines)
    of = f"data-about='{about}'" if about else ""
    legend = f"<small style='font-size:.875rem'>{' '.join(told)}</small>"
    return (
        f"<section aria-label='{name}' {of} style='max-width:46rem;container-type:inline-size'>"
        f"<p style='{_SENTENCE}'>{sentence}</p>"
        "<div style='display:flex;flex-wrap:wrap;gap:.4rem 1.2rem'>"
        "<figure style='margin:0;text-align:center;font-size:.85rem'>"
        f"<div aria-hidden='true' style='font-size:clamp(3.5rem,9vw,8rem);line-height:1;"
        f"font-weight:700{faint}'>{large}</div>{_picture(image)}"
        "<figcaption>what the<br>network sees</figcaption></figure>"
        f"<div style='flex:1 1 9rem;font-size:clamp(.85rem,1.1vw,1.05rem)'>{rows}{legend}</div>"
        "</div></section>"
    )


def _row(
    prediction: PredictionResult, digit: int, probability: float | None, mark: float | None
) -> str:
    """One bar, from 0 to 100 %; None leaves it empty. It is hatched where it says little."""
    is_answer = digit == prediction.digit
    color = HIGHLIGHT if is_answer else GREY
    faded = f"color-mix(in srgb,{color} 50%,transparent)"
    hatched = f"repeating-linear-gradient(135deg,{faded} 0 .15em,transparent .15em .5em)"
    return bar_row(
        f"<span>{digit}</span>",
        probability or 0.0,
        color if prediction.in_distribution else hatched,
        "" if probability is None else f"{100 * probability:.0f} %",
        mark=mark,
        width="5ch",
        style=f"line-height:clamp(1rem,2.1vw,1.9rem);font-weight:{700 if is_answer else 400}",
    )


def _picture(image: Tensor | None) -> str:
    from PIL import Image

    from mnistcore.data.digits import to_uint8

    if image is None:
        pixels, words = Image.new("L", (28, 28)), "Nothing yet"
    else:
        pixels = Image.fromarray(to_uint8(image).numpy())
        words = "The digit as 28 by 28 grey pixels"
    return (
        f"<img src='{png_uri(pixels)}' alt='{words}' decoding='sync' "
        "style='width:clamp(98px,12vw,168px);image-rendering:pixelated;border-radius:.4rem'>"
    )

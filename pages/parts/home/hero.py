"""The picture on Home: one digit after the other goes in, and a network lights up its answer."""

import random
from itertools import chain, pairwise, product
from pathlib import Path

import streamlit as st

from pages.common.images import data_uri

_DIGITS = (7, 2, 1, 0, 4, 1, 4, 9, 5, 9)  # the first ten test images of MNIST
_SECONDS = 2.5  # for each of them
_LAYERS = (6, 6, 10)  # circles in the drawing; a real network has far more
_HEIGHT = 400

_CSS = f"""
svg {{ display: block; width: 100%; max-height: 26rem; font: 600 26px var(--st-font); }}
.line {{ stroke: var(--st-text-color); stroke-opacity: 0.12; }}
.frame {{ fill: none; stroke: var(--st-border-color); }}
.unit {{ fill: var(--st-secondary-background-color); stroke: var(--st-border-color); }}
text {{ fill: var(--st-text-color); text-anchor: middle; dominant-baseline: central; }}
.on .line {{ stroke: var(--st-primary-color); stroke-opacity: 0.9; stroke-width: 2.5; }}
.on .unit {{ fill: var(--st-primary-color); stroke: none; }}
.on text {{ fill: var(--st-background-color); }}
.on {{ opacity: 0; animation: on {_SECONDS * 10}s linear infinite; }}
.paper {{ image-rendering: pixelated; animation: turn {_SECONDS * 10}s steps(10) infinite; }}
@keyframes on {{ 0%, 1% {{ opacity: 0; }} 3%, 9% {{ opacity: 1; }} 10%, 100% {{ opacity: 0; }} }}
@keyframes turn {{ to {{ transform: translateX(-280px); }} }}
@media (prefers-reduced-motion: reduce) {{
  .on, .paper {{ image-rendering: pixelated; animation: none; }}
  .on:nth-of-type(2) {{ opacity: 1; }}
}}
"""


def show() -> None:
    """Draw it; it moves by itself, unless the visitor's system asks for no motion."""
    _picture(key="story")


def _svg() -> str:
    png = data_uri((Path(__file__).parent / "ten_digits.png").read_bytes())
    layers = [[(layer, each) for each in range(count)] for layer, count in enumerate(_LAYERS)]
    lit = (_network(*_path(digit), delay=_SECONDS * turn) for turn, digit in enumerate(_DIGITS))
    return f"""
    <svg viewBox="0 0 660 {_HEIGHT}" role="img" aria-label="Handwritten digits go into a network of
      circles in layers, and each time the circle with the right number lights up.">
      <svg x="20" y="110" width="180" height="180" viewBox="0 0 28 28">
        <image class="paper" href="{png}" width="280" height="28" />
      </svg>
      <rect class="frame" x="20" y="110" width="180" height="180" />
      <text x="245" y="{_HEIGHT / 2}">→</text>
      {_network(*layers)}{"".join(lit)}
    </svg>
    """


def _path(digit: int) -> list[list[tuple[int, int]]]:
    """Some units of the hidden layers, always the same for the same digit, and its answer."""
    choose = random.Random(digit)
    hidden = [
        [(layer, each) for each in choose.sample(range(_LAYERS[layer]), 3)] for layer in (0, 1)
    ]
    return [*hidden, [(2, digit)]]


def _network(*layers: list[tuple[int, int]], delay: float | None = None) -> str:
    """Circles and the lines between them; with a delay, lit when their turn comes."""
    lines = [
        f'<line class="line" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" />'
        for before, after in pairwise(layers)
        for (x1, y1), (x2, y2) in product(map(_centre, before), map(_centre, after))
    ]
    units = [
        f'<circle class="unit" cx="{x}" cy="{y}" r="17" />'
        + (f'<text x="{x}" y="{y + 1}">{each}</text>' if layer == 2 else "")
        for layer, each in chain(*layers)
        for x, y in [_centre((layer, each))]
    ]
    lit = "" if delay is None else f' class="on" style="animation-delay: {delay}s"'
    return f"<g{lit}>{''.join(lines + units)}</g>"


def _centre(unit: tuple[int, int]) -> tuple[float, float]:
    layer, each = unit
    return 310 + 160 * layer, _HEIGHT * (each + 0.5) / _LAYERS[layer]


_picture = st.components.v2.component("story", html=_svg(), css=_CSS)

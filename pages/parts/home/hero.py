"""The picture on Home: one digit after the other goes in, and a network lights up its answer."""

import random
from collections.abc import Sequence
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
    lit = []
    for turn, digit in enumerate(_DIGITS):
        choose = random.Random(digit)  # always the same units for the same digit
        hidden = [choose.sample(range(count), 3) for count in _LAYERS[:-1]]
        lit.append(_network([*hidden, [digit]], delay=_SECONDS * turn))
    return f"""
    <svg viewBox="0 0 660 {_HEIGHT}" role="img" aria-label="Handwritten digits go into a network of
      circles in layers, and each time the circle with the right number lights up.">
      <svg x="20" y="110" width="180" height="180" viewBox="0 0 28 28">
        <image class="paper" href="{png}" width="280" height="28" />
      </svg>
      <rect class="frame" x="20" y="110" width="180" height="180" />
      <text x="245" y="{_HEIGHT / 2}">→</text>
      {_network([*map(range, _LAYERS)])}{"".join(lit)}
    </svg>
    """


def _network(layers: Sequence[Sequence[int]], delay: float | None = None) -> str:
    """Circles for these units of each layer, and lines; with a delay, lit when their turn comes."""
    centres = [
        [(310 + 160 * layer, _HEIGHT * (unit + 0.5) / _LAYERS[layer]) for unit in units]
        for layer, units in enumerate(layers)
    ]
    parts = [
        f'<line class="line" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" />'
        for before, after in pairwise(centres)
        for (x1, y1), (x2, y2) in product(before, after)
    ]
    parts += [f'<circle class="unit" cx="{x}" cy="{y}" r="17" />' for x, y in chain(*centres)]
    parts += [
        f'<text x="{x}" y="{y + 1}">{digit}</text>'
        for digit, (x, y) in zip(layers[-1], centres[-1], strict=True)
    ]
    lit = "" if delay is None else f' class="on" style="animation-delay: {delay}s"'
    return f"<g{lit}>{''.join(parts)}</g>"


_picture = st.components.v2.component("story", html=_svg(), css=_CSS)

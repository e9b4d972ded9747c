"""One unit's weighted sum, and the softmax of ten logits, written out in HTML."""

import streamlit as st
from torch import Tensor

from mnistcore.config import IMAGE_SIZE
from mnistcore.data.digits import to_uint8
from mnistcore.inspection import activations
from mnistcore.inspection.activations import UnitTrace
from mnistcore.viz.theme import BLUE, GREY, ORANGE, css_rgba, diverging_css, diverging_rgba
from pages.common.bars import bar
from pages.common.images import ink_uri

_READABLE = 7  # numbers to a row: more would be too small to read
_PAPER = f"background:{css_rgba(GREY, 0.15)}"
_TERMS = 8  # products that are listed; the others are added up


def number(value: float) -> str:
    """Two decimals and a true minus sign; what has run away as a power of ten, or in words."""
    if not abs(value) < float("inf"):  # nor is NaN: one such number less another
        return "too large"
    if abs(value) >= 1e6:
        digits, power = f"{value:.1e}".split("e")
        return f"{digits.replace('-', '−')} × 10<sup>{int(power)}</sup>"
    return "0" if value == 0 else f"{value:z.2f}".replace("-", "−")


def picture(image: Tensor, field: tuple[int, int, int] | None = None) -> str:
    """The picture, (28, 28) float32 in [0, 1]; with a field, a frame around what a unit looks at.

    field: top, left and side in pixels, as `activations.receptive_field` gives it.
    """
    ink = ink_uri(to_uint8(image[None]))
    frame, words = "", "The picture"
    if field:
        above, before, side = field
        top, left = max(above, 0), max(before, 0)
        bottom, right = min(above + side, IMAGE_SIZE), min(before + side, IMAGE_SIZE)
        edges = (top, IMAGE_SIZE - right, IMAGE_SIZE - bottom, left)
        inset = " ".join(f"{each / IMAGE_SIZE:.2%}" for each in edges)
        frame = f"<div style='position:absolute;border:3px solid {ORANGE};inset:{inset}'></div>"
        words += f": {bottom - top} rows from row {top}, {right - left} columns from column {left}"
        words += " are framed"
    return (
        f"<div role='img' aria-label='{words}' style='position:relative;width:9rem;height:9rem;"
        f"{_PAPER}'><div style='position:absolute;inset:0;background:currentColor;"
        f"mask:url({ink}) 0 0/100% 100%;image-rendering:pixelated'></div>{frame}</div>"
    )


def choose_place(values: Tensor, unit: int, spot: str) -> tuple[int, int]:
    """Row and column in the unit's map, at first where it is strongest; none in a dense layer."""
    if values.ndim == 1:
        return 0, 0
    last = values.shape[1] - 1
    strongest = activations.argmax_position(values, unit)
    row, column = (
        st.number_input(f"{axis}, 0 to {last}", 0, last, at, key=f"{axis} {spot}", width=150)
        for axis, at in zip(("Row", "Column"), strongest, strict=True)
    )
    return row, column


def choose_map(trace: UnitTrace, spot: str) -> int:
    """Which of the maps that a unit reads is shown number by number, at first the weightiest."""
    last = len(trace.products) - 1
    if not _has_maps(trace) or not last:
        return 0
    weightiest = int(trace.products.sum((1, 2)).abs().argmax())
    label = f"Through map, 0 to {last}"
    return st.number_input(label, 0, last, weightiest, key=f"map {spot}", width=190)


def _has_maps(trace: UnitTrace) -> bool:
    return trace.products.ndim == 3 and trace.products.shape[1] > 1


def arithmetic(trace: UnitTrace, chosen: int, before: str | None, framed: str) -> str:
    """Inputs x weights = products for one map, or the largest products of a list, and the sum.

    chosen: the map; before: the layer that the inputs come from; framed: the picture to begin with.
    """
    figures = {}
    if _has_maps(trace):
        products = trace.products[chosen]
        figures = {"what it looks at": framed, "what it sees": _grid(trace.inputs[chosen])}
        figures |= {"× its weights": _grid(trace.weights[chosen]), "= products": _grid(products)}
        mine = float(products.sum())
        terms = [(f"these {products.numel()} products", mine)]
        if others := len(trace.products) - 1:
            noun = "the other map" if others == 1 else f"those of the other {others} maps"
            terms.append((noun, float(trace.products.sum()) - mine))
    else:
        terms = _largest(trace, f"{before}, unit" if before else "pixel")
    figures["added up"] = _sum(trace, terms)
    parts = "".join(
        "<figure style='margin:0;min-width:0'><figcaption style='font-size:.85rem;"
        f"margin-bottom:.2rem'>{caption}</figcaption>{content}</figure>"
        for caption, content in figures.items()
    )
    return f"<div style='display:flex;flex-wrap:wrap;gap:.8rem 1rem'>{parts}</div>"


def _grid(values: Tensor) -> str:
    """A small square of numbers, or a larger one of colours alone."""
    if len(values) > _READABLE:
        return (
            f"<img src='{ink_uri(diverging_rgba(values)[None])}' alt='{len(values)} x "
            f"{len(values)} numbers as colours' style='width:9rem;image-rendering:pixelated;"
            f"{_PAPER}'>"
        )
    largest = float(values.abs().max())
    cells = "".join(
        f"<span style='background:{diverging_css(value, largest)};display:grid;place-items:center;"
        f"height:1.9rem'>{number(value)}</span>"
        for value in values.flatten().tolist()
    )
    return (
        f"<div style='display:grid;grid-template-columns:repeat({len(values)},2.1rem);"
        f"font-size:.72rem;font-variant-numeric:tabular-nums;gap:1px'>{cells}</div>"
    )


def _largest(trace: UnitTrace, title: str) -> list[tuple[str, float]]:
    order = trace.products.flatten().abs().argsort(descending=True, stable=True)
    inputs, weights, products = (
        each.flatten()[order].tolist() for each in (trace.inputs, trace.weights, trace.products)
    )
    terms = [
        (f"{title} {place}: {number(inputs[rank])} × {number(weights[rank])}", products[rank])
        for rank, place in enumerate(order[:_TERMS].tolist())
    ]
    if rest := products[_TERMS:]:
        terms.append((f"the other {len(rest)}", sum(rest)))
    return terms


def _sum(trace: UnitTrace, terms: list[tuple[str, float]]) -> str:
    largest = max(abs(value) for _, value in terms)
    steps = [("sum", trace.total), *((f"after {name}", value) for name, value in trace.after)]
    lines = [
        *(_line(*term, f"background:{diverging_css(term[1], largest)}") for term in terms),
        _line("the unit's own number (bias)", trace.bias),
        "<div style='border-top:2px solid;margin:.2rem 0'></div>",
        *(_line(*step) for step in steps[:-1]),
        f"<div style='font-weight:700'>{_line(*steps[-1])}</div>",
    ]
    return (
        "<div style='width:17rem;max-width:100%;font-variant-numeric:tabular-nums;"
        f"font-size:.9rem'>{''.join(lines)}</div>"
    )


def _line(name: str, value: float, style: str = "") -> str:
    return (
        f"<div style='display:flex;justify-content:space-between;gap:1.5rem'><span>{name}</span>"
        f"<span style='padding:0 .3rem;{style}'>{number(value)}</span></div>"
    )


def show_softmax(logits: Tensor) -> None:
    """How ten logits, (10,), become ten probabilities."""
    st.header("From ten sums to ten shares", anchor=False)
    st.html(softmax_table(logits))
    st.caption(
        "Each sum becomes e to its power, which makes small leads large and everything positive; "
        "then each is divided by their total. This is called *softmax*."
    )


def softmax_table(logits: Tensor) -> str:
    """The ten logits, (10,), e to the power of each, and its share of them all."""
    logits = logits.double()
    powers, shares = logits.exp(), logits.softmax(0).nan_to_num()
    best = int(shares.argmax())
    rows = "".join(
        f"<tr style='font-weight:{700 if digit == best else 400}'><th scope='row'>{digit}</th>"
        f"<td>{number(float(logits[digit]))}</td><td>{_large(float(powers[digit]))}</td>"
        f"<td style='white-space:nowrap'>{100 * share:.1f} %</td>"
        f"<td style='width:40%'>{bar(share, BLUE)}</td></tr>"
        for digit, share in enumerate(shares.tolist())
    )
    return (
        "<table style='width:100%;max-width:40rem;text-align:right;border-spacing:.6rem .1rem;"
        "border-collapse:separate;font-variant-numeric:tabular-nums'><thead><tr>"
        "<th scope='col'>digit</th><th scope='col'>sum</th><th scope='col'>e<sup>sum</sup></th>"
        f"<th scope='col'>share</th><th></th></tr></thead><tbody>{rows}</tbody></table>"
    )


def _large(value: float) -> str:
    """1234.5 -> "1,234.5"; far larger ones as powers of ten."""
    if not value < 1e6:
        return number(value)
    return f"{value:,.1f}" if value >= 100 else f"{value:.4f}"

"""Architecture diagram: one small drawing per layer, in HTML that wraps on a narrow screen."""

from collections.abc import Sequence
from itertools import pairwise
from urllib.parse import quote

from mnistcore.config import IMAGE_SIZE, LayerSummary
from mnistcore.viz.theme import SHAPE_FILL, SHAPE_OUTLINE

_SIZE = 72  # pixels: height and width of a layer's drawing


def network_html(layers: Sequence[LayerSummary]) -> str:
    """Layers, as `layer_summary` gives them -> HTML: what each is, its output, its weights."""
    starts = [i for i, layer in enumerate(layers) if layer.kind in ("input", "conv", "dense")]
    figures = []
    for start, end in pairwise([*starts, len(layers)]):
        group = [each for each in layers[start:end] if each.kind not in ("flatten", "dropout")]
        figures.append(_figure(group, is_last=end == len(layers)))
    arrow = '<span aria-hidden="true" style="align-self:center;font-size:1.4rem">→</span>'
    return (
        '<div role="img" aria-label="The layers of the network" style="display:flex;'
        f'flex-wrap:wrap;gap:.5rem .3rem;align-items:flex-start">{arrow.join(figures)}</div>'
    )


def _figure(group: Sequence[LayerSummary], is_last: bool) -> str:
    head, shape = group[0], group[-1].shape
    if head.kind == "conv":
        title = f"convolution {head.args[2]} x {head.args[2]}"
        out = f"{shape[0]} maps, {shape[1]} x {shape[2]}"
    elif head.kind == "input":
        title, out = "picture", f"{shape[1]} x {shape[2]} pixels"
    elif is_last:
        title, out = "answer", f"{shape[0]} digits"
    else:
        title, out = "dense", f"{shape[0]} unit{'s' * (shape[0] > 1)}"
    extras = ", ".join(layer.text for layer in group[1:])
    weights = sum(layer.num_params for layer in group)
    lines = [f"<b>{title}</b>", out, extras, f"{weights:,} weights" if weights else ""]
    drawing = _maps(shape) if len(shape) == 3 else _units(shape[0])
    return (
        f'<figure style="margin:0;text-align:center;width:6.8rem">{drawing}'
        f'<figcaption style="font-size:.85rem;line-height:1.35">'
        f"{'<br>'.join(line for line in lines if line)}</figcaption></figure>"
    )


def _maps(shape: tuple[int, ...]) -> str:
    """A pile of squares: as many as fit of the maps, each as large as its share of the picture."""
    channels, side = shape[0], max(6.0, shape[1] / IMAGE_SIZE * 52)
    count, step = min(channels, 6), 3.5
    corner = (_SIZE - side - step * (count - 1)) / 2
    squares = "".join(
        f'<rect x="{corner + step * i:.1f}" y="{corner + step * (count - 1 - i):.1f}" '
        f'width="{side:.1f}" height="{side:.1f}" rx="1.5"/>'
        for i in range(count)
    )
    return _svg(squares)


def _units(count: int) -> str:
    """A column of dots, up to ten of them."""
    shown, gap = min(count, 10), 7.0
    heights = [_SIZE / 2 + gap * (i - (shown - 1) / 2) for i in range(shown)]
    return _svg("".join(f'<circle cx="{_SIZE / 2}" cy="{y:.1f}" r="3"/>' for y in heights))


def _svg(content: str) -> str:
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_SIZE} {_SIZE}" '
        f'fill="{SHAPE_FILL}" stroke="{SHAPE_OUTLINE}" stroke-width="1">{content}</svg>'
    )
    # As an image, because pages may only hold plain HTML.
    return (
        f'<img alt="" width="{_SIZE}" height="{_SIZE}" src="data:image/svg+xml,{quote(svg)}" '
        'style="display:block;margin:0 auto">'
    )

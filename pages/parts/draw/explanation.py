"""Why this answer: how the drawing was redrawn, an attribution map, nearest neighbours."""

import numpy as np
import streamlit as st
from torch import Tensor

from mnistcore.data.digits import to_uint8
from mnistcore.drawing.rasterize import INK_SIZE, fit_mnist_frame, to_segments
from mnistcore.drawing.strokes import CANVAS_SIZE, Stroke
from mnistcore.errors import MnistError
from mnistcore.inspection import attribution
from mnistcore.models.network import Network
from mnistcore.viz.theme import GREY, HIGHLIGHT, INK, PAPER, css_rgba, diverging_rgba
from pages.common import datasets, model_picker, tiles
from pages.common.images import ink_uri, svg_uri
from pages.common.text import with_article

KNOWN = 2_000  # training images among which look-alikes are sought: about two seconds, once
ALIKE = 6
_FRAME = (
    "width:100%;max-width:168px;border-radius:.4rem;display:block;"
    f"box-shadow:0 0 0 1px {css_rgba(GREY, 0.5)}"
)


def show(which: str, image: Tensor | None, strokes: list[Stroke] | None = None) -> None:
    """Three answers to "why?" for an image, (28, 28) float32 in [0, 1], drawn or not."""
    if image is None:
        st.caption("Draw a digit, and here you will see why it is read as it is.")
        return
    try:
        model = model_picker.latest_model(which)
        network = model.network
    except MnistError:
        return  # the answer above has said why
    if strokes:
        st.markdown("**How your drawing came to the network**")
        st.html(_steps(strokes, image))
    key = "drawn" if strokes else "read"  # both can be open at once
    attribution_map, neighbors = st.columns(2, gap="large")
    with attribution_map:
        _attribution_map(network, image, key)
        if model.reads_views:
            st.caption("Of its five looks, this is about the one at the digit as it is.")
    with neighbors:
        _nearest_neighbors(which, network, image, key)


def _attribution_map(network: Network, image: Tensor, key: str) -> None:
    """The ink in two colours, and against which other digit."""
    logits = attribution.predict_logits(network, image)
    first, second = logits.topk(2).indices.tolist()
    one = with_article(first)
    st.markdown("**Which ink spoke for it**")
    others = [digit for digit in range(10) if digit != first]
    asked = f"Why {one}, and not another digit?"
    wish = st.pills(asked, others, key=f"why_not_{key}", wrap=True)
    other = wish if wish in others else second
    heat = attribution.integrated_gradients(network, image, first, other)
    st.html(
        f"<img src='{ink_uri(diverging_rgba(heat)[None])}' alt='Ink that spoke for {one} in blue, "
        f"for {with_article(other)} in orange' style='{_FRAME};image-rendering:pixelated;"
        "max-width:220px'>"
    )
    blue, orange = float(heat.clamp(min=0).sum()), float(-heat.clamp(max=0).sum())
    if blue > orange:
        in_all = f"In all, blue is {blue / max(orange, blue / 100):.1f} times as strong."
    else:
        in_all = f"In all, orange is stronger: even a blank sheet looks more like {one} to it."
    st.markdown(
        f":blue-background[Blue] ink spoke for **{one}** and against {with_article(other)}, "
        f":orange-background[orange] ink the other way, the stronger the more. {in_all}"
    )


def _nearest_neighbors(which: str, network: Network, image: Tensor, key: str) -> None:
    """The training images that excite the same units of the last hidden layer."""
    st.markdown("**Training images that it finds most like it**")
    if model_picker.training_progress(which):
        st.caption("It is still learning, and changes its mind: look here when it has done.")
        return
    train = datasets.shared_dataset().train
    try:
        with st.spinner("It looks through what it has learned from ..."):
            known = _features(which, model_picker.weights_mtime_ns(which), train.dataset)
    except (MnistError, OSError):
        return
    places = attribution.nearest_neighbors(network, image, known, ALIKE)
    labels = train.labels[places].tolist()
    each = zip(places, labels, strict=True)
    names = [f"training image {n}, {with_article(label)}" for n, label in each]
    tiles.tiles(train.images[places], names, f"alike {key}", columns=ALIKE, captions=labels)
    st.caption(
        f"Of the first {len(known):,} training images, these excite the units of its last hidden "
        "layer most as yours does. Below each is what it is. Where they disagree, so does the "
        "network."
    )


@st.cache_resource(show_spinner=False, max_entries=16)
def _features(which: str, stamp: int, dataset: str) -> Tensor:
    """Penultimate features of the first training images, (KNOWN, units)."""
    images = datasets.shared_dataset().train.images[:KNOWN]
    return attribution.penultimate_features(model_picker.latest_model(which).network, images)


def _steps(strokes: list[Stroke], image: Tensor) -> str:
    """As drawn, moved and scaled, redrawn with MNIST's pen as pixels: three pictures in a row."""
    segments = to_segments(strokes)
    boxed = fit_mnist_frame(segments)
    assert boxed is not None  # for there is an image
    left, top = (boxed.min((0, 1)) + boxed.max((0, 1)) - INK_SIZE) / 2
    square = (
        f"<rect x='{left:.2f}' y='{top:.2f}' width='{INK_SIZE}' height='{INK_SIZE}' "
        f"fill='none' stroke='{HIGHLIGHT}' stroke-width='.25' stroke-dasharray='.8 .8'/>"
    )
    drawn, scaled = _svg(segments, CANVAS_SIZE), _svg(boxed, 28, square)
    seen = ink_uri(255 - to_uint8(image[None]))
    figures = {
        "as you drew it": (drawn, "The lines"),
        "scaled to 20 of 28 pixels, its ink balanced in the middle": (scaled, "The lines"),
        "redrawn with a pen as in its training images: this it reads": (seen, "28 by 28 pixels"),
    }
    cells = "".join(
        f"<figure style='margin:0;flex:1;min-width:0;max-width:168px'><img src='{uri}' alt='{name}'"
        f" style='{_FRAME};image-rendering:pixelated;background:{PAPER}'>"
        f"<figcaption style='font-size:.85rem;margin-top:.3rem'>{words}</figcaption></figure>"
        for words, (uri, name) in figures.items()
    )
    return f"<div style='display:flex;gap:1rem'>{cells}</div>"


def _svg(segments: np.ndarray, side: float, more: str = "") -> str:
    """Lines as the address of a picture, `side` of their units wide and high."""
    path = "".join(
        f"M{a:.1f} {b:.1f}L{c:.1f} {d:.1f}" for a, b, c, d in segments.reshape(-1, 4).tolist()
    )
    return svg_uri(
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {side:.0f} {side:.0f}' width='168' "
        f"height='168'><path d='{path}' fill='none' stroke-linecap='round' stroke-linejoin='round' "
        f"stroke='{INK}' stroke-width='{side / 50}'/>{more}</svg>"
    )

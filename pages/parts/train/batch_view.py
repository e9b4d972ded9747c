"""One step of slow motion: a batch, what the network said of it, and how far weights moved."""

import streamlit as st

from mnistcore.config import NetworkConfig
from mnistcore.errors import MnistError
from mnistcore.inspection.activations import configured_layers
from mnistcore.records import BatchRecord
from mnistcore.runs.store import Run
from mnistcore.viz.theme import BLUE, RIGHT, WRONG
from pages.common.datasets import train_and_test
from pages.common.text import with_article
from pages.parts.train import spoiling
from pages.parts.train.predictions import picture

HEIGHT = 260  # pixels that it takes, as much as the chart whose place it takes


def show(run: Run, batch: BatchRecord | None, twins: BatchRecord | None = None) -> None:
    """The newest batch, in a box of HEIGHT; a word of what is to come before it.

    twins: what the twin made of its newest.
    """
    with st.container(height=HEIGHT, border=False):
        if batch is None:
            st.markdown(
                "Here you will see the images of a batch, what it makes of them, and how far its "
                "weights move."
            )
            return
        try:
            train, _ = train_and_test(run.config().dataset)
            config = run.train_config()
            taught = spoiling.taught_images(train, config)
        except MnistError:  # a damaged run, or one of images that cannot be had today
            return
        labels = taught.digits.labels
        tiles = "".join(
            _tile(
                picture(train.dataset, "training", image, taught.is_inverted(image)),
                digit,
                int(labels[image]),
                int(train.labels[image]),
            )
            for image, digit, _ in batch.predictions
            if image < len(labels)
        )
        also = f" Its twin: {twins.right} of {twins.count}, {twins.loss:.3f}." if twins else ""
        st.html(
            f'<div style="font-size:.95rem;line-height:1.35"><b>Batch {batch.step:,}</b>: '
            f"{batch.right} of {batch.count} guesses right. Loss {batch.loss:.3f} (how "
            f"wrong; 0 is perfect).{also}"
            f'<div style="display:grid;grid-template-columns:repeat(12,1fr);gap:2px;'
            f'margin:.2rem 0">{tiles}</div>'
            "Then it changed its weights, on average by"
            f"{_changes(config.network, batch.changes)}</div>"
        )


def _tile(uri: str, digit: int, label: int, truth: int) -> str:
    """label: that it is taught with, of what shows a `truth`."""
    mark, color = ("✓", RIGHT) if digit == label else ("✗", WRONG)
    labelled = f", labelled {label}" if label != truth else ""
    words = f"{with_article(truth)}{labelled}, read as {with_article(digit)}"
    below = f"{digit}{mark}" + (f"<br><small>label {label}</small>" if labelled else "")
    return (
        f'<div style="text-align:center;line-height:1.25"><img src="{uri}" alt="{words}" '
        f'style="width:100%;max-width:2.2rem;image-rendering:pixelated;border-radius:3px;'
        f'border-bottom:3px solid {color}"><br><span aria-hidden="true">{below}</span></div>'
    )


def _changes(network: NetworkConfig, changes: tuple[float, ...]) -> str:
    """A bar for each layer, the longest for the one whose weights moved most."""
    largest = max(changes, default=0.0) or 1.0
    rows = "".join(
        '<div style="display:flex;gap:.6rem;align-items:center">'
        f'<span style="width:7.2rem">{layer.name}</span><span style="flex:1">'
        f'<span style="display:block;height:.8rem;border-radius:3px;background:{BLUE};'
        f'width:{100 * change / largest:.0f}%"></span></span>'
        f'<span style="font-variant-numeric:tabular-nums">{change:.5f}</span></div>'
        for layer, change in zip(configured_layers(network), changes, strict=False)
    )
    grid = "display:grid;gap:0 1.5rem;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr))"
    return f'<div style="{grid};line-height:1.2">{rows}</div>'

"""What a network that learns says of a few images that it learned from, and of a few new ones."""

from collections.abc import Sequence

import streamlit as st

from mnistcore.config import TrainConfig
from mnistcore.data.defects import TaughtSet
from mnistcore.data.digits import Digits
from mnistcore.errors import MnistError
from mnistcore.records import Prediction, RunStatus
from mnistcore.runs.store import Run
from mnistcore.training.trainer import (
    N_SHOWN_MISTAKES,
    N_SHOWN_PREDICTIONS,
    first_learned,
    shown_images,
)
from mnistcore.viz import theme
from pages.common.datasets import train_and_test
from pages.common.images import png_uri
from pages.common.text import with_article
from pages.parts.train import spoiling


def show(run: Run, status: RunStatus) -> None:
    """A row of each kind, and one of mistakes; as high before the first answers as after them."""
    try:
        config = run.config()
        train, test = train_and_test(config.dataset)
        taught = spoiling.taught_images(train, config.train or TrainConfig())
    except MnistError:  # a damaged run, or one of images that cannot be had today
        return
    known, learned = (
        [each for each in predictions if each.image < len(images)]
        for predictions, images in (
            (status.predictions, test),
            (status.train_predictions, taught.digits),
        )
    )
    if config.train and (learned or not known):  # runs of before tell of new ones alone
        first = first_learned(config.train, taught)
        by = ", by the labels given" if config.train.defect.relabels else ""
        _row(f"Learned from{by}", learned, first, train, "training", taught)
    _row("Never seen", known[:N_SHOWN_PREDICTIONS], shown_images(len(test)), test, "test")
    st.html(
        "<b>Some of the test images that it gets wrong</b>"
        + _tiles(known[N_SHOWN_PREDICTIONS:][:N_SHOWN_MISTAKES], test, "test")
    )


def _row(
    title: str,
    known: Sequence[Prediction],
    shown: Sequence[int],
    images: Digits,
    part: str,
    taught: TaughtSet | None = None,
) -> None:
    """The images that are shown, with what is known of them by now."""
    labels = (taught.digits if taught else images).labels
    right = sum(int(labels[each.image]) == each.digit for each in known)
    told = f": {right} of {len(known)} right" if known else ""
    waiting = [Prediction(image, -1, 0.0) for image in shown]
    st.html(f"<b>{title}</b>{told}" + _tiles(known or waiting, images, part, taught))


def _tiles(
    predictions: Sequence[Prediction], images: Digits, part: str, taught: TaughtSet | None = None
) -> str:
    """Pictures with the network's word below: a tick or a cross, never colour alone.

    taught: what they were to be learned as, by which the words are right or not.
    """
    tiles = []
    for index, digit, confidence in predictions:
        label = truth = int(images.labels[index])
        alt, inverted = f"{part} image {index}, {with_article(truth)}", False
        if taught:
            label, inverted = int(taught.digits.labels[index]), taught.is_inverted(index)
        instead = f"not {label}" if digit != label else ""
        if label != truth:
            alt, instead = f"{alt}, labelled {label}", f"label {label}"
        mark, colour = ("✓", theme.RIGHT) if digit == label else ("✗", theme.WRONG)
        words = [f"<b>{mark} {digit}</b>", *filter(None, [instead]), f"{confidence:.0%}"]
        if digit < 0:
            words, colour = [], theme.GREY
        tiles.append(
            f'<figure style="margin:0;text-align:center;width:3.1rem;height:6.7rem">'
            f'<img src="{picture(images.dataset, part, index, inverted)}" alt="{alt}" '
            f'style="width:3.1rem;height:3.1rem;image-rendering:pixelated;'
            f'border-radius:.4rem;border:3px solid {colour}">'
            f'<figcaption style="line-height:1.2">{"<br>".join(words)}</figcaption></figure>'
        )
    row = "display:flex;flex-wrap:wrap;gap:.3rem .45rem;margin-top:.3rem;min-height:6.7rem"
    return f'<div style="{row}">{"".join(tiles)}</div>'


@st.cache_data(show_spinner=False, max_entries=500)
def picture(dataset: str, part: str, index: int, inverted: bool = False) -> str:
    """The address of an image of a dataset; part: "training" or "test"."""
    from PIL import Image

    image = train_and_test(dataset)[part == "test"].images[index]
    return png_uri(Image.fromarray((image if inverted else 255 - image).numpy()))

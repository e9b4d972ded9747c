"""What a network that learns says of a few images that it learned from, and of a few new ones."""

from collections.abc import Sequence

import streamlit as st

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


def show(run: Run, status: RunStatus) -> None:
    """A row of each kind, and one of mistakes; as high before the first answers as after them."""
    try:
        config = run.config()
        train, test = train_and_test(config.dataset)
    except MnistError:  # a damaged run, or one of images that cannot be had today
        return
    known, learned = (
        [each for each in predictions if each.image < len(images)]
        for predictions, images in (
            (status.predictions, test),
            (status.train_predictions, train),
        )
    )
    if config.train and (learned or not known):  # runs of before tell of new ones alone
        size = min(config.train.train_size or len(train), len(train))
        _row("Learned from", learned, first_learned(config.train, size), train, "training")
    _row("Never seen", known[:N_SHOWN_PREDICTIONS], shown_images(len(test)), test, "test")
    st.html(
        "<b>Some of the test images that it gets wrong</b>"
        + _tiles(known[N_SHOWN_PREDICTIONS:][:N_SHOWN_MISTAKES], test, "test")
    )


def _row(
    title: str, known: Sequence[Prediction], shown: Sequence[int], images: Digits, part: str
) -> None:
    """The images that are shown, with what is known of them by now."""
    right = sum(int(images.labels[each.image]) == each.digit for each in known)
    told = f": {right} of {len(known)} right" if known else ""
    waiting = [Prediction(image, -1, 0.0) for image in shown]
    st.html(f"<b>{title}</b>{told}" + _tiles(known or waiting, images, part))


def _tiles(predictions: Sequence[Prediction], images: Digits, part: str) -> str:
    """Pictures with the network's word below: a tick or a cross, never colour alone."""
    tiles = []
    for index, digit, confidence in predictions:
        label = int(images.labels[index])
        words, colour = [f"<b>✓ {digit}</b>", f"{confidence:.0%}"], theme.RIGHT
        if digit < 0:
            words, colour = [], theme.GREY
        elif digit != label:
            words, colour = [f"<b>✗ {digit}</b>", f"not {label}", f"{confidence:.0%}"], theme.WRONG
        tiles.append(
            f'<figure style="margin:0;text-align:center;width:3.1rem;height:6.7rem">'
            f'<img src="{picture(images.dataset, part, index)}" alt="{part} image {index}, '
            f'{with_article(label)}" style="width:3.1rem;height:3.1rem;image-rendering:pixelated;'
            f'border-radius:.4rem;border:3px solid {colour}">'
            f'<figcaption style="line-height:1.2">{"<br>".join(words)}</figcaption></figure>'
        )
    row = "display:flex;flex-wrap:wrap;gap:.3rem .45rem;margin-top:.3rem;min-height:6.7rem"
    return f'<div style="{row}">{"".join(tiles)}</div>'


@st.cache_data(show_spinner=False, max_entries=500)
def picture(dataset: str, part: str, index: int) -> str:
    """The address of an image of a dataset; part: "training" or "test"."""
    from PIL import Image

    images = train_and_test(dataset)[part == "test"].images
    return png_uri(Image.fromarray(255 - images[index].numpy()))

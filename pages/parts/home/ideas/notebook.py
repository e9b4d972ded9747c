"""Idea 9: the six steps of the notebook, each with the lines that do it and what they give."""

from statistics import mean
from typing import Any

import streamlit as st
import torch

from mnistcore.demos import notebook_steps
from pages.common import datasets, links, state, tiles
from pages.common.text import with_article
from pages.common.widgets import live_region


@st.fragment
def show() -> None:
    """One step at a time: its lines, which really run, and what came out."""
    names = [f"{number}. {step.title}" for number, step in enumerate(notebook_steps.STEPS, 1)]

    def forward() -> None:
        at = names.index(state.IDEA_9_STEP.get() or names[0])
        state.IDEA_9_STEP.set(names[(at + 1) % len(names)])

    with st.container(border=True):
        key = state.IDEA_9_STEP.kept()
        chosen = st.segmented_control(
            "Step", names, default=names[0], required=True, wrap=True, **key
        )
        number = names.index(chosen or names[0])
        st.code(notebook_steps.STEPS[number].code, language="python", wrap_lines=True)
        with st.spinner("It runs ..."):
            known = _after(number, datasets.shared_dataset().train.dataset)
        live_region(_in_words(number, known), key="idea 9 said")
        _show_images(number, known)
        last = number == len(names) - 1
        st.button(
            "From the start" if last else "Next step",
            key="idea 9 next",
            icon=":material/restart_alt:" if last else ":material/arrow_forward:",
            on_click=forward,
            type="secondary" if last else "primary",
        )
    links.train(preset="notebook").onward("The notebook, on all images")


@st.cache_resource(show_spinner=False)
def _after(number: int, dataset: str) -> dict[str, Any]:
    """What is known after a step; every step is taken once for all visitors."""
    torch.set_num_threads(1)
    train, test, _ = datasets.shared_dataset()
    if number:
        return notebook_steps.run_step(number, _after(number - 1, dataset))
    return notebook_steps.run_step(0, notebook_steps.initial_names(lambda: (train, test)))


def _in_words(number: int, known: dict[str, Any]) -> str:
    match number:
        case 0:
            return (
                f"{len(known['train']):,} training images and {len(known['test']):,} test images. "
                f"Training image 10 is {with_article(known['label'])}:"
            )
        case 1:
            return str(known["network"])
        case 2:
            return (
                f"Before it has learned anything, the loss on eight images is {known['loss']:.2f}. "
                "Guessing blindly among ten digits costs ln 10 = 2.30."
            )
        case 3:
            losses = known["losses"]
            return (
                f"{len(losses)} steps of eight images: the loss fell from {mean(losses[:20]):.2f} "
                f"(mean of the first 20 steps) to {mean(losses[-20:]):.2f} (of the last 20)."
            )
        case 4:
            train, test = known["on_train"], known["on_test"]
            return (
                f"It reads {train.accuracy:.1%} of {train.count:,} training images and "
                f"{test.accuracy:.1%} of {test.count:,} test images, and has only learned from "
                f"{8 * len(known['losses']):,}, each seen once."
            )
    right = int((known["test"].labels[:8] == known["predicted"]).sum())
    return f"{right} of these eight test images are read right:"


def _show_images(number: int, known: dict[str, Any]) -> None:
    """The images that the first and the last step are about."""
    if number == 0:
        name = f"training image 10, {with_article(known['label'])}"
        with st.container(width=90):
            tiles.tiles(known["image"][None], [name], "idea 9 image", columns=1)
    elif "predicted" in known:
        tiles.answers(known["test"].head(8), known["predicted"].tolist(), "idea 9 batch", 8)

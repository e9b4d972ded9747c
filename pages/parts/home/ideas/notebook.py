"""Idea 9: the six steps of the notebook, each with the lines that do it and what they give."""

from __future__ import annotations

from typing import Any

import streamlit as st
import torch

from mnistcore.demos import notebook_steps
from pages.common import datasets, links, state, tiles
from pages.common.widgets import live_region

TITLE = "Six steps, and it is done"


@st.fragment
def show() -> None:
    """One step at a time: its lines, which really run, and what came out."""
    st.markdown(
        "All of the above fits into six steps, a few lines each. What you see here is what runs, "
        "now, on the real digits:"
    )
    names = [f"{number}. {step.title}" for number, step in enumerate(notebook_steps.STEPS, 1)]

    def forward() -> None:
        at = names.index(state.IDEA_9_STEP.get() or names[0])
        state.IDEA_9_STEP.set(names[(at + 1) % len(names)])

    with st.container(border=True):
        chosen = st.segmented_control(
            "Step",
            names,
            default=names[0],
            required=True,
            wrap=True,
            **state.IDEA_9_STEP.kept(),
        )
        number = names.index(chosen or names[0])
        st.code(notebook_steps.STEPS[number].code, language="python", wrap_lines=True)
        with st.spinner("It runs ..."):
            known = _after(number, datasets.shared_dataset().train.dataset)
        _show(number, known)
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
    before = (
        _after(number - 1, dataset)
        if number
        else notebook_steps.initial_names(lambda: (train, test))
    )
    return notebook_steps.run_step(number, before)


def _show(number: int, known: dict[str, Any]) -> None:
    """What the step gave, in a sentence, and in pictures where it is about pictures."""
    said = "idea 9 said"
    match number:
        case 0:
            train, test, label = known["train"], known["test"], int(known["label"])
            live_region(
                f"{len(train):,} training images and {len(test):,} test images. Training image 10 "
                f"is a {label}:",
                key=said,
            )
            with st.container(width=90):
                name = f"training image 10, a {label}"
                tiles.tiles(known["image"][None], [name], key="idea 9 image", columns=1)
        case 1:
            live_region(str(known["network"]), key=said)
        case 2:
            live_region(
                f"Before it has learned anything, the loss on eight images is "
                f"{known['loss'].item():.2f}. Guessing blindly among ten digits costs ln 10 = "
                f"2.30.",
                key=said,
            )
        case 3:
            first, last = known["losses"][:20], known["losses"][-20:]
            live_region(
                f"{len(known['losses'])} steps of eight images: the loss fell from "
                f"{sum(first) / len(first):.2f} (mean of the first 20 steps) to "
                f"{sum(last) / len(last):.2f} (of the last 20).",
                key=said,
            )
        case 4:
            train, test = known["on_train"], known["on_test"]
            live_region(
                f"It reads {train.accuracy:.1%} of {train.count:,} training images and "
                f"{test.accuracy:.1%} of {test.count:,} test images, and has only learned from "
                f"{8 * len(known['losses']):,}, each seen once.",
                key=said,
            )
        case _:
            labels, predicted = known["test"].labels[:8].tolist(), known["predicted"].tolist()
            right = sum(a == b for a, b in zip(labels, predicted, strict=True))
            live_region(f"{right} of these eight test images are read right:", key=said)
            tiles.tiles(
                known["test"].images[:8],
                [f"a {a}, read as a {b}" for a, b in zip(labels, predicted, strict=True)],
                key="idea 9 batch",
                columns=8,
                captions=[
                    f"{'✓' if a == b else '✗'} {b}" for a, b in zip(labels, predicted, strict=True)
                ],
            )

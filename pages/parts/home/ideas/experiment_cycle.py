"""Idea 6: the work is a cycle. Have an idea, try it, look, have the next one."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st
import torch

from mnistcore.errors import TrainingError
from mnistcore.presets import PRESETS
from mnistcore.training import trials
from pages.common import datasets, links, state
from pages.common.state import Attempt
from pages.common.widgets import live_region

TITLE = "The work is a cycle"
_RATES = ("0.0001", "0.001", "0.003", "0.01", "0.03", "0.1", "1")
_WIDTHS = (4, 16, 64, 256)
_KEPT = 12


@st.fragment
def show() -> None:
    """An idea is two numbers; each one tried is a real training and a line in a table."""
    st.markdown(
        "**Idea → code → experiment → look at the result → next idea**, and round again; that is "
        "how everybody finds good hyperparameters. What worked for others is a good place to "
        "start. How high can you get?"
    )
    tried = state.IDEA_6_TRIED.get()  # in order
    with st.container(border=True):
        left, right = st.columns(2, gap="medium")
        with left:
            rate = st.select_slider(
                "Idea: learning rate", _RATES, key="idea 6 rate", persist_state="session"
            )
        with right:
            width = st.select_slider(
                "Idea: units in the hidden layer",
                _WIDTHS,
                key="idea 6 width",
                persist_state="session",
            )
        st.code(
            f"run_trial(one_hidden_layer({rate}, width={width}), *split_validation(train))",
            language="python",
            wrap_lines=True,
        )
        if st.button("Try it", type="primary", icon=":material/experiment:"):
            with st.spinner("It learns ..."):
                idea = float(rate), width, datasets.shared_dataset().train.dataset
                result = _attempt(*idea)
            if result and not result.whole:  # a machine that is less busy will do better
                _attempt.clear(*idea)
            tried = (*tried, Attempt(rate, width, result))[-_KEPT:]
            state.IDEA_6_TRIED.set(tried)
        best = max((each for each in tried if each.result), key=_judged, default=None)
        live_region(_in_words(tried, best), key="idea 6 said")
        if tried:
            st.markdown(_table(tried, best))
        st.caption(
            "Judged by training images that were held back from learning. The test images stay "
            "out of it: whoever chooses by the test has no test left."
        )
    rate, width = (best.rate, best.width) if best else (rate, width)
    recipe = PRESETS["plain"].config
    network = replace(recipe.network, convolutions=(), dense=(width,))
    config = replace(recipe, network=network, learning_rate=float(rate))
    links.train(preset="plain", config=config).onward(
        f"{'Your best' if best else 'This'} idea, on all images"
    )


def _judged(one: Attempt) -> float:
    return one.result.test_accuracy if one.result else -1.0


@st.cache_data(show_spinner=False, max_entries=100)
def _attempt(rate: float, width: int, dataset: str) -> trials.TrialResult | None:
    """What comes of it, which is the same whenever it is tried; None if the weights ran away."""
    torch.set_num_threads(1)
    try:
        return trials.run_trial(
            trials.one_hidden_layer(rate, width),
            *trials.split_validation(datasets.shared_dataset().train),
        )
    except TrainingError:
        return None


def _in_words(tried: tuple[Attempt, ...], best: Attempt | None) -> str:
    """What came of the last idea."""
    if not tried:
        return "Nothing tried yet."
    result = tried[-1].result
    if result is None:
        return f"With a learning rate of {tried[-1].rate} the weights ran away: try smaller steps."
    lead = "the best so far" if tried[-1] is best else "not your best"
    return (
        f"It read {result.test_accuracy:.1%} of {result.test_count:,} held-back images: {lead}. "
        "What is your next idea?"
    )


def _table(tried: tuple[Attempt, ...], best: Attempt | None) -> str:
    """Every idea that was tried, the newest first."""
    lines = ["| | learning rate | units | read right | |", "| --: | --: | --: | --: | :-- |"]
    for number, each in reversed(list(enumerate(tried, 1))):
        right = "ran away" if each.result is None else f"{each.result.test_accuracy:.1%}"
        mark = "**★ best**" if each is best else ""
        lines.append(f"| {number} | {each.rate} | {each.width} | {right} | {mark} |")
    return "\n".join(lines)

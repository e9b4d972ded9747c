"""Idea 7: train and test. Three networks, and what two accuracies say about each of them."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st
import torch

from mnistcore.evaluation.report import report_diagnosis
from mnistcore.presets import PRESETS
from mnistcore.training import trials
from mnistcore.viz.theme import BLUE, ORANGE
from pages.common import datasets, links, state
from pages.common.bars import bar_row
from pages.common.widgets import live_region

TITLE = "Keep some images aside: train and test"
_PRESETS = {"Too simple": "too-simple", "About right": "fast", "Learns by heart": "memoriser"}


@st.fragment
def show() -> None:
    """Three buttons, each a real little training; two bars for each, and a verdict."""
    st.markdown(
        "Whoever has seen the questions can learn the answers by heart. So part of the images is "
        "kept aside, as a *test*. Poor even on what it learned from: *high bias*; rethink the "
        "hyperparameters. Good there and poor on the test: *high variance*; regularise, or get "
        "more data. Train one of each:"
    )
    trained = state.IDEA_7_TRAINED.get()
    with st.container(border=True):
        with st.container(horizontal=True):
            for name in trials.TRIALS:
                if st.button(name, key=f"idea 7 {name}", icon=":material/school:"):
                    dataset = datasets.shared_dataset().train.dataset
                    with st.spinner("It learns ..."):
                        trained = {**trained, name: _attempt(name, dataset)}
                    if not trained[name].whole:  # a machine that is less busy will do better
                        _attempt.clear(name, dataset)
                    state.IDEA_7_TRAINED.set(trained)
                    state.IDEA_7_LAST.set(name)
        last = state.IDEA_7_LAST.get()
        live_region(_in_words(last, trained) if last else "None trained yet.", key="idea 7 said")
        for name in trials.TRIALS:
            if name in trained:
                st.html(_bars(name, trained[name]))
    preset = _PRESETS[last or "Too simple"]
    links.train(preset=preset).onward(f"Watch “{PRESETS[preset].title}” learn")


@st.cache_data(show_spinner=False)
def _attempt(name: str, dataset: str) -> trials.TrialResult:
    """What comes of a lesson, which is the same every time."""
    torch.set_num_threads(1)
    train, test, _ = datasets.shared_dataset()
    return trials.run_trial(trials.TRIALS[name], train, test)


def _in_words(name: str, trained: Mapping[str, trials.TrialResult]) -> str:
    """The verdict, and on how many images it rests."""
    one = trained[name]
    found = report_diagnosis(one.train_accuracy, one.train_count, one.test_accuracy, one.test_count)
    return f"{found.title}. {found.sentence.replace('**', '')}"


def _bars(name: str, one: trials.TrialResult) -> str:
    """Two accuracies as bars from 0 to 100 %, one above the other."""
    rows = "".join(
        bar_row(
            f"<span style='width:7.5rem'>{label}</span>",
            accuracy,
            color,
            f"<b>{accuracy:.1%}</b>",
            width="4rem",
        )
        for label, accuracy, color in (
            (f"{one.train_count:,} learned", one.train_accuracy, BLUE),
            (f"{one.test_count:,} test", one.test_accuracy, ORANGE),
        )
    )
    return f"<section aria-label='{name}'><b>{name}</b>{rows}</section>"

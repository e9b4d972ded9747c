"""Idea 7: train and test. Three networks, and what two accuracies say about each of them."""

import streamlit as st

from mnistcore.evaluation.report import report_diagnosis
from mnistcore.presets import PRESETS
from mnistcore.training import trials
from mnistcore.viz.theme import BLUE, ORANGE
from pages.common import links, state
from pages.common.bars import bar_row
from pages.common.widgets import live_region
from pages.parts.home import trial


@st.fragment
def show() -> None:
    """Three buttons, each a real little training; two bars for each, and a verdict."""
    trained = state.IDEA_7_TRAINED.get()
    with st.container(border=True):
        with st.container(horizontal=True):
            for name in trials.TRIALS:
                pressed = st.button(PRESETS[name].title, icon=":material/school:")
                if pressed and (result := trial.run(trials.TRIALS[name])):
                    trained = {**trained, name: result}
                    state.IDEA_7_TRAINED.set(trained)
                    state.IDEA_7_LAST.set(name)
        last = state.IDEA_7_LAST.get()
        said = _in_words(trained[last]) if last else "None trained yet."
        live_region(said, key="idea 7 said")
        for name in trials.TRIALS:
            if name in trained:
                st.html(_bars(PRESETS[name].title, trained[name]))
    preset = last or next(iter(trials.TRIALS))
    links.train(preset=preset).onward(f"Watch “{PRESETS[preset].title}” learn")


def _in_words(one: trials.TrialResult) -> str:
    found = report_diagnosis(one.train_accuracy, one.train_count, one.test_accuracy, one.test_count)
    term = f" It is called {found.term}." if found.term else ""
    return f"{found.title}. {found.sentence.replace('**', '')}{term}"


def _bars(name: str, one: trials.TrialResult) -> str:
    """Two accuracies as bars from 0 to 100 %, one above the other."""
    rows = ""
    for label, accuracy, color in (
        (f"{one.train_count:,} learned", one.train_accuracy, BLUE),
        (f"{one.test_count:,} test", one.test_accuracy, ORANGE),
    ):
        label = f"<span style='width:7.5rem'>{label}</span>"
        rows += bar_row(label, accuracy, color, f"<b>{accuracy:.1%}</b>", width="4rem")
    return f"<section aria-label='{name}'><b>{name}</b>{rows}</section>"

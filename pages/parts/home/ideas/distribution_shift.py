"""Idea 8: train on what you will meet. The chosen digit is turned or snowed on."""

import streamlit as st
import torch

from mnistcore.data import corruptions
from mnistcore.data.digits import to_float
from mnistcore.evaluation.metrics import evaluate
from pages.common import datasets, links, model_picker
from pages.common.prediction_card import show_prediction
from pages.common.state import Key, kept
from pages.common.widgets import live_region, one_of, severity_slider
from pages.parts.home import sample_picker

_KINDS = ("rotate", "noise", "invert", "translate")


@st.fragment
def show() -> None:
    """A change and how much of it, the network's answer, and how it does on many such images."""
    test = datasets.shared_dataset().test
    with st.container(border=True), st.container(horizontal=True, gap="medium"):
        with st.container(width=330):
            sample_picker.choose("idea 8 digits")
            titles = {kind: corruptions.CORRUPTIONS[kind].title for kind in _KINDS}
            key = Key("idea 8 kind", _KINDS[0])
            kind = one_of("Change", _KINDS, key, bound=False, format_func=titles.get)
            severity = severity_slider(corruptions.CORRUPTIONS[kind], **kept(f"idea 8 {kind}"))
        with st.container(width="stretch"):
            one = test.select([sample_picker.chosen()[0]])
            changed = to_float(corruptions.corrupt(one, kind, severity).images[0])
            show_prediction("shipped", lambda: changed, spoken="idea 8 answer")
            live_region(_in_words(kind, severity, test.dataset), key="idea 8 said")
    link = links.evaluate("shipped", "Sunshine and snow", kind, severity)
    link.onward("Sunshine and snow, on many digits")
    sample_picker.spread()


@st.cache_data(show_spinner=False, max_entries=500)
def _in_words(kind: str, severity: float, dataset: str) -> str:
    """How many of some test images the shipped network reads right, changed like this."""
    torch.set_num_threads(1)
    some = corruptions.sample(datasets.shared_dataset().test)
    changed = corruptions.corrupt(some, kind, severity)
    score = evaluate(model_picker.latest_model("shipped").network, changed)
    right = round(score.accuracy * score.count)
    how = "as they are" if changed is some else "changed like this"
    return f"Of {score.count} test images {how} it reads {right} right."

"""Idea 8: train on what you will meet. The chosen digit is turned or snowed on."""

from __future__ import annotations

import streamlit as st
import torch

from mnistcore import shift
from mnistcore.data import Digits
from mnistcore.training import evaluate
from pages.shared import answer, models, resources
from pages.shared.ideas import ten
from pages.shared.ideas.onward import onward
from pages.shared.spoken import spoken

TITLE = "Train on what you will meet"
_KINDS = ("rotate", "noise", "invert", "shift")


@st.fragment
def tell() -> None:
    """A change and how much of it, the network's answer, and how it does on many such images."""
    st.markdown(
        "A car that learned to drive in sunshine will not stay on the road in snow, and what was "
        "learned about last year's customers ages as they change. Lessons and life must look "
        "alike. All that this network knows are digits that stand about upright, in the middle, "
        "on clean paper:"
    )
    keep = {"persist_state": "session"}
    test = resources.digits().test
    with st.container(border=True), st.container(horizontal=True, gap="medium"):
        with st.container(width=330):
            ten.choose("idea 8 digits")
            titles = {shift.SHIFTS[kind].title: kind for kind in _KINDS}
            title = st.segmented_control(
                "Change", list(titles), default="Turn", required=True, key="idea 8 kind", **keep
            )
            kind = titles[title or "Turn"]
            change = shift.SHIFTS[kind]
            amount = st.select_slider(
                change.axis[0].upper() + change.axis[1:],
                change.amounts,
                change.start,
                format_func=lambda value: f"{value:g}",
                key=f"idea 8 {kind}",
                **keep,
            )
        with st.container(width="stretch"):
            index, _ = ten.chosen()
            one = Digits(test.images[index : index + 1], test.labels[index : index + 1], "")
            answer.show("shipped", lambda: shift.shifted(one, kind, amount).images[0] / 255)
            spoken(
                _in_words(kind, amount, test.dataset),
                key="idea 8 said",
            )
    address = {"look": "Sunshine and snow", "kind": change.title.lower(), kind: f"{amount:g}"}
    onward("Evaluate", "See how much it can bear", model="shipped", **address)
    ten.spread()


@st.cache_data(show_spinner=False, max_entries=500)
def _in_words(kind: str, amount: float, dataset: str) -> str:
    """How many of some test images the shipped network reads right, changed like this."""
    torch.set_num_threads(1)
    changed = shift.shifted(shift.sample(resources.digits().test), kind, amount)
    score = evaluate(models.model("shipped").network, changed)
    right = round(score.accuracy * score.count)
    how = "as they are" if amount == shift.SHIFTS[kind].start else "changed like this"
    return f"Of {score.count} test images {how} it reads {right} right."

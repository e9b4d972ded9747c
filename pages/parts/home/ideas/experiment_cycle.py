"""Idea 6: the work is a cycle. Have an idea, try it, look, have the next one."""

from dataclasses import replace

import streamlit as st

from mnistcore.presets import PRESETS
from mnistcore.training import trials
from pages.common import links, state
from pages.common.state import Attempt, kept
from pages.common.widgets import live_region
from pages.parts.home import trial

_RATES = ("0.0001", "0.001", "0.003", "0.01", "0.03", "0.1", "1")
_WIDTHS = (4, 16, 64, 256)
_KEPT = 12


@st.fragment
def show() -> None:
    """An idea is two numbers; each one tried is a real training and a line in a table."""
    tried = state.IDEA_6_TRIED.get()  # in order
    with st.container(border=True):
        left, right = st.columns(2, gap="medium")
        rate = left.select_slider("Idea: learning rate", _RATES, **kept("idea 6 rate"))
        units = "Idea: units in the hidden layer"
        width = right.select_slider(units, _WIDTHS, **kept("idea 6 width"))
        if st.button("Try it", type="primary", icon=":material/experiment:"):
            result = trial.run(trials.one_hidden_layer(float(rate), width), validate=True)
            tried = (*tried, Attempt(rate, width, result))[-_KEPT:]
            state.IDEA_6_TRIED.set(tried)
        results = {each.result.test_accuracy: each for each in reversed(tried) if each.result}
        best = results[max(results)] if results else None
        live_region(_in_words(tried, best), key="idea 6 said")
        if tried:
            st.markdown(_table(tried, best))
    rate, width = (best.rate, best.width) if best else (rate, width)
    recipe = PRESETS["plain"].config
    network = replace(recipe.network, convolutions=(), dense=(width,))
    config = replace(recipe, network=network, learning_rate=float(rate))
    idea = f"{'Your best' if best else 'This'} idea, on all images"
    links.train(preset="plain", config=config).onward(idea)


def _in_words(tried: tuple[Attempt, ...], best: Attempt | None) -> str:
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
    lines = ["| | learning rate | units | read right | |", "| --: | --: | --: | --: | :-- |"]
    for number, each in reversed(list(enumerate(tried, 1))):
        right = "ran away" if each.result is None else f"{each.result.test_accuracy:.1%}"
        mark = "**★ best**" if each is best else ""
        lines.append(f"| {number} | {each.rate} | {each.width} | {right} | {mark} |")
    return "\n".join(lines)

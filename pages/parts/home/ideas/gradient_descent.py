"""Idea 3: training. Gradient descent on one neuron with three weights, a step at a time."""

from functools import partial

import streamlit as st

from mnistcore.config import count_parameters
from mnistcore.demos import single_neuron
from mnistcore.presets import PRESETS
from pages.common import datasets, links, pictures, state
from pages.common.widgets import live_region

_RATES = (0.01, 0.03, 0.1, 0.3, 1)


@st.fragment
def show() -> None:
    """Three weights, their gradients, the steps, and the border between zeros and ones."""
    examples = _examples(datasets.shared_dataset().train.dataset)

    def trained() -> single_neuron.NeuronState:
        seed = state.IDEA_3_SEED.get()
        return state.IDEA_3_UNIT.get() or single_neuron.initialize(examples, seed)

    def go(times: int) -> None:
        rate = state.IDEA_3_RATE.get()
        state.IDEA_3_UNIT.set(single_neuron.gradient_step(examples, trained(), rate, times))

    def start_over() -> None:
        state.IDEA_3_SEED.set(state.IDEA_3_SEED.get() + 1)
        state.IDEA_3_UNIT.set(None)

    with st.container(border=True):
        key, try_one = state.IDEA_3_RATE, "Try 1, which is too big."
        label = "Learning rate: how big the steps are"
        rate = st.select_slider(label, _RATES, key.default, help=try_one, **key.kept())
        neuron = trained()
        with st.container(horizontal=True):
            for times in (1, 10, 100):
                st.button(
                    f"{times} step{'s' * (times > 1)}",
                    on_click=partial(go, times),
                    disabled=neuron.diverged,
                    type="primary" if times == 1 else "secondary",
                )
            st.button("Start over", icon=":material/restart_alt:", on_click=start_over)
        live_region(_in_words(neuron), key="idea 3 said")
        numbers, picture = st.columns(2, gap="medium")
        with numbers:
            st.markdown(_table(neuron, rate))
            st.caption(f"Judged by {len(examples.targets)} training images.")
        with picture:
            pictures.echarts(
                single_neuron.scatter_chart(examples, neuron),
                f"One unit after {neuron.steps} steps",
                "idea 3 chart",
                "Images of a 0 and of a 1 by two numbers, and the line between what the unit "
                f"takes for a 0 and for a 1, with {neuron.accuracy:.0%} on the right side.",
                height=320,
            )
    weights = count_parameters(PRESETS["plain"].config.network)
    links.train(preset="plain").onward(f"The same with {weights:,} weights")


@st.cache_data(show_spinner=False)
def _examples(dataset: str) -> single_neuron.Examples:
    return single_neuron.make_examples(datasets.shared_dataset().train)


def _in_words(neuron: single_neuron.NeuronState) -> str:
    if neuron.diverged:
        return (
            f"After {neuron.steps} steps the loss is {neuron.loss:,.0f}: the steps were too big, "
            "each jumped further past the goal, and the weights ran away. Choose a smaller "
            "learning rate and start over."
        )
    return (
        f"After {neuron.steps} step{'s' * (neuron.steps != 1)} the loss is {neuron.loss:.3f}, and "
        f"{neuron.accuracy:.0%} of the images are on the right side."
    )


def _table(neuron: single_neuron.NeuronState, rate: float) -> str:
    """The three weights, and what the next step does to them."""
    weights = zip(single_neuron.WEIGHT_NAMES, neuron.weights, neuron.gradient, strict=True)
    lines = ["| weight of | now | gradient | next step |", "| --- | --: | --: | --: |"]
    lines += [
        f"| {name} | **{_short(now)}** | {_short(slope)} | {_short(-rate * slope)} |"
        for name, now, slope in weights
    ]
    return "\n".join(lines)


def _short(value: float) -> str:
    """Few enough characters for a phone, also when the weights run away."""
    size = abs(value)
    return f"{value:.3f}" if size < 10 else f"{value:.0f}" if size < 1e5 else f"{value:.0e}"

"""A bet on where the test accuracy of a run will end, made before it starts."""

import streamlit as st

from mnistcore.records import RunResult
from mnistcore.runs.store import Run
from pages.common import state


def choose() -> None:
    """The bet on the next run, if the visitor dares one."""
    st.number_input(
        "Bet first: how many of 100 test images will it read right in the end?",
        0.0,
        100.0,
        value=None,
        step=0.5,
        format="%g",
        placeholder="your bet",
        **state.TRAIN_BET.kept(),
    )


def place(run: Run) -> None:
    """Let the bet count for this run."""
    if (bet := state.TRAIN_BET.get()) is not None:
        state.TRAIN_BETS.set({**state.TRAIN_BETS.get(), run.id: bet})
        state.TRAIN_BET.set(None)


def on(run: Run) -> float | None:
    """Percent that this visitor bet on a run."""
    return state.TRAIN_BETS.get().get(run.id)


def verdict(percent: float | None, result: RunResult | None) -> str:
    """How good a bet was, in a sentence; empty without one, or without a final test."""
    if percent is None or result is None or result.test_accuracy is None:
        return ""
    off = round(100 * result.test_accuracy - percent, 1)
    if abs(off) < 0.5:
        return f"You bet {percent:g} %: spot on."
    return f"You bet {percent:g} %: it did {abs(off):g} points {'better' if off > 0 else 'worse'}."

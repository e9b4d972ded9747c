"""A bet on where the test accuracy of a run will end, on a digit, or on which twin wins."""

import streamlit as st

from mnistcore.config import TrainConfig
from mnistcore.records import RunResult, RunStatus
from mnistcore.runs.store import Run
from mnistcore.viz import defect_commentary
from mnistcore.viz.twin_commentary import SAME, Winner, find_winner
from pages.common import state
from pages.parts.train import spoiling

_WINNERS: dict[Winner, str] = {
    "this": "the recipe as it is",
    "twin": "its twin",
    "neither": "no difference",
}


def choose(config: TrainConfig, *, twins: bool) -> None:
    """The bet on the next run, if the visitor dares one; of twins, on which reads more.

    Of spoiled data also on a digit.
    """
    if twins:
        st.selectbox(
            "Bet first: which will read more in the end?",
            list(_WINNERS),
            index=None,
            format_func=_WINNERS.__getitem__,
            placeholder="your bet",
            help=f"No difference: within {100 * SAME:g} points of a hundred.",
            **state.TRAIN_TWIN_BET.kept(),
        )
        st.text_input("Why?", max_chars=60, placeholder="because", **state.TRAIN_TWIN_WHY.kept())
        return
    if st.toggle("Bet on it first", **state.TRAIN_BETTING.kept()):
        st.number_input(
            "How many of 100 test images will it read right in the end?",
            0.0,
            100.0,
            state.TRAIN_BET.default,
            step=0.5,
            format="%g",
            **state.TRAIN_BET.kept(),
        )
        if asked := defect_commentary.question(config.defect):
            st.selectbox(
                asked,
                defect_commentary.choices(config.defect),
                index=None,
                placeholder="your bet",
                **state.train_digit_bet(asked).kept(),
            )


def place(run: Run) -> None:
    """Let the bet count for this run."""
    if run.twin:
        if (winner := state.TRAIN_TWIN_BET.get()) is not None:
            why = state.TRAIN_TWIN_WHY.pop().strip()
            state.TRAIN_TWIN_BETS.set({**state.TRAIN_TWIN_BETS.get(), run.id: (winner, why)})
            state.TRAIN_TWIN_BET.set(None)
    elif state.TRAIN_BETTING.get():
        state.TRAIN_BETS.set({**state.TRAIN_BETS.get(), run.id: state.TRAIN_BET.get()})
        key = state.train_digit_bet(defect_commentary.question(spoiling.defect_of(run)))
        if (digit := key.get()) is not None:
            state.TRAIN_DIGIT_BETS.set({**state.TRAIN_DIGIT_BETS.get(), run.id: digit})
            key.set(None)
        state.TRAIN_BETTING.set(False)


def on(run: Run) -> float | None:
    """Percent that this visitor bet on a run."""
    return state.TRAIN_BETS.get().get(run.id)


def outcome(run: Run, status: RunStatus) -> str:
    """How good this visitor's bet was, in a sentence; empty without one, or before the end."""
    if run.twin:
        bet, why = state.TRAIN_TWIN_BETS.get().get(run.id, (None, ""))
        return verdict_on_twins(bet, why, find_winner(status, run.twin.status()))
    told = verdict(on(run), status.result)
    digit, result = state.TRAIN_DIGIT_BETS.get().get(run.id), status.result
    if digit is None or result is None or not result.confusion:
        return told
    return f"{told} {defect_commentary.judge_bet(spoiling.defect_of(run), digit, result.confusion)}"


def verdict(percent: float | None, result: RunResult | None) -> str:
    """On a bet in percent."""
    if percent is None or result is None or result.test_accuracy is None:
        return ""
    off = round(100 * result.test_accuracy - percent, 1)
    if abs(off) < 0.5:
        return f"You bet {percent:g} %: spot on."
    return f"You bet {percent:g} %: it did {abs(off):g} points {'better' if off > 0 else 'worse'}."


def verdict_on_twins(bet: Winner | None, why: str, winner: Winner | None) -> str:
    """On a bet on which of the two reads more, and its reason."""
    if bet is None or winner is None:
        return ""
    because = f", because “{why}”" if why else ""
    return f"You bet on {_WINNERS[bet]}{because}: {'right' if bet == winner else 'not this time'}."

"""What is said of twins, from records that are made here."""

import pytest

from mnistcore.records import Progress, RunResult, RunStatus
from mnistcore.viz.twin_commentary import Twin, describe_twins, find_winner

DIVERGED = RunStatus("failed", result=RunResult(diverged=True))


def ended(accuracy: float) -> RunStatus:
    return RunStatus("finished", result=RunResult(test_accuracy=accuracy, test_count=10_000))


def after(accuracy: float, step: int = 5) -> list[Progress]:
    return [Progress(step, 10, test_accuracy=accuracy, test_count=10_000, images=10 * step)]


def said(one: RunStatus, other: RunStatus, *records: list[Progress], alike: bool = True) -> str:
    first, second = records or ([], [])
    ours, theirs = Twin("as it was", one, first), Twin("without convolutions", other, second)
    return describe_twins(ours, theirs, alike=alike)


@pytest.mark.parametrize(
    ("one", "other", "winner"),
    [
        (ended(0.981), ended(0.93), "this"),
        (ended(0.93), ended(0.981), "twin"),
        (ended(0.981), ended(0.979), "neither"),
        (ended(0.981), ended(0.9789), "this"),
        (ended(0.1), DIVERGED, "this"),
        (DIVERGED, ended(0.1), "twin"),
        (DIVERGED, DIVERGED, "neither"),
        (ended(0.9), RunStatus("running"), None),
        (RunStatus("running"), DIVERGED, None),
    ],
)
def test_the_winner_reads_more_by_more_than_a_fifth_of_a_point(
    one: RunStatus, other: RunStatus, winner: str | None
) -> None:
    assert find_winner(one, other) == winner


def test_the_end_says_who_won_by_how_much_and_on_what() -> None:
    won, on = "won: 98.1% against 93.0%", "of the 10,000 test images."
    words = said(ended(0.981), ended(0.93))
    assert words == f"“As it was” {won} without convolutions, {on}"
    assert said(ended(0.93), ended(0.981)) == f"“Without convolutions” {won} as it was, {on}"
    assert said(ended(0.981), ended(0.98)).startswith("It makes no difference: 98.1% as it was and")


def test_one_that_diverged_is_told_and_the_other_goes_on() -> None:
    words = "Without convolutions, it broke off: its steps were too big, and its loss ran away."
    assert said(RunStatus("running"), DIVERGED) == f"{words} As it was, it goes on."
    read = "As it was, it reads 50.0% of the 10,000 test images."
    assert said(ended(0.5), DIVERGED) == f"{words} {read}"
    assert said(DIVERGED, DIVERGED).startswith("Neither came to its end")


def test_on_the_way_it_says_who_is_ahead_by_more_than_chance() -> None:
    running = RunStatus("running")
    start = after(0.1, step=0)
    assert "the same weights" in said(running, running, start, start)
    assert "cannot begin with" in said(running, running, start, start, alike=False)
    assert said(running, running, after(0.9), after(0.895)).startswith("So far there is little")
    assert said(running, running, after(0.9), after(0.5)) == "So far it reads better as it was."

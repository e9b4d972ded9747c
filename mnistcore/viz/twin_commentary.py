"""Commentary on twins: which of the two reads better, in one plain sentence."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from mnistcore.evaluation.diagnosis import RAN_AWAY, margin_of_error
from mnistcore.records import Progress, RunStatus
from mnistcore.viz.commentary import capitalized

Winner = Literal["this", "twin", "neither"]
SAME = 0.002  # two accuracies no further apart are called no difference


class Twin(NamedTuple):
    """One of the two: how it goes on after "it reads better", and what is known of it."""

    how: str  # "as you set it", "with a learning rate ten times as large"
    status: RunStatus
    records: Sequence[Progress]  # in order


def find_winner(one: RunStatus, other: RunStatus) -> Winner | None:
    """Which of a run and its twin reads more test images in the end; None before both have ended.

    One that diverged has lost to one that was tested.
    """
    if _diverged(one) or _diverged(other):
        read = [None if _diverged(each) else _share_read(each) for each in (one, other)]
        if _diverged(one) and _diverged(other):
            return "neither"
        return "this" if read[0] is not None else "twin" if read[1] is not None else None
    mine, others = _share_read(one), _share_read(other)
    if mine is None or others is None:
        return None
    if abs(mine - others) <= SAME + 1e-9:
        return "neither"
    return "this" if mine > others else "twin"


def describe_twins(one: Twin, other: Twin, *, alike: bool) -> str:
    """How the two stand, or what came of them; alike: whether they began with the same weights."""
    if _diverged(one.status) and _diverged(other.status):
        return f"Neither came to its end: {RAN_AWAY}."
    for over, rest in ((one, other), (other, one)):
        if _diverged(over.status):
            read = _share_read(rest.status)
            then = "it goes on" if read is None else f"it reads {read:.1%} of {_images(rest)}"
            ended = f"{capitalized(over.how)}, it broke off: {RAN_AWAY}."
            return f"{ended} {capitalized(rest.how)}, {then}."
    winner = find_winner(one.status, other.status)
    mine, others = _share_read(one.status) or 0.0, _share_read(other.status) or 0.0
    if winner == "neither":
        return (
            f"It makes no difference: {mine:.1%} {one.how} and {others:.1%} {other.how}, of "
            f"{_images(one)}."
        )
    if winner:
        best, rest = (one, other) if winner == "this" else (other, one)
        return (
            f"“{capitalized(best.how)}” won: {max(mine, others):.1%} against "
            f"{min(mine, others):.1%} {rest.how}, of {_images(one)}."
        )
    return _so_far(one, other, alike)


def _so_far(one: Twin, other: Twin, alike: bool) -> str:
    """Who is ahead by more than chance, by the newest test of each."""
    tested = [[r for r in each.records if r.test_accuracy is not None] for each in (one, other)]
    if not all(records and records[-1].step for records in tested):
        return (
            "Both begin with the same weights: only one thing differs."
            if alike
            else "They cannot begin with the same weights, because their shapes differ."
        )
    mine, others = (records[-1].test_accuracy or 0.0 for records in tested)
    count = tested[0][-1].test_count
    if abs(mine - others) <= max(margin_of_error(share, count) for share in (mine, others)):
        return "So far there is little between the two."
    return f"So far it reads better {(one if mine > others else other).how}."


def _diverged(status: RunStatus) -> bool:
    return bool(status.result and status.result.diverged)


def _share_read(status: RunStatus) -> float | None:
    """Of the test images, in the end."""
    return status.result.test_accuracy if status.result else None


def _images(of: Twin) -> str:
    """The images on which its accuracy rests."""
    return f"the {of.status.result.test_count if of.status.result else 0:,} test images"

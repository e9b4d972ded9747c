"""The confusion matrix as a table whose cells can be opened, by mouse, finger or keyboard."""

from collections.abc import Callable

from pages.common.tiles import component, picking

_table = component(__file__)


def show_confusion_matrix(
    counts: list[list[int]],
    caption: str,
    key: str,
    chosen: tuple[int, int],
    on_pick: Callable[[int, int], None],
) -> None:
    """The confusion matrix. counts: how many of the digit `row` were read as `column`, ten by ten.

    `chosen` is the cell that is framed; `on_pick(row, column)` is called with the one that was
    clicked, before the page runs again.
    """
    side = len(counts)
    data = {"counts": counts, "caption": caption, "chosen": side * chosen[0] + chosen[1]}
    picked = picking(key, side**2, lambda place: on_pick(*divmod(place, side)))
    _table(key=key, data=data, on_picked_change=picked)

"""The confusion matrix as a table whose cells can be opened, by mouse, finger or keyboard."""

from collections.abc import Callable

from pages.common.tiles import component, picked_place

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

    def picked() -> None:
        place = picked_place(key, len(counts) ** 2)
        if place is not None:
            on_pick(*divmod(place, len(counts)))

    place = chosen[0] * len(counts) + chosen[1]
    _table(
        key=key,
        data={"counts": counts, "caption": caption, "chosen": place},
        on_picked_change=picked,
    )

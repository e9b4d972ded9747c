"""The runs that this visitor finds in a list, to open, and what the owner of one can do with it."""

from collections.abc import Callable, Sequence

import streamlit as st

from mnistcore.runs.store import Run
from pages.common import state
from pages.common.identity import visitor_token
from pages.common.text import escape_markdown
from pages.parts.train import run_panel

SHOWN_RUNS = 8  # the others are shown when asked for


def show(runs: Sequence[Run], opened: Run | None, on_open: Callable[[Run], None]) -> None:
    """Every run by its name and how it stands; `on_open` is called with the one to be opened."""
    st.divider()
    st.subheader("Runs")
    for each in runs if state.TRAIN_ALL_RUNS.get() else runs[:SHOWN_RUNS]:
        here = opened is not None and each.id == opened.id
        status = each.status()
        accuracy = status.result and status.result.test_accuracy
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                escape_markdown(each.name),
                key=f"open {each.id}",
                on_click=on_open,
                args=(each,),
                disabled=here,
            )
            read = f", {accuracy:.1%} of the test images right" if accuracy is not None else ""
            mine = ", yours" if each.belongs_to(visitor_token()) else ""
            # The one that is shown says itself how it is.
            st.caption("shown above" if here else f"{status.state}{read}{mine}", width="content")
    if len(runs) > SHOWN_RUNS:
        st.toggle(f"All {len(runs)}", key=state.TRAIN_ALL_RUNS)


def rename_or_delete(run: Run, on_delete: Callable[[], None]) -> None:
    """For the owner of the run; `on_delete` is called when it is gone."""
    with st.popover("Rename or delete", icon=":material/more_horiz:"):
        with st.form("rename", border=False):
            name = st.text_input("Name", run.name, max_chars=60)
            renamed = st.form_submit_button("Rename")
        if renamed and run_panel.succeeds(lambda: run.rename(name, visitor_token())):
            st.rerun()
        if st.button("Delete for good", icon=":material/delete:") and run_panel.succeeds(
            lambda: run.delete(visitor_token())
        ):
            on_delete()
            st.toast("Deleted.", icon=":material/delete:")
            st.rerun()

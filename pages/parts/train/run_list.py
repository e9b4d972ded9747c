"""The runs that this visitor finds in a list, to open, and what the owner of one can do with it."""

from collections.abc import Callable, Sequence

import streamlit as st

from mnistcore.presets import MAX_NAME
from mnistcore.runs.store import Run
from pages.common import state
from pages.common.identity import visitor_token
from pages.common.text import escape_markdown
from pages.parts.train import steering, twins

SHOWN_RUNS = 8  # the others are shown when asked for


def show(runs: Sequence[Run], opened: Run | None, on_open: Callable[[Run], None]) -> None:
    """Every run by its name and how it stands; `on_open` is called with the one to be opened."""
    st.divider()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header("Runs", anchor=False, width="content")
        if st.toggle("Only mine", **state.TRAIN_ONLY_MINE.kept()):
            runs = [each for each in runs if each.belongs_to(visitor_token())]
    if not runs:
        st.caption("None yet: what you start stands here.")
    for each in runs if state.TRAIN_ALL_RUNS.get() else runs[:SHOWN_RUNS]:
        here = opened is not None and each.id == opened.id
        status = each.status()
        results = [status.result, each.twin and each.twin.status().result]
        shares = [r.test_accuracy for r in results if r and r.test_accuracy is not None]
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                escape_markdown(twins.full_name(each)),
                key=f"open {each.id}",
                on_click=on_open,
                args=(each,),
                disabled=here,
            )
            told = " and ".join(f"{share:.1%}" for share in shares)
            read = f", {told} of the test images right" if told else ""
            mine = ", yours" if each.belongs_to(visitor_token()) else ""
            # The one that is shown says itself how it is.
            st.caption("shown above" if here else f"{status.state}{read}{mine}", width="content")
    if len(runs) > SHOWN_RUNS:
        st.toggle(f"All {len(runs)}", key=state.TRAIN_ALL_RUNS)


def rename_or_delete(run: Run, on_delete: Callable[[], None]) -> None:
    """For the owner of the run; `on_delete` is called when it is gone."""
    if st.button("Rename ...", icon=":material/edit:"):
        _ask_name(run)
    if st.button("Delete ...", icon=":material/delete:"):
        _ask_first(run, on_delete)


@st.dialog("Rename this run")
def _ask_name(run: Run) -> None:
    def rename() -> None:
        if steering.attempt(run.rename, state.TRAIN_NEW_NAME.get(), visitor_token()):
            state.TRAIN_NEWS.set(f"Its name is now {run.name}.")

    with st.form("rename", border=False):
        st.text_input("Name", run.name, max_chars=MAX_NAME, key=state.TRAIN_NEW_NAME)
        if st.form_submit_button("Rename", type="primary", on_click=rename):
            st.rerun()


@st.dialog("Delete this run?")
def _ask_first(run: Run, on_delete: Callable[[], None]) -> None:
    def delete() -> None:
        if steering.attempt(run.delete, visitor_token()):
            on_delete()
            state.TRAIN_NEWS.set(f"{run.name} is deleted.")
            st.toast("Deleted.", icon=":material/delete:")

    st.markdown(f"**{escape_markdown(run.name)}**, its curves and its network are gone for good.")
    with st.container(horizontal=True):
        decided = st.button(
            "Delete for good", type="primary", icon=":material/delete:", on_click=delete
        )
        if st.button("Keep it") or decided:
            st.rerun()

"""The network that is judged: examined once for everybody, and the verdict on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from mnistcore.data import TITLES
from pages.shared import models, resources

if TYPE_CHECKING:  # torch takes seconds to import
    from mnistcore.data import Digits
    from mnistcore.exam import Exam, Origin

_AGAIN = "judged"  # which network at which time: what is shown must not change underfoot


def judged(which: str) -> tuple[Exam, int]:
    """The exam of this network, and the time of its weights; the costly part happens once.

    A network that is still learning is judged as it was when it was chosen, until `renew`.
    Raises MnistError, in one sentence, if it cannot be had.
    """
    from mnistcore import predict

    name, stamp = st.session_state.get(_AGAIN, (None, 0))
    if name != which or models.progress(which) is None:
        stamp = predict.source(which).stat().st_mtime_ns
        st.session_state[_AGAIN] = which, stamp
    with st.spinner("It reads every test image, and some that it learned from ..."):
        return _examined(which, stamp), stamp


def renew() -> None:
    """Judge the network by its newest weights from the next run of the page on."""
    st.session_state.pop(_AGAIN, None)


@st.cache_resource(show_spinner=False, max_entries=16)
def _examined(which: str, stamp: int) -> Exam:
    from mnistcore import exam

    learned = exam.origin(which)
    return exam.examine(models.model(which), learned, *_images(learned))


def _images(learned: Origin) -> tuple[Digits, Digits]:
    """Those that a network learned from, and their test images; without these, today's."""
    train, test, notice = resources.digits()
    if learned.met(train.dataset) or notice or not learned.dataset:
        return train, test
    return resources.parts(learned.dataset)


def show_verdict(exam: Exam, news: str | None) -> None:
    """The two accuracies, what they mean, and what to try next. `news` if it is still learning."""
    from mnistcore.exam import verdict

    test, known = exam.score, exam.train_accuracy
    if known is None:
        st.info(
            f"It reads **{test.accuracy:.1%}** of {test.count:,} test images of "
            f"{TITLES[exam.test.dataset]}. There is nothing to compare this with: it learned from "
            "images that are not here, or has not yet learned from any.",
            icon=":material/help:",
        )
        return
    found = verdict(known, exam.train_count, test.accuracy, test.count)
    figures, words = st.columns([1, 2], gap="medium")
    with figures, st.container(horizontal=True, gap="medium"):
        st.metric("Images it learned from", f"{known:.1%}", width="content")
        st.metric("New images (the test)", f"{test.accuracy:.1%}", width="content")
    with words:
        icon = {"underfitting": "trending_flat", "overfitting": "call_split"}
        look = st.success if found.kind == "about right" else st.warning
        look(
            f"**{found.title}{', so far' if news else ''}.** {found.sentence}",
            icon=f":material/{icon.get(found.kind, 'check_circle')}:",
        )
    if news:
        st.caption(f"{news} This is how it was a moment ago.")
        st.button("Judge it again", icon=":material/refresh:", on_click=renew)
    st.markdown("**What to try next:** " + "; ".join(found.advice) + ".")
    if found.kind != "about right":
        st.page_link(
            "pages/train.py", label="Change the recipe in Train", icon=":material/model_training:"
        )
    st.caption(found.rests_on)

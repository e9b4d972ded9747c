"""The network that is judged: examined once for everybody, and the verdict on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from mnistcore.data import TITLES
from pages.shared import models, resources

if TYPE_CHECKING:  # torch takes seconds to import
    from mnistcore.data import Digits
    from mnistcore.exam import Exam, Origin


def judged(which: str) -> tuple[Exam, int]:
    """The exam of this network, and the time of its weights; the costly part happens once.

    A network that is still learning is judged as models.held has it. Raises MnistError, in one
    sentence, if it cannot be had.
    """
    held = models.held(which)
    with st.spinner("It reads every test image, and some that it learned from ..."):
        return _examined(which, held.stamp, held), held.stamp


@st.cache_resource(show_spinner=False, max_entries=16)
def _examined(which: str, stamp: int, _held: models.Held) -> Exam:
    from mnistcore import exam

    return exam.examine(_held.model, _held.learned, *_images(_held.learned))


def _images(learned: Origin) -> tuple[Digits, Digits]:
    """Those that a network learned from, and their test images; without these, today's."""
    train, test, notice = resources.digits()
    if learned.met(train.dataset) or notice or not learned.dataset:
        return train, test
    return resources.parts(learned.dataset)


def show_verdict(exam: Exam) -> None:
    """The two accuracies, what they mean, and what to try next."""
    from mnistcore.exam import judge, way

    which, test, known = exam.model.name, exam.score, exam.train_accuracy
    history, diverged = way(which, exam.learned.images)
    found = judge(exam, history, diverged)
    if found is None:
        why = (
            "Its loss ran away before its weights were first kept: try a smaller learning rate."
            if diverged
            else "There is nothing to compare this with: it learned from images that are not here, "
            "or has not yet learned from any."
        )
        st.info(
            f"It reads **{test.accuracy:.1%}** of {test.count:,} test images of "
            f"{TITLES[exam.test.dataset]}. {why}",
            icon=":material/help:",
        )
        models.show_news(which, "Judge it again")
        return
    figures, words = st.columns([1, 2], gap="medium")
    with figures, st.container(horizontal=True, gap="medium"):
        st.metric("Images it learned from", f"{known:.1%}", width="content")
        st.metric("New images (the test)", f"{test.accuracy:.1%}", width="content")
    with words:
        icon = {
            "underfitting": "trending_flat",
            "overfitting": "call_split",
            "diverged": "trending_up",
            "collapsed": "trending_down",
        }
        look = st.success if found.kind == "about right" else st.warning
        look(
            f"**{found.title}{', so far' if models.progress(which) else ''}.** {found.sentence}",
            icon=f":material/{icon.get(found.kind, 'check_circle')}:",
        )
    models.show_news(which, "Judge it again")
    st.markdown("**What to try next:** " + "; ".join(found.advice) + ".")
    if found.kind != "about right":
        st.page_link(
            "pages/train.py",
            label="Change the recipe in Train",
            icon=":material/model_training:",
            query_params={"preset": models.preset(which)},
        )
    st.caption(found.rests_on)

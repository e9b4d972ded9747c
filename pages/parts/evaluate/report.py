"""Evaluation report of a network, made once for all visitors, and its fit diagnosis in words."""

import streamlit as st

from mnistcore.data.loading import DATASETS
from mnistcore.evaluation.provenance import training_history
from mnistcore.evaluation.report import EvaluationReport, diagnose_report, evaluate_model
from mnistcore.viz.commentary import capitalized
from pages.common import links, model_picker
from pages.common.datasets import dataset_by_name, shared_dataset
from pages.common.text import escape_markdown

_ICONS = {
    "about right": ":material/check_circle:",
    "underfitting": ":material/trending_flat:",
    "overfitting": ":material/call_split:",
    "diverged": ":material/trending_up:",
    "collapsed": ":material/trending_down:",
    "spoiled": ":material/water_drop:",
}


def evaluated(which: str) -> tuple[EvaluationReport, int]:
    """The report on this network, and its weights' mtime in ns; the costly part happens once.

    One that is still learning is judged as in its snapshot; MnistError if it cannot be had.
    """
    held = model_picker.snapshot(which)
    with st.spinner("It reads every test image, and some that it learned from ..."):
        return _examined(which, held.stamp, held), held.stamp


@st.cache_resource(show_spinner=False, max_entries=16)
def _examined(which: str, stamp: int, _held: model_picker.Snapshot) -> EvaluationReport:
    learned, (train, test, notice) = _held.learned, shared_dataset()
    if learned.dataset and not learned.met(train.dataset) and not notice:
        train, test = dataset_by_name(learned.dataset)
    return evaluate_model(_held.model, learned, train, test)


def show_verdict(exam: EvaluationReport, *, unfolded: bool) -> None:
    """The two accuracies in a line; unfolded, what they mean, and what to try next."""
    which, test, known = exam.model.model_id, exam.score, exam.train_accuracy
    history, diverged = training_history(which, exam.learned.images)
    found = diagnose_report(exam, history, diverged)
    name = f"**{escape_markdown(exam.model.title)}**"
    if found is None:
        why = (
            "Its loss ran away before its weights were first kept: try a smaller learning rate."
            if diverged
            else "There is nothing to compare this with: it learned from images that are not here, "
            "or has not yet learned from any."
        )
        right = f"**{test.accuracy:.1%}** of {test.count:,} clean test images"
        said = f"{name} reads {right} of {DATASETS[exam.test.dataset]}. {why}"
        st.info(said, icon=":material/help:")
        model_picker.refresh_button(which, "Judge it again")
        return
    so_far = ", so far" if model_picker.training_progress(which) else ""
    term = f" ({found.term})" if found.term else ""
    defect = exam.learned.config.defect if exam.learned.config else None
    spoiled = f" What it learned from was spoiled: {defect}." if defect else ""
    line = (
        f"{name} reads {test.accuracy:.1%} of {test.count:,} clean test images right{so_far}."
        f"{spoiled} **{found.title}**{term}"
    )
    with st.expander(line, icon=_ICONS[found.kind], expanded=unfolded):
        figures, words = st.columns([1, 2], gap="medium")
        with figures, st.container(horizontal=True, gap="medium"):
            st.metric("Images it learned from", f"{known:.1%}", width="content")
            st.metric("New images (the test)", f"{test.accuracy:.1%}", width="content")
        advice = capitalized("; ".join(found.advice))
        words.markdown(f"{found.sentence}\n\n**What to try next?** {advice}.")
        if found.kind != "about right":
            link = links.train(preset=model_picker.preset_id(which))
            link.show("Change the recipe in Train", ":material/model_training:")
        st.caption(found.rests_on)
    model_picker.refresh_button(which, "Judge it again")

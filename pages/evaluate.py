"""Evaluate: how good a network really is, where it fails, and whether you would have known."""

import streamlit as st

from pages.common import model_picker, navigation, pictures, state, take_home
from pages.common.datasets import show_fallback_notice
from pages.common.text import escape_markdown
from pages.common.widgets import one_of

navigation.require_frame(__file__)

top = st.container(horizontal=True, vertical_alignment="bottom")
top.title("Evaluate")
show_fallback_notice()

# They bring torch, and the title need not wait for it.
from mnistcore.errors import MnistError
from mnistcore.evaluation.metrics import calibration_bins, calibration_in_words, confusion_matrix
from mnistcore.viz import bar_charts
from pages.parts.evaluate import mistakes, quiz, report, robustness

# The address says which, in the same words: ?look=Sunshine+and+snow.
LOOKS = ("Mistakes", "Would you have known?", "Mix-ups", "Figures", "Sunshine and snow")

model_id = model_picker.selected_model()
with top.container(width=380):
    model_picker.model_selectbox()
try:
    exam, stamp = report.evaluated(model_id)
except MnistError as error:
    st.warning(escape_markdown(error), icon=":material/help:")
    st.stop()
who = exam.model.title
look = one_of("Look at", LOOKS, state.EVALUATE_LOOK, wrap=True, label_visibility="collapsed")
report.show_verdict(exam, unfolded=look == LOOKS[0])
match look:
    case "Would you have known?":
        quiz.show_quiz(exam, stamp)
    case "Mix-ups":
        mistakes.show_confusions(exam)
    case "Sunshine and snow":
        robustness.show_robustness(exam)
    case "Figures":
        table = confusion_matrix(exam.test.labels, exam.score.predicted)
        counts, right = table.sum(1).tolist(), table.diagonal().tolist()
        wrong = [n - r for n, r in zip(counts, right, strict=True)]
        found = calibration_bins(exam.test.labels, exam.score)
        by_digit, by_confidence = st.columns(2, gap="medium")
        with by_digit:
            told = ", ".join(f"{d}: {r:,} of {counts[d]:,}" for d, r in enumerate(right))
            rates = bar_charts.error_rate_chart(wrong, counts)
            alt = f"Read right of each digit: {told}"
            pictures.plotly(rates, f"Misread of each digit, {who}", "error rates", alt)
            st.caption("Some digits are harder than others, and some are written in more ways.")
        with by_confidence:
            told = "; ".join(
                f"{it.low:.0%} to {it.high:.0%} sure: {it.accuracy:.0%} of {it.count:,} right"
                for it in found
            )
            diagram = bar_charts.reliability_diagram(found)
            alt = f"Share right by confidence: {told}"
            pictures.plotly(diagram, f"How sure and how right, {who}", "reliability", alt)
            st.markdown(calibration_in_words(found))
    case _:
        mistakes.show_mistakes(exam)
take_home.show(model_id)

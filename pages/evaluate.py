"""Evaluate: how good a network really is, where it fails, and whether you would have known."""

import streamlit as st

from pages.shared import door, models, resources
from pages.shared.choice import one_of
from pages.shared.words import literally

door.enter(__file__)

st.title("Evaluate")
resources.show_notice()

# They bring torch, and the title need not wait for it.
from mnistcore import charts  # noqa: E402
from mnistcore.errors import MnistError  # noqa: E402
from mnistcore.exam import bands, calibration_in_words, confusion  # noqa: E402
from pages.shared import judged, mistakes, quiz, snow  # noqa: E402

# The address says which, in the same words: ?look=Sunshine+and+snow.
LOOKS = ("Mistakes", "Would you have known?", "Mix-ups", "Figures", "Sunshine and snow")

st.markdown("What counts is how it reads digits that it has never seen, so it is judged by those.")
which = models.chosen()
models.choose()
try:
    exam, stamp = judged.judged(which)
except MnistError as error:
    st.warning(literally(error), icon=":material/help:")
    st.stop()
judged.show_verdict(exam)

look = one_of("Look at", LOOKS, "Mistakes", "look", wrap=True)
match look:
    case "Would you have known?":
        quiz.quiz(exam, stamp)
    case "Mix-ups":
        mistakes.mixed_up(exam)
    case "Sunshine and snow":
        snow.snow(exam)
    case "Figures":
        table = confusion(exam.test.labels, exam.score.predicted)
        counts, right = table.sum(1).tolist(), table.diagonal().tolist()
        wrong = [n - r for n, r in zip(counts, right, strict=True)]
        found = bands(exam.test.labels, exam.score)
        by_digit, by_confidence = st.columns(2, gap="medium")
        with by_digit:
            st.plotly_chart(
                charts.misread_by_digit(wrong, counts),
                config={"displayModeBar": False},
                alt="Read right of each digit: "
                + ", ".join(f"{d}: {r:,} of {counts[d]:,}" for d, r in enumerate(right)),
            )
            st.caption("Some digits are harder than others, and some are written in more ways.")
        with by_confidence:
            st.plotly_chart(
                charts.reliability(found),
                config={"displayModeBar": False},
                alt="Share right by confidence: "
                + "; ".join(
                    f"{band.low:.0%} to {band.high:.0%} sure: {band.accuracy:.0%} of "
                    f"{band.count:,} right"
                    for band in found
                ),
            )
            st.markdown(calibration_in_words(found))
    case _:
        mistakes.gallery(exam)

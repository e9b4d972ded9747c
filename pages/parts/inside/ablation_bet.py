"""A bet on how many units can go before a network reads less than 90 %, measured and judged."""

from collections.abc import Iterator

import streamlit as st

from mnistcore.errors import MnistError
from mnistcore.inspection import ablation
from mnistcore.inspection.ablation import Unit
from mnistcore.viz.learning_curves import severity_chart
from pages.common import pictures, state
from pages.common.datasets import ReportProgress
from pages.common.text import escape_markdown
from pages.common.widgets import live_region
from pages.parts.inside import turns
from pages.parts.inside.subject import EVERYWHERE, Subject

_ACCURACY = 0.9


class Measurement:
    """Accuracy by the share of units that is off, which grows in the background."""

    def __init__(self, subject: Subject, units: list[Unit]) -> None:
        self.curve: list[tuple[float, float]] = []  # as far as it is: share off, accuracy
        points = ablation.accuracy_by_share(subject.model.network, units, subject.test)
        self._task = turns.begin(lambda report: self._grow(points, report))

    def _grow(self, points: Iterator[tuple[float, float]], report: ReportProgress) -> None:
        for point in points:  # which let go of the network in the end
            self.curve.append(point)
            report(len(self.curve), len(ablation.SHARES))

    def ready(self) -> bool:
        """Whether nothing is being measured any more."""
        return self._task.ready()

    def is_growing(self) -> bool:
        """Whether more is to come; raises what broke it off."""
        if self.ready():
            self._task.result(lambda done, of: "")
            return False
        return True


@st.cache_resource(show_spinner=False, max_entries=64)
def _measurement(
    key: tuple[str, int, str], where: str, _subject: Subject, _units: list[Unit]
) -> Measurement:
    """That of a network and a layer, or all of them, once for all visitors; or TrainingError."""
    return Measurement(_subject, _units)


def show(subject: Subject, where: str, units: list[Unit], accuracy: float) -> None:
    """The bet and, once it is placed, what was measured.

    where: names the units; accuracy: of the whole network, 0 to 1.
    """
    st.subheader("How many can go?", anchor=False)
    if accuracy < _ACCURACY:
        st.markdown("It reads less than 90 % as it is: there is nothing to bet on.")
        return
    bets, this = state.INSIDE_BREAK_BETS.get(), (subject.key, where)
    scope = "its units" if where == EVERYWHERE else f"the units of {where}"
    if this in bets:
        asked = *this, subject, units
        try:
            _show_curve(_measurement(*asked), bets[this], subject)
            return
        except MnistError as error:
            _measurement.clear(*asked)  # half a curve is none
            st.warning(escape_markdown(error), icon=":material/hourglass_top:")
        except Exception:
            _measurement.clear(*asked)
            raise
    st.slider(
        f"Bet first: so many of {scope} can go, at random, and it still reads 90 % of the test "
        "images",
        *(0, 100, state.INSIDE_BREAK_BET.default),
        step=5,
        format="%d %%",
        **state.INSIDE_BREAK_BET.kept(),
    )
    st.button("Bet, and measure it", icon=":material/casino:", on_click=_place, args=(this,))


def _show_curve(measured: Measurement, bet: int, subject: Subject) -> None:
    """What is known, renewed while it grows, and in the end how good the bet was."""
    parts = ablation.count_parts(subject.model.network, subject.test)
    count = len(range(0, len(subject.test), parts))

    busy = measured.is_growing()

    def draw() -> None:
        grows, known = busy and not measured.ready(), dict(measured.curve)
        if busy and not grows:
            st.rerun()
        said = verdict(bet, ablation.tolerated_share(measured.curve, _ACCURACY))
        live_region(f"You bet {bet} %. More and more of it goes ..." if grows else said, "bet", 2)
        lines: dict[str, list[tuple[float, float | None]]] = {
            "Read right": [(100 * share, known.get(share)) for share in ablation.SHARES],
            "90 %": [(100 * share, _ACCURACY) for share in ablation.SHARES],
        }
        pictures.echarts(
            severity_chart(lines, "units off (%)", float(bet), 10, count),
            "Read right by units off",
            "break curve",
            "Share read right by share of units off: "
            + ", ".join(f"{share:.0%}: {accuracy:.0%}" for share, accuracy in known.items()),
            height=300,
        )

    (st.fragment(draw, run_every=0.5) if busy else draw)()
    st.caption(
        f"On a sample of {count:,} of {len(subject.test):,} test images, in {ablation.N_DRAWS} "
        "draws of the units. The upright line is your bet. Another layer bears more, or less: "
        "choose it above, and bet again."
    )


def _place(this: tuple[tuple[str, int, str], str]) -> None:
    state.INSIDE_BREAK_BETS.set(
        {**state.INSIDE_BREAK_BETS.get(), this: state.INSIDE_BREAK_BET.get()}
    )


def verdict(bet: int, tolerated: float | None) -> str:
    """On a bet in percent; tolerated: the share that can go, 0 to 1."""
    held = round(100 * (tolerated or 0))
    off = held - bet
    if not off:
        return f"You bet {bet} %: spot on."
    more = "more" if off > 0 else "fewer"
    return f"You bet {bet} %: {held} % of them can go, {abs(off)} points {more}."

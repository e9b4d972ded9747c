"""What is kept of a visit: every key of the session state that is read, by page, with its type.

Where a widget is bound to the address its key is its name there: links shall go on working.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import streamlit as st

from mnistcore.presets import PRESET_IDS, PRESETS
from mnistcore.records import PaceKind
from mnistcore.viz.twin_commentary import Winner

if TYPE_CHECKING:  # torch takes seconds to import
    from mnistcore.demos.single_neuron import NeuronState
    from mnistcore.drawing.strokes import Stroke
    from mnistcore.inspection.ablation import Unit
    from mnistcore.runs.store import Run
    from mnistcore.training.finetune_session import FineTuneSession, LabeledDrawing
    from mnistcore.training.trials import TrialResult

T = TypeVar("T")


class Key(str, Generic[T]):
    """The name of one value of the session state, and what it is before it is set."""

    default: T

    def __new__(cls, name: str, default: T) -> Key[T]:
        """A name; `default` comes with it."""
        key = super().__new__(cls, name)
        key.default = default
        return key

    def get(self) -> T:
        """The value, or the default."""
        return st.session_state.get(self, self.default)

    def set(self, value: T) -> None:
        """Keep this value; not once a widget with this key is drawn, but in its callbacks."""
        st.session_state[str(self)] = value

    def pop(self) -> T:
        """The value, or the default, and forget it."""
        value = self.get()
        if self.exists():
            del st.session_state[self]
        return value

    def exists(self) -> bool:
        """Whether it is set."""
        return self in st.session_state

    def kept(self) -> dict[str, Any]:
        """Arguments for a widget whose value outlives its page."""
        return kept(self)

    def bound(self) -> dict[str, Any]:
        """Arguments for a widget that, besides, stands in the address, and is set by it."""
        return {**self.kept(), "bind": "query-params"}

    def asked(self) -> str | None:
        """What the address says, letter by letter; None if it does not name this."""
        return st.query_params.get(self)

    def arriving(self) -> bool:
        """Whether the address names it and it is not set: somebody comes by a link."""
        return not self.exists() and self.asked() is not None

    def tell(self, text: str | None) -> None:
        """Put this into the address, where no widget does so; None takes it out."""
        if text is None:
            st.query_params.pop(self, None)
        elif self.asked() != text:
            st.query_params[self] = text


def kept(key: str) -> dict[str, Any]:
    """The same for a widget that nobody reads by its key."""
    return {"key": key, "persist_state": "session"}


# Every page
PAGE = Key[str | None]("_page", None)  # the title of the page that was run last
VISITOR = Key[str]("_visitor", "")
LESSON = Key[str]("lesson", "")  # the name of the one that is given
LESSON_STEP = Key[int]("at", 1)  # of it, counted from 1
LESSON_ENTERED = Key[tuple[str, int]]("lesson entered", ("", 1))  # likewise, when last set up
LESSON_SHOWN = Key[str]("show", "Notes")  # which of a lesson's papers

# Draw, Inside and Evaluate: the network that reads
MODEL = Key[str]("model", "")
# By network, when the weights that it shows were written.
SNAPSHOTS = Key[Mapping[str, int]]("held", {})


@dataclass(frozen=True)
class Quiz:
    """Would you have known? How far it is."""

    turn: int = 0
    guessed: int = 0
    knew: int = 0
    guess: int | None = None  # in this turn


# Home
HOME_QUIZ = Key("home quiz", Quiz())
HOME_FIRST_SCREEN_SEEN = Key[bool]("first screen seen", False)
HOME_DIGIT = Key[int]("story digit", 3)
HOME_DIGIT_MOVED = Key[bool]("story digit moved", False)


@dataclass(frozen=True)
class GuessingGame:
    """Idea 1: how many functions were guessed, and what is said of the last."""

    turn: int = 0
    right: int = 0
    said: str = ""


@dataclass(frozen=True)
class ChosenUnit:
    """Idea 4: a unit of the network that comes with the app."""

    layer: str
    unit: int = 0


@dataclass(frozen=True)
class Attempt:
    """Idea 6: an idea that was tried; no result if the weights ran away."""

    rate: str
    width: int
    result: TrialResult | None


IDEA_1_GAME = Key("idea 1 game", GuessingGame())
IDEA_3_UNIT: Key[NeuronState | None] = Key("idea 3 unit", None)
IDEA_3_SEED = Key[int]("idea 3 seed", 1)
IDEA_3_RATE = Key[float]("idea 3 rate", 0.1)
IDEA_1_GUESS = Key[str | None]("idea 1 guess", None)
IDEA_4_UNIT = Key[ChosenUnit | None]("idea 4 unit", None)
IDEA_6_TRIED = Key[tuple[Attempt, ...]]("idea 6 tried", ())
IDEA_7_TRAINED: Key[Mapping[str, TrialResult]] = Key("idea 7 trained", {})
IDEA_7_LAST = Key[str | None]("idea 7 last", None)
IDEA_9_STEP = Key[str | None]("idea 9 step", None)


# Explore
EXPLORE_PART = Key[str]("set", "training")
EXPLORE_DIGIT = Key[str]("digit", "all")
EXPLORE_PAGE = Key[int]("page", 1)
EXPLORE_INDEX = Key[int]("index", 0)
EXPLORE_VIEW = Key[str]("view", "One by one")
EXPLORE_SHUFFLE = Key[int]("shuffle", 0)  # the seed of the order, 0 for their own
EXPLORE_AUGMENTATION_SEED = Key[int]("changes", 0)

# Train
TRAIN_RUN = Key[str | None]("run", None)  # the id of the run that is open
TRAIN_PRESET = Key[str]("preset", "fast")
TRAIN_FORM_OPEN = Key[bool]("recipe open", False)
TRAIN_NEWS = Key[str]("train news", "")
TRAIN_REFUSED = Key[str]("refused", "")
TRAIN_MORE_OPEN = Key[bool]("more settings open", False)
TRAIN_ALL_RUNS = Key[bool]("all runs", False)
TRAIN_ONLY_MINE = Key[bool]("only mine", False)
TRAIN_NEW_NAME = Key[str]("new name", "")
TRAIN_STEERING_REFUSED = Key[str]("steering refused", "")
TRAIN_CLOSER = Key[bool]("closer", False)
TRAIN_TWINS_CLOSER = Key[bool]("closer at twins", True)  # else their lines lie on each other
TRAIN_LAYERS = Key[bool]("layers", False)  # whether a moment's are shown
TRAIN_BETTING = Key[bool]("betting", False)  # on the next run
TRAIN_BET = Key[float]("bet", 90.0)  # percent
TRAIN_DIGIT_BETS = Key[Mapping[str, int]]("digit bets", {})  # by run
TRAIN_BETS = Key[Mapping[str, float]]("bets", {})  # by run
TRAIN_TWIN = Key[str]("twin", "")  # of the next run: a key of CHANGES; none if empty
TRAIN_TWIN_BET = Key[Winner | None]("twin bet", None)  # on the next run
TRAIN_TWIN_WHY = Key[str]("twin why", "")
TRAIN_TWIN_BETS = Key[Mapping[str, tuple[Winner, str]]]("twin bets", {})  # and why, by run
TRAIN_PACE = Key[PaceKind]("pace", "full")  # at which the next run begins
TRAIN_STAGE = Key[Any]("stage", None)  # what the browser says
TRAIN_MOMENT = Key[int | None]("step", None)  # that the stage shows; None: the newest
TRAIN_COMPARED = Key[Sequence[str]]("compare", ())


def train_field(preset: str, name: str) -> Key[Any]:
    """A field of the form for a preset's recipe, `name` as in `links.FIELDS`."""
    return Key(f"{preset} {name}", None)


def train_digit_bet(question: str) -> Key[int | None]:
    """The digit that is the bet on the next run, on this question about its spoiled data."""
    return Key(f"digit bet: {question}", None)


def train_pace(run_id: str) -> Key[PaceKind]:
    """How fast a run goes."""
    return Key(f"pace {run_id}", "full")


def train_fields_asked(preset: str) -> set[str]:
    """The fields of the form for this preset for which the address asks."""
    start = f"{preset} "
    return {name.removeprefix(start) for name in st.query_params if name.startswith(start)}


# Draw
class Doubt(NamedTuple):
    """A lesson that the network takes for a slip: asked about before it is kept."""

    meant: int
    read: int
    drawn: Sequence[Stroke]


DRAW_SHEET = Key[Any]("sheet", None)  # what the browser says
DRAW_STROKES: Key[Sequence[Stroke]] = Key("drawing", ())
DRAW_WIDTHS = Key[Sequence[float]]("drawing_widths", ())  # of the strokes
DRAW_PLACE = Key[tuple[int, int]]("drawing_place", (0, 0))  # of the first stroke, and its turn
DRAW_PUT = Key[int]("drawing_put", 0)  # how often the server has put strokes on the sheet
DRAW_PEN = Key[float]("pen", 20.0)
DRAW_MORE = Key[str | None]("more", None)
TEACH = "Teach it my handwriting"  # of what DRAW_MORE may be
FOOL = "Fool it"  # likewise
DRAW_SAID = Key[str]("draw said", "")  # by a line that stays, for who hears it
DRAW_NEWS = Key[str]("lesson news", "")
DRAW_MEANT = Key[int | None]("was", None)  # the digit that a drawing was meant to be
DRAW_LESSONS: Key[list[LabeledDrawing] | None] = Key("lessons", None)
DRAW_DOUBT = Key[Doubt | None]("doubt", None)
# Begun, and the network that it will take the place of; None until the page runs next.
DRAW_TEACHING: Key[tuple[FineTuneSession, Run | None] | None] = Key("teaching", None)


# Draw and Inside: how the machine shall fool the network
class AttackKeys(NamedTuple):
    """What is chosen for an attack on one page, and whether it stands in the address."""

    target: Key[int | None]
    method: Key[str]
    changed: Key[int]  # pixels
    percent: Key[int]  # of full ink, by which each pixel may change
    seen: Key[Any]  # what the slider was set for
    bound: bool


DRAW_ATTACK = AttackKeys(
    Key("draw target", None),
    Key("draw method", "Few pixels"),
    Key("draw changed", 1),
    Key("draw percent", 2),
    Key("draw attacked", None),
    bound=False,
)
INSIDE_ATTACK = AttackKeys(
    Key("target", None),
    Key("method", "Few pixels"),
    Key("changed", 1),
    Key("percent", 2),
    Key("attacked", None),
    bound=True,
)


# Inside
class Retouched(NamedTuple):
    """A test image that was touched up by hand, and what it was read as."""

    changed: int  # pixels
    read: int
    pixels: bytes  # 28 x 28


class Painted(NamedTuple):
    """What lies under a sheet, and the same with what is painted on it: 28 x 28 each."""

    under: bytes
    now: bytes


INSIDE_FOOL = Key[str | None]("fool", None)  # who shall fool it
INSIDE_PEN = Key[str]("retouching pen", "Ink")
# The fewest pixels, by network, when its weights were written, and test image.
INSIDE_FOOLED: Key[Mapping[tuple[str, int, int], Retouched]] = Key("fooled", {})
# By test image, the last that were painted on; a sheet is lost as soon as it is not shown.
INSIDE_PAINTED: Key[Mapping[int, Painted]] = Key("painted", {})
INSIDE_SHEETS = Key[int]("sheets", 0)  # how often one was begun anew
INSIDE_PICTURE = Key[str]("picture", "Test image")
INSIDE_INDEX = Key[int]("test_image", 0)
INSIDE_LAYER = Key[str]("layer", "")
INSIDE_UNIT = Key[int]("unit", 0)
INSIDE_MAP = Key[str]("map", "PCA")
INSIDE_BREAK = Key[bool]("break", False)  # whether Break it is open
INSIDE_BREAK_WHERE = Key[str]("where", "")  # the layer that is broken; all of them if empty
INSIDE_BREAK_SHARE = Key[int]("share", 0)  # percent of its units that are off at random
INSIDE_BREAK_NOISE = Key[int]("shake", 0)  # percent of the weights' spread
INSIDE_BREAK_SEED = Key[int]("chance", 1)
INSIDE_BREAK_TAPPED: Key[frozenset[Unit] | None] = Key("tapped", None)  # switched by hand
INSIDE_BREAK_BET = Key[int]("break bet", 30)  # percent of the units
INSIDE_BREAK_BETS: Key[Mapping[Any, int]] = Key("break bets", {})  # by network and layer
INSIDE_BREAK_HEAL = Key[Any]("heal", None)  # the network and the damage to be healed


def last_pick(key: str) -> Key[float]:
    """When the last pick among these tiles was made that was heard of, in ms of the browser."""
    return Key(f"last pick among {key}", 0.0)


def inside_sheet(index: int) -> Key[Any]:
    """What the browser says was painted over a test image."""
    return Key(f"sheet {INSIDE_SHEETS.get()} with test image {index}", None)


def inside_pixels(index: int) -> Key[Mapping[tuple[int, int], int]]:
    """Pixels of a test image that were painted by keyboard: row and column, and the new value."""
    return Key(f"painted pixels of test image {index}", {})


# Evaluate
SEVERITIES = ("rotate", "translate", "scale", "thicken", "blur", "noise", "invert")
EVALUATE_LOOK = Key[str]("look", "Mistakes")
EVALUATE_TRUE = Key[int]("true", 0)
EVALUATE_PREDICTED = Key[int]("said", 0)
EVALUATE_CORRUPTION = Key[str]("kind", "turn")
EVALUATE_SEVERITY_SEEN = Key[tuple[str, float] | None]("snow at", None)
EVALUATE_RIVAL = Key[str | None]("against", None)


def evaluate_severity(corruption: str) -> Key[float | None]:
    """How much of this corruption, by its name in the address."""
    return Key(corruption, None)


def evaluate_quiz(model_id: str, stamp: int) -> Key[Quiz]:
    """The quiz about a network with the weights of this time."""
    return Key(f"quiz {model_id} {stamp}", Quiz())


def evaluate_chosen(grid: str) -> Key[int | None]:
    """The test image of a grid that is shown large."""
    return Key(f"{grid} chosen", None)


# The address
_ADDRESS = {
    *(LESSON_SHOWN, MODEL, TRAIN_RUN, TRAIN_PRESET, TRAIN_TWIN, TRAIN_MOMENT),
    *(EXPLORE_PART, EXPLORE_DIGIT, EXPLORE_PAGE, EXPLORE_INDEX, EXPLORE_VIEW),
    *(INSIDE_PICTURE, INSIDE_INDEX, INSIDE_LAYER, INSIDE_UNIT, INSIDE_MAP, INSIDE_FOOL),
    *(each for each in INSIDE_ATTACK if isinstance(each, Key)),
    *(INSIDE_BREAK, INSIDE_BREAK_WHERE, INSIDE_BREAK_SHARE, INSIDE_BREAK_NOISE),
    *(INSIDE_BREAK_SEED, INSIDE_BREAK_TAPPED),
    *(
        DRAW_MORE,
        EVALUATE_LOOK,
        EVALUATE_TRUE,
        EVALUATE_PREDICTED,
        EVALUATE_CORRUPTION,
        *SEVERITIES,
    ),
}
_OLD_NAMES = {("Inside", "index"): INSIDE_INDEX, ("Evaluate", "shift"): "translate"}


def is_in_address(name: str) -> bool:
    """Whether an address may say this, on some page, today."""
    return name in _ADDRESS or name.startswith(tuple(f"{preset} " for preset in PRESETS))


def follow_lesson() -> tuple[str, int]:
    """The name and the step of the lesson that is given, if any; it stays in the address.

    What the address says counts, letter by letter, whatever it is.
    """
    if (asked := LESSON.asked()) is not None:
        LESSON.set(asked)
        LESSON_STEP.set(asked_step())
        if LESSON_STEP.asked() and LESSON_ENTERED.get() != (asked, asked_step()):
            # From step to step on one page, the browser's address would stay behind.
            st.query_params[LESSON_STEP] = str(asked_step())
    elif LESSON.get():
        LESSON.tell(LESSON.get())
        LESSON_STEP.tell(str(LESSON_STEP.get()))
    return LESSON.get(), LESSON_STEP.get()


def asked_step() -> int:
    """The step of a lesson for which the address asks, from 1 on."""
    text = LESSON_STEP.asked() or ""
    return max(1, int(text)) if re.fullmatch("[0-9]{1,4}", text) else 1


def leave_lesson() -> None:
    """Give no lesson any more."""
    LESSON.pop()
    LESSON_STEP.pop()
    LESSON.tell(None)
    LESSON_STEP.tell(None)


def translate_address(page: str) -> bool:
    """Put today's names in place of old ones in the address; whether it has changed.

    A number without end is left out: Streamlit breaks off over it.
    """
    asked = st.query_params.to_dict()
    now = {name: value for name, value in asked.items() if not _is_infinite(value)}
    for (where, old), name in _OLD_NAMES.items():
        if where == page and old in now:
            now.setdefault(name, now.pop(old))
    if page == "Train" and TRAIN_PRESET in now:
        now[TRAIN_PRESET] = PRESET_IDS.get(now[TRAIN_PRESET], now[TRAIN_PRESET])
    if now != asked:
        st.query_params.from_dict(now)
    return now != asked


def _is_infinite(value: str) -> bool:
    with suppress(ValueError):
        return math.isinf(float(value))
    return False


def forget_what_the_address_names(page: str) -> None:
    """So that the address counts, and not what the page's widgets were left at."""
    form = tuple(f"{preset} " for preset in PRESETS) if page == "Train" else ()
    for name in st.query_params:
        if name in _ADDRESS or name.startswith(form):
            Key(name, None).pop()


def forget_addresses() -> None:
    """Whatever an address can name, on any page."""
    for name in [str(key) for key in st.session_state if is_in_address(str(key))]:
        Key(name, None).pop()

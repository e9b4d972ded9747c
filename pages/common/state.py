"""What is kept of a visit: every key of the session state, once, by page, with its type.

A widget's key is also its name in the address where it is bound to it, so the names of these are
a contract: links that somebody has kept shall go on working.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import streamlit as st

from mnistcore.presets import PRESETS

if TYPE_CHECKING:  # torch takes seconds to import
    from mnistcore.demos.single_neuron import NeuronState
    from mnistcore.drawing.strokes import Stroke
    from mnistcore.runs.store import Run
    from mnistcore.training.finetune_session import FineTuneSession, LabeledDrawing
    from mnistcore.training.trials import TrialResult

T = TypeVar("T")


@dataclass(frozen=True)
class Key(Generic[T]):
    """One value of the session state: its name there, and what it is before it is set."""

    name: str
    default: T

    def get(self) -> T:
        """The value, or the default."""
        return st.session_state.get(self.name, self.default)

    def set(self, value: T) -> None:
        """Keep this value; not once a widget with this key is drawn, but in its callbacks."""
        st.session_state[self.name] = value

    def setdefault(self, value: T) -> T:
        """The value; if there is none, keep this one."""
        if not self.exists():
            self.set(value)
        return self.get()

    def pop(self) -> T:
        """The value, or the default, and forget it."""
        value = self.get()
        if self.exists():
            del st.session_state[self.name]
        return value

    def exists(self) -> bool:
        """Whether it is set."""
        return self.name in st.session_state

    def kept(self) -> dict[str, Any]:
        """Arguments for a widget whose value outlives its page."""
        return {"key": self.name, "persist_state": "session"}

    def bound(self) -> dict[str, Any]:
        """Arguments for a widget that, besides, stands in the address, and is set by it."""
        return {**self.kept(), "bind": "query-params"}

    def asked(self) -> str | None:
        """What the address says, letter by letter; None if it does not name this."""
        return st.query_params.get(self.name)

    def tell(self, text: str | None) -> None:
        """Put this into the address, where no widget does so; None takes it out."""
        if text is None:
            st.query_params.pop(self.name, None)
        elif self.asked() != text:
            st.query_params[self.name] = text


def _widget(name: str) -> Key[Any]:
    """The key of a widget, of whose value only its module knows."""
    return Key(name, None)


# Every page
PAGE = Key[str | None]("_page", None)  # the title of the page that was run last
VISITOR = Key[str]("_visitor", "")
KEEP_VISITOR = _widget("keep_visitor")
BETWEEN_PAGES = _widget("between_pages")
TRY_THE_DOWNLOAD_AGAIN = _widget("try_the_download_again")

# Draw, Inside and Evaluate: the network that reads
MODEL = Key[str]("model", "")
SNAPSHOTS = Key[Mapping[str, int]](
    "held", {}
)  # by network, when the weights that it shows were written


def renew(model_id: str) -> Key[Any]:
    """The button for a learning network's newest weights."""
    return _widget(f"renew {model_id}")


# Home
HOME_FIRST_SCREEN_SEEN = Key[bool]("first screen seen", False)
HOME_HERO = _widget("story")
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


IDEA_1_DIGITS = _widget("idea 1 digits")
IDEA_1_GAME = Key("idea 1 game", GuessingGame())
IDEA_1_SAID = _widget("idea 1 said")
IDEA_2_SECONDS = _widget("idea 2 seconds")
IDEA_2_FALL = _widget("idea 2 fall")
IDEA_2_PAIR = _widget("idea 2 pair")
IDEA_2_MEASURE = _widget("idea 2 measure")
IDEA_2_JUDGED = _widget("idea 2 judged")
IDEA_2_WRONG = _widget("idea 2 wrong")
IDEA_3_UNIT: Key[NeuronState | None] = Key("idea 3 unit", None)
IDEA_3_SEED = Key[int]("idea 3 seed", 1)
IDEA_3_RATE = Key[float]("idea 3 rate", 0.1)
IDEA_3_SAID = _widget("idea 3 said")
IDEA_3_CHART = _widget("idea 3 chart")
IDEA_4_DIGITS = _widget("idea 4 digits")
IDEA_4_UNIT = Key[ChosenUnit | None]("idea 4 unit", None)
IDEA_5_CONVOLUTIONS = _widget("idea 5 conv")
IDEA_5_ACTIVATION = _widget("idea 5 activation")
IDEA_5_DENSE = _widget("idea 5 dense")
IDEA_5_WIDTH = _widget("idea 5 width")
IDEA_5_SAID = _widget("idea 5 said")
IDEA_6_TRIED = Key[tuple[Attempt, ...]]("idea 6 tried", ())
IDEA_6_RATE = _widget("idea 6 rate")
IDEA_6_WIDTH = _widget("idea 6 width")
IDEA_6_SAID = _widget("idea 6 said")
IDEA_7_TRAINED: Key[Mapping[str, TrialResult]] = Key("idea 7 trained", {})
IDEA_7_LAST = Key[str | None]("idea 7 last", None)
IDEA_7_SAID = _widget("idea 7 said")
IDEA_8_DIGITS = _widget("idea 8 digits")
IDEA_8_KIND = _widget("idea 8 kind")
IDEA_8_SAID = _widget("idea 8 said")
IDEA_9_STEP = Key[str | None]("idea 9 step", None)
IDEA_9_NEXT = _widget("idea 9 next")
IDEA_9_SAID = _widget("idea 9 said")
IDEA_9_IMAGE = _widget("idea 9 image")
IDEA_9_BATCH = _widget("idea 9 batch")


def idea_1_guess(turn: int) -> Key[str | None]:
    """The guess in this turn."""
    return Key(f"idea 1 guess {turn}", None)


def idea_2_low(pair: tuple[int, int]) -> Key[Any]:
    """What little of the measure means, of these two digits."""
    return _widget(f"idea 2 low {pair}")


def idea_2_limit(measure: str) -> Key[int | None]:
    """Where the visitor's rule divides this measure."""
    return Key(f"idea 2 limit {measure}", None)


def idea_4_layer(name: str) -> Key[Any]:
    """The squares of a layer."""
    return _widget(f"idea 4 {name}")


def idea_7_train(name: str) -> Key[Any]:
    """The button that trains one of the three."""
    return _widget(f"idea 7 {name}")


def idea_8_severity(corruption: str) -> Key[float | None]:
    """How much of this corruption."""
    return Key(f"idea 8 {corruption}", None)


# Explore
EXPLORE_PART = Key[str]("set", "training")
EXPLORE_DIGIT = Key[str]("digit", "all")
EXPLORE_PAGE = Key[int]("page", 1)
EXPLORE_INDEX = Key[int]("index", 0)
EXPLORE_VIEW = Key[str]("view", "All together")
EXPLORE_SHUFFLE = Key[int]("shuffle", 0)  # the seed of the order, 0 for their own
EXPLORE_NUMBERS = Key[bool]("numbers", True)
EXPLORE_PIXELS = _widget("pixels")
EXPLORE_TILES = _widget("tiles")
EXPLORE_AVERAGES = _widget("averages")
EXPLORE_TYPICAL = _widget("typical")
EXPLORE_ODDEST = _widget("oddest")
EXPLORE_AUGMENTED = _widget("changed")
EXPLORE_AUGMENTATION_SEED = Key[int]("changes", 0)

# Train
TRAIN_RUN = Key[str | None]("run", None)  # the id of the run that is open
TRAIN_PRESET = Key[str]("preset", "fast")
TRAIN_FORM_OPEN = Key[bool]("recipe open", False)
TRAIN_REFUSED = Key[str]("refused", "")
TRAIN_IN_VIEW = _widget("run in view")
TRAIN_RENAME = _widget("rename")
TRAIN_ALL_RUNS = Key[bool]("all runs", False)
TRAIN_STEERING_REFUSED = Key[str]("steering refused", "")
TRAIN_CLOSER = Key[bool]("closer", False)
TRAIN_COMPARED = Key[Sequence[str]]("compare", ())
TRAIN_NARRATOR = _widget("narrator")
TRAIN_ACCURACY = _widget("accuracy")
TRAIN_LOSS = _widget("loss")


def train_field(preset: str, name: str) -> Key[Any]:
    """A field of the form for a preset's recipe, `name` as in `links.FIELDS`."""
    return _widget(f"{preset} {name}")


def train_fields_asked(preset: str) -> bool:
    """Whether the address asks for something in the form for this preset."""
    return any(name.startswith(f"{preset} ") for name in st.query_params)


def train_open(run_id: str) -> Key[Any]:
    """The button that opens a run."""
    return _widget(f"open {run_id}")


def train_steer(label: str) -> Key[Any]:
    """A button that steers the run."""
    return _widget(f"steer {label}")


# Draw
DRAW_SHEET = Key[Any]("sheet", None)  # what the browser says
DRAW_STROKES: Key[Sequence[Stroke]] = Key("drawing", ())
DRAW_WIDTHS = Key[Sequence[float]]("drawing_widths", ())  # of the strokes
DRAW_PLACE = Key[tuple[int, int]]("drawing_place", (0, 0))  # of the first stroke, and its turn
DRAW_PEN = Key[float]("pen", 20.0)
DRAW_MORE = Key[str | None]("more", None)
DRAW_CAMERA = _widget("camera")
DRAW_WHY_PICTURE = Key[bool]("why this picture", False)
DRAW_NEWS = Key[str]("lesson news", "")
DRAW_MEANT = Key[int | None]("was", None)  # the digit that a drawing was meant to be
DRAW_LESSONS: Key[list[LabeledDrawing] | None] = Key("lessons", None)
DRAW_SKIPPED = Key[frozenset[int]]("skipped", frozenset())
DRAW_BOOK = _widget("book")
DRAW_BEFORE_AND_AFTER = _widget("before and after")
# Begun, and the network that it will take the place of; None until the page runs next.
DRAW_TEACHING: Key[tuple[FineTuneSession, Run | None] | None] = Key("teaching", None)


def draw_why_not(picture: str) -> Key[int | None]:
    """The digit that a picture, "drawn" or "read", was not taken for."""
    return Key(f"why_not_{picture}", None)


def draw_alike(picture: str) -> Key[Any]:
    """The training images that are like it."""
    return _widget(f"alike {picture}")


# Inside
INSIDE_PICTURE = Key[str]("picture", "Test image")
INSIDE_INDEX = Key[int]("test_image", 0)
INSIDE_LAYER = Key[str]("layer", "")
INSIDE_UNIT = Key[int]("unit", 0)
INSIDE_MAP = Key[str]("map", "PCA")
INSIDE_PICTURE_IN_VIEW = _widget("picture in view")
INSIDE_UNIT_IN_VIEW = _widget("unit in view")
INSIDE_MAX_ACTIVATIONS = _widget("favourites")
INSIDE_EMBEDDING = _widget("atlas")


def inside_tiles(layer: str, what: str) -> Key[Any]:
    """The squares of a layer: what its units say, or look for."""
    return _widget(f"{layer} {what}")


def inside_place(axis: str, spot: str) -> Key[int | None]:
    """Row or column in the map of a unit, of what is called `spot`."""
    return Key(f"{axis} {spot}", None)


def inside_input_map(spot: str) -> Key[int | None]:
    """Which of the maps that it reads is shown."""
    return Key(f"map {spot}", None)


# Evaluate
@dataclass(frozen=True)
class Quiz:
    """Would you have known? How far it is, for one network at one time."""

    of: tuple[str, int]
    turn: int = 0
    guessed: int = 0
    knew: int = 0
    guess: int | None = None  # in this turn


SEVERITIES = ("rotate", "translate", "scale", "thicken", "blur", "noise", "invert")
EVALUATE_LOOK = Key[str]("look", "Mistakes")
EVALUATE_TRUE = Key[int]("true", 0)
EVALUATE_PREDICTED = Key[int]("said", 0)
EVALUATE_CORRUPTION = Key[str]("kind", "turn")
EVALUATE_SEVERITY_SEEN = Key[tuple[str, float] | None]("snow at", None)
EVALUATE_RIVAL = Key[str | None]("against", None)
EVALUATE_RANGE = _widget("range")
EVALUATE_QUIZ = Key[Quiz | None]("quiz", None)
EVALUATE_QUIZ_PICTURE = _widget("quiz picture")
EVALUATE_MISTAKES_PAGE = Key[int]("mistakes page", 1)
EVALUATE_MISTAKES = _widget("mistakes")
EVALUATE_CELL = _widget("behind")
EVALUATE_MATRIX = _widget("matrix")


def evaluate_severity(corruption: str) -> Key[float | None]:
    """How much of this corruption, by its name in the address."""
    return Key(corruption, None)


def evaluate_answers(model_id: str) -> Key[Any]:
    """Some corrupted images, as this network reads them."""
    return _widget(f"snow {model_id}")


def evaluate_guess(turn: int) -> Key[int | None]:
    """The guess in this turn of the quiz."""
    return Key(f"guess {turn}", None)


def evaluate_chosen(grid: Key[Any]) -> Key[int | None]:
    """The test image of a grid that is shown large."""
    return Key(f"{grid.name} chosen", None)


def evaluate_large(grid: Key[Any]) -> Key[Any]:
    """That image."""
    return _widget(f"{grid.name} large")


# The address
_NAMES: dict[str, tuple[Key[Any], ...]] = {
    "Explore": (EXPLORE_PART, EXPLORE_DIGIT, EXPLORE_PAGE, EXPLORE_INDEX, EXPLORE_VIEW),
    "Train": (TRAIN_RUN, TRAIN_PRESET),
    "Draw": (MODEL,),
    "Inside": (MODEL, INSIDE_PICTURE, INSIDE_INDEX, INSIDE_LAYER, INSIDE_UNIT, INSIDE_MAP),
    "Evaluate": (
        *(MODEL, EVALUATE_LOOK, EVALUATE_TRUE, EVALUATE_PREDICTED, EVALUATE_CORRUPTION),
        *map(evaluate_severity, SEVERITIES),
    ),
}
# What was called otherwise before: by page, the old name.
_OLD_NAMES: dict[str, dict[str, Key[Any]]] = {
    "Inside": {"index": INSIDE_INDEX},
    "Evaluate": {"shift": evaluate_severity("translate")},
}
_OLD_PRESETS = {preset.title: name for name, preset in PRESETS.items()}


def translate_address(page: str) -> bool:
    """Put today's names in place of old ones in the address; whether there were any."""
    asked = st.query_params.to_dict()
    now = dict(asked)
    for old, key in _OLD_NAMES.get(page, {}).items():
        if old in now:
            now.setdefault(key.name, now.pop(old))
    preset = now.get(TRAIN_PRESET.name)
    if page == "Train" and preset in _OLD_PRESETS:
        now[TRAIN_PRESET.name] = _OLD_PRESETS[preset]
    if now != asked:
        st.query_params.from_dict(now)
    return now != asked


def forget_what_the_address_names(page: str) -> None:
    """So that the address counts, and not what the page's widgets were left at."""
    mine = {key.name for key in _NAMES.get(page, ())}
    for name in st.query_params:
        in_form = page == "Train" and name.startswith(tuple(f"{preset} " for preset in PRESETS))
        if name in mine or in_form:
            Key(name, None).pop()

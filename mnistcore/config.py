"""What is trained, and how: the settings of NetworkConfig and TrainConfig, without torch."""

import itertools
import math
import re
import reprlib
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Annotated, Any, Literal, NamedTuple

from mnistcore.errors import MnistError, NetworkError, TrainingError
from mnistcore.serialization import NEEDED, Range, structure

IMAGE_SIZE = 28  # pixels: every picture in this project is IMAGE_SIZE x IMAGE_SIZE
NUM_CLASSES = 10
Digit = Annotated[int, Range(0, NUM_CLASSES - 1)]
MAX_LAYERS = 8  # of each kind, convolutions and dense layers
MAX_PARAMS = 5_000_000  # more than this would take a laptop minutes per epoch

# What one run may take from a machine that others share. The notebook's network needs a tenth of
# both: 0.13e14 multiplications for 100 epochs, 24e6 activations for 512 images at a time.
MAX_TRAIN_MULT_ADDS = 1e14  # forward, in the whole run: one to three hours of one processor thread
MAX_BATCH_ACTIVATIONS = 250e6  # between the layers, for one batch: 1 GB
MAX_IMAGE_ACTIVATIONS = 2.5e6  # likewise for one image: networks judge a hundred at a time

HELP = {  # what each setting does, for visitors and for the command line
    "activation": "The bend after each layer. ReLU turns negative numbers into zero; with none, "
    "any number of layers can do no more than one.",
    "dropout": "The share of units that is switched off at random in each step, so that the "
    "network cannot rely on a few of them. Helps against learning by heart.",
    "batch_norm": "Brings the numbers inside the network to a common scale; often learns faster.",
    "epochs": "How many times the network sees every training image.",
    "train_size": "With few images, a network learns them by heart instead of learning to read.",
    "batch_size": "After looking at so many images, every weight is changed a little. Small "
    "batches change them often, large ones more surely.",
    "optimizer": "The rule by which the weights follow the error downhill.",
    "learning_rate": "How big the changes are. Too small and it takes for ever; too big and it "
    "never settles. Try 1 to see it fail.",
    "schedule": "One-cycle starts gently, speeds up, and ends with ever smaller steps.",
    "momentum": "How much of the last steps' direction is kept (Adam's first beta).",
    "beta2": "Adam's second beta, RMSprop's alpha.",
    "weight_decay": "Pulls every weight a little towards zero: prefers simple answers.",
    "label_smoothing": "Asks for 95 % certainty instead of 100 %, say, which keeps the network "
    "modest.",
    "augmentation": "Turns, stretches and moves every training image a little, differently each "
    "time, so that the network meets more ways of writing.",
    "kind": "Damages what the network learns from, never the test images, and so shows what a "
    "network is worth whose data is wrong, lopsided or of another look.",
    "digit": "The digit that is meant.",
    "other": "The digit with which it is swapped.",
    "share": "How much of it.",
    "seed": "Chance plays a part. The same seed plays it the same way again.",
    "device": "Where it is trained.",
    "precision": "Whether layers multiply in 16 bits.",
    "threads": "Processor threads.",
}


@dataclass(frozen=True)
class Setting:
    """One setting: what is accepted, what the form offers of it, and the words for it."""

    label: str  # on the form
    noun: str = ""  # in what is said of a value that is refused; if left out, the label
    low: float = -math.inf  # the range that is accepted, both ends included
    high: float = math.inf
    choices: tuple[str, ...] = ()  # all that is accepted, of a name
    stops: tuple[Any, ...] = ()  # what the form offers of a number; None is "all"
    shown: tuple[float, float] | None = None  # the range that the form offers
    step: float | None = None  # between two values on the form
    on_form: bool = True  # else it is for the command line alone
    help: str = ""  # from HELP

    @property
    def switches_on(self) -> str | None:
        """The one choice beside "none", of a name that the form shows as a switch."""
        return self.choices[1] if len(self.choices) == 2 and self.choices[0] == "none" else None


def _setting(default: Any, label: str, noun: str = "", **more: Any) -> Any:
    return field(default=default, metadata={"setting": Setting(label, noun, **more)})


def settings(kind: type) -> dict[str, Setting]:
    """The settings of NetworkConfig or TrainConfig by the name of their field, in order."""
    return {
        each.name: replace(each.metadata["setting"], help=HELP[each.name])
        for each in fields(kind)
        if "setting" in each.metadata
    }


class Conv(NamedTuple):
    """Convolution: `filters` maps, each through `kernel_size` x `kernel_size` pixels."""

    filters: int
    kernel_size: int
    pool: bool = True  # 2 x 2 max pooling after it, which halves height and width
    padding: bool = False  # keep height and width by a border of zeros


@dataclass(frozen=True)
class NetworkConfig:
    """The architecture; the defaults are the notebook's network."""

    convolutions: tuple[Conv, ...] = field(
        default=(Conv(32, 5), Conv(32, 5), Conv(64, 3)), metadata=NEEDED
    )
    # Widths of the hidden dense layers.
    dense: tuple[int, ...] = field(default=(64,), metadata=NEEDED)
    activation: str = _setting(  # after every layer but the last
        "ReLU",
        "Activation",
        choices=("ReLU", "LeakyReLU", "GELU", "SiLU", "Tanh", "Sigmoid", "none"),
    )
    # Before dense layers, in training.
    dropout: float = _setting(0.0, "Dropout", shown=(0.0, 0.8), step=0.05)
    batch_norm: bool = _setting(False, "Batch normalisation")

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "NetworkConfig":
        """The inverse of `dataclasses.asdict`, also after a trip through JSON."""
        try:
            config: NetworkConfig = structure(cls, values)
        except ValueError as error:
            raise NetworkError(
                f"This is not the description of a network ({error}): begin with a preset."
            ) from error
        return config


class DefectKind(NamedTuple):
    """One way in which training data can be spoiled, and what it needs to be told."""

    title: str  # on the form
    text: str  # in a few words, of {percent}, {digit} and {other}
    term: str = ""  # as the field has it
    why: str = ""  # likewise, why the test suffers: the rest of a sentence
    digits: int = 0  # whether it needs `digit` (1), and `other` (2)
    share: str = ""  # what its share is one of; empty if it needs none
    start: float = 1.0  # the share at first

    @property
    def needs(self) -> list[str]:
        """The fields of a Defect that this kind needs, as the command line takes them in turn."""
        return [*("digit", "other")[: self.digits], *["share"] * bool(self.share)]


DEFECTS: dict[str, DefectKind] = {
    "none": DefectKind("nothing", "clean data"),
    "label-noise": DefectKind(
        "wrong labels",
        "{percent} % wrong labels",
        "label noise",
        "with so many wrong labels it found little to go by",
        share="of all labels is wrong",
        start=0.4,
    ),
    "swapped-labels": DefectKind(
        "two digits swapped",
        "{digit} and {other} swapped",
        "mislabelled classes",
        "it calls {digit} what is {other} and the other way round, as it was taught",
        digits=2,
    ),
    "missing-class": DefectKind(
        "one digit left out",
        "no {digit}",
        "a missing class",
        "it has never seen the {digit}, and the test has it",
        digits=1,
    ),
    "class-imbalance": DefectKind(
        "few of one digit",
        "only {percent} % of the {digit}s",
        "class imbalance",
        "it has hardly seen the {digit}, and the test has as many as of any digit",
        digits=1,
        share="of its images is left",
        start=0.01,
    ),
    "thick-only": DefectKind(
        "only thick hands",
        "only the thickest {percent} %",
        "selection bias",
        "it has seen thick hands only, and the test has others",
        share="of each digit is left",
        start=0.2,
    ),
    "thin-only": DefectKind(
        "only thin hands",
        "only the thinnest {percent} %",
        "selection bias",
        "it has seen thin hands only, and the test has others",
        share="of each digit is left",
        start=0.2,
    ),
    "inverted": DefectKind(
        "inverted images",
        "{percent} % inverted",
        "distribution shift",
        "of what it learned from {percent} % was inverted, and nothing in the test is",
        share="of the images is inverted",
    ),
}


DefectName = Literal[
    "none",
    "label-noise",
    "swapped-labels",
    "missing-class",
    "class-imbalance",
    "thick-only",
    "thin-only",
    "inverted",
]


@dataclass(frozen=True)
class Defect:
    """What is wrong with the training data, see data/defects.py; without one it is false.

    What its kind does not need stays at its default.
    """

    kind: DefectName = _setting("none", "Spoil the data", choices=tuple(DEFECTS))
    digit: Digit = _setting(7, "Digit", "The digit", low=0, high=9)
    other: Digit = _setting(1, "with", "The other digit", low=0, high=9)
    share: Annotated[float, Range(0.001, 1)] = _setting(
        1.0,
        "Share",
        "The share that is spoiled or left",
        low=0.001,
        high=1.0,
        stops=(0.001, 0.01, 0.02, 0.05, *(n / 10 for n in range(1, 11))),
    )

    def __bool__(self) -> bool:
        return self.kind != "none"

    def __str__(self) -> str:
        """In a few words: "40 % wrong labels"."""
        return self._fill(DEFECTS[self.kind].text)

    @property
    def why(self) -> str:
        """Why the test suffers from it: "it has never seen the 7, and the test has it"."""
        return self._fill(DEFECTS[self.kind].why)

    @property
    def leaves_out(self) -> bool:
        """Whether some images are not taught at all, so that the others come more often."""
        return self.kind in ("missing-class", "class-imbalance", "thick-only", "thin-only")

    @property
    def relabels(self) -> bool:
        """Whether some images are taught with another label than their own."""
        return self.kind in ("label-noise", "swapped-labels")

    def _fill(self, words: str) -> str:
        percent = f"{100 * self.share:g}"
        return words.format(percent=percent, digit=self.digit, other=self.other)


@dataclass(frozen=True)
class TrainConfig:
    """A recipe: network, optimizer, schedule, data, seed. The defaults are the notebook's."""

    network: NetworkConfig = field(default_factory=NetworkConfig, metadata=NEEDED)
    epochs: float = _setting(  # 0.5 is half of the training images
        2, "Epochs", "The number of epochs", low=0.01, high=1000, shown=(0.1, 100.0), step=1.0
    )
    train_size: int | None = _setting(  # None is all
        None,
        "Training images",
        "The number of training images",
        low=10,
        high=10**9,
        stops=(100, 500, 1_000, 5_000, 10_000, None),
    )
    batch_size: int = _setting(
        8,
        "Images per step (batch size)",
        "The batch size",
        low=1,
        high=10_000,
        stops=tuple(2**power for power in range(10)),
    )
    optimizer: str = _setting(
        "Adam", "Optimiser", choices=("Adam", "AdamW", "SGD with momentum", "RMSprop")
    )
    learning_rate: float = _setting(  # the highest that the schedule reaches
        1e-3,
        "Learning rate",
        "The learning rate",
        low=1e-7,
        high=100,
        stops=(*(float(f"{d}e-{p}") for p in (5, 4, 3, 2, 1) for d in (1, 2, 3, 5, 8)), 1.0),
    )
    schedule: str = _setting(
        "constant", "Learning-rate schedule", "schedule", choices=("constant", "one-cycle")
    )
    momentum: float = _setting(0.9, "Momentum", low=0, high=0.9999, shown=(0.0, 0.99), step=0.01)
    beta2: float = _setting(0.999, "The second beta", low=0, high=0.999999, on_form=False)
    weight_decay: float = _setting(
        0.0, "Weight decay", low=0, high=10, stops=(0.0, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
    )
    label_smoothing: float = _setting(
        0.0, "Label smoothing", low=0, high=0.9, shown=(0.0, 0.3), step=0.01
    )
    augmentation: str = _setting("none", "Augmentation", choices=("none", "affine"))
    defect: Defect = Defect()  # of the training images, never of the test
    seed: int = _setting(1, "Seed", "The seed", low=0, high=2**32 - 1, shown=(0, 2**31), step=1)
    device: str = _setting("auto", "Device", choices=("auto", "cpu", "cuda", "mps"), on_form=False)
    # Weights, loss and optimizer keep their 32 bits in any case.
    precision: str = _setting(
        "float32", "Precision", choices=("float32", "bfloat16", "auto"), on_form=False
    )
    threads: int | None = _setting(  # None leaves the choice to the machine
        None, "The number of threads", low=1, high=1024, on_form=False
    )

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainConfig":
        """The inverse of `dataclasses.asdict`, also after a trip through JSON."""
        try:
            config: TrainConfig = structure(cls, values)
        except ValueError as error:
            raise TrainingError(f"This is not a recipe ({error}): begin with a preset.") from error
        return config


@dataclass(frozen=True)
class LayerSummary:
    """One layer: its kind and arguments as torch has them, what comes out, and what it costs."""

    kind: str  # input, conv, norm, activation, pool, dropout, flatten or dense
    text: str  # "conv 32@5x5"
    shape: tuple[int, ...]  # of what comes out, without the batch: (32, 24, 24)
    num_params: int = 0
    args: tuple[Any, ...] = ()  # of the torch module, in its order


def layer_summary(config: NetworkConfig) -> list[LayerSummary]:
    """Every layer, from 28 x 28 pixels to 10 logits; NetworkError where one does not fit."""
    return list(_layers(config))


def count_parameters(config: NetworkConfig) -> int:
    """How many numbers such a network learns, without building it."""
    return sum(layer.num_params for layer in layer_summary(config))


def count_mult_adds(config: NetworkConfig) -> int:
    """How many multiplications with an addition it takes to read one image."""
    # Every place of a map uses the same weights again.
    return sum(each.num_params * math.prod(each.shape[1:]) for each in layer_summary(config))


def _count_activations(config: NetworkConfig) -> int:
    return sum(math.prod(layer.shape) for layer in layer_summary(config))


def _layers(config: NetworkConfig) -> Iterator[LayerSummary]:
    channels, side = 1, IMAGE_SIZE
    yield LayerSummary("input", f"{side}x{side}", (channels, side, side))
    for number, (filters, size, pool, padding) in enumerate(config.convolutions, 1):
        border = size // 2 if padding else 0
        if size > side and not padding:
            raise NetworkError(
                f"Convolution {number} looks through a {size} x {size} window, but only {side} x "
                f"{side} pixels are left there: use a smaller window, fewer convolutions, or no "
                "pooling before it."
            )
        side += 2 * border - size + 1
        shape, num_params = (filters, side, side), channels * filters * size**2 + filters
        args = (channels, filters, size, 1, border)
        yield LayerSummary("conv", f"conv {filters}@{size}x{size}", shape, num_params, args)
        yield from _after_weights(config, shape)
        channels = filters
        if pool:
            if side < 2:
                raise NetworkError(
                    f"After convolution {number} there is one pixel left, too little to halve: "
                    "switch its pooling off, or use fewer convolutions."
                )
            side //= 2
            yield LayerSummary("pool", "pool 2x2", (channels, side, side), args=(2,))
    widths = (channels * side * side, *config.dense, NUM_CLASSES)
    yield LayerSummary("flatten", "flatten", (widths[0],))
    for number, (inputs, width) in enumerate(itertools.pairwise(widths)):
        if config.dropout:
            text = f"dropout {config.dropout:g}"
            yield LayerSummary("dropout", text, (inputs,), args=(config.dropout,))
        num_params = inputs * width + width
        yield LayerSummary("dense", f"dense {width}", (width,), num_params, (inputs, width))
        if number < len(config.dense):
            yield from _after_weights(config, (width,))


def _after_weights(config: NetworkConfig, shape: tuple[int, ...]) -> Iterator[LayerSummary]:
    if config.batch_norm:
        yield LayerSummary("norm", "batch norm", shape, 2 * shape[0], (shape[0],))
    if config.activation != "none":
        yield LayerSummary("activation", config.activation, shape)


def check_network(config: NetworkConfig) -> None:
    """Refuse, with NetworkError in words, what cannot be built or would never finish."""
    _check_settings(config, NetworkError)
    if not 0 <= config.dropout < 1:
        raise NetworkError("Dropout is a share of the units: use a number from 0 to below 1.")
    if len(config.convolutions) > MAX_LAYERS or len(config.dense) > MAX_LAYERS:
        raise NetworkError(f"Use at most {MAX_LAYERS} convolutions and {MAX_LAYERS} dense layers.")
    sizes = [size for conv in config.convolutions for size in conv[:2]] + list(config.dense)
    if any(not isinstance(size, int) or not 1 <= size <= MAX_PARAMS for size in sizes):
        raise NetworkError(
            "Filters, windows and widths are whole numbers of 1 or more, and no more than "
            f"{MAX_PARAMS:,}."
        )
    if any(conv.padding and conv.kernel_size % 2 == 0 for conv in config.convolutions):
        raise NetworkError("A convolution with a border needs an odd window, such as 3 or 5.")
    if (count := count_parameters(config)) > MAX_PARAMS:
        raise NetworkError(
            f"This network has {count:,} weights, more than the {MAX_PARAMS:,} that train in "
            "reasonable time here: make its layers narrower."
        )
    if (activations := _count_activations(config)) > MAX_IMAGE_ACTIVATIONS:
        raise NetworkError(
            f"This network makes {activations:,} numbers of every image, more than the "
            f"{MAX_IMAGE_ACTIVATIONS:,.0f} that there is memory for: use fewer filters, or halve "
            "the picture earlier."
        )


def check(config: TrainConfig, images: int = 60_000) -> None:
    """Refuse, with NetworkError or TrainingError, what cannot work on so many images in time."""
    check_network(config.network)
    _check_settings(config, TrainingError)
    _check_settings(config.defect, TrainingError)
    if config.defect.kind == "swapped-labels" and config.defect.digit == config.defect.other:
        raise TrainingError("A digit cannot be swapped with itself: name two of them.")
    if config.network.batch_norm and config.batch_size == 1:
        raise TrainingError(
            "Batch normalisation compares the images of a batch: use a batch size of 2 or more, "
            "or switch it off."
        )
    # What would take the machine from everybody else.
    images = min(config.train_size or images, images)
    activations = _count_activations(config.network)
    batch = min(config.batch_size, images)
    if batch * activations > MAX_BATCH_ACTIVATIONS:
        raise TrainingError(
            f"{batch:,} images at a time take {4e-9 * batch * activations:.1f} GB of memory in "
            f"this network: use a batch size of {MAX_BATCH_ACTIVATIONS // activations:.0f} or "
            "less, or fewer filters."
        )
    epochs = MAX_TRAIN_MULT_ADDS / (count_mult_adds(config.network) * images)
    if config.epochs > epochs:
        raise TrainingError(
            f"{config.epochs:g} epochs of {images:,} images take too long in this network: use "
            f"{math.floor(10 * epochs) / 10:g} epochs or less, fewer images, fewer filters, or "
            "halve the picture earlier."
        )


def planned_images(config: TrainConfig, images: int) -> int:
    """Training images that it looks at when there are so many, repeats included: full batches."""
    images = min(config.train_size or images, images)
    batch = min(config.batch_size, images)
    return batch * max(1, round(config.epochs * (images // batch)))


def _check_settings(config: NetworkConfig | TrainConfig | Defect, error: type[MnistError]) -> None:
    for name, setting in settings(type(config)).items():
        value, what = getattr(config, name), setting.noun or setting.label
        told = reprlib.repr(value)
        if setting.choices and value not in setting.choices:
            known = ", ".join(setting.choices)
            raise error(f"There is no {what.lower()} {told}: use one of {known}.")
        # False for NaN, too.
        if isinstance(value, int | float) and not setting.low <= value <= setting.high:
            raise error(f"{what} must be from {setting.low:,} to {setting.high:,}, not {told}.")


def parse_convolutions(text: str) -> tuple[Conv, ...]:
    """ "32@5,64@3" -> two convolutions with pooling; "32@3p!" pads and does not pool."""
    convolutions = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = re.fullmatch(r"(\d{1,5})@(\d{1,2})(p?)(!?)", part)
        if not match:
            raise NetworkError(
                f"{reprlib.repr(part)} is not a convolution: write filters@window, as in 32@5, "
                "with a p after it to pad and a ! to leave out the pooling."
            )
        filters, kernel_size, padding, bare = match.groups()
        convolutions.append(Conv(int(filters), int(kernel_size), not bare, bool(padding)))
    return tuple(convolutions)


def parse_defect(text: str) -> Defect:
    """ "class-imbalance=7,0.05" -> that share of sevens; what is left out is as the form begins."""
    kind, _, given = text.partition("=")
    if kind not in DEFECTS:
        known = ", ".join(DEFECTS)
        raise TrainingError(f"There is no way to spoil data {reprlib.repr(kind)}: use {known}.")
    needs, values = DEFECTS[kind].needs, [part for part in given.split(",") if part]
    told: dict[str, Any] = {"kind": kind, "share": DEFECTS[kind].start}
    try:
        for name, value in zip(needs, values, strict=len(values) > len(needs)):
            told[name] = float(value) if name == "share" else int(value)
    except ValueError:
        raise TrainingError(
            f"{reprlib.repr(text)} spoils nothing: write {defect_form(kind)}."
        ) from None
    return Defect(**told)


def defect_form(kind: str) -> str:
    """How the command line writes a kind of defect: "class-imbalance=DIGIT,SHARE"."""
    return "=".join(filter(None, (kind, ",".join(DEFECTS[kind].needs).upper())))


def parse_dense(text: str) -> tuple[int, ...]:
    """ "64, 32" -> (64, 32), the widths of hidden layers."""
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise NetworkError(
            f"{reprlib.repr(text)} are not widths of layers: write them as in 64,32."
        ) from None

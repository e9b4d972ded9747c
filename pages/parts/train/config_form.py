"""The form in which a visitor chooses what to train: a preset, or a recipe of their own."""

from dataclasses import replace

import streamlit as st

from mnistcore.config import Conv, NetworkConfig, TrainConfig
from mnistcore.models.network import ACTIVATIONS
from mnistcore.presets import PRESETS, scale_epochs
from mnistcore.training.trainer import OPTIMIZERS, SCHEDULES
from pages.common.widgets import one_of

_RATES = [f"{digit}e-{power}" for power in (5, 4, 3, 2, 1) for digit in (1, 2, 3, 5, 8)] + ["1e-0"]
_IN_ADDRESS = {"bind": "query-params", "persist_state": "session"}  # ?plain dense=3, say
_BATCHES = [2**power for power in range(10)]
_SIZES = (100, 500, 1_000, 5_000, 10_000)
_DECAYS = (0.0, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)


def choose_preset() -> str:
    """The name of the recipe to start from."""
    return one_of(
        "Start from a recipe",
        list(PRESETS),
        "fast",
        "preset",
        format_func=lambda name: PRESETS[name].title,
    )


def describe(preset: str, config: TrainConfig, images: int) -> str:
    """What to watch for; of a recipe that was changed, nobody knows beforehand."""
    if config == scale_epochs(PRESETS[preset].config, images):
        return PRESETS[preset].watch_for
    return f"Your own recipe, begun from {PRESETS[preset].title}: nobody knows yet how it will do."


def edit_config(preset: str, images: int) -> TrainConfig:
    """The preset's recipe for so many training images, with what the visitor changes in it."""
    recipe = scale_epochs(PRESETS[preset].config, images)
    # Open where a link asks for something in it, and not closed again while somebody is at it.
    asked = any(name.startswith(f"{preset} ") for name in st.query_params)
    now = st.session_state
    now["recipe open"] = asked or now.get("recipe open", False)
    with st.expander("Change the recipe", now["recipe open"], icon=":material/tune:"):
        left, right = st.columns(2, gap="large")
        with left:
            st.subheader("The network")
            network = _network(preset, recipe.network)
        with right:
            st.subheader("How it learns")
            recipe = _learning(preset, recipe)
        st.caption(
            "These are hyperparameters: nobody knows the best ones beforehand, so people try, "
            "look, and try again."
        )
    return replace(recipe, network=network)


def _network(preset: str, start: NetworkConfig) -> NetworkConfig:
    def key(name: str) -> dict[str, str]:
        return {"key": f"{preset} {name}", **_IN_ADDRESS}

    count = st.slider(
        "Convolution layers",
        0,
        4,
        len(start.convolutions),
        help="Layers that slide small windows over the picture and look for strokes, corners and "
        "loops. With none, the network sees 784 numbers in a row.",
        **key("convolutions"),
    )
    convolutions = []
    for number in range(count):
        default = (*start.convolutions, *[Conv(32, 3)] * 4)[number]
        filters, window, pool = st.columns([2, 2, 2], vertical_alignment="bottom")
        convolutions.append(
            Conv(
                filters.number_input(
                    f"Filters {number + 1}",
                    1,
                    256,
                    default.filters,
                    help="How many different things this layer looks for.",
                    **key(f"filters {number}"),
                ),
                window.selectbox(
                    f"Window {number + 1}",
                    (2, 3, 5, 7),
                    (2, 3, 5, 7).index(default.kernel_size),
                    format_func=lambda side: f"{side} x {side}",
                    help="How many pixels it sees at a time.",
                    **key(f"window {number}"),
                ),
                pool.toggle(
                    "Halve",
                    default.pool,
                    help="Keep the strongest of every 2 x 2 values (max pooling), so that the "
                    "next layer sees more of the digit at once.",
                    **key(f"pool {number}"),
                ),
                default.padding,
            )
        )
    count = st.slider(
        "Dense layers",
        0,
        4,
        len(start.dense),
        help="Layers in which every unit looks at every number of the layer before. The last one, "
        "with ten units for the ten digits, is always there.",
        **key("dense"),
    )
    dense = tuple(
        st.number_input(
            f"Units in dense layer {number + 1}",
            1,
            2048,
            (*start.dense, *[64] * 4)[number],
            **key(f"units {number}"),
        )
        for number in range(count)
    )
    activation = st.selectbox(
        "Activation",
        list(ACTIVATIONS),
        list(ACTIVATIONS).index(start.activation),
        help="The bend after each layer. ReLU turns negative numbers into zero; with none, any "
        "number of layers can do no more than one.",
        **key("activation"),
    )
    dropout = st.slider(
        "Dropout",
        0.0,
        0.8,
        start.dropout,
        0.05,
        help="The share of units that is switched off at random in each step, so that the network "
        "cannot rely on a few of them. Helps against learning by heart.",
        **key("dropout"),
    )
    batch_norm = st.toggle(
        "Batch normalisation",
        start.batch_norm,
        help="Brings the numbers inside the network to a common scale; often learns faster.",
        **key("batch norm"),
    )
    return NetworkConfig(tuple(convolutions), dense, activation, dropout, batch_norm)


def _learning(preset: str, start: TrainConfig) -> TrainConfig:
    def key(name: str) -> dict[str, str]:
        return {"key": f"{preset} {name}", **_IN_ADDRESS}

    epochs = st.number_input(
        "Epochs",
        0.1,
        100.0,
        float(start.epochs),
        1.0,
        format="%g",
        help="How many times the network sees every training image.",
        **key("epochs"),
    )
    # What a preset has of its own is among the choices, too: a slider stands on no other.
    counts = sorted({*_SIZES, start.train_size or _SIZES[0]})
    sizes = {f"{count:,}": count for count in counts} | {"all": None}
    size = st.select_slider(
        "Training images",
        list(sizes),
        next(name for name, count in sizes.items() if count == start.train_size),
        help="With few images, a network learns them by heart instead of learning to read.",
        **key("size"),
    )
    batch = st.select_slider(
        "Images per step (batch size)",
        sorted({*_BATCHES, start.batch_size}),
        start.batch_size,
        help="After looking at so many images, every weight is changed a little. Small batches "
        "change them often, large ones more surely.",
        **key("batch"),
    )
    optimiser = st.selectbox(
        "Optimiser",
        list(OPTIMIZERS),
        list(OPTIMIZERS).index(start.optimizer),
        help="The rule by which the weights follow the error downhill.",
        **key("optimiser"),
    )
    own = next(
        (rate for rate in _RATES if float(rate) == start.learning_rate), f"{start.learning_rate:g}"
    )
    rate = st.select_slider(
        "Learning rate",
        sorted({*_RATES, own}, key=float),
        own,
        format_func=lambda rate: f"{float(rate):g}",
        help="How big the changes are. Too small and it takes for ever; too big and it never "
        "settles. Try 1 to see it fail.",
        **key("rate"),
    )
    schedule = st.selectbox(
        "Learning-rate schedule",
        list(SCHEDULES),
        list(SCHEDULES).index(start.schedule),
        help="One-cycle starts gently, speeds up, and ends with ever smaller steps.",
        **key("schedule"),
    )
    momentum = st.slider(
        "Momentum",
        0.0,
        0.99,
        start.momentum,
        help="How much of the last steps' direction is kept (Adam's first beta).",
        **key("momentum"),
    )
    decay = st.select_slider(
        "Weight decay",
        sorted({*_DECAYS, start.weight_decay}),
        start.weight_decay,
        format_func=lambda decay: f"{decay:g}",
        help="Pulls every weight a little towards zero: prefers simple answers.",
        **key("decay"),
    )
    smoothing = st.slider(
        "Label smoothing",
        0.0,
        0.3,
        start.label_smoothing,
        0.01,
        help="Asks for 95 % certainty instead of 100 %, say, which keeps the network modest.",
        **key("smoothing"),
    )
    augment = st.toggle(
        "Augmentation",
        start.augmentation != "none",
        help="Turns, stretches and moves every training image a little, differently each time, "
        "so that the network meets more ways of writing.",
        **key("augmentation"),
    )
    seed = st.number_input(
        "Seed",
        0,
        2**31,
        start.seed,
        help="Chance plays a part. The same seed plays it the same way again.",
        **key("seed"),
    )
    return replace(
        start,
        epochs=epochs,
        train_size=sizes[size],
        batch_size=batch,
        optimizer=optimiser,
        learning_rate=float(rate),
        schedule=schedule,
        momentum=momentum,
        weight_decay=decay,
        label_smoothing=smoothing,
        augmentation="affine" if augment else "none",
        seed=seed,
    )

"""Inside: one picture's way through a network, number by number, and many pictures as a map."""

from functools import partial

import streamlit as st

from pages.common import model_picker, navigation
from pages.common.datasets import shared_dataset, show_fallback_notice
from pages.common.text import escape_markdown
from pages.common.widgets import one_of

navigation.require_frame(__file__)

st.title("Inside")
st.markdown(
    "A network has no secrets, only many numbers. Follow one picture through it, open up any of "
    "its units, and see on a map how like goes to like."
)
test = shared_dataset().test
show_fallback_notice()

# They bring torch, and the title need not wait for it.
from mnistcore.data.digits import to_float
from mnistcore.drawing.rasterize import from_strokes
from mnistcore.errors import MnistError
from mnistcore.inspection import activations, attribution
from pages.common.canvas import current_strokes
from pages.common.widgets import scroll_into_view
from pages.parts.inside import embedding_map, layer_tiles, unit_arithmetic

TEST, DRAWING = "Test image", "Your drawing"
now = st.session_state
address = {"bind": "query-params", "persist_state": "session"}


def open_image(index: int) -> None:
    """Send this test image through the network."""
    now["picture"], now["index"] = TEST, index


def open_unit(layer: str, place: int | None = None) -> None:
    """Open up a unit of a layer: the one that was clicked, or the one that is most excited."""
    loudest = values[layer].reshape(len(values[layer]), -1).amax(1).argmax()
    now["layer"], now["unit"] = layer, int(loudest) if place is None else place


which = model_picker.selected_model()
with st.container(horizontal=True, vertical_alignment="bottom"):
    choice = one_of("Picture", [TEST, DRAWING], TEST, "picture", format_func=str.capitalize)
    if choice != DRAWING:
        last = len(test) - 1
        index = st.number_input(f"Index, 0 to {last:,}", 0, last, key="index", width=170, **address)
    with st.container(width=330):
        model_picker.model_selectbox()
drawn = from_strokes(current_strokes())
if choice == DRAWING and drawn is None:
    st.info("There is no drawing yet: write a digit, and come back.", icon=":material/draw:")
    st.page_link("pages/draw.py", label="Draw a digit", icon=":material/arrow_forward:")
    st.stop()
try:
    held = model_picker.snapshot(which)
except MnistError as error:
    st.warning(escape_markdown(error), icon=":material/help:")
    st.stop()

net, stamp = held.model.network, held.stamp
model_picker.refresh_button(which, "Look at it again")
image = drawn if choice == DRAWING else to_float(test.images[index])
parts = {layer.name: layer for layer in activations.weight_layers(net)}
names = list(parts)
out = [each[0] for each in activations.activations(net, image[None])]
values = {name: out[layer.last + 1] for name, layer in parts.items()}
arriving = "unit" in st.query_params and "unit" not in now  # by a link to this very unit
asked = now.get("layer", st.query_params.get("layer"))
if asked not in parts or ("unit" not in now and "unit" not in st.query_params):
    open_unit(asked if asked in parts else names[0])

st.subheader("Layer by layer", anchor=False)
alone, through = st.columns([1, 5], gap="medium")
with alone:
    scroll_into_view(f"{choice} {now.get('index')}", key="picture in view")
    st.html(unit_arithmetic.picture(image))
    what = "Your drawing." if choice == DRAWING else f"A {int(test.labels[index])}."
    st.markdown(f"{what} The network reads a **{int(out[-1].argmax())}**.")
    st.caption("Blue is above zero, orange below, and the stronger the further. Choose any square.")
st.subheader("One unit, opened up", anchor=False)
st.markdown(
    "Every number above comes about like this one: what the unit is given, times the weights that "
    "it has learned, all added up; then the activation decides what is passed on."
)
with st.container(horizontal=True, vertical_alignment="bottom"):
    name = st.selectbox(
        "Layer", names, key="layer", on_change=lambda: open_unit(now["layer"]), width=200, **address
    )
    layer, mine = parts[name], values[name]
    if now.get("unit", 0) >= len(mine):
        now["unit"] = 0
    label = f"Unit, 0 to {len(mine) - 1}"
    chosen = st.number_input(label, 0, len(mine) - 1, key="unit", width=150, **address)
    spot = f"{which} {choice} {now.get('index')} {name} {chosen}"
    place = unit_arithmetic.choose_place(mine, chosen, spot)
    opened = activations.trace_unit(net, image, layer, chosen, place)
    map_shown = unit_arithmetic.choose_map(opened, f"{spot} {place}")
before = names[names.index(name) - 1] if name != names[0] else None
framed = unit_arithmetic.picture(image, activations.receptive_field(net, layer, place))
st.html(unit_arithmetic.arithmetic(opened, map_shown, before, framed))
scroll_into_view(f"{name} {chosen}", key="unit in view", arriving=arriving)
with through:
    for each, its_layer in parts.items():
        layer_tiles.show(
            each,
            values[each],
            activations.weight_module(net, its_layer).weight.detach().cpu(),
            chosen if each == name else None,
            partial(open_unit, each),
            reads_pixels=each == names[0],
        )

left, right = st.columns(2, gap="large")
with left:
    st.subheader("What excites it most", anchor=False)
    survey = embedding_map.activation_survey(which, stamp, net, test, test.dataset)
    count = len(survey.logits)
    st.caption(f"Of {count:,} test images, the unit says most to these, where the ink is full.")
    largest = survey.max_activations[names.index(name)][:, chosen]
    layer_tiles.show_max_activations(net, layer, chosen, largest, test, open_image)
with right:
    st.subheader("From ten sums to ten shares", anchor=False)
    st.html(unit_arithmetic.softmax_table(out[-1]))
    st.caption(
        "Each sum becomes e to its power, which makes small leads large and everything positive; "
        "then each is divided by their total. This is called *softmax*."
    )

st.subheader("The map of all digits", anchor=False)
st.markdown(
    f"What the last hidden layer makes of {count:,} test images, brought down to two dimensions: "
    "what it finds alike lies close together. Point at a digit to see it, choose it to look "
    "inside. Those in a thin ring are misread; the one in a thick ring is the one above."
)
arranged = embedding_map.choose()
plane, fixed = embedding_map.arrange(which, stamp, net, test, test.dataset, arranged)
own = None
if drawn is not None:
    own = plane.project(attribution.penultimate_features(net, drawn[None]))[0]
embedding_map.show(
    plane, fixed, index if choice == TEST and index < count else None, own, open_image
)
st.caption(embedding_map.ARRANGED[arranged])

"""Inside: one picture's way through a network, number by number, and many pictures as a map."""

from functools import partial

import streamlit as st

from pages.common import layer_tiles, links, model_picker, navigation, state
from pages.common.datasets import shared_dataset, show_fallback_notice
from pages.common.text import escape_markdown
from pages.common.widgets import one_of, scroll_into_view

navigation.require_frame(__file__)

top = st.container(horizontal=True, vertical_alignment="bottom")
top.title("Inside")
train, test, _ = shared_dataset()
show_fallback_notice()

# They bring torch, and the title need not wait for it.
from mnistcore.data.digits import to_float
from mnistcore.drawing.rasterize import from_strokes
from mnistcore.errors import MnistError
from mnistcore.inspection import activations, attribution
from pages.common.canvas import current_strokes
from pages.parts.inside import (
    ablation,
    embedding_map,
    fooling,
    max_activations,
    unit_arithmetic,
)
from pages.parts.inside.subject import Subject

TEST, DRAWING = "Test image", "Your drawing"


def open_image(index: int) -> None:
    """Send this test image through the network."""
    state.INSIDE_PICTURE.set(TEST)
    state.INSIDE_INDEX.set(index)


def open_unit(layer: str | None = None, place: int | None = None) -> None:
    """Open up a unit of this layer, or of the one in the box: this one, or the most excited."""
    layer = layer or state.INSIDE_LAYER.get()
    loudest = values[layer].reshape(len(values[layer]), -1).amax(1).argmax()
    state.INSIDE_LAYER.set(layer)
    state.INSIDE_UNIT.set(int(loudest) if place is None else place)


model_id = model_picker.selected_model()
with top.container(width=380):
    model_picker.model_selectbox()
alone, beside = st.columns([1, 5], gap="medium", vertical_alignment="center")
with beside:
    said = st.empty()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        choice = one_of("Picture", [TEST, DRAWING], state.INSIDE_PICTURE)
        if choice != DRAWING:
            last, bound = len(test) - 1, state.INSIDE_INDEX.bound()
            index = st.number_input(f"Index, 0 to {last:,}", 0, last, width=170, **bound)
drawn = from_strokes(current_strokes())
if choice == DRAWING and drawn is None:
    st.info("There is no drawing yet: write a digit, and come back.", icon=":material/draw:")
    links.draw().show("Draw a digit")
    st.stop()
try:
    held = model_picker.snapshot(model_id)
except MnistError as error:
    st.warning(escape_markdown(error), icon=":material/help:")
    st.stop()

net, stamp = held.model.network, held.stamp
model_picker.refresh_button(model_id, "Look at it again")
image = to_float(test.images[index]) if choice != DRAWING or drawn is None else drawn
parts = {layer.name: layer for layer in activations.weight_layers(net)}
names = list(parts)
out = [each[0] for each in activations.activations(net, image[None])]
values = {name: out[layer.last + 1] for name, layer in parts.items()}
has_unit = state.INSIDE_UNIT.exists()
arriving = state.INSIDE_UNIT.asked() is not None and not has_unit  # by a link to this very unit
asked = state.INSIDE_LAYER.get() or state.INSIDE_LAYER.asked()
if asked not in parts or not (has_unit or arriving):
    open_unit(asked if asked in parts else names[0])

with alone:
    scroll_into_view(f"{choice} {state.INSIDE_INDEX.get()}", key="picture in view")
    st.html(unit_arithmetic.picture(image))
what = "Your drawing." if choice == DRAWING else f"A {int(test.labels[index])}."
said.markdown(
    f"{what} The network reads a **{int(out[-1].argmax())}**. In every layer blue is above zero, "
    "orange below, and the stronger the further. Choose any square to open it up."
)
name = state.INSIDE_LAYER.get() or asked or names[0]
squares = {}
for each in names:
    squares[each] = st.container()
    if each == name:
        panel = st.container(border=True)
with panel:
    headline, written = st.empty(), st.container()
    layer, mine = parts[name], values[name]
    if state.INSIDE_UNIT.get() >= len(mine):
        state.INSIDE_UNIT.set(0)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox("Layer", names, on_change=open_unit, width=200, **state.INSIDE_LAYER.bound())
        label = f"Unit, 0 to {len(mine) - 1}"
        chosen = st.number_input(label, 0, len(mine) - 1, width=150, **state.INSIDE_UNIT.bound())
        spot = f"{model_id} {choice} {state.INSIDE_INDEX.get()} {name} {chosen}"
        place = unit_arithmetic.choose_place(mine, chosen, spot)
        opened = activations.trace_unit(net, image, layer, chosen, place)
        map_shown = unit_arithmetic.choose_map(opened, f"{spot} {place}")
    headline.markdown(
        f"**{name.capitalize()}, unit {chosen}, opened up**: what it is given, times the weights "
        "that it has learned, all added up; then the activation decides what is passed on."
    )
with written:
    margin = "22rem 0 17rem"  # the squares above, and the sum below
    scroll_into_view(f"{name} {chosen}", key="unit in view", margin=margin, arriving=arriving)
    before = names[names.index(name) - 1] if name != names[0] else None
    framed = unit_arithmetic.picture(image, activations.receptive_field(net, layer, place))
    st.html(unit_arithmetic.arithmetic(opened, map_shown, before, framed))
for each, its_layer in parts.items():
    with squares[each]:
        unit = chosen if each == name else None
        layer_tiles.show(net, its_layer, values[each], unit, partial(open_unit, each))

left, right = st.columns(2, gap="large")
with left:
    survey = embedding_map.activation_survey(model_id, stamp, net, test, test.dataset)
    count = len(survey.logits)
    st.header("What excites it most", anchor=False)
    st.caption(f"Of {count:,} test images, the unit says most to these, where the ink is full.")
    largest = survey.max_activations[names.index(name)][:, chosen]
    max_activations.show(net, layer, chosen, largest, test, open_image)
with right:
    unit_arithmetic.show_softmax(out[-1])

features = None if drawn is None else attribution.penultimate_features(net, drawn[None])
marked = index if choice == TEST and index < count else None
embedding_map.show(model_id, stamp, survey, test, marked, features, open_image)

fooling.show(held, image, test, None if choice == DRAWING else index)
ablation.show(Subject(held.model, stamp, image, train, test))

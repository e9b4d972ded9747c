"""Draw a digit and see a network read it, while the pen is still in the hand."""

from contextlib import suppress

import streamlit as st

from mnistcore.drawing.strokes import are_several_digits
from mnistcore.errors import MnistError
from pages.common import links, model_picker, navigation, state, take_home
from pages.common.canvas import canvas, drawing_name
from pages.common.prediction_card import show_prediction
from pages.common.widgets import announce, scroll_into_view
from pages.parts.draw import answer_history

navigation.require_frame(__file__)

KINDS = ["png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff"]
LITTLE = "That is too little ink to be a digit: draw it larger."
WHY = "Why this answer?"

model_id = model_picker.selected_model()
learning = model_picker.training_progress(model_id)
past = answer_history.run_of(model_id)
and_now = [WHY, state.TEACH, state.FOOL, *([answer_history.ASK] if past else [])]
if asked := state.DRAW_MORE.asked():  # by a link, once
    state.DRAW_MORE.set(asked)
    state.DRAW_MORE.tell(None)
if state.DRAW_MORE.get() not in and_now:  # it was another network's
    state.DRAW_MORE.pop()


@st.fragment(run_every=1.0 if learning else None)
def draw() -> None:
    """A stroke redraws what is in here, and nothing else."""
    if state.MODEL.get() not in ("", model_id):  # taught, or a teaching undone
        st.rerun()
    more = state.DRAW_MORE.get()
    with st.container(horizontal=True, gap="small"):
        with st.container(width="content", gap=None):
            announce(state.DRAW_SAID.get(), "draw news")
            mark = st.container()
            # Reasons and lessons are renewed with the answer: too much for every step of the pen.
            strokes = canvas(state.DRAW_PEN.get(), live=more is None)
            below = st.container()
        # These bring torch, and the sheet need not wait for it.
        from mnistcore.drawing.rasterize import from_strokes
        from pages.common import attack
        from pages.parts.draw import explanation, teaching

        taught = teaching.own_taught(model_id)
        told = more == state.TEACH and teaching.is_lesson(strokes)
        with mark:
            place = "lesson" if more == state.TEACH and not told else "answer"
            scroll_into_view(place, "sheet in view")
        with below:
            scroll_into_view("told" if told else "", "lesson in view", margin="5rem 0 11rem")
        with st.container(width="stretch"):
            if state.DRAW_TEACHING.exists():
                teaching.learn(model_id)
            if more == state.TEACH:
                teaching.lesson(model_id)
                return
            nothing = LITTLE if strokes else "Draw a digit first."
            if several := are_several_digits(strokes):
                nothing = "One at a time: it reads single digits."
            before = teaching.base_of(taught) if taught else None
            image = show_prediction(
                model_id,
                lambda: None if several else from_strokes(strokes),
                nothing,
                before=before,
                spoken="answer",
                averaged=True,
                about=drawing_name(),
            )
            if learning:
                news = model_picker.training_progress(model_id)
                if news is None:
                    st.rerun()
                st.caption(news)
            if taught:
                teaching.outcome(taught)
            teaching.correct()
            st.segmented_control("And now?", and_now, wrap=True, **state.DRAW_MORE.kept())
    # Whatever takes longer than the answer comes after it, and only when it is asked for.
    asked = more if more in (WHY, state.FOOL, answer_history.ASK) else ""
    scroll_into_view(asked, "reasons in view", margin="5rem 0 24rem")
    if more == WHY:
        explanation.show(model_id, image, strokes)
    elif more == state.FOOL:
        with suppress(MnistError):  # the answer has said why
            stamp = model_picker.weights_mtime_ns(model_id)
            attack.show(model_picker.latest_model(model_id), stamp, image, state.DRAW_ATTACK)
        links.inside(fool="You").show("Fool it yourself, by a test image")
    elif more == answer_history.ASK and past:
        answer_history.show(past, image)
    elif taught:
        teaching.before_and_after(taught)


@st.fragment
def upload() -> None:
    """The other ways in."""
    how = st.segmented_control("Take it from", ["A file", "The camera"], default="A file")
    if how == "The camera":  # not before: the browser asks for permission
        file = st.camera_input("Hold one digit, written large, into the middle", key="camera")
    else:
        file = st.file_uploader("A photo or scan of one digit", KINDS, max_upload_size=10)
    if file is not None:
        from mnistcore.drawing import vectorize
        from mnistcore.drawing.rasterize import from_bitmap
        from pages.parts.draw import explanation

        nothing = "There is no digit to be seen: try a picture of one, written large."
        image = show_prediction(
            model_id,
            lambda: from_bitmap(vectorize.open_image(file)),
            nothing,
            spoken="picture",
            averaged=True,
        )
        if image is not None and st.toggle(WHY, key="why this picture"):
            explanation.show(model_id, image)


st.title("Draw")
draw()
st.markdown("**Try to fool it:** give a 1 a flat nose, or lay a digit on its side.")
left, right = st.columns(2)
with left:
    model_picker.model_selectbox()
    take_home.show(model_id)
with right:
    why = (
        "As thick or thin as you like: the network gets to see a line of always the same width, "
        "because that is what it has learned from."
    )
    st.slider("Pen width", 8, 50, 20, help=why, **state.DRAW_PEN.kept())
with st.expander("Read a picture instead", icon=":material/photo_camera:"):
    upload()
st.caption(
    "The bars share out 100 % among the ten digits: the more for one, the less for all others. "
    "The app's own network looks five times, at your digit as it is, slanted and turned a little "
    "both ways: the bars are the mean. On the other pages it looks once. "
    "Where the drawing looks like no digit at all, it says so, and the bars are hatched."
)

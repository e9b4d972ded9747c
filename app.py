"""The frame around every page: the list of pages, and what is done once for each visitor."""

from pathlib import Path

import streamlit as st

from pages.shared import door, resources, visitor

st.set_page_config(page_title="See a network learn", layout="wide")
door.open_door()
visitor.remember()

PAGES = {
    "home": ("Home", ":material/home:", "What this is, and where to start."),
    "explore": ("Explore", ":material/grid_view:", "See the digits that a network learns from."),
    "train": ("Train", ":material/model_training:", "Let a network learn, and watch it happen."),
    "draw": ("Draw", ":material/draw:", "Write a digit and see a network read it."),
}

here = Path(__file__).parent
st.navigation(
    [
        st.Page(f"pages/{name}.py", title=title, icon=icon, help=what, default=name == "home")
        for name, (title, icon, what) in PAGES.items()
        if (here / "pages" / f"{name}.py").exists()
    ]
).run()
resources.warm()

"""To come."""

import streamlit as st

from pages.shared import door

door.enter(__file__)
st.title("Home")

"""Who is visiting: a random token, so that runs can be told apart as one's own."""

import re
import secrets
from collections.abc import Mapping
from typing import TypedDict

import streamlit as st

from pages.common import state

COOKIE = "see_a_network_learn"
_TOKEN = re.compile(r"[0-9a-f]{32}")


def token_from(cookies: Mapping[str, str]) -> str:
    """The visitor's token, 32 random hexadecimal digits: the one in their cookies, or a new one."""
    known = str(cookies.get(COOKIE))
    return known if _TOKEN.fullmatch(known) else secrets.token_hex(16)


def visitor_token() -> str:
    """The token of this session's visitor; the browser keeps it, see pages/parts/app/gate.py."""
    if not state.VISITOR.exists():
        state.VISITOR.set(token_from(st.context.cookies))
    return state.VISITOR.get()


class Creator(TypedDict):
    """Whose a run is: a token, and a network address."""

    owner: str
    address: str


def creator() -> Creator:
    """Whose a run is that this visitor starts, for runs.create: their token, their address."""
    address = st.context.ip_address
    here = address if isinstance(address, str) else "this machine"  # on the server's own, None
    return {"owner": visitor_token(), "address": here}

"""Lamp: it says that a network learns while, and only while, its weights change."""

import os
import socket
import time

import pytest
from test_worker import QUICK, make

from mnistcore.records import Progress
from mnistcore.runs import store
from pages.parts.app.lamp import describe


def in_state(folder, state, steps):
    run = make(folder, QUICK, name="My digits")
    store.update_status(
        run,
        state=state,
        pid=os.getpid(),
        host=socket.gethostname(),
        heartbeat=time.time(),
        progress=Progress(step=steps, total_steps=2_000, images=steps * 50),
    )
    return run


@pytest.mark.parametrize(
    ("state", "learning", "words"),
    [
        ("queued", False, "soon"),
        ("starting", False, "soon"),
        ("running", True, "learning: 1,200 updates"),
        ("testing", False, "not learning now"),
        ("paused", False, "paused: 1,200 updates"),
        ("stopped", False, "not learning now"),
        ("interrupted", False, "not learning now"),
        ("failed", False, "not learning now"),
        ("finished", False, "not learning now"),
    ],
)
def test_the_lamp_is_true_in_every_state(tmp_path, state, learning, words):
    lit, said, about = describe(in_state(tmp_path, state, 1_200))
    assert (lit, words in said, "“My digits”" in about) == (learning, True, True)


def test_a_run_whose_worker_has_died_learns_nothing(tmp_path):
    run = in_state(tmp_path, "running", 10)
    store.update_status(run, heartbeat=time.time() - 60)
    assert not describe(run)[0]


def test_the_shipped_network_and_a_moment_of_a_run_learn_nothing(tmp_path):
    assert describe(None)[:2] == (False, "not learning now")
    assert describe(in_state(tmp_path, "running", 10), moment=True)[:2] == (
        False,
        "not learning now",
    )

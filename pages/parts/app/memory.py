"""Memory of visitors who have left, given back while nobody waits for an answer."""

import gc
import threading
from collections.abc import Callable
from functools import cache
from typing import Any

from streamlit.runtime import Runtime, RuntimeState, get_instance

from mnistcore import glibc

FEW = 100  # objects: the shortest run of a script makes twice as many
_LARGE = 1 << 18  # bytes: most tensors of more than one picture have more


@cache
def keep_tidy() -> None:
    """Begin to look after memory in a thread: doing so after each run holds up every answer."""
    if type(get_instance()) is not Runtime:  # a test plays the server
        return
    # Else glibc, once it has seen large blocks come and go, cuts them out of pools of its own, one
    # for each of many threads, and what is small and stays keeps the pools from being given back.
    glibc.call("mallopt", glibc.MMAP_THRESHOLD, _LARGE)
    glibc.call("mallopt", glibc.ARENA_MAX, 2)
    close_forgotten()
    threading.Thread(target=watch, args=(clean, drop_expired), daemon=True).start()


def watch(
    clean: Callable[[], None],
    left: Callable[[], bool],
    *,
    ended: threading.Event | None = None,
    tick: float = 1.0,
    quiet: float = 5.0,
    latest: float = 300.0,
) -> None:
    """Call `clean` once something was made or somebody `left`, and nothing new for a while.

    tick, quiet, latest: seconds between two looks, without anything new, and at most.
    """
    ended = ended or threading.Event()
    seen, still, since, due = _made(), 0.0, 0.0, True
    while not ended.wait(tick):
        before, seen = seen, _made()
        new = abs(seen - before) >= FEW
        due = left() or new or due
        still = 0.0 if new else still + tick
        since += tick
        if due and (still >= quiet or since >= latest):
            clean()
            seen, still, since, due = _made(), 0.0, 0.0, False


def clean() -> None:
    """Collect garbage, and give what is free back to the system.

    What is alive the first time is not looked at again while anybody is there: then it takes
    milliseconds, also when Python collects by itself, and not a quarter of a second.
    """
    nobody = get_instance().state is RuntimeState.NO_SESSIONS_CONNECTED
    if nobody:
        gc.unfreeze()
    gc.collect()
    if nobody or not gc.get_freeze_count():
        gc.freeze()
    glibc.call("malloc_trim", 0)


def close_forgotten() -> None:
    """From now on close a visitor's session when Streamlit forgets it, after two minutes or when
    there are too many: it would hold three open files, and uploads, until it is collected."""
    manager: Any = get_instance()._session_mgr  # Streamlit has no public way to them

    def close(session_id: str, forgotten: Any) -> None:
        if not manager.is_active_session(session_id):  # else the visitor has come back
            forgotten.session.shutdown()

    manager._session_storage._cache._on_remove = close


def drop_expired() -> bool:
    """Forget visitors who left long ago, as Streamlit does once another leaves; were there any?"""
    manager: Any = get_instance()._session_mgr
    with manager._storage_lock:
        return bool(manager._session_storage._cache.expire())


def _made() -> int:
    """Objects made and not thrown away at once, as Python counts them to time its collections."""
    return gc.get_stats()[0]["collections"] * gc.get_threshold()[0] + gc.get_count()[0]

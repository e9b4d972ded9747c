"""Memory of those who left: garbage, visitors, and when nobody is held up by their going."""

import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from streamlit.runtime import RuntimeState
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.session_manager import SessionInfo
from streamlit.runtime.websocket_session_manager import WebsocketSessionManager

from pages.parts.app import memory


class Ring:
    """What only a collection frees."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture(autouse=True)
def by_hand() -> Iterator[None]:
    """Python collects nothing by itself, and all is as before afterwards."""
    gc.disable()
    yield
    gc.unfreeze()
    gc.enable()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    some = SimpleNamespace(state=RuntimeState.ONE_OR_MORE_SESSIONS_CONNECTED)
    monkeypatch.setattr(memory, "get_instance", lambda: some)
    return some


@contextmanager
def watched(clean: Callable[[], None], latest: float = 60.0, left: bool = False) -> Iterator[None]:
    """Look every 20 ms, and take a fifth of a second for quiet."""
    ended = threading.Event()
    times = {"ended": ended, "tick": 0.02, "quiet": 0.2, "latest": latest}
    thread = threading.Thread(target=memory.watch, args=(clean, lambda: left), kwargs=times)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def scripts() -> Iterator[None]:
    """What runs of scripts leave behind."""
    ended = threading.Event()

    def run() -> None:
        left = []
        while not ended.wait(0.01):
            left.append([Ring() for _ in range(memory.FEW)])

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_garbage_is_collected_when_it_is_quiet(server: SimpleNamespace) -> None:
    ring = weakref.ref(Ring())
    with watched(memory.clean):
        assert ring() is not None
        deadline = time.monotonic() + 5
        while ring() is not None and time.monotonic() < deadline:
            time.sleep(0.02)
    assert ring() is None


def test_nothing_is_collected_while_scripts_run() -> None:
    cleaned: list[float] = []
    with watched(lambda: cleaned.append(time.monotonic())):
        with scripts():
            time.sleep(0.8)
            assert not cleaned
        time.sleep(0.8)
    assert len(cleaned) == 1  # and once, as nothing has run since


def test_where_it_is_never_quiet_garbage_is_collected_all_the_same() -> None:
    cleaned: list[float] = []
    with scripts(), watched(lambda: cleaned.append(time.monotonic()), latest=0.3):
        time.sleep(1)
    assert 1 <= len(cleaned) <= 4


def test_when_a_visitor_is_forgotten_it_is_time_to_clean() -> None:
    cleaned: list[float] = []
    with watched(lambda: cleaned.append(time.monotonic()), left=True):
        time.sleep(1)
    assert len(cleaned) > 1


def test_what_was_there_first_is_looked_at_again_only_when_nobody_is_there(
    server: SimpleNamespace,
) -> None:
    early = Ring()
    ring = weakref.ref(early)
    memory.clean()
    del early
    memory.clean()
    assert ring() is not None
    server.state = RuntimeState.NO_SESSIONS_CONNECTED
    memory.clean()
    assert ring() is None


def test_visitors_who_will_not_come_back_are_let_go_though_nobody_else_leaves(
    server: SimpleNamespace,
) -> None:
    storage = MemorySessionStorage(ttl_seconds=0)
    server._session_mgr = WebsocketSessionManager(storage, None, None, None)  # type: ignore
    assert not memory.drop_expired()
    session = Ring()
    session.id = "somebody"  # type: ignore
    gone = weakref.ref(session)
    storage.save(SessionInfo(client=None, session=session, script_run_count=1))  # type: ignore
    del session
    assert memory.drop_expired()
    memory.clean()
    assert gone() is None


def test_who_is_forgotten_is_closed_and_who_has_come_back_is_not(server: SimpleNamespace) -> None:
    storage = MemorySessionStorage(maxsize=2)
    server._session_mgr = manager = WebsocketSessionManager(storage, None, None, None)  # type: ignore
    memory.close_forgotten()
    closed: list[str] = []
    for name in ("first", "second", "third"):
        session = SimpleNamespace(id=name, shutdown=lambda name=name: closed.append(name))
        storage.save(SessionInfo(client=None, session=session, script_run_count=1))  # type: ignore
    assert closed == ["first"]  # there are too many
    manager._active_session_info_by_id["second"] = None  # type: ignore
    storage.delete("second")
    assert closed == ["first"]
    storage._cache.expire(time.monotonic() + 1e6)  # type: ignore
    assert closed == ["first", "third"]

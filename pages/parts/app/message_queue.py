"""What the server has to say to a browser, kept whole."""

from functools import cache

from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

_drop = ForwardMsgQueue.clear


@cache
def keep_whole() -> None:
    """Let a fragment that runs again take back nothing of what is still to be sent.

    Streamlit 1.67 takes back what the fragment said before, but for what the browser has in its
    cache: that comes without the block it belongs in, and the browser shows a white page ("Bad
    delta path index"). What is superseded is sent now, as it would be a moment earlier.
    """
    ForwardMsgQueue.clear = _clear  # type: ignore[assignment]


def _clear(
    queue: ForwardMsgQueue,
    retain_lifecycle_msgs: bool = False,
    fragment_ids_this_run: list[str] | None = None,
) -> None:
    if fragment_ids_this_run is None:
        _drop(queue, retain_lifecycle_msgs)
    else:
        queue._delta_index_map = {}  # what comes now is said after that, not in its place

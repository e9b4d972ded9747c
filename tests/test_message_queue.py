"""What is to be said to a browser arrives whole, also when a fragment runs again at once."""

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

from pages.parts.app import message_queue

FRAGMENT = "a fragment"


def delta(*path: int, text: str = "") -> ForwardMsg:
    message = ForwardMsg()
    message.metadata.delta_path.extend(path)
    message.delta.fragment_id = FRAGMENT
    if text:
        message.delta.new_element.text.body = text
    else:
        message.delta.add_block.allow_empty = True
    return message


def cached(*path: int) -> ForwardMsg:
    """What the browser has already is said by its name alone, which tells no fragment."""
    message = ForwardMsg(ref_hash="0123")
    message.metadata.delta_path.extend(path)
    return message


def test_a_fragment_that_runs_again_takes_nothing_back():
    message_queue.keep_whole()
    queue = ForwardMsgQueue()
    said = [delta(0), delta(0, 0, text="before"), cached(0, 1)]
    for message in said:
        queue.enqueue(message)
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=[FRAGMENT])
    again = [delta(0), delta(0, 0, text="after")]
    for message in again:
        queue.enqueue(message)
    assert queue.flush() == [*said, *again]


def test_a_script_that_runs_again_says_all_of_it_anew():
    message_queue.keep_whole()
    queue = ForwardMsgQueue()
    for message in (delta(0), cached(0, 1)):
        queue.enqueue(message)
    queue.clear(retain_lifecycle_msgs=True)
    assert queue.is_empty()

"""How many drawings are under way between a browser and a server that is slow to answer."""

import json

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from test_draw import ONE, draw, heard, on_screen, open_draw, press, press_and_move, says
from visit import App, becomes

CROSS = [[(0.3, 0.5), (0.7, 0.5)]]


class Line:
    """Between the page and the server: counts drawings, and holds answers back or loses them."""

    def __init__(self, page: Page) -> None:
        self.reports: list[dict] = []
        self.held: list[str | bytes] | None = None
        self.loses = False
        self.lost = 0  # answers that are over
        page.route_web_socket("**/_stcore/stream", self._join)

    def _join(self, page_side: WebSocketRoute) -> None:
        self.page_side, server = page_side, page_side.connect_to_server()

        def to_server(message: str | bytes) -> None:
            assert isinstance(message, bytes)
            asked = BackMsg.FromString(message).rerun_script
            for state in asked.widget_states.widgets if asked.fragment_id else ():
                if "strokes" in state.json_value:
                    self.reports.append(json.loads(state.json_value)["drawing"])
            server.send(message)

        def to_page(message: str | bytes) -> None:
            if self.held is not None:
                self.held.append(message)
            elif not self.loses:
                page_side.send(message)
            elif ForwardMsg.FromString(message).WhichOneof("type") == "script_finished":
                self.lost += 1

        page_side.on_message(to_server)
        server.on_message(to_page)

    def release(self) -> None:
        held, self.held = self.held or [], None
        for message in held:
            self.page_side.send(message)


@pytest.fixture
def line(app: App, desktop: Page) -> Line:
    line = Line(desktop)
    open_draw(desktop, app)
    return line


def strokes_by_mouse(page: Page, line: Line, strokes: list) -> None:
    for stroke in strokes:
        press_and_move(page, stroke)
        page.wait_for_timeout(400)  # time enough for a report of the stroke that still grows
        becomes(page, lambda: len(line.reports) > 0, True)
        page.mouse.up()


def test_no_drawing_is_sent_before_the_answer_to_the_last_and_then_only_the_newest(
    desktop: Page, line: Line
) -> None:
    line.held = []
    strokes_by_mouse(desktop, line, [*ONE, *CROSS, *CROSS])
    desktop.wait_for_timeout(500)
    assert len(line.reports) == 1
    expect(desktop.locator(".late")).to_be_attached()  # the answer is about an empty sheet
    line.release()
    heard(desktop)
    becomes(desktop, lambda: [len(report["strokes"]) for report in line.reports], [1, 3])
    expect(desktop.locator(".late")).to_have_count(0)


def test_no_stroke_is_lost_when_a_link_is_pressed_and_none_is_sent_after_that(
    desktop: Page, line: Line
) -> None:
    line.held = []
    strokes_by_mouse(desktop, line, [*ONE, *CROSS])
    assert [len(report["strokes"]) for report in line.reports] == [1]
    desktop.get_by_role("link", name="Explore", exact=True).hover()
    desktop.mouse.down()
    becomes(desktop, lambda: [len(report["strokes"]) for report in line.reports], [1, 2])
    line.release()
    desktop.mouse.up()
    expect(desktop.get_by_role("heading", name="Explore")).to_be_visible()
    assert len(line.reports) == 2
    desktop.get_by_role("link", name="Draw", exact=True).click()
    heard(desktop)
    press(desktop, "Undo")
    says(desktop, "This is a 1.")


def test_a_lost_answer_holds_the_sheet_up_for_seconds_only(desktop: Page, line: Line) -> None:
    line.loses = True
    press_and_move(desktop, [(0.5, 0.2), (0.5, 0.5)])
    becomes(desktop, lambda: line.lost, 1)
    line.loses = False
    assert len(line.reports) == 1
    desktop.mouse.move(*on_screen(desktop, [(0.5, 0.85)])[0], steps=8)
    desktop.mouse.up()
    heard(desktop)  # the rest of the stroke goes without having been asked for
    becomes(desktop, lambda: len(line.reports), 2)
    says(desktop, "This is a 1.")
    draw(desktop, CROSS)
    assert len(line.reports[-1]["strokes"]) == 2

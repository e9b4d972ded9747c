"""Break it on Inside, in a real browser: off and on by a tap, a bet that is judged, a healing."""

import re

from playwright.sync_api import Page, expect
from visit import App, settle, visit


def test_units_go_and_come_back_and_what_is_left_is_bet_on_and_healed(
    app: App, phone: Page
) -> None:
    visit(phone, f"{app.address}/inside?break=true")
    line = phone.get_by_role("status").filter(has_text="of 352 units")
    table = phone.locator("table").filter(has_text="as it was")
    card = phone.get_by_role("region", name="Answer")
    expect(line).to_contain_text("0 of 352")
    before = table.inner_text(), card.inner_html()

    unit = phone.get_by_role("button", name="switch off convolution 1, unit 13")
    unit.tap()
    expect(line).to_contain_text("1 of 352")
    expect(line).to_be_in_viewport()
    expect(unit).to_have_attribute("aria-pressed", "true")
    assert "tapped=convolution+1+13" in phone.url
    assert (table.inner_text(), card.inner_html()) != before
    settle(phone)
    unit.press("Enter")
    expect(line).to_contain_text("0 of 352")
    expect(unit).to_be_focused()
    assert "tapped" not in phone.url
    assert (table.inner_text(), card.inner_html()) == before

    for number in range(5):
        phone.get_by_role("button", name=f"switch off convolution 2, unit {number}").first.click()
        phone.wait_for_timeout(50)
    expect(line).to_contain_text("5 of 352")

    visit(phone, f"{app.address}/inside?break=true&share=70")
    phone.get_by_role("button", name="Heal it").tap()
    expect(phone.get_by_text("Healed: it reads").first).to_be_visible()
    found = [float(share) for share in re.findall(r"([\d.]+)%", table.inner_text())[:3]]
    assert found[1] < found[2] <= 100

    phone.get_by_role("button", name="Bet, and measure it").tap()
    expect(phone.get_by_text(re.compile("You bet 30 %: "))).to_be_visible()

"""The page to take along: opened from a file, drawn on, and compared with PyTorch."""

import base64
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from axe_playwright_python.sync_playwright import Axe
from networks import NETWORK_KINDS
from playwright.sync_api import Page, expect
from visit import fits_its_width

from mnistcore.config import Conv, NetworkConfig
from mnistcore.data.digits import to_model_input, to_uint8
from mnistcore.drawing.rasterize import from_strokes
from mnistcore.drawing.strokes import are_several_digits
from mnistcore.export.quantization import quantized_network
from mnistcore.export.subject import Subject, load_subject
from mnistcore.export.web_page import make_web_page
from mnistcore.inference.predict import predict
from mnistcore.models.network import ACTIVATIONS, build_network
from mnistcore.models.registry import load_model
from mnistcore.records import ModelCard

SEVEN = [[(0.3, 0.25), (0.7, 0.25), (0.5, 0.55), (0.42, 0.8)]]
MANY = NetworkConfig((Conv(3, 4), Conv(4, 3, padding=True), Conv(5, 3, False, True)), (9, 7))
NETWORKS = NETWORK_KINDS | {name: replace(MANY, activation=name) for name in ACTIVATIONS}


def content(page: str) -> dict:
    """What its script is given."""
    return json.loads(re.search(r'id="content">(.*?)</script>', page, re.S)[1])


def open_page(page: Page, text: str, folder: Path) -> list[str]:
    """Open it as a file; the addresses of all that it fetches are noted."""
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    (folder / "network.html").write_text(text)
    page.goto((folder / "network.html").as_uri())
    return fetched


def draw(page: Page, strokes: list) -> None:
    box = page.locator(".paper canvas").bounding_box()
    for stroke in strokes:
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=8)
        page.mouse.up()


@torch.inference_mode()
def test_its_arithmetic_is_pytorchs_for_every_kind_of_network(desktop: Page, digits, tmp_path):
    images = to_model_input(digits[1].images[:200])
    seen = base64.b64encode(to_uint8(images).numpy().tobytes()).decode()
    read = """([content, seen]) => {
        const read = openNetwork(content)
        const pixels = Float64Array.from(bytes(seen), (x) => x / 255)
        return Array.from({ length: 200 }, (_, n) => read(pixels.subarray(784 * n, 784 * (n + 1))))
    }"""
    open_page(desktop, make_web_page(load_subject()), tmp_path)
    networks = {name: build_network(config, seed=2) for name, config in NETWORKS.items()}
    for network in networks.values():
        network(torch.rand(32, 1, 28, 28))  # batch norm has seen something
    for name, network in (networks | {"shipped": load_subject().network}).items():
        given = content(make_web_page(Subject(network.eval(), ModelCard(name), "digits")))
        there = torch.tensor(desktop.evaluate(read, [given, seen]))
        for here, most in ((quantized_network(network, given["bits"]), 1e-5), (network, 1e-3)):
            probabilities = here(images).softmax(1)
            assert (there - probabilities).abs().max() < most, name
            assert torch.equal(there.argmax(1), probabilities.argmax(1)), name


def test_what_is_drawn_on_it_is_read_as_in_the_app_and_nothing_is_fetched(
    desktop: Page, tmp_path: Path
) -> None:
    own = [([(200.0, 80.0), (205.0, 320.0)], 30.0)]
    subject = replace(load_subject(), drawing=own)
    fetched = open_page(desktop, make_web_page(subject), tmp_path)
    answer = desktop.locator("#answer")
    expect(answer).to_have_text("This is a 1.")  # with the visitor's own drawing on it
    desktop.get_by_role("button", name="Clear").click()
    expect(answer).to_have_text("Draw a digit first.")
    draw(desktop, SEVEN)
    strokes = desktop.evaluate("paper.strokes.map(({ points }) => points)")
    said = predict(load_model(), from_strokes(strokes), averaged=True)
    expect(answer).to_have_text(said.sentence)
    assert said.digit == 7
    shown = desktop.evaluate("predict(paper.strokes.map(({ points }) => points)).shares")
    assert np.abs(np.array(shown) - said.probabilities).max() < 1e-3
    expect(desktop.get_by_role("listitem").nth(7)).to_contain_text("100 %")
    expect(desktop.locator("#heard")).to_have_text("This is a 7, 100 % sure.")
    desktop.get_by_role("button", name="Undo").click()
    expect(answer).to_have_text("Draw a digit first.")
    desktop.locator(".paper canvas").focus()
    for key in (" ", *["ArrowDown"] * 12, " "):
        desktop.keyboard.press(key)
    expect(answer).to_have_text("This is a 1.")
    desktop.get_by_role("button", name="My drawing").click()
    assert desktop.evaluate("paper.strokes[0].width") == 30
    ink = "drawn.getContext('2d').getImageData(drawn.width / 2, drawn.height / 2, 1, 1).data[3]"
    assert desktop.evaluate(ink) == 255  # on the certificate as well

    desktop.get_by_label("Name on the certificate").fill("Ada")
    desktop.evaluate("window.print = () => document.body.dataset.printed = 'yes'")
    desktop.get_by_role("button", name="Print the certificate").click()
    expect(desktop.locator("body")).to_have_attribute("data-printed", "yes")
    desktop.emulate_media(media="print")
    expect(desktop.get_by_text("takes home")).to_be_visible()
    expect(desktop.get_by_role("heading", name="How it came to be")).to_be_hidden()
    assert fetched == [(tmp_path / "network.html").as_uri()]


def test_it_fits_a_phone_and_draws_what_the_app_does(phone: Page, tmp_path: Path) -> None:
    open_page(phone, make_web_page(load_subject()), tmp_path)
    assert fits_its_width(phone)
    draw(phone, SEVEN)
    expect(phone.locator("#answer")).to_have_text("This is a 7.")
    expect(phone.locator("#bars")).to_be_in_viewport(ratio=1)
    for theme in ("light", "dark"):
        phone.emulate_media(color_scheme=theme)
        assert Axe().run(phone).response["violations"] == []

    rng = np.random.default_rng(1)
    drawings = [[[[50, 50], [60, 300]], [[250, 50], [260, 300]]]]  # two digits
    for _ in range(40):  # scribbles of one to three strokes, with slips, dots and points that rest
        strokes = []
        for size in rng.choice([0, 1, 1, 1], rng.integers(1, 4)) * rng.uniform(2, 12):
            steps = rng.normal(0, size, (rng.integers(1, 60), 2)).cumsum(0).cumsum(0)
            strokes.append((rng.uniform(0, 300, 2) + steps).repeat(rng.integers(1, 3), 0).tolist())
        drawings.append(strokes)
    drawn = phone.evaluate("(all) => all.map((each) => [...fromStrokes(each) ?? []])", drawings)
    several = phone.evaluate("(all) => all.map(areSeveralDigits)", drawings)
    assert several == [are_several_digits(each) for each in drawings]
    assert {*several} == {True, False}
    for there, strokes in zip(drawn, drawings, strict=True):
        here = from_strokes(strokes)
        assert (here is None) == (there == [])
        if here is not None:
            assert np.abs(here.numpy().ravel() - there).max() < 1e-4

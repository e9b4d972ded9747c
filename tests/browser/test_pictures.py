"""What is taken along: charts as pictures, made by the browser, and a network's files."""

import io
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from PIL import Image
from playwright.sync_api import Page, expect
from test_train import RESULT, start
from visit import App, settle

from mnistcore.export.formats import FORMATS

# Of each kind of file: how it begins, and what is in it.
BEGINS = {
    ".html": (b"<!doctype html>", b"Too simple"),
    ".ipynb": (b"{", b'"nbformat": 4'),
    ".safetensors": (b"", b"layers.1.weight"),
    ".md": (b"# Too simple", b"test images read right"),
    ".onnx": (b"", b"logits"),
    ".svg": (b"<svg", b"Too simple"),
}
SVG = "{http://www.w3.org/2000/svg}"


def saved(page: Page, kind: str, menu: int) -> tuple[str, bytes]:
    """Name and content of the file that one of the menus on the page gives."""
    button = page.get_by_role("button", name=f"Save as {kind}:")
    for _ in range(200):  # what the page is still being made of may take its place
        if button.is_visible():
            break
        page.get_by_label("Save picture").nth(menu).click()
        page.wait_for_timeout(50)
    with page.expect_download() as download:
        button.click()
    return download.value.suggested_filename, download.value.path().read_bytes()


def assert_pictures(page: Page, **words: str) -> None:
    """Each chart, by how its file is called, is one in both ways, and says these words."""
    expect(page.get_by_label("Save picture")).to_have_count(len(words))
    for menu, (begins, told) in enumerate(words.items()):
        name, content = saved(page, "SVG", menu)
        assert re.fullmatch(rf"{begins.replace('_', '-')}-[a-z0-9-]+\.svg", name)
        drawn = ElementTree.fromstring(content)
        assert drawn.tag == f"{SVG}svg"
        assert told in "".join(drawn.itertext())
        assert b"url(http" not in content and b"color(srgb" not in content
        name, content = saved(page, "PNG", menu)
        assert name.endswith(".png")
        picture = Image.open(io.BytesIO(content)).convert("RGB")
        assert picture.width == round(3 * float(drawn.attrib["width"]))
        assert len(picture.getcolors(1_000_000)) > 50  # painted, not an empty sheet
        inked = np.ptp(np.asarray(picture), axis=1).any(1)  # of each row, whether there is anything
        assert np.diff(np.flatnonzero(inked)).max() < 150  # no empty strip where a slider was


def test_every_chart_is_saved_as_png_and_as_svg_and_the_network_in_every_format(
    app: App, desktop: Page
):
    start(desktop, app.address, "Too simple")
    expect(desktop.get_by_text(RESULT)).to_be_visible(timeout=90_000)
    settle(desktop)
    desktop.get_by_text("Its recipe").click()
    seen = "training images seen"
    words = {"cloud_of_test_images": "points is one of", "accuracy": seen, "loss": seen}
    assert_pictures(desktop, **words, network_of="28 x 28 pixels")
    desktop.get_by_role("link", name="How good is it really?").click()
    for look, words in {
        "Mix-ups": {"confusion_matrix": "were read as another"},
        "Figures": {"misread_of_each_digit": "(%)", "how_sure_and_how_right": "how sure it was"},
        "Sunshine and snow": {"turn": "turned by"},
    }.items():
        desktop.get_by_role("radio", name=look).click()
        settle(desktop)
        assert_pictures(desktop, **words)

    desktop.get_by_role("button", name="Take it home").click()
    settle(desktop)
    for file in (file for name, files in FORMATS.items() if name != "film" for file in files):
        button = desktop.get_by_role("button", name=file.name)
        with desktop.expect_download(timeout=60_000) as download:
            button.click()
        assert download.value.suggested_filename == file.name
        begins, told = BEGINS[Path(file.name).suffix]
        content = download.value.path().read_bytes()
        assert content.startswith(begins) and told in content, file.name
        settle(desktop)  # a hand takes longer to the next, too

"""What can be taken home: the page, the notebook, the weights, their card, ONNX."""

import getpass
import re
import socket
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from nbclient import NotebookClient
from networks import NETWORK_KINDS
from PIL import Image
from safetensors import safe_open

from mnistcore import cli
from mnistcore.config import Conv, Defect, NetworkConfig, TrainConfig
from mnistcore.data.digits import to_model_input
from mnistcore.errors import ExportError
from mnistcore.export import formats, web_page
from mnistcore.export.files import write_files
from mnistcore.export.formats import FORMATS
from mnistcore.export.model_card import make_model_card
from mnistcore.export.notebook import make_notebook
from mnistcore.export.onnx import to_onnx
from mnistcore.export.quantization import MAX_BITS, bits_for
from mnistcore.export.subject import Subject, load_subject
from mnistcore.export.web_page import make_web_page
from mnistcore.models.checkpoint import load_network
from mnistcore.models.network import build_network
from mnistcore.presets import PRESETS
from mnistcore.records import FineTuneResult, ModelCard, RunResult
from mnistcore.runs import store, worker
from mnistcore.training import frame_recorder
from mnistcore.training.trainer import train
from mnistcore.viz import film

SVG = "{http://www.w3.org/2000/svg}"

SMALL = NetworkConfig((Conv(8, 5), Conv(8, 3)), (16,))
FAST = TrainConfig(SMALL, epochs=1, batch_size=32, learning_rate=5e-3, schedule="one-cycle")
RECIPES = {
    "plain": FAST,
    "everything": replace(
        FAST,
        network=NETWORK_KINDS["normalised"],
        optimizer="AdamW",
        weight_decay=0.01,
        label_smoothing=0.1,
        augmentation="affine",
        train_size=1_000,
        seed=7,
    ),
    "SGD": replace(FAST, optimizer="SGD with momentum", learning_rate=0.05),
    "RMSprop": replace(FAST, optimizer="RMSprop", network=NETWORK_KINDS["padded"], epochs=0.5),
    "label-noise": replace(FAST, defect=Defect("label-noise", share=0.3)),
    "swapped-labels": replace(FAST, defect=Defect("swapped-labels", 1, 2)),
    "missing-class": replace(FAST, defect=Defect("missing-class", 7)),
    "class-imbalance": replace(FAST, defect=Defect("class-imbalance", 7, share=0.1)),
    "thick-only": replace(FAST, defect=Defect("thick-only", share=0.5)),
    "inverted": replace(FAST, defect=Defect("inverted", share=0.5)),
}


def learned(config, digits) -> Subject:
    """A network trained by this recipe on these digits, as a run would leave it."""
    trainer = train(replace(config, device="cpu"), *digits)
    *_, last = trainer
    result = RunResult(test_accuracy=last.test_accuracy, test_count=last.test_count)
    card = ModelCard("Mine", train=config, result=result)
    return Subject(trainer.network.eval(), card, digits[0].dataset)


@pytest.fixture
def desk(tmp_path, mnist_folder, monkeypatch):
    """A folder in which a notebook finds its data."""
    (tmp_path / "data").symlink_to(mnist_folder)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_cells(notebook) -> dict:
    """What the code of a notebook leaves behind, but for its pictures."""
    from mnistcore.data.download import torchvision_mnist

    torchvision_mnist()  # which mends the import where torch and torchvision do not fit
    names: dict = {}
    for cell in notebook.cells:
        if cell.cell_type == "code" and "plt.show" not in cell.source:
            exec(cell.source, names)
    return names


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_notebook_trains_the_very_same_network_by_every_recipe(desk, digits, recipe):
    subject = learned(RECIPES[recipe], [replace(each, dataset="mnist") for each in digits])
    after = run_cells(make_notebook(subject))
    images = to_model_input(digits[1].images)
    with torch.inference_mode():
        networks = subject.network, after["network"]
        here, there = (network.eval()(images).softmax(1) for network in networks)
    assert (here - there).abs().max() < 0.1
    assert after["test_accuracy"] == pytest.approx(subject.result.test_accuracy, abs=0.004)


def test_a_notebook_brings_the_small_digits_along(desk, digits):
    subject = learned(FAST, digits)
    after = run_cells(make_notebook(subject))
    assert torch.equal(after["train_images"], digits[0].images)
    assert torch.equal(after["test_labels"], digits[1].labels)
    assert after["test_accuracy"] == pytest.approx(subject.result.test_accuracy, abs=0.004)


def test_both_notebooks_run_in_jupyter_from_top_to_bottom(desk, digits, monkeypatch):
    monkeypatch.delenv("MPLBACKEND", raising=False)  # Streamlit has set it, for its own process
    subject = learned(FAST, [replace(each, dataset="mnist") for each in digits])
    notebook = make_notebook(subject)
    nbformat.validate(notebook)
    mend = "from mnistcore.data.download import torchvision_mnist; torchvision_mnist()"
    root = f"import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r})"
    notebook.cells.insert(0, nbformat.v4.new_code_cell(f"{root}\n{mend}"))
    # And the other way round, in a kernel that has torch already: the one that uses the package.
    uses = nbformat.read(Path(__file__).parents[1] / "docs" / "mnistcore.ipynb", as_version=4)
    nbformat.validate(uses)
    assert not any(cell.get("outputs") for cell in uses.cells)
    count = len(notebook.cells)
    notebook.cells += [nbformat.v4.new_code_cell("%reset -f"), *uses.cells]
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(desk)}})
    client.execute()

    def left(cells) -> tuple[str, int]:
        """What they say, and how many pictures they show."""
        outputs = [each for cell in cells for each in cell.get("outputs", [])]
        pictures = [each for each in outputs if "image/png" in each.get("data", {})]
        return "".join(each.get("text", "") for each in outputs), len(pictures)

    told, pictures = left(notebook.cells[:count])
    assert pictures == 3  # the digits, the loss, the predictions
    assert f"{subject.result.test_accuracy:.1%}"[:-2] in told
    assert (desk / "network.pt").is_file()
    told, pictures = left(notebook.cells[count:])
    assert pictures == 4  # the digits, the curve, the drawing, the unit
    assert "the seven: This is a 7. In distribution: True" in told
    assert "a star: This does not look like a digit." in told


def test_the_notebook_of_a_taught_network_loads_what_no_recipe_leads_to(desk, digits):
    clean = learned(FAST, [replace(each, dataset="mnist") for each in digits])
    tuned = FineTuneResult("a run", 0.9, (1, 2), (7, 2), (1, 2))
    card = replace(clean.card, result=replace(clean.result, fine_tune=tuned))
    taught = replace(clean, card=card)
    list(write_files(taught, ["safetensors"], desk))
    after = run_cells(make_notebook(taught))
    assert after["test_accuracy"] == pytest.approx(clean.result.test_accuracy)
    assert "optimizer" not in after


@pytest.mark.parametrize("kind", ["normalised", "dense"])
def test_an_onnx_runtime_says_the_same_of_a_thousand_images(digits, kind):
    network = build_network(NETWORK_KINDS[kind], seed=3).eval()
    subject = Subject(network, ModelCard("Mine"), "mnist")
    session = onnxruntime.InferenceSession(to_onnx(subject))
    images = to_model_input(digits[0].images[:1_000])
    (logits,) = session.run(None, {"images": images.numpy()})
    with torch.inference_mode():
        assert np.abs(logits - network(images).numpy()).max() < 1e-4
    assert session.run(None, {"images": images[:1].numpy()})[0].shape == (1, 10)
    assert "0 for paper to 1 for ink" in session.get_modelmeta().description


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A run as a visitor starts one, among others' runs, and the folder of all that it gives."""
    folder = tmp_path_factory.mktemp("home")
    secret = folder / "secret"
    more = {"data": secret, "command": f"train --data {secret}", "folder": folder / "runs"}
    other = store.create_run(
        FAST, name="A neighbour's", owner="neighbour", address="10.9.8.7", **more
    )
    store.write_json(other.path / "status.json", {"state": "stopped"})  # it is nobody's turn
    run = store.create_run(
        replace(FAST, device="cpu"),
        name="My <digits>",
        dataset="digits",
        owner="0123456789abcdef",
        address="10.1.2.3",
        **more,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frame_recorder, "MAX_TIME_SHARE", 1e9)  # the same frames however fast it is
        patch.setattr(film, "_QUALITIES", [(10, 2)])
        worker.run_training(run, lambda progress: None)
        assert (
            cli.main(["export", run.id, "--runs", str(folder / "runs"), "--out", str(folder)]) == 0
        )
    return run, folder


def test_every_format_of_a_run_is_written(home):
    run, folder = home
    names = {file.name for files in FORMATS.values() for file in files}
    assert {path.name for path in folder.iterdir() if path.is_file()} == names
    back, result = load_network(folder / "network.safetensors"), run.status().result
    assert back.card.title == "My <digits>"
    assert back.card.result.test_accuracy == result.test_accuracy
    weights = load_network(run.model).network.layers[0].weight
    assert torch.equal(back.network.layers[0].weight, weights)
    told = f"{result.test_accuracy:.2%} of 297 test images"
    assert told in (folder / "model-card.md").read_text()
    with Image.open(folder / "film.gif") as moving:
        assert moving.n_frames == 10


def test_pictures_show_the_curve_and_the_mix_ups_of_a_run(home):
    run, folder = home
    drawn = [
        ElementTree.parse(folder / f"{name}.svg")
        for name in ("learning-curves", "confusion-matrix")
    ]
    curves, matrix = (
        ["".join(text.itertext()) for text in each.iter(f"{SVG}text")] for each in drawn
    )
    assert {"My <digits>", "Share read right (%)", "Training images", "100"} <= set(curves)
    lines = [line.get("points").split() for line in drawn[0].iter(f"{SVG}polyline")]
    tested = [each for each in run.metrics() if each.test_accuracy is not None]
    assert len(lines) == 4 and len(lines[1]) == len(tested)
    end = float(lines[1][-1].split(",")[1])  # of the test accuracy, among 0 and 100 %
    top, bottom = 44 + 60, 44 + 270
    assert (bottom - end) / (bottom - top) == pytest.approx(tested[-1].test_accuracy, abs=0.01)
    counts = [n for row in run.status().result.confusion for n in row]
    assert matrix[-100:] == [f"{n:,}" if n else "·" for n in counts]


def test_nothing_that_is_taken_home_tells_of_the_machine_or_of_others(home):
    run, folder = home
    user, host = getpass.getuser(), socket.gethostname()
    secrets = [run.id, run.config().owner, "secret", str(Path.cwd()), sys.prefix, str(Path.home())]
    secrets += [
        "/tmp",
        "/home/",
        "neighbour",
        "10.1.2.3",
        "10.9.8.7",
        "mnistcore train",
        f"/{user}",
    ]
    secrets += [f"{user}@", f"@{host}", host if len(host) > 4 else ""]
    for path in (each for each in folder.iterdir() if each.is_file()):
        content = path.read_bytes()
        for word in filter(None, secrets):
            assert word.encode() not in content, (path.name, word)
    model = onnx.load(folder / "network.onnx")
    assert model.producer_name == "pytorch" and not model.metadata_props
    nodes = [*model.graph.node, *model.graph.value_info, *model.functions]
    assert not any(each.doc_string or each.metadata_props for each in nodes)
    notebook = nbformat.read(folder / "notebook.ipynb", as_version=4)
    assert set(notebook.metadata) == {"kernelspec"}
    with Image.open(folder / "film.gif") as moving:
        told = {"version", "background", "loop", "duration", "extension", "transparency"}
        assert set(moving.info) <= told
    with safe_open(folder / "network.safetensors", "pt") as opened:
        assert set(opened.metadata()) == {"network", "card"}


def test_what_was_not_kept_is_said_where_it_is_asked_for_and_left_out_of_all(tmp_path, capsys):
    for name in ("film", "pictures"):
        assert cli.main(["export", "shipped", "--to", name, "--out", str(tmp_path)]) == 2
        assert "was not kept" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_every_presets_page_has_room_for_its_weights_and_a_large_drawing():
    scribble = [([(123.4, 234.5)] * 20, 20.0)] * 500
    for name, preset in PRESETS.items():
        config = preset.config
        network = build_network(config.network, seed=1)
        subject = Subject(network, ModelCard(preset.title, train=config), "mnist", True, scribble)
        size = len(make_web_page(subject).encode())
        assert size <= web_page.MAX_BYTES, name
        assert size > 380_000 or bits_for(config.network) == MAX_BITS  # what room there is, is used


def test_a_page_says_what_it_holds_letter_by_letter_and_lets_nothing_else_run():
    card = ModelCard("</title><script>alert(1)</script>", train=FAST)
    page = make_web_page(Subject(build_network(SMALL, seed=1), card, "mnist"), date(2026, 2, 3))
    assert "<script>alert" not in page
    assert "default-src 'none'; script-src 'sha256-" in page
    assert "3 February 2026" in page
    assert "Not measured: its training has not ended." in page
    assert not re.search(r"(?:https?:)?//\w+\.\w", page)


def test_a_network_that_no_page_holds_is_refused_in_a_sentence(tmp_path):
    wide = NetworkConfig((), (1_200,))
    subject = Subject(build_network(wide, seed=1), ModelCard("Wide"), "mnist")
    with pytest.raises(ExportError, match="too large"):
        list(write_files(subject, ["html", "safetensors"], tmp_path))
    assert (tmp_path / "network.safetensors").is_file()  # all the same
    with pytest.raises(ExportError, match="too large for one page, which has room for some 810,0"):
        bits_for(wide)
    gone = build_network(SMALL, seed=1)
    with torch.no_grad():
        gone.layers[0].weight[0] = torch.nan
    with pytest.raises(ExportError, match="run away"):
        make_web_page(Subject(gone, ModelCard("Gone"), "mnist"))


def test_a_missing_package_is_named_with_the_cure(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(formats, "find_spec", lambda name: None)
    assert cli.main(["export", "shipped", "--out", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert "notebook.ipynb needs nbformat: type `pip install -r requirements-export.txt`" in told


def test_the_card_of_a_network_with_wrong_labels_counts_them_as_what_they_are(digits):
    result = RunResult(
        test_accuracy=0.6,
        test_count=100,
        train_accuracy=0.97,
        train_count=50,
        true_train_accuracy=0.61,
    )
    config = replace(FAST, defect=Defect("label-noise", share=0.4))
    network = build_network(SMALL, seed=1)
    told = make_model_card(
        Subject(network, ModelCard("Mine", train=config, result=result), "mnist")
    )
    assert "97.00% of 50 training images as they were labelled, 61.00% as what they are" in told
    assert "spoiled on purpose: 40 % wrong labels" in told


def test_what_cannot_be_exported_is_refused_in_a_sentence(tmp_path, capsys):
    assert cli.main(["export", "nowhere", "--runs", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    full = tmp_path / "file"
    full.write_text("")
    with pytest.raises(ExportError, match="another folder"):
        list(write_files(load_subject(), ["safetensors"], full / "folder"))

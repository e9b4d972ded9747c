"""What can be taken home: the page, the notebook, the weights, their card, ONNX."""

import re
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import nbformat
import numpy as np
import onnxruntime
import pytest
import torch
from nbclient import NotebookClient
from networks import NETWORK_KINDS

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
from mnistcore.models.checkpoint import load_network, save_network
from mnistcore.models.network import build_network
from mnistcore.presets import PRESETS
from mnistcore.records import FineTuneResult, ModelCard, RunResult
from mnistcore.runs import store
from mnistcore.training.trainer import train

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


def test_a_notebook_runs_in_jupyter_from_top_to_bottom(desk, digits, monkeypatch):
    monkeypatch.delenv("MPLBACKEND", raising=False)  # Streamlit has set it, for its own process
    subject = learned(FAST, [replace(each, dataset="mnist") for each in digits])
    notebook = make_notebook(subject)
    nbformat.validate(notebook)
    mend = "from mnistcore.data.download import torchvision_mnist; torchvision_mnist()"
    root = f"import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r})"
    notebook.cells.insert(0, nbformat.v4.new_code_cell(f"{root}\n{mend}"))
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(desk)}})
    client.execute()
    outputs = [each for cell in notebook.cells for each in cell.get("outputs", [])]
    pictures = [each for each in outputs if "image/png" in each.get("data", {})]
    assert len(pictures) == 3  # the digits, the loss, the predictions
    told = "".join(each.get("text", "") for each in outputs)
    assert f"{subject.result.test_accuracy:.1%}"[:-2] in told
    assert (desk / "network.pt").is_file()


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


def test_every_format_of_a_run_is_written_and_tells_nothing_of_its_machine(tmp_path, capsys):
    secret = tmp_path / "secret"
    run = store.create_run(
        FAST,
        name="My digits",
        dataset="mnist",
        data=secret,
        command=f"python -m mnistcore train --data {secret}",
        folder=tmp_path / "runs",
    )
    result = RunResult(run=run.id, dataset="mnist", test_accuracy=0.9, test_count=297)
    card = ModelCard("My digits", f"train --data {secret}", FAST, result)
    save_network(build_network(SMALL, seed=1), run.model, card)
    store.write_json(run.path / "status.json", {"state": "finished"})
    folders = ["--runs", str(tmp_path / "runs"), "--out", str(tmp_path / "home")]
    assert cli.main(["export", run.id, *folders]) == 0
    told = capsys.readouterr().out
    names = {file.name for files in FORMATS.values() for file in files}
    assert {path.name for path in (tmp_path / "home").iterdir()} == names
    for name in names:
        assert name in told
        content = (tmp_path / "home" / name).read_bytes()
        for word in (run.id, "secret", str(Path.cwd()), sys.prefix, str(Path.home()), "/tmp"):
            assert word.encode() not in content, (name, word)
    back = load_network(tmp_path / "home" / "network.safetensors")
    assert back.card.title == "My digits"
    assert back.card.result.test_accuracy == 0.9
    assert torch.equal(back.network.layers[0].weight, build_network(SMALL, seed=1).layers[0].weight)
    assert "90.00% of 297 test images" in (tmp_path / "home" / "model-card.md").read_text()


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

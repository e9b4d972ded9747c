"""Networks by name, their files, and what is said of a picture."""

import io
import json
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from mnistcore.config import Conv, NetworkConfig, TrainConfig
from mnistcore.data.augment import views
from mnistcore.data.digits import to_model_input
from mnistcore.errors import MnistError, ModelError, RunError
from mnistcore.inference import predict
from mnistcore.inference.ood import OODHead
from mnistcore.models.checkpoint import (
    MAX_FILE_BYTES,
    images_seen,
    load_network,
    read_checkpoint,
    save_network,
)
from mnistcore.models.network import build_network
from mnistcore.models.registry import PRETRAINED, list_models, load_model
from mnistcore.records import ModelCard, RunResult
from mnistcore.runs import store

CONFIG = NetworkConfig((Conv(4, 5),), (8,), batch_norm=True)


def rewritten(
    path: Path,
    weights: dict | None = None,
    metadata: dict | None = None,
    network: dict | None = None,
) -> None:
    """The same file, with something else in it."""
    with safe_open(path, "pt") as file:
        old = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        told = file.metadata()
    told["network"] = json.dumps(json.loads(told["network"]) | (network or {}))
    save_file(old | (weights or {}), path, told | (metadata or {}))


def test_a_network_comes_back_from_its_file_as_it_was(tmp_path):
    network = build_network(CONFIG, 1)
    network(torch.rand(8, 1, 28, 28))  # moves batch norm's averages
    card = ModelCard("Mine", "typed", TrainConfig(CONFIG), RunResult(images=8, test_loss=0.5))
    save_network(network, tmp_path / "net.safetensors", card)
    saved = load_network(tmp_path / "net.safetensors")
    again = saved.network
    assert saved.card == card
    assert (saved.ood_head, saved.accepted_drawings) == (None, None)
    assert repr(again) == repr(network)
    images = torch.rand(3, 1, 28, 28)
    assert torch.equal(again.eval()(images), network.eval()(images))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:200]),
        lambda path: save_file({"a": torch.zeros(2)}, path),
        lambda path: save_file({"a": torch.zeros(2)}, path, {"network": json.dumps({"dense": 3})}),
        lambda path: path.write_text("hello"),
        *(
            lambda path, text=text, name=name: rewritten(path, metadata={name: text})
            for text in ("null", '""', "[1]", "7", "[" * 100_000, "1" * 5000)
            for name in ("network", "card")
        ),
        *(
            lambda path, change=change: rewritten(path, network=change)
            for change in ({"activation": []}, {"dropout": "x"}, {"dense": [[8]]}, {"dense": None})
        ),
        lambda path: rewritten(path, {"taught": torch.zeros(3)}),
        lambda path: rewritten(path, {"taught": torch.zeros(0, 28, 28)}),
        lambda path: rewritten(path, {"layers.0.weight": torch.zeros(())}),
    ],
)
def test_a_file_that_is_no_network_is_refused_in_words(tmp_path, spoil):
    path = tmp_path / "net.safetensors"
    save_network(build_network(CONFIG, 1), path)
    spoil(path)
    with pytest.raises(MnistError, match="network"):
        load_model(str(path))


def test_a_model_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"no network file .*nothing\.safetensors"):
        load_model(str(tmp_path / "nothing.safetensors"))
    with pytest.raises(RunError, match="There is no run 'nothing'"):
        load_model("nothing", tmp_path)


def test_a_run_that_has_not_begun_says_wait(tmp_path):
    run = store.create_run(TrainConfig(), name="New", folder=tmp_path)
    with pytest.raises(ModelError, match=f"{run.id} has not learned anything yet"):
        load_model(run.id, tmp_path)
    assert [which for which, _ in list_models(tmp_path)] == ["shipped"]


def test_the_shipped_network_reads_digits_that_it_was_not_trained_on(digits):
    model = load_model()
    test = digits[1]
    probabilities = model.probabilities(to_model_input(test.images)[:, 0])
    assert torch.allclose(probabilities.sum(1), torch.ones(len(test)), atol=1e-5)
    assert (probabilities.argmax(1) == test.labels).float().mean() > 0.9


def test_the_shipped_networks_card_names_its_command_and_its_figures():
    card = load_network(PRETRAINED / "shipped.safetensors").card
    assert card.command.startswith("python -m mnistcore")
    assert card.result.test_accuracy > 0.99
    assert card.result.dataset == "mnist+digits+drawn"
    assert (PRETRAINED / "shipped.safetensors").stat().st_size < 2_000_000


def test_several_views_are_averaged_into_one_answer_always_the_same(digits):
    model, images = load_model(), to_model_input(digits[1].images[:20])
    looks = views(images)
    assert torch.equal(looks[0], images)
    assert all((look - images).abs().max() > 0.3 for look in looks[1:])
    averaged = model.probabilities(images[:, 0], averaged=True)
    each = torch.stack([model.probabilities(look[:, 0]) for look in looks])
    torch.testing.assert_close(averaged, each.mean(0))
    assert torch.equal(averaged, model.probabilities(images[:, 0], averaged=True))
    reading = predict.predict(model, images[0, 0], averaged=True)
    assert reading.probabilities == pytest.approx(averaged[0].tolist(), abs=1e-4)


class _Fixed:
    def __init__(self, probabilities):
        self._probabilities = torch.tensor([probabilities])

    def probabilities(self, images, averaged=False):
        return self._probabilities

    def in_distribution(self, image):
        return bool(self._probabilities.max() > 0.4)


def test_nothing_drawn_is_answered_kindly():
    reading = predict.predict(_Fixed([0.1] * 10), None)
    assert (reading.digit, reading.probabilities) == (None, None)
    assert reading.sentence == "Draw a digit first."


def test_a_sure_answer_is_plain_and_an_unsure_one_says_so():
    image = torch.zeros(28, 28)
    sure = predict.predict(_Fixed([0.02] * 7 + [0.86] + [0.0] * 2), image)
    assert (sure.digit, sure.sure, sure.sentence) == (7, True, "This is a 7.")
    unsure = predict.predict(_Fixed([0.0, 0.4, 0, 0, 0, 0, 0, 0.6, 0, 0]), image)
    assert (unsure.digit, unsure.sure) == (7, False)
    assert unsure.sentence == "Not sure: perhaps a 7, or a 1."


def test_what_is_no_digit_is_told_with_the_best_guess():
    reading = predict.predict(_Fixed([0.1] * 3 + [0.3] + [0.08] * 5 + [0.0]), torch.zeros(28, 28))
    assert (reading.digit, reading.sure, reading.in_distribution) == (3, False, False)
    assert reading.sentence == "This does not look like a digit. If it had to choose: a 3."


@pytest.mark.parametrize("inputs", [3, 5000])
def test_a_network_that_an_older_version_calibrated_reads_and_the_log_names_it(
    tmp_path, inputs, caplog
):
    path = tmp_path / "net.safetensors"
    save_network(build_network(CONFIG, 1), path, ood_head=OODHead(inputs))
    model = load_model(str(path))
    assert model.ood_detector is None  # as of one that was never calibrated
    assert predict.predict(model, torch.zeros(28, 28)).sentence
    assert str(path) in caplog.text and "calibrate it anew" in caplog.text


def test_a_damaged_network_is_told_without_the_folder_that_it_lies_in(tmp_path):
    path = tmp_path / "net.safetensors"
    path.write_bytes(b"no network")
    with pytest.raises(ModelError, match=r"^net\.safetensors is not .*: choose another"):
        load_model(str(path))


def test_a_small_checkpoint_that_would_unpack_to_very_much_is_refused(tmp_path):
    run = store.create_run(TrainConfig(CONFIG), folder=tmp_path)
    state = io.BytesIO()
    torch.save({"network": build_network(CONFIG, 1).state_dict(), "step": 3}, state)
    with zipfile.ZipFile(run.checkpoint, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("archive/data/99", bytes(MAX_FILE_BYTES + 1))
        with zipfile.ZipFile(state) as whole:
            for name in whole.namelist():
                packed.writestr(name, whole.read(name))
    assert run.checkpoint.stat().st_size < 500_000
    with pytest.raises(RunError, match="checkpoint of this run is damaged"):
        read_checkpoint(run.checkpoint)


@pytest.mark.parametrize("step", [-1, 10**30])
def test_a_checkpoint_of_a_step_that_cannot_be_tells_of_no_images(tmp_path, step):
    torch.save({"step": step}, tmp_path / "checkpoint.pt")
    assert images_seen(tmp_path / "checkpoint.pt", TrainConfig()) == 0


@pytest.mark.parametrize("recipe", [{}, {"network": None}, {"network": {"dense": 3}}])
def test_a_checkpoint_whose_run_has_lost_its_recipe_is_told_in_words(tmp_path, recipe):
    run = store.create_run(None, name="Lost", folder=tmp_path)
    store.write_json(run.path / "config.json", {"recipe": recipe})
    torch.save({"network": build_network(CONFIG, 1).state_dict(), "step": None}, run.checkpoint)
    with pytest.raises(ModelError, match="are damaged: choose another"):
        load_model(run.id, tmp_path)

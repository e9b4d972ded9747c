"""A network judged: the figures against plain counting, and the verdict in words."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from mnistcore.config import NetworkConfig, TrainConfig
from mnistcore.data.digits import Digits
from mnistcore.evaluation.metrics import (
    Score,
    calibration_bins,
    calibration_in_words,
    confusion_matrix,
    expected_calibration_error,
)
from mnistcore.evaluation.provenance import TrainingProvenance, seen_images, training_provenance
from mnistcore.evaluation.report import (
    EvaluationReport,
    confusion_cell,
    evaluate_model,
    misclassified,
    report_diagnosis,
)
from mnistcore.models.checkpoint import save_network
from mnistcore.models.network import build_network
from mnistcore.models.registry import Model, load_model
from mnistcore.runs import store
from mnistcore.training.trainer import train

Parts = tuple[Digits, Digits]
LABELS = torch.tensor([4, 4, 4, 9, 9, 1])
SCORE = Score(
    accuracy=0.5,
    loss=1.0,
    count=6,
    predicted=torch.tensor([4, 9, 9, 9, 4, 1]),
    confidence=torch.tensor([0.99, 0.6, 0.95, 0.7, 0.91, 0.35]),
)
EXAM = EvaluationReport(
    Model("made", "Made", build_network(NetworkConfig((), ()), 1)),
    Digits(torch.zeros(6, 28, 28, dtype=torch.uint8), LABELS, "digits"),
    SCORE,
    train_accuracy=0.9,
    train_count=100,
)


def trained(parts: Parts, **recipe) -> EvaluationReport:
    """An exam of a network that has really learned, from some of scikit-learn's digits."""
    config = TrainConfig(**{"batch_size": 32, "device": "cpu", "learning_rate": 3e-3} | recipe)
    training = train(config, *parts)
    images = max(progress.images for progress in training)
    learned = TrainingProvenance("digits", config, images, None, 0)
    return evaluate_model(Model("it", "It", training.network.eval()), learned, *parts)


def kind(exam: EvaluationReport) -> str:
    score = exam.score
    return report_diagnosis(exam.train_accuracy, exam.train_count, score.accuracy, score.count).kind


def test_the_confusion_matrix_counts_every_image_once_in_the_row_of_what_it_is():
    table = confusion_matrix(LABELS, SCORE.predicted)
    assert table.shape == (10, 10)
    assert table.sum() == 6
    assert (table[4, 4], table[4, 9], table[9, 4], table[9, 9]) == (1, 2, 1, 1)


def test_mistakes_come_surest_first():
    assert misclassified(EXAM) == [2, 4, 1]


def test_behind_a_cell_are_its_images_surest_first():
    assert confusion_cell(EXAM, true=4, said=9) == [2, 1]
    assert confusion_cell(EXAM, true=0, said=9) == []


def test_bands_hold_every_answer_and_say_how_many_were_right():
    bands = calibration_bins(LABELS, SCORE)
    assert sum(band.count for band in bands) == 6
    top = bands[-1]
    assert (top.low, top.high, top.count) == (0.9, 1.0, 3)
    assert top.accuracy == pytest.approx(1 / 3)
    assert top.confidence == pytest.approx((0.99 + 0.95 + 0.91) / 3)


def test_answers_of_weights_that_ran_away_are_not_sure_at_all():
    lost = replace(SCORE, confidence=torch.full_like(SCORE.confidence, torch.nan))
    (band,) = calibration_bins(LABELS, lost)
    assert (band.low, band.count, band.confidence) == (0, len(LABELS), 0)


def test_the_calibration_error_is_that_of_the_textbook():
    bands = calibration_bins(LABELS, SCORE)
    by_hand = (3 * abs(0.95 - 1 / 3) + 0.6 + 0.3 + 0.65) / 6
    assert expected_calibration_error(bands) == pytest.approx(by_hand, abs=1e-6)
    words = calibration_in_words(bands)
    assert "Of the **3** answers" in words
    assert "**33.3%** were right" in words


def test_answers_that_are_as_right_as_they_are_sure_can_be_taken_at_their_word():
    sure = torch.full((1000,), 0.8)
    labels = torch.zeros(1000, dtype=torch.long)
    predicted = (torch.arange(1000) % 5 == 0).long()
    score = Score(0.8, 0.5, 1000, predicted, sure)
    bands = calibration_bins(labels, score)
    assert expected_calibration_error(bands) < 1e-6
    assert "take its word" in calibration_in_words(bands)
    doubtful = replace(score, confidence=torch.full((1000,), 0.5))
    assert "better than it thinks" in calibration_in_words(calibration_bins(labels, doubtful))


@pytest.mark.parametrize(
    ("on_training", "on_test", "kind"),
    [
        (1.00, 0.86, "overfitting"),
        (0.76, 0.75, "underfitting"),
        (0.99, 0.99, "about right"),
        (0.99, 0.977, "about right"),
        (0.10, 0.10, "underfitting"),
        (0.90, 0.70, "overfitting"),
        (0.70, 0.62, "underfitting"),
        (0.90, 0.95, "underfitting"),
    ],
)
def test_the_verdict_follows_from_the_two_figures(on_training, on_test, kind):
    found = report_diagnosis(on_training, 10_000, on_test, 10_000)
    assert found.kind == kind
    assert f"{on_test:.1%}" in found.sentence
    assert "10,000 test images" in found.rests_on
    assert found.advice


def test_a_gap_that_chance_explains_is_not_called_overfitting():
    assert report_diagnosis(1.0, 500, 0.96, 10_000).kind == "overfitting"
    assert report_diagnosis(1.0, 500, 0.96, 50).kind == "about right"
    assert report_diagnosis(1.0, 500, 1.0, 10).kind == "about right"


def test_a_network_that_learned_a_hundred_images_by_heart_is_overfitting(digits: Parts):
    exam = trained(digits, network=NetworkConfig((), (128,)), epochs=60, train_size=100)
    assert exam.train_count == 96  # its first three batches of 32
    assert kind(exam) == "overfitting"


def test_a_network_of_two_units_is_underfitting(digits: Parts):
    exam = trained(digits, network=NetworkConfig((), (2,)), epochs=10)
    assert kind(exam) == "underfitting"


def test_a_network_that_fits_the_task_is_about_right(digits: Parts):
    exam = trained(digits, epochs=6)
    assert exam.train_count == len(digits[0]) // 32 * 32  # every batch is full
    assert kind(exam) == "about right"


def test_a_network_that_learned_from_other_images_gets_no_verdict(digits: Parts):
    foreign = TrainingProvenance("mnist", None, 60_000, 0.99, 10_000)
    exam = evaluate_model(EXAM.model, foreign, *digits)
    assert exam.train_accuracy is None


def test_an_accuracy_that_was_taken_before_is_not_taken_again(digits: Parts):
    exam = evaluate_model(EXAM.model, TrainingProvenance("digits", None, 500, 0.75, 500), *digits)
    assert (exam.train_accuracy, exam.train_count) == (0.75, 500)


def test_where_the_shipped_network_comes_from_is_known():
    learned = training_provenance("shipped")
    assert learned.met("mnist")
    assert learned.config.augmentation == "affine"


@pytest.mark.parametrize("epochs", [0.1, 0.5, 3])
def test_a_network_is_judged_on_images_that_it_has_really_learned_from(digits: Parts, epochs):
    config = TrainConfig(NetworkConfig((), (4,)), epochs=epochs, batch_size=64, device="cpu")
    training = train(config, *digits)
    training.every_step = True
    steps = [(progress.images, training.last_batch) for progress in training]
    images, chosen = steps[-1][0], torch.cat([batch.indices for _, batch in steps if batch])
    seen = {image.numpy().tobytes() for image in digits[0].images[chosen]}
    own = seen_images(digits[0], config, images)
    assert len(own) == min(images, 1472)
    assert {image.numpy().tobytes() for image in own.images} <= seen


def test_a_run_under_way_is_judged_on_what_its_weights_have_learned_from(digits: Parts, tmp_path):
    config = TrainConfig(NetworkConfig((), (4,)), batch_size=64, device="cpu")
    training = train(config, *digits)
    assert next(progress for progress in training if progress.step).images == 64
    run = store.create_run(config, dataset="digits", folder=tmp_path)
    store.write_json(run.path / "status.json", {"state": "running", "progress": {"images": 1000}})
    torch.save(training.state(), run.checkpoint)
    learned = training_provenance(run.id, tmp_path)
    assert learned.images == 64
    exam = evaluate_model(load_model(run.id, tmp_path), learned, *digits)
    assert exam.train_count == 64
    words = report_diagnosis(exam.train_accuracy, 64, exam.score.accuracy, exam.score.count)
    assert "of the 64 images that it learned from" in words.sentence


def test_a_network_that_has_not_learned_from_any_image_gets_no_verdict(digits: Parts):
    exam = evaluate_model(
        EXAM.model, TrainingProvenance("digits", TrainConfig(), 0, None, 0), *digits
    )
    assert exam.train_accuracy is None


@pytest.mark.parametrize("step", [None, "x", float("inf"), []])
@pytest.mark.parametrize("recipe", [{}, {"batch_size": None}])
def test_of_a_damaged_checkpoint_nobody_knows_what_it_learned_from(tmp_path, step, recipe):
    run = store.create_run(None, folder=tmp_path)
    store.write_json(run.path / "config.json", {"recipe": recipe, "dataset": "digits"})
    torch.save({"step": step}, run.checkpoint)
    assert training_provenance(run.id, tmp_path) == TrainingProvenance("digits", None, 0, None, 0)


@pytest.mark.parametrize(
    "card",
    [
        {"recipe": [], "dataset": 7, "images": "many", "train_accuracy": [], "train_count": None},
        {
            "recipe": {"network": 3, "batch_size": 0, "seed": -1, "train_size": "all"},
            "images": 1e99,
        },
        {"recipe": asdict(TrainConfig()) | {"batch_size": 0}, "images": 5, "train_count": "5"},
    ],
)
def test_a_card_that_makes_no_sense_is_not_believed(tmp_path, card, digits):
    path = str(tmp_path / "net.safetensors")
    save_network(build_network(NetworkConfig((), ()), 1), Path(path))
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    save_file(load_file(path), path, metadata | {"card": json.dumps(card)})
    learned = training_provenance(path)
    assert learned.config is None
    exam = evaluate_model(load_model(path), learned, *digits)
    assert (exam.train_accuracy, exam.train_count) == (None, 0)

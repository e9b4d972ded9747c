"""Lessons that are kept: a taught network becomes a run, whole or not at all."""

import pytest

from mnistcore.config import Defect, NetworkConfig, TrainConfig
from mnistcore.errors import RunError
from mnistcore.evaluation.provenance import TrainingProvenance
from mnistcore.models.checkpoint import save_network
from mnistcore.models.network import build_network
from mnistcore.records import FineTuneResult
from mnistcore.runs import store
from mnistcore.training.finetune_session import (
    MAX_DRAWINGS,
    FineTuneSession,
    LabeledDrawing,
    fine_tune_result,
    is_full,
    read_drawings,
    replay_set,
)

SEVEN = [[(80.0, 90.0), (230.0, 90.0), (130.0, 300.0)]]


@pytest.mark.parametrize("file", ["model.safetensors", "lessons.jsonl", "status.json"])
def test_a_full_disk_leaves_nothing_of_a_taught_network_behind(tmp_path, monkeypatch, digits, file):
    teaching = FineTuneSession("shipped", [LabeledDrawing(7, SEVEN)], digits[0])
    next(iter(teaching))
    write = store.write_atomically

    def full(path, content):
        if path.name == file:
            raise OSError(28, "No space left on device")
        write(path, content)

    monkeypatch.setattr(store, "write_atomically", full)
    monkeypatch.setattr("mnistcore.training.finetune_session.N_EVALUATION", 10)
    with pytest.raises(RunError, match="No space left on device"):
        teaching.keep(digits[1], "me", tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.name != ".lock"]
    assert store.list_runs(tmp_path) == []


def test_the_accuracy_on_what_it_learned_rests_on_what_it_has_seen(tmp_path, monkeypatch, digits):
    """Of a run that saw 64 images, the copy is examined on these, not on the first ones."""
    recipe = TrainConfig(NetworkConfig(convolutions=(), dense=()), batch_size=64)
    base = store.create_run(recipe, dataset="digits", folder=tmp_path)
    save_network(build_network(recipe.network, 1), base.model)
    store.write_json(base.path / "status.json", {"state": "finished", "result": {"images": 64}})
    monkeypatch.setenv("MNIST_RUNS", str(tmp_path))
    teaching = FineTuneSession(base.id, [LabeledDrawing(7, SEVEN)], digits[0])
    next(iter(teaching))
    run = teaching.keep(digits[1].head(10), "me")
    assert run.status().result.train_count == 64
    assert run.config().train == base.config().train


def test_a_spoiled_network_is_reminded_of_what_it_was_taught(digits):
    recipe = TrainConfig(defect=Defect("missing-class", 7))
    learned = TrainingProvenance("digits", recipe, 1_000, None, 0)
    assert 7 not in replay_set(learned, digits[0]).labels
    assert replay_set(learned._replace(config=TrainConfig()), digits[0]) is digits[0]
    assert replay_set(learned._replace(dataset="mnist"), digits[0]) is digits[0]


def test_a_teaching_takes_so_many_lessons_and_so_many_points():
    assert not is_full([LabeledDrawing(7, SEVEN)] * (MAX_DRAWINGS - 1))
    assert is_full([LabeledDrawing(7, SEVEN)] * MAX_DRAWINGS)
    scribble = [[(float(x % 400), 5.0) for x in range(10_000)]]
    assert is_full([LabeledDrawing(7, scribble)] * 10)


@pytest.mark.parametrize(
    "damage",
    [
        {"lessons_before": None},
        {"lessons_after": [1]},
        {"lessons_digits": ["a", "b"]},
        {"test_accuracy_before": "good"},
        {"taught_from": 3},
        {"dataset": []},
        {"dataset": "letters"},
    ],
)
def test_the_outcome_of_a_teaching_is_whole_or_none(tmp_path, damage):
    whole = {"taught_from": "shipped", "dataset": "digits", "taught_share": 1.0}
    whole |= {f"lessons_{each}": [7, 7] for each in ("before", "after", "digits")}
    whole |= {"test_accuracy": 0.9, "test_accuracy_before": 0.8, "test_count": 100}
    run = store.create_run(TrainConfig(), folder=tmp_path)
    store.write_json(run.path / "status.json", {"state": "finished", "result": whole})
    result, tuned = fine_tune_result(run)
    assert (result.dataset, result.test_accuracy, result.test_count) == ("digits", 0.9, 100)
    assert tuned == FineTuneResult("shipped", 0.8, (7, 7), (7, 7), (7, 7), 1.0)
    store.write_json(run.path / "status.json", {"state": "finished", "result": whole | damage})
    assert fine_tune_result(run) is None


def test_a_drawing_that_nobody_has_named_is_no_lesson(tmp_path):
    run = store.create_run(TrainConfig(), folder=tmp_path)
    lines = ['{"strokes": [[[1, 2], [30, 40]]]}', '{"label": 7, "strokes": [[[1, 2], [30, 40]]]}']
    (run.path / store.DRAWINGS_FILE).write_text("\n".join(lines * 300))
    assert [lesson.digit for lesson in read_drawings(run)] == [7] * (MAX_DRAWINGS // 2)

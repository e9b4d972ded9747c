"""Files of format 1, from before records had a format: all that lies in runs folders goes on."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from mnistcore.cli import main
from mnistcore.config import TrainConfig
from mnistcore.evaluation.provenance import training_provenance
from mnistcore.models.checkpoint import load_network, read_checkpoint
from mnistcore.models.registry import list_models, load_model
from mnistcore.records import (
    FORMAT,
    FineTuneResult,
    ModelCard,
    Prediction,
    Progress,
    RunConfig,
    RunResult,
    RunStatus,
    from_dict,
    to_dict,
)
from mnistcore.runs import store, worker
from mnistcore.training.finetune_session import fine_tune_result, read_drawings

BEFORE = Path(__file__).parent / "data" / "format1"
EXPECTED = json.loads((BEFORE / "expected.json").read_text())
KINDS = ("finished", "plain", "stopped", "killed", "taught")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runs folder as the version before records had a format left it."""
    shutil.copytree(BEFORE / "runs", tmp_path / "runs")
    monkeypatch.setenv("MNIST_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


def probabilities(model_id: str, test) -> torch.Tensor:
    return load_model(model_id).probabilities(test.images[:5].float() / 255)


def expected(kind: str) -> torch.Tensor:
    return torch.tensor(EXPECTED["runs"][EXPECTED[kind]]["probabilities"])


def test_every_run_is_listed_and_belongs_to_its_owner_alone(folder):
    runs = store.list_runs(folder)
    assert {run.id for run in runs} == {EXPECTED[kind] for kind in KINDS}
    assert all(run.belongs_to(EXPECTED["owner"]) for run in runs)
    assert not any(run.belongs_to("somebody else") for run in runs)
    assert {model_id for model_id, _ in list_models(folder)} > {run.id for run in runs}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "killed"])
def test_a_run_is_shown_as_it_was_and_gives_the_probabilities_that_it_gave(folder, kind, digits):
    run, told = store.find_run(EXPECTED[kind], folder), EXPECTED["runs"][EXPECTED[kind]]
    status = run.status()
    assert (run.name, status.state) == (told["name"], told["state"])
    assert len(run.metrics()) == told["records"]
    assert repr(load_model(run.id).network) == told["repr"]
    assert torch.allclose(probabilities(run.id, digits[1]), expected(kind), atol=1e-4)
    assert training_provenance(run.id).images == told["result"]["images"]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "killed"])
def test_the_command_line_lists_a_result_under_the_names_that_it_had(folder, kind, capsys):
    assert main(["runs", "--runs", str(folder), "--json"]) == 0
    listed = {each["run"]: each for each in json.loads(capsys.readouterr().out)["runs"]}
    assert listed[EXPECTED[kind]]["result"] == EXPECTED["runs"][EXPECTED[kind]]["result"]
    assert listed[EXPECTED["killed"]]["result"] == {}


def test_of_a_finished_run_everything_is_read(folder):
    run = store.find_run(EXPECTED["finished"], folder)
    config, status = run.config(), run.status()
    assert (config.name, config.preset, config.dataset) == ("Finished before", "notebook", "digits")
    assert (config.train.optimizer, config.train.train_size) == ("Adam", 400)
    assert (status.progress.step, status.progress.total_steps) == (50, 50)
    assert (len(status.predictions), status.predictions_images) == (18, 800)
    assert status.predictions[0] == Prediction(0, 7, 0.3572)
    assert (status.result.num_params, status.result.is_evaluated) == (2188, True)
    card = load_network(run.model).card
    assert (card.title, card.train, card.result) == (config.name, config.train, status.result)


@pytest.mark.parametrize("kind", ["stopped", "killed"])
def test_a_run_resumes_to_the_end_and_to_the_weights_of_one_that_was_never_broken_off(
    folder, kind, digits
):
    run = store.find_run(EXPECTED[kind], folder)
    assert run.status().state == {"stopped": "stopped", "killed": "interrupted"}[kind]
    assert "optimizer" in read_checkpoint(run.checkpoint)
    store.enqueue(run, here=True)
    result = worker.run_training(run)
    assert (run.status().state, result.epochs) == ("finished", 2)
    assert torch.allclose(probabilities(run.id, digits[1]), expected("finished"), atol=1e-4)
    steps = [record.step for record in run.metrics()]
    assert steps == sorted(set(steps))
    assert (steps[0], steps[-1]) == (0, 50)
    lines = (run.path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line).get("format") for line in (lines[0], lines[-1])] == [None, FORMAT]


def test_what_was_taught_by_hand_is_read_with_its_drawings(folder):
    run = store.find_run(EXPECTED["taught"], folder)
    result, tuned = fine_tune_result(run)
    assert tuned == FineTuneResult(
        EXPECTED["finished"], 0.5993265993265994, (1, 7), (5, 7), (5, 7), 1.0
    )
    assert (tuned.right_before, tuned.right_after, result.test_count) == (1, 1, 297)
    assert [drawing.digit for drawing in read_drawings(run)] == [1, 7]


def test_a_rename_writes_the_format_of_today_and_loses_nothing(folder):
    run = store.find_run(EXPECTED["plain"], folder)
    before = run.config()
    run.rename("Another", EXPECTED["owner"])
    assert json.loads((run.path / "config.json").read_text())["format"] == FORMAT
    assert run.config() == replace(before, name="Another")


def test_every_file_of_a_new_run_says_its_format(tmp_path):
    config = TrainConfig(epochs=0.5, train_size=40, device="cpu", threads=1)
    run = store.create_run(config, dataset="digits", folder=tmp_path)
    worker.run_training(run, lambda progress: store.write_atomically(run.path / "control", b"stop"))
    assert run.checkpoint.is_file()
    texts = [(run.path / name).read_text() for name in ("config.json", "status.json")]
    texts += (run.path / "metrics.jsonl").read_text().split("\n")[:1]
    with safe_open(run.model, "pt") as file:
        texts.append(file.metadata()["card"])
    assert [json.loads(text)["format"] for text in texts] == [FORMAT] * 4
    assert torch.load(run.checkpoint, weights_only=True)["format"] == FORMAT


TUNED = FineTuneResult("shipped", 0.5, (1, 2), (1, 1), (1, 2), 0.25)
RESULT = RunResult("id", "fast", "mnist", 10, 0.5, 5, 1.5, 3.3, 0.5, 9, 0.25, 1e30, 8, True, TUNED)
PROGRESS = Progress(3, 9, 24, 0.3, 2.3, 0.1, 1e-3, 0.5, 48.0, 1.0, 2.3, 0.1, 500)


@pytest.mark.parametrize(
    "record",
    [
        replace(PROGRESS, predictions=(Prediction(0, 7, 0.5),)),
        TUNED,
        RESULT,
        RunConfig("Mine", "fast", "mnist", "/data", "typed", "2026", "me", TrainConfig()),
        RunConfig(),
        RunStatus("running", "x", 7, "here", 1.5, 1.0, PROGRESS, (Prediction(1, 2, 1),), 24),
        RunStatus("finished", result=RESULT),
        RunStatus("failed", result=RunResult("id", diverged=True)),
        ModelCard("Mine", "typed", TrainConfig(seed=9), RESULT, 0.5, "calibrate"),
        ModelCard(),
    ],
)
def test_what_is_written_today_says_its_format_and_reads_back_the_same(record):
    written = json.loads(json.dumps(to_dict(record), allow_nan=False))
    assert written["format"] == FORMAT
    assert from_dict(type(record), written) == record


def test_a_value_that_makes_no_sense_falls_back_alone():
    written = to_dict(RunStatus("finished", "done", result=RESULT, progress=PROGRESS))
    written |= {"pid": "x", "unheard": 1}
    written["result"] |= {"test_accuracy": 1.5, "num_params": -1, "fine_tune": {"labels": [1]}}
    written["progress"] |= {"step": 10}  # of nine
    status = from_dict(RunStatus, written)
    assert (status.state, status.message, status.pid, status.progress) == (
        "finished",
        "done",
        0,
        None,
    )
    assert status.result == replace(RESULT, test_accuracy=None, num_params=0, fine_tune=None)


def test_a_file_is_parsed_once_for_all_who_look_until_it_changes(folder, monkeypatch):
    parsed, read = [], store.from_dict

    def counting(kind, values):
        parsed.append(kind)
        return read(kind, values)

    monkeypatch.setattr(store, "from_dict", counting)
    store._progress.cache_clear()
    run = store.find_run(EXPECTED["finished"], folder)

    def look():
        parsed.clear()
        for _ in range(5):
            run.status(), run.config(), run.name, run.metrics()
        return {kind: parsed.count(kind) for kind in set(parsed)}

    assert look() == {RunStatus: 1, RunConfig: 1, Progress: 13}
    assert look() == {}
    store.update_status(run, message="Changed.")
    assert run.status().message == "Changed."
    parsed.clear()
    with (run.path / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(to_dict(replace(PROGRESS, step=60, total_steps=99))) + "\n")
    assert run.metrics()[-1].step == 60
    assert parsed == [Progress]


def test_a_cached_status_does_not_keep_a_silent_worker_alive(folder, monkeypatch):
    run = store.find_run(EXPECTED["killed"], folder)
    now = store.time.time()
    store.update_status(run, state="running", host="elsewhere", heartbeat=now)
    assert run.status().state == "running"
    monkeypatch.setattr(store.time, "time", lambda: now + store.HEARTBEAT_TIMEOUT_S + 1)
    assert run.status().state == "interrupted"
    assert run.written_status().state == "running"

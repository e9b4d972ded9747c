"""`python -m mnistcore`, as it is typed."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from PIL import Image

from mnistcore.cli import main
from mnistcore.config import TrainConfig
from mnistcore.data import download
from mnistcore.models.checkpoint import load_network
from mnistcore.runs.store import create_run, find_run, write_json, write_record

TRAIN = ["train", "--preset", "plain", "--dataset", "digits", "--epochs", "1", "--threads", "1"]


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("MNIST_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(download, "_COMMAND", ["false"])


def last_line(capsys):
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_train_ends_with_the_figures_of_the_contract(capsys):
    assert main([*TRAIN, "--json"]) == 0
    result = last_line(capsys)
    names = "run preset weights epochs images seconds images_per_second train_accuracy"
    assert set(names.split()) | {"test_accuracy"} <= set(result)
    assert (result["preset"], result["epochs"], result["dataset"]) == ("plain", 1, "digits")
    assert main(["runs", "--json"]) == 0
    assert last_line(capsys)["runs"][0]["run"] == result["run"]


def test_the_same_command_twice_gives_the_same_accuracy(capsys):
    results = []
    for _ in range(2):
        main([*TRAIN, "--json"])
        results.append(last_line(capsys))
    assert results[0]["test_accuracy"] == results[1]["test_accuracy"]
    assert results[0]["test_loss"] == results[1]["test_loss"]
    assert results[0]["run"] != results[1]["run"]


def test_a_twin_is_trained_beside_a_run_and_both_results_are_told(capsys, tmp_path):
    assert main([*TRAIN, "--twin", "rate-down", "--json"]) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out.splitlines()[-1])
    assert result["twin"]["run"] == f"{result['run']}.twin"
    assert result["twin"]["images"] == result["images"]
    assert captured.err.count("test images right") == 2
    assert main([*TRAIN, "--twin", "no-convolutions"]) == 2
    assert "use one of rate-up" in capsys.readouterr().err


def test_options_change_the_recipe(capsys, tmp_path):
    options = ["--convolutions", "4@5", "--dense", "", "--batch-norm", "--seed", "7"]
    assert main([*TRAIN, *options, "--optimiser", "RMSprop", "--json"]) == 0
    result = last_line(capsys)
    assert result["weights"] == 4 * 25 + 4 + 8 + 4 * 144 * 10 + 10
    config = json.loads((tmp_path / "runs" / result["run"] / "config.json").read_text())
    assert (config["train"]["seed"], config["train"]["optimizer"]) == (7, "RMSprop")


def test_without_mnist_it_trains_on_the_bundled_digits_and_says_so(capsys):
    assert main(["train", "--preset", "fast", "--threads", "1", "--json"]) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out.splitlines()[-1])
    assert "not MNIST" in captured.err
    assert (result["dataset"], result["test_count"]) == ("digits", 297)
    assert result["test_accuracy"] > 0.9


def test_evaluate_and_predict_use_a_run_by_its_name(capsys, tmp_path, digits):
    main([*TRAIN, "--epochs", "8", "--name", "mine", "--json"])
    trained = last_line(capsys)
    assert main(["evaluate", "--model", "mine", "--dataset", "digits", "--json"]) == 0
    judged = last_line(capsys)
    assert judged["count"] == 297
    assert judged["test_accuracy"] == trained["test_accuracy"]
    picture = tmp_path / "seven.png"
    image = digits[1].images[digits[1].labels == 7][0]
    Image.fromarray(255 - image.numpy()).resize((280, 280)).save(picture)
    assert main(["predict", str(picture), "--json"]) == 0
    (prediction,) = last_line(capsys)["predictions"]
    assert (prediction["digit"], prediction["source"]) == (7, str(picture))
    assert sum(prediction["probabilities"]) == pytest.approx(1, abs=1e-4)


def test_labelled_strokes_are_read_and_counted(capsys, tmp_path):
    one = {"label": 1, "writer": 1, "strokes": [[[250, 150], [250, 350]]]}
    path = tmp_path / "strokes.jsonl"
    path.write_text(f"{json.dumps(one)}\n{json.dumps(one | {'label': 8})}\n")
    for layout in ("as-written", "filling"):
        assert main(["predict", "--strokes", str(path), "--layout", layout, "--json"]) == 0
        answer = last_line(capsys)
        assert (answer["count"], answer["accuracy"]) == (2, 0.5)
        assert answer["predictions"][0]["digit"] == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "--preset", "magic"], "no preset 'magic': use one of fast"),
        (["train", "--epochs", "0"], "number of epochs"),
        (["train", "--preset", "Notebook, fast", "--epochs", "0"], "number of epochs"),
        (["train", "--dense", "a"], "widths of layers"),
        (["train", "--convolutions", "8@29"], "only 28 x 28 pixels are left"),
        (["train", "--dataset", "mnist"], "connect to the internet"),
        (["resume", "nothing"], "There is no run 'nothing'"),
        (["predict", "nothing.png"], "nothing.png"),
        (["predict"], "Give pictures to read"),
        (["predict", "--strokes", "nothing.jsonl"], "nothing.jsonl"),
        (["evaluate", "--model", "nothing.safetensors"], "no network file"),
        (["train", "--batch-size", "1", "--batch-norm"], "batch size of 2 or more"),
        (["train", "--seed", "9" * 4000], "The seed must be from 0 to 4,294,967,295, not 999"),
        (["train", "--dense", ",".join(["9" * 4000] * 2)], "no more than 5,000,000"),
        (["train", "--dense", "9" * 5000], "are not widths of layers"),
        (["train", "--threads", "0"], "number of threads must be from 1"),
        (["train", "--train-size", "0"], "training images must be from 10"),
        (["train", "--epochs", "x"], "--epochs: invalid float value: 'x': `python -m mnistcore tr"),
        (["train", "--dataset", "moon"], "invalid choice: 'moon'"),
        (["train", "--magic"], "unrecognized arguments: --magic"),
        (["resume"], "required: run"),
        (["dance"], "invalid choice: 'dance'"),
        ([], "required: COMMAND"),
    ],
)
def test_what_goes_wrong_is_one_line_and_status_2(capsys, arguments, words):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert words in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "--runs", "file"], "'file' is not a folder"),
        (["runs", "--runs", "file"], "'file' is not a folder"),
        (["train", "--data", "file"], "'file' is not a folder"),
        (["train", "--runs", ""], "'' is not a folder"),
        (["train", "--runs", "\ud800"], "'\\ud800' is not a folder"),
        (["train", "--dataset", "mnist", "--runs", "file/runs"], "cannot be written to file/runs"),
        (["calibrate", "--out", "none/x.safetensors"], "none/x.safetensors cannot be written"),
        (["calibrate", "--out", "x.txt"], "has to end in .safetensors"),
        (["calibrate", "--out", "folder.safetensors"], "has to end in .safetensors"),
        (["calibrate", "--out", "x.safetensors", "--fonts", "empty"], "There is no font in empty"),
        (["calibrate", "--out", "x.safetensors", "--fonts", "fonts"], "cannot be read"),
        (["predict", "two\nlines.png"], "There is no picture two lines.png"),
    ],
)
def test_a_place_that_cannot_be_used_is_told_before_any_data_is_asked_for(
    capsys, tmp_path, monkeypatch, arguments, words
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    for folder in ("folder.safetensors", "fonts"):
        (tmp_path / folder).mkdir()
    (tmp_path / "fonts" / "broken.ttf").write_text("no font")
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert words in error
    assert len(error.splitlines()) == 1
    assert not (tmp_path / "data").exists()


def test_a_folder_from_the_environment_is_judged_like_a_typed_one(capsys, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MNIST_RUNS", str(tmp_path / "file"))
    assert main(["runs"]) == 2
    assert "is not a folder" in capsys.readouterr().err


def test_a_device_that_is_not_there_leaves_no_run_behind(capsys, tmp_path, monkeypatch):
    accelerator = "torch.accelerator.current_accelerator"
    monkeypatch.setattr(accelerator, lambda check_available: None)
    assert main([*TRAIN, "--device", "cuda"]) == 2
    assert capsys.readouterr().err.startswith("mnistcore: This machine has no 'cuda' device")
    assert not (tmp_path / "runs").exists()
    main([*TRAIN, "--name", "mine"])
    run = find_run("mine", tmp_path / "runs")
    config = replace(run.config(), train=replace(run.train_config(), device="cuda"))
    write_record(run.path / "config.json", config)
    write_json(run.path / "status.json", {"state": "stopped"})
    assert main(["resume", "mine"]) == 2
    assert run.status().state == "stopped"


@pytest.mark.parametrize(
    "damage",
    [
        {"epochs": "x"},
        {"threads": "two"},
        {"threads": 10**6},
        {"seed": [1]},
        {"batch_size": 2.5},
        {"device": 5},
        {"network": None},
        {"network": {"convolutions": 5, "dense": []}},
        {"network": {"convolutions": [], "dense": [], "activation": []}},
        {"network": {"convolutions": [], "dense": [], "dropout": "x"}},
    ],
)
def test_a_recipe_that_was_damaged_is_refused_in_a_line(capsys, tmp_path, damage):
    run = create_run(TrainConfig(), name="mine", dataset="digits")
    path = run.path / "config.json"
    config = json.loads(path.read_text())
    write_json(path, config | {"train": config["train"] | damage})
    write_json(run.path / "status.json", {"state": "stopped"})
    assert main(["resume", "mine"]) == 2
    *_, error = capsys.readouterr().err.splitlines()
    assert error.startswith("mnistcore: ")


@pytest.mark.parametrize(
    ("typed", "status", "words"),
    [
        ("runs | head -1", "141", ""),
        ("--help | true", "141", ""),
        ("runs > /dev/full", "2", "mnistcore: The answer cannot be written (No space left on"),
        ("--help > /dev/full", "2", "mnistcore: The answer cannot be written (No space left on"),
        ("runs >&-", "0", ""),
        ("runs --json 2>&-", "0", ""),
        ("resume nothing 2> /dev/full", "2", ""),
    ],
)
def test_output_that_goes_nowhere_is_no_traceback(tmp_path, typed, status, words):
    folder = tmp_path / "runs" / "run"
    folder.mkdir(parents=True)
    write_json(folder / "config.json", {"name": "long\n" * 50_000})  # more than fits into a pipe
    command, *rest = typed.split("|")
    first = f"{shlex.quote(sys.executable)} -m mnistcore {command}; echo $? >&9"
    script = " | ".join([f"{{ {first}; }} 9> {shlex.quote(str(tmp_path / 'status'))}", *rest])
    shell = subprocess.run(script, shell=True, capture_output=True, text=True, check=True)
    assert (tmp_path / "status").read_text().strip() == status
    assert shell.stderr.startswith(words)
    assert len(shell.stderr.splitlines()) == bool(words)


def test_a_training_that_nobody_watches_any_more_stops_and_can_be_resumed(tmp_path):
    command = [sys.executable, "-m", "mnistcore", *TRAIN, "--epochs", "500", "--name", "mine"]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 60
        while not list((tmp_path / "runs").glob("*/checkpoint.pt")):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        process.stderr.close()
        assert process.wait(timeout=60) == 141
    assert find_run("mine", tmp_path / "runs").status().state == "stopped"


def test_a_file_name_in_no_known_letters_is_read_and_told(tmp_path, digits):
    name = os.fsdecode(bytes(tmp_path) + b"/\xff.png")
    image = digits[1].images[digits[1].labels == 7][0]
    Image.fromarray(255 - image.numpy()).resize((280, 280)).save(name, "PNG")
    command = [sys.executable, "-m", "mnistcore", "predict", name]
    english = os.environ | {"LC_ALL": "C.UTF-8"}
    result = subprocess.run(command, capture_output=True, env=english)
    assert (result.returncode, result.stderr) == (0, b"")
    assert b"\\udcff.png: This is a 7." in result.stdout
    result = subprocess.run([*command, "--json"], capture_output=True, check=True)
    (prediction,) = json.loads(result.stdout)["predictions"]
    assert prediction["source"] == name


def test_a_finished_run_is_not_resumed(capsys):
    main([*TRAIN, "--name", "done"])
    assert main(["resume", "done"]) == 2
    assert "nothing to go on with" in capsys.readouterr().err


def test_ctrl_c_stops_a_run_with_its_weights_and_resume_goes_on(tmp_path):
    command = [sys.executable, "-m", "mnistcore", *TRAIN, "--epochs", "100", "--name", "mine"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not list((tmp_path / "runs").glob("*/checkpoint.pt")):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        error = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "can be resumed" in error.splitlines()[-1]
    run = find_run("mine", tmp_path / "runs")
    assert run.status().state == "stopped"
    assert 0 < run.status().result.epochs < 100
    assert load_network(run.model)
    assert main(["resume", "mine"]) == 0
    assert run.status().result.epochs == 100


def test_a_run_remembers_where_its_data_lay_when_nothing_was_said(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("MNIST_DATA")
    monkeypatch.chdir(tmp_path)
    main([*TRAIN, "--name", "mine"])
    assert find_run("mine").config().data == str(tmp_path / "data")


def test_it_can_be_started_as_a_module():
    command = [sys.executable, "-m", "mnistcore", "runs"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout == ""


@pytest.mark.parametrize("option", ["--seed", "--epochs", "--dense", "--batch-size", "--threads"])
@pytest.mark.parametrize("digits", [400, 5000])
def test_a_number_of_hundreds_of_digits_is_one_line_on_standard_error(option, digits, capsys):
    assert main([*TRAIN, option, "9" * digits]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1

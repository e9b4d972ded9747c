"""Frames: what a run folder remembers of the network while it learned."""

import itertools
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from mnistcore.config import Conv, NetworkConfig, TrainConfig
from mnistcore.data.loading import load_dataset
from mnistcore.errors import ModelError
from mnistcore.evaluation.provenance import training_provenance
from mnistcore.inspection import frames
from mnistcore.models.registry import load_model
from mnistcore.runs import store
from mnistcore.runs.quota import folder_size
from mnistcore.runs.worker import run_training
from mnistcore.training import frame_recorder
from mnistcore.training.frame_recorder import FrameRecorder, frame_steps
from mnistcore.training.trainer import Trainer

SMALL = TrainConfig(
    network=NetworkConfig(convolutions=(Conv(4, 5),), dense=(16,)),
    epochs=2,
    batch_size=16,
    learning_rate=5e-3,
    threads=1,
)


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> store.Run:
    """A run of the small digits that has come to its end, with time for all frames."""
    run = store.create_run(SMALL, dataset="digits", here=True, folder=tmp_path_factory.mktemp("r"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frame_recorder, "MAX_TIME_SHARE", 1e9)
        run_training(run)
    return run


def record_all(digits, folder) -> None:
    training = Trainer(SMALL, *digits)
    recorder = FrameRecorder(folder, training)
    training.stops = frozenset(recorder.steps)
    for _ in training:
        recorder.record_if_due()


@pytest.fixture
def copied(finished, tmp_path) -> store.Run:
    return store.Run(Path(shutil.copytree(finished.path, tmp_path / finished.id)))


def test_steps_are_dense_at_first_and_reach_both_ends():
    steps = frame_steps(10_000)
    assert steps[0] == 0 and steps[-1] == 10_000 and len(steps) <= frame_recorder.N_FRAMES
    assert steps[1:4] == [1, 2, 3] or steps[3] < 10
    assert all(after > before for before, after in itertools.pairwise(steps))
    assert frame_steps(3) == [0, 1, 2, 3]


def test_a_run_leaves_a_frame_at_every_step_planned(finished):
    last = finished.status().progress
    assert frames.recorded_steps(finished.frames) == frame_steps(last.total_steps)
    images = [frames.read_frame(finished.frames, step).images for step in (0, last.total_steps)]
    assert images == [0, last.images]


def test_a_frame_is_read_in_three_lines(finished):
    step = frames.recorded_steps(finished.frames)[-2]
    tensors = load_file(finished.frames / f"{step:07d}.safetensors")
    assert tensors["weights.layers.0.weight"].shape == (4, 1, 5, 5)
    assert tensors["filters"].shape == (4, 5, 5)


def test_the_last_frame_is_the_finished_network(finished, digits):
    frame = frames.read_frame(finished.frames, frames.recorded_steps(finished.frames)[-1])
    of_file = load_model(finished.id, finished.path.parent)
    images = digits[1].images[frame.test_indices]
    expected = of_file.probabilities(images / 255)
    said = frame.surveyed(SMALL.network, digits[1]).probabilities
    torch.testing.assert_close(said, expected, atol=1e-2, rtol=0)
    of_frame = load_model(f"{finished.id}@{frame.step}", finished.path.parent)
    torch.testing.assert_close(of_frame.probabilities(images / 255), expected, atol=1e-2, rtol=0)


def test_a_survey_from_the_weights_is_what_the_network_of_then_says(finished, digits):
    frame = frames.read_frame(finished.frames, frames.recorded_steps(finished.frames)[-2])
    assert frame.probabilities is None
    surveyed = frame.surveyed(SMALL.network, digits[1])
    then = load_model(f"{finished.id}@{frame.step}", finished.path.parent)
    said = then.probabilities(digits[1].images[frame.test_indices] / 255)
    torch.testing.assert_close(surveyed.probabilities, said, atol=1e-4, rtol=0)
    assert surveyed.silent.shape == (2,)


def test_changes_are_none_at_first_and_then_some(finished):
    steps = frames.recorded_steps(finished.frames)
    first, second = (frames.read_frame(finished.frames, step) for step in steps[:2])
    assert first.changes.tolist() == [0, 0, 0]
    assert (second.changes > 0).all()


def test_without_time_there_are_two_frames(digits, tmp_path, monkeypatch):
    monkeypatch.setattr(frame_recorder, "MAX_TIME_SHARE", 0.0)
    record_all(digits, tmp_path)
    assert frames.recorded_steps(tmp_path) == [0, Trainer(SMALL, *digits).total_steps]


def test_frames_keep_to_their_share_of_the_time_and_those_with_weights_come_first(
    digits, tmp_path, monkeypatch
):
    monkeypatch.setattr(frame_recorder, "MAX_TIME_SHARE", 0.2)
    monkeypatch.setattr(frame_recorder, "MAX_BYTES", 2_200_000)
    clock = itertools.count()  # a second passes with every look, so that each frame takes one
    monkeypatch.setattr(frame_recorder.time, "thread_time", lambda: float(next(clock)))
    training = Trainer(SMALL, *digits)
    recorder = FrameRecorder(tmp_path, training)
    for step in recorder.steps:
        training.step, training.busy = step, float(step)  # and with every step
        recorder.record_if_due()
    steps = frames.recorded_steps(tmp_path)
    with_weights = [step for step in steps if frames.read_frame(tmp_path, step).weights]
    assert 20 < len(steps) <= 0.2 * training.total_steps + 2
    assert len(with_weights) == 14


def test_recording_leaves_the_training_as_it_is(digits, tmp_path):
    config = replace(SMALL, network=replace(SMALL.network, batch_norm=True, dropout=0.2))

    def sums(record: bool) -> list[float]:
        training = Trainer(config, *digits)
        recorder = FrameRecorder(tmp_path / "frames", training)
        if record:
            training.stops = frozenset(recorder.steps)
        for progress in training:
            if record and progress.step in training.stops:
                recorder.record()
        return [float(values.double().sum()) for values in training.network.state_dict().values()]

    assert sums(record=True) == sums(record=False)


@pytest.mark.parametrize("harm", ["torn", "missing", "foreign", "folder"])
def test_a_damaged_frame_is_none_and_the_others_stay(copied, harm):
    first, second, *_ = frames.recorded_steps(copied.frames)
    path = copied.frames / f"{first:07d}.safetensors"
    match harm:
        case "torn":
            path.write_bytes(path.read_bytes()[:-100])
        case "foreign":
            shutil.copy(copied.model, path)
        case _:
            path.unlink()
            if harm == "folder":
                path.mkdir()
    assert frames.read_frame(copied.frames, first) is None
    assert frames.read_frame(copied.frames, second) is not None


def test_large_networks_keep_within_the_bytes(digits, tmp_path, monkeypatch):
    monkeypatch.setattr(frame_recorder, "MAX_BYTES", 2_400_000)
    monkeypatch.setattr(frame_recorder, "MAX_TIME_SHARE", 1e9)
    record_all(digits, tmp_path / "frames")
    steps = frames.recorded_steps(tmp_path / "frames")
    kept = [frames.read_frame(tmp_path / "frames", step) for step in steps]
    with_weights = [frame.step for frame in kept if frame.weights]
    assert folder_size(tmp_path / "frames") <= 2_400_000
    assert 1 < len(with_weights) < len(steps) and steps[-1] in with_weights
    assert all(frame.filters.any() for frame in kept)


def test_frames_of_a_part_that_is_repeated_go(digits, tmp_path):
    training = Trainer(SMALL, *digits)
    recorder = FrameRecorder(tmp_path / "frames", training)
    recorder.record()
    (tmp_path / "frames" / "0000090.safetensors").write_bytes(b"of another try")
    FrameRecorder(tmp_path / "frames", training)
    assert frames.recorded_steps(tmp_path / "frames") == [0]


def test_frames_go_with_their_run_and_before_it_when_room_is_needed(copied):
    assert folder_size(copied.path) > folder_size(copied.frames) > 10_000
    copied.forget_training()
    assert not copied.frames.exists()


def test_the_network_of_a_moment_that_was_not_kept_is_refused_in_a_sentence(finished):
    with pytest.raises(ModelError, match="kept"):
        load_model(f"{finished.id}@7777777", finished.path.parent)


def test_a_stopped_run_goes_on_with_its_frames(tmp_path, monkeypatch):
    monkeypatch.setattr(frame_recorder, "MAX_TIME_SHARE", 1e9)
    run = store.create_run(SMALL, dataset="digits", here=True, folder=tmp_path)

    def stop_early(progress):
        if progress.step >= 40:
            store.write_atomically(run.path / "control", b"stop")

    run_training(run, stop_early)
    before = frames.recorded_steps(run.frames)
    store.enqueue(run, here=True)
    run_training(run)
    total = run.status().progress.total_steps
    assert before[-1] < total
    assert frames.recorded_steps(run.frames) == frame_steps(total)


def test_the_history_of_an_answer_says_since_when_it_stayed(finished, digits):
    image = digits[1].images[0] / 255
    steps = frames.recorded_steps(finished.frames)
    answers = [frames.answer(finished.frames, step, SMALL.network, image) for step in steps]
    settled = answers.index(frames.settled_at(answers))
    read = [int(each.probabilities.argmax()) for each in answers]
    assert set(read[settled:]) == {read[-1]}
    assert settled == 0 or read[settled - 1] != read[-1]
    model = load_model(f"{finished.id}@{steps[settled]}", finished.path.parent)
    torch.testing.assert_close(
        model.probabilities(image[None])[0], answers[settled].probabilities, atol=1e-4, rtol=0
    )


def test_what_a_moment_had_learned_from_is_known(finished):
    step = frames.recorded_steps(finished.frames)[5]
    learned = training_provenance(f"{finished.id}@{step}", finished.path.parent)
    assert (learned.images, learned.dataset) == (step * SMALL.batch_size, "digits")
    assert training_provenance(finished.id, finished.path.parent).images > learned.images

"""Film: a training as an animated picture, of a run of the small digits."""

import io
from dataclasses import replace

import pytest
import torch
from PIL import Image, ImageChops

from mnistcore.config import Conv, NetworkConfig, TrainConfig
from mnistcore.errors import MnistError
from mnistcore.inspection import frames
from mnistcore.training.frame_recorder import FrameRecorder
from mnistcore.training.trainer import Trainer
from mnistcore.viz import film

CONV = NetworkConfig(convolutions=(Conv(4, 5),), dense=(16,))
DENSE = NetworkConfig((), (16,))


def learned(digits, network, folder) -> list[frames.Frame]:
    training = Trainer(TrainConfig(network=network, batch_size=32, learning_rate=5e-3), *digits)
    recorder = FrameRecorder(folder, training)
    recorder.record()
    for progress in training:
        if progress.step in (1, 4, 15, training.total_steps):
            recorder.record()
    found = [frames.read_frame(folder, step) for step in frames.recorded_steps(folder)]
    return [frame.surveyed(network, digits[1]) for frame in found]


@pytest.fixture(scope="module")
def frames_of_a_run(digits, tmp_path_factory) -> list[frames.Frame]:
    return learned(digits, CONV, tmp_path_factory.mktemp("frames"))


def rendered(some, digits) -> bytes:
    return film.render_film(some, digits[1].labels, lambda done, of: None)


def opened(made: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(made))
    assert (picture.format, picture.size, picture.info["loop"]) == ("GIF", film.SIZE, 0)
    return picture


def picture_at(made: bytes, number: int) -> Image.Image:
    picture = opened(made)
    picture.seek(number % picture.n_frames)
    return picture.convert("RGB")


def test_points_wander_from_frame_to_frame_and_the_end_stands(frames_of_a_run, digits):
    made = rendered(frames_of_a_run, digits)
    picture = opened(made)
    assert picture.n_frames > 2 * len(frames_of_a_run)
    assert len(made) <= film.MAX_BYTES
    first, last = (picture_at(made, number) for number in (0, -1))
    changed = ImageChops.difference(first, last)
    for part in ((0, 60, 340, 340), film._FILTERS, (0, 350, 640, 380)):  # cloud, filters, caption
        assert changed.crop(part).getbbox()
    durations = []
    for number in range(picture.n_frames):
        picture.seek(number)
        durations.append(picture.info["duration"])
    assert durations[-1] == 2_000 and set(durations[1:-1]) == {80}


def test_the_last_picture_says_how_it_ended(frames_of_a_run, digits):
    """As the same caption, drawn alone."""
    end = frames_of_a_run[-1]
    alone = rendered([end], digits)
    assert opened(alone).n_frames == 1
    caption = (0, 340, 640, 400)
    ended = picture_at(rendered(frames_of_a_run, digits), -1)
    assert not ImageChops.difference(ended, picture_at(alone, 0)).crop(caption).getbbox()
    other = replace(end, images=end.images + 1)
    assert (
        ImageChops.difference(ended, picture_at(rendered([other], digits), 0))
        .crop(caption)
        .getbbox()
    )


def test_the_caption_is_a_sentence():
    words = "After 29,952 training images: 496 of 500 test images right"
    assert film.caption(29_952, 496, 500) == words


def test_misread_points_are_outlined(frames_of_a_run, digits):
    """All right, or all wrong: ink among the points."""
    end = frames_of_a_run[-1]
    truth = digits[1].labels[end.test_indices]
    inks = []
    for said in (truth, (truth + 1) % 10):
        sure = replace(end, probabilities=0.5 * torch.eye(10)[said] + 0.05)
        cloud = picture_at(rendered([sure], digits), 0).crop((80, 90, 260, 290))
        inks.append(sum(sum(pixel) < 150 for pixel in cloud.get_flattened_data()))
    assert inks[0] == 0 and inks[1] > 50


@pytest.mark.parametrize("network", [CONV, DENSE])
def test_a_film_too_large_is_made_anew_with_fewer_pictures(network, digits, tmp_path, monkeypatch):
    some = learned(digits, network, tmp_path)
    whole = rendered(some, digits)
    monkeypatch.setattr(film, "MAX_BYTES", len(whole) // 3)
    small = rendered(some, digits)
    assert len(small) <= len(whole) // 3
    assert opened(small).n_frames < opened(whole).n_frames


def test_what_fits_no_other_frame_is_left_out(frames_of_a_run, digits):
    good = frames_of_a_run
    nowhere = replace(good[1], test_indices=good[1].test_indices + 1)
    unlike = replace(good[1], filters=good[1].filters[:2])
    bare = replace(good[1], probabilities=None)
    lost = replace(good[-1], probabilities=good[-1].probabilities * float("nan"))
    assert rendered([good[0], nowhere, unlike, bare, good[-1]], digits) == rendered(
        [good[0], good[-1]], digits
    )
    assert opened(rendered([good[0], lost], digits)).n_frames > 1
    for nothing in ([], [bare]):
        with pytest.raises(MnistError, match="was not kept"):
            rendered(nothing, digits)


def test_the_progress_is_told(frames_of_a_run, digits):
    told = []
    made = film.render_film(
        frames_of_a_run[:2], digits[1].labels, lambda done, of: told.append((done, of))
    )
    assert told == [(done, opened(made).n_frames) for done in range(opened(made).n_frames)]

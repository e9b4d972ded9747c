"""Digits and letters as a pen writes them, for training and to tell what is no digit."""

import numpy as np
import pytest
import torch

from mnistcore.data import drawn_digits, loading
from mnistcore.data.drawn_digits import draw_digits
from mnistcore.drawing.allographs import DIGITS, LETTERS, round_corners, write
from mnistcore.inference import ood_data
from mnistcore.models.registry import load_model


@pytest.mark.parametrize("sign", [*DIGITS, *LETTERS])
def test_a_sign_is_written_by_no_two_hands_alike_and_twice_the_same_by_one(sign):
    one, again, other = (write(sign, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one.shape[1:] == (2, 2) and len(one) > 5
    assert np.array_equal(one, again)
    assert one.shape != other.shape or not np.allclose(one, other)


def test_no_sign_among_the_letters_is_written_like_a_digit():
    assert set(DIGITS) == set("0123456789")
    assert not set(ood_data.LIKE_DIGITS) & set(LETTERS)


def test_corners_are_rounded_but_where_a_point_stands_twice():
    corner = np.array([[0.0, 0], [1, 0], [1, 1]])
    assert np.abs(round_corners(corner) - corner[1]).max(1).min() > 0.05
    assert np.abs(round_corners(corner[[0, 1, 1, 2]]) - corner[1]).max(1).min() == 0


def test_drawn_digits_join_the_training_images_and_no_test_image(digits, monkeypatch):
    monkeypatch.setattr(drawn_digits, "N_DRAWN", 50)
    monkeypatch.setattr(loading, "add_small_digits", lambda train, test: (train, test))
    monkeypatch.setattr(loading, "read_part", lambda raw, part: digits[part == "t10k"])
    monkeypatch.setattr(loading, "find_file", lambda raw, name: raw)
    train, test = loading.load_dataset("mnist+digits+drawn")
    assert len(train) == len(digits[0]) + 50
    assert torch.bincount(train.labels[-50:]).tolist() == [5] * 10
    assert torch.equal(test.images, digits[1].images)


def test_the_shipped_network_reads_crossed_sevens_and_flagged_ones_of_hands_it_never_met():
    unseen, model = draw_digits(300, seed=99), load_model()
    images = unseen.images.float() / 255
    right = model.probabilities(images).argmax(1) == unseen.labels
    assert right.float().mean() > 0.97
    assert not model.ood_detector.is_ood(images).float().mean() > 0.03

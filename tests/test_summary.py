"""Counts and averages, against what numpy says."""

import numpy as np
import torch

from mnistcore import charts, summary
from mnistcore.data import Digits

Parts = tuple[Digits, Digits]


def test_every_image_is_counted_once(digits: Parts) -> None:
    counted = summary.counts(digits[0])
    assert sum(counted) == len(digits[0])
    assert counted == np.bincount(digits[0].labels.numpy(), minlength=10).tolist()


def test_an_average_is_the_mean_of_the_images_of_its_digit(digits: Parts) -> None:
    images, labels = digits[0].images.numpy(), digits[0].labels.numpy()
    expected = np.stack([images[labels == digit].mean(axis=0) for digit in range(10)])
    assert np.abs(summary.averages(digits[0]).numpy() - expected).max() <= 0.5


def test_the_average_of_no_images_is_blank(digits: Parts) -> None:
    no_threes = digits[0].labels != 3
    some = Digits(digits[0].images[no_threes], digits[0].labels[no_threes], "digits")
    assert not summary.averages(some)[3].any()


def test_the_averages_alone_read_the_averages(digits: Parts) -> None:
    ten = Digits(summary.averages(digits[0]), torch.arange(10), "digits")
    assert summary.read_by_average(digits[0], ten) == 1
    assert 0.5 < summary.read_by_average(*digits) < 1


def test_a_chart_has_a_title_and_names_its_axes(digits: Parts) -> None:
    figure = charts.digit_counts(summary.counts(digits[0]), "training images")
    assert figure.layout.title.text == "How many of each digit"
    assert figure.layout.xaxis.title.text == "training images"
    assert figure.layout.yaxis.title.text == "digit"
    assert list(figure.data[0].x) == summary.counts(digits[0])

"""Counts and averages, against what numpy says."""

import numpy as np
import pytest
import torch

from mnistcore.data import stats
from mnistcore.data.digits import Digits
from mnistcore.models.registry import load_model
from mnistcore.viz import bar_charts

Parts = tuple[Digits, Digits]


def test_every_image_is_counted_once(digits: Parts) -> None:
    counted = stats.class_counts(digits[0])
    assert sum(counted) == len(digits[0])
    assert counted == np.bincount(digits[0].labels.numpy(), minlength=10).tolist()


def test_an_average_is_the_mean_of_the_images_of_its_digit(digits: Parts) -> None:
    images, labels = digits[0].images.numpy(), digits[0].labels.numpy()
    expected = np.stack([images[labels == digit].mean(axis=0) for digit in range(10)])
    assert np.abs(stats.class_means(digits[0]).numpy() - expected).max() <= 0.5


def test_the_average_of_no_images_is_blank(digits: Parts) -> None:
    no_threes = digits[0].labels != 3
    some = Digits(digits[0].images[no_threes], digits[0].labels[no_threes], "digits")
    assert not stats.class_means(some)[3].any()


def test_the_averages_alone_read_the_averages(digits: Parts) -> None:
    ten = Digits(stats.class_means(digits[0]), torch.arange(10), "digits")
    assert stats.nearest_centroid_accuracy(digits[0], ten) == 1
    assert 0.5 < stats.nearest_centroid_accuracy(*digits) < 1


def test_a_chart_has_a_title_and_names_its_axes(digits: Parts) -> None:
    figure = bar_charts.class_counts_chart(stats.class_counts(digits[0]), "training images")
    assert figure.layout.title.text == "How many of each digit"
    assert figure.layout.xaxis.title.text == "training images"
    assert figure.layout.yaxis.title.text == "digit"
    assert list(figure.data[0].x) == stats.class_counts(digits[0])


def test_blank_pixels_and_bands_of_grey_are_what_numpy_counts(digits: Parts) -> None:
    images = digits[0].images
    values = images.numpy().ravel()
    blank, bands = stats.grey_histogram(images)
    counted, _ = np.histogram(values[values > 0], bins=[1, *range(16, 257, 16)])
    assert blank == pytest.approx((values == 0).mean())
    assert bands == pytest.approx(counted / counted.sum())


def test_a_blank_image_has_no_ink_to_share_out() -> None:
    blank, bands = stats.grey_histogram(torch.zeros(1, 28, 28, dtype=torch.uint8))
    assert blank == 1
    assert bands == [0.0] * stats.GREY_BINS


def test_a_digit_that_is_really_another_is_the_oddest(digits: Parts) -> None:
    images, labels = digits[1].images, digits[1].labels.clone()
    three = int((labels == 3).nonzero()[0])
    labels[three] = 7
    mislabelled = Digits(images, labels, "digits")
    order = stats.rank_by_typicality(load_model().network, mislabelled, 7)
    assert int(order[-1]) == three
    assert sorted(order.tolist()) == (labels == 7).nonzero().flatten().tolist()


def test_where_there_is_no_such_digit_none_is_typical(digits: Parts) -> None:
    none = Digits(digits[1].images[:0], digits[1].labels[:0], "digits")
    assert stats.rank_by_typicality(load_model().network, none, 3).tolist() == []


def test_the_chart_of_greys_has_units_and_tells_one_image_from_all(digits: Parts) -> None:
    whole, own = (stats.grey_histogram(digits[0].images[:n])[1] for n in (100, 1))
    figure = bar_charts.grey_histogram_chart(whole, own, "all 100 images")
    assert "255 is full ink" in figure.layout.xaxis.title.text
    assert "(%)" in figure.layout.yaxis.title.text
    assert [each.type for each in figure.data] == ["bar", "scatter"]  # not by colour alone
    assert sum(figure.data[0].y) == pytest.approx(100)

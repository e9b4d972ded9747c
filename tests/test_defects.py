"""Spoiled training data: each kind by itself, by seed, and never the test images."""

import json
from dataclasses import asdict, replace
from typing import get_args

import pytest
import torch
from test_worker import make

from mnistcore.cli import main
from mnistcore.config import (
    DEFECTS,
    Defect,
    DefectName,
    NetworkConfig,
    TrainConfig,
    check,
    parse_defect,
)
from mnistcore.data.defects import count_taught, stroke_widths, taught_set
from mnistcore.errors import TrainingError
from mnistcore.presets import PRESETS, describe_changes
from mnistcore.records import RunConfig, RunResult, from_dict, to_dict
from mnistcore.runs import store
from mnistcore.runs.worker import run_training
from mnistcore.training.trainer import first_learned, train

QUICK = TrainConfig(NetworkConfig((), (16,)), epochs=2, batch_size=50, device="cpu")


def spoiled(text: str, **more) -> TrainConfig:
    return replace(QUICK, defect=parse_defect(text), **more)


def test_clean_data_is_taught_as_it_is_without_a_copy(digits):
    taught = taught_set(digits[0], QUICK)
    assert taught.digits.images.data_ptr() == digits[0].images.data_ptr()
    assert taught.digits.labels.data_ptr() == digits[0].labels.data_ptr()
    assert taught.places.tolist() == list(range(len(digits[0])))


@pytest.mark.parametrize("kind", DEFECTS)
def test_the_same_seed_spoils_the_same_and_what_all_share_stays_as_it_is(kind, digits):
    before = digits[0].images.clone(), digits[0].labels.clone()
    first, again = (taught_set(digits[0], spoiled(kind)) for _ in range(2))
    assert torch.equal(first.places, again.places)
    assert torch.equal(first.digits.labels, again.digits.labels)
    assert first.digits.images.data_ptr() == digits[0].images.data_ptr()
    first.select(first.places)
    assert torch.equal(digits[0].images, before[0]) and torch.equal(digits[0].labels, before[1])


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_so_many_labels_are_wrong_each_digit_as_often_and_by_the_seed(share, digits):
    train_set = digits[0]
    one, other = (
        taught_set(train_set, spoiled(f"label-noise={share}", seed=seed)) for seed in (1, 2)
    )
    wrong = one.digits.labels != train_set.labels
    assert wrong.sum() == round(share * len(train_set))
    off = (one.digits.labels - train_set.labels)[wrong] % 10
    counts = off.bincount(minlength=10)
    assert counts[0] == 0 and counts[1:].min() > 0.5 * wrong.sum() / 9
    assert not torch.equal(one.digits.labels, other.digits.labels)


def test_two_digits_swap_their_labels_and_no_other_does(digits):
    before, after = digits[0].labels, taught_set(digits[0], spoiled("swapped-labels=4,9"))
    now = after.digits.labels
    assert (now[before == 4] == 9).all() and (now[before == 9] == 4).all()
    others = (before != 4) & (before != 9)
    assert torch.equal(now[others], before[others])


def test_a_digit_is_left_out_or_left_with_few(digits):
    labels = digits[0].labels
    counts = labels.bincount()
    none = taught_set(digits[0], spoiled("missing-class=3"))
    few = taught_set(digits[0], spoiled("class-imbalance=3,0.1"))
    one = taught_set(digits[0], spoiled("class-imbalance=3,0.001"))
    for taught, left in ((none, 0), (few, round(0.1 * int(counts[3]))), (one, 1)):
        now = taught.select(taught.places).labels.bincount(minlength=10)
        assert now[3] == left
        assert torch.equal(now[labels.unique() != 3], counts[labels.unique() != 3])


def bar(width: int) -> torch.Tensor:
    image = torch.zeros(28, 28, dtype=torch.uint8)
    image[4:24, 10 : 10 + width] = 255
    return image


def test_the_stroke_width_of_a_bar_is_its_width_whatever_its_shade():
    images = torch.stack([bar(1), bar(2), bar(4), bar(4) // 2])
    assert stroke_widths(images).tolist() == pytest.approx([0.95, 1.82, 3.33, 3.33], abs=0.02)


def test_of_each_digit_the_thickest_or_the_thinnest_are_left(digits):
    widths, labels = stroke_widths(digits[0].images), digits[0].labels
    thick, thin = (
        taught_set(digits[0], spoiled(kind)).places for kind in ("thick-only", "thin-only")
    )
    for digit in range(10):
        own = (labels == digit).sum()
        for kept in (thick, thin):
            assert (labels[kept] == digit).sum() == round(0.2 * int(own))
        of_it = [widths[kept[labels[kept] == digit]] for kept in (thick, thin)]
        assert of_it[0].min() > of_it[1].max()


def test_inverted_images_are_those_that_are_asked_for_and_no_others(digits):
    taught = taught_set(digits[0], spoiled("inverted=0.3"))
    marked = taught.inverted.nonzero().flatten()
    assert len(marked) == round(0.3 * len(digits[0]))
    images = taught.select(taught.places).images
    assert torch.equal(images[marked], 255 - digits[0].images[marked])
    rest = (~taught.inverted).nonzero().flatten()
    assert torch.equal(images[rest], digits[0].images[rest])


@pytest.mark.parametrize("kind", DEFECTS)
def test_how_many_are_taught_is_known_without_a_look(kind, digits):
    for size in (None, 10, 200):
        config = spoiled(kind, train_size=size)
        assert count_taught(digits[0], config) == len(taught_set(digits[0], config).places)


def test_fewer_images_are_taken_first_and_spoiled_then(digits):
    taught = taught_set(digits[0], spoiled("missing-class=0", train_size=100))
    assert len(taught.digits) == 100 and taught.places.max() < 100
    assert (taught.digits.labels[taught.places] != 0).all()


@pytest.mark.parametrize(
    ("text", "defect"),
    [
        ("none", Defect()),
        ("label-noise", Defect("label-noise", share=0.4)),
        ("label-noise=0.25", Defect("label-noise", share=0.25)),
        ("swapped-labels=4,9", Defect("swapped-labels", 4, 9)),
        ("missing-class=3", Defect("missing-class", 3)),
        ("class-imbalance=3", Defect("class-imbalance", 3, share=0.01)),
        ("class-imbalance=3,0.05", Defect("class-imbalance", 3, share=0.05)),
    ],
)
def test_the_command_line_writes_a_defect_in_a_word(text, defect):
    assert parse_defect(text) == defect


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("wrong", "no way to spoil data 'wrong': use none, label-noise"),
        ("label-noise=x", "write label-noise=SHARE"),
        ("class-imbalance=7,0.1,3", "write class-imbalance=DIGIT,SHARE"),
        ("missing-class=0.5", "write missing-class=DIGIT"),
        ("none=3", "write none"),
    ],
)
def test_what_spoils_nothing_is_refused_in_words(text, words):
    with pytest.raises(TrainingError, match=words):
        parse_defect(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("missing-class=10", "The digit must be from 0 to 9, not 10"),
        ("swapped-labels=1,99", "The other digit must be from 0 to 9"),
        ("label-noise=1.5", "must be from 0.001 to 1.0, not 1.5"),
        ("label-noise=nan", "not nan"),
        ("swapped-labels=4,4", "swapped with itself"),
    ],
)
def test_what_is_out_of_range_is_refused_in_words(text, words):
    with pytest.raises(TrainingError, match=words):
        check(spoiled(text))


def test_names_and_kinds_are_the_same():
    assert get_args(DefectName) == tuple(DEFECTS)
    assert all(str(parse_defect(kind)).isprintable() for kind in DEFECTS)


def test_a_recipe_of_before_reads_and_a_spoiled_one_survives_json():
    old = asdict(QUICK)
    del old["defect"]
    assert TrainConfig.from_dict(json.loads(json.dumps(old))) == QUICK
    for kind in DEFECTS:
        recipe = spoiled(kind)
        assert TrainConfig.from_dict(json.loads(json.dumps(asdict(recipe)))) == recipe
        config = RunConfig(train=recipe)
        assert from_dict(RunConfig, json.loads(json.dumps(to_dict(config)))) == config


@pytest.mark.parametrize("damage", [{"kind": "x"}, {"digit": 10}, {"share": 7}, {"digit": "7"}])
def test_a_damaged_defect_is_no_recipe(damage):
    values = asdict(spoiled("missing-class"))
    values["defect"] |= damage
    assert from_dict(RunConfig, {"format": 2, "train": values}).train is None


def test_a_run_is_named_by_how_it_was_spoiled():
    start = PRESETS["fast"].config
    noisy = replace(start, defect=parse_defect("label-noise=0.1"))
    assert describe_changes(start, noisy) == ["10 % wrong labels"]
    assert describe_changes(noisy, start) == ["clean data"]


def test_it_learns_from_what_is_taught_and_looks_at_as_many_images(digits):
    clean = list(train(QUICK, *digits))[-1]
    training = train(spoiled("missing-class=7"), *digits)
    seen = set()
    for record in training:
        progress = record
        if training.last_batch:
            seen |= set(training.last_batch.labels.tolist())
    assert seen == set(range(10)) - {7}
    assert (progress.images, progress.total_steps) == (clean.images, clean.total_steps)
    assert progress.epoch > clean.epoch
    learned = first_learned(training.config, training.taught)
    assert [each.image for each in progress.train_predictions] == learned


def test_what_is_left_comes_in_the_order_of_clean_data(digits):
    clean, spoilt = (
        taught_set(digits[0], each).order(3, 1) for each in (QUICK, spoiled("missing-class=7"))
    )
    labels = digits[0].labels
    assert spoilt.tolist() == clean[labels[clean] != 7].tolist()


def test_nothing_left_to_learn_from_is_said(digits):
    sevens = digits[0].select(digits[0].labels == 7)
    with pytest.raises(TrainingError, match="No training image is left"):
        train(spoiled("missing-class=7"), sevens, digits[1])


def test_the_record_says_how_it_was_spoiled_and_what_came_of_it(tmp_path, digits):
    run = make(tmp_path, spoiled("label-noise=0.4", epochs=20))
    run_training(run)
    assert json.loads((run.path / "config.json").read_text())["train"]["defect"] == {
        "kind": "label-noise",
        "digit": 7,
        "other": 1,
        "share": 0.4,
    }
    result = run.status().result
    assert abs(result.train_accuracy - 0.6) < 0.1 and result.true_train_accuracy > 0.85
    assert len(result.confusion) == 10
    assert sum(map(sum, result.confusion)) == len(digits[1])
    right = sum(row[digit] for digit, row in enumerate(result.confusion))
    assert right == pytest.approx(result.test_accuracy * len(digits[1]))
    clean = make(tmp_path, QUICK)
    run_training(clean)
    assert len(clean.status().result.confusion) == 10
    assert clean.status().result.true_train_accuracy is None


def test_the_command_line_spoils_and_says_so(folder, capsys):
    words = ["train", "--preset", "plain", "--epochs", "1", "--spoil", "swapped-labels=4,9"]
    assert main([*words, "--device", "cpu", "--json"]) == 0
    said = capsys.readouterr()
    assert "spoiled on purpose: 4 and 9 swapped" in said.err
    assert "as they are labelled" in said.err
    answer = json.loads(said.out.splitlines()[-1])
    assert store.find_run(answer["run"], folder).train_config().defect == (
        Defect("swapped-labels", 4, 9)
    )
    assert answer["true_train_accuracy"] < answer["train_accuracy"]
    assert main(["train", "--spoil", "missing-class=x"]) == 2
    assert "write missing-class=DIGIT" in capsys.readouterr().err


def test_a_confusion_matrix_is_ten_by_ten():
    whole = to_dict(RunResult(confusion=((1,) * 10,) * 10))
    assert from_dict(RunResult, json.loads(json.dumps(whole))).confusion == ((1,) * 10,) * 10
    with pytest.raises(ValueError, match="ten rows of ten"):
        RunResult(confusion=((1, 2),))

"""Training: it learns, it repeats itself, it goes on exactly where it was, it says what fails."""

import contextlib
import json
import math
import re
from dataclasses import asdict, replace

import pytest
import torch

from mnistcore.config import Conv, NetworkConfig, TrainConfig, check
from mnistcore.data.augment import affine, augmented_examples
from mnistcore.data.defects import taught_set
from mnistcore.data.digits import to_model_input
from mnistcore.errors import DivergenceError, TrainingError
from mnistcore.evaluation.metrics import evaluate
from mnistcore.models.network import build_network
from mnistcore.training import trainer
from mnistcore.training.trainer import (
    AUGMENTATIONS,
    OPTIMIZERS,
    SCHEDULES,
    first_learned,
    pick_device,
    shown_images,
    spread_sample,
    train,
)

SMALL = NetworkConfig(convolutions=(Conv(8, 5),), dense=(16,), dropout=0.2, batch_norm=True)
PLAIN = replace(SMALL, dropout=0.0, batch_norm=False)
QUICK = TrainConfig(
    network=SMALL,
    epochs=2,
    batch_size=50,
    learning_rate=5e-3,
    schedule="one-cycle",
    augmentation="affine",
    device="cpu",
)


def weights(training):
    return torch.cat([p.detach().flatten() for p in training.network.parameters()])


def test_it_learns_to_read(digits):
    *_, last = train(replace(QUICK, epochs=4, augmentation="none"), *digits)
    assert last.test_accuracy > 0.9
    assert last.test_count == 297
    assert last.step == last.total_steps == 120
    assert last.images == 6000
    assert last.epoch == 4


def test_before_the_first_step_it_only_guesses(digits):
    first = next(iter(train(QUICK, *digits)))
    assert (first.step, first.images, first.loss, first.train_accuracy) == (0, 0, None, None)
    assert first.test_accuracy < 0.4


def test_the_same_seed_gives_the_same_numbers(digits):
    def numbers(config):
        return [(p.step, p.loss, p.train_accuracy, p.test_accuracy) for p in train(config, *digits)]

    assert numbers(QUICK) == numbers(QUICK)
    assert numbers(QUICK) != numbers(replace(QUICK, seed=2))


@pytest.mark.parametrize("optimiser", OPTIMIZERS)
def test_a_run_restored_half_way_ends_in_the_same_weights(digits, optimiser, tmp_path):
    config = replace(QUICK, epochs=1.5, optimizer=optimiser)
    whole = train(config, *digits)
    for _ in whole:
        pass
    half = train(config, *digits)
    for progress in half:
        if progress.step >= 17:
            break
    torch.save(half.state(), tmp_path / "half.pt")
    torch.manual_seed(99)  # whatever happened to chance meanwhile
    rest = train(config, *digits)
    rest.restore(torch.load(tmp_path / "half.pt", weights_only=True))
    steps = [p.step for p in rest]
    assert steps[0] > 17
    assert torch.equal(weights(rest), weights(whole))


def test_a_foreign_checkpoint_is_refused_in_words(digits):
    foreign = train(replace(QUICK, network=NetworkConfig()), *digits).state()
    for state in (foreign, {}, {"network": 3}):
        with pytest.raises(TrainingError, match="does not belong to this run"):
            train(QUICK, *digits).restore(state)


def test_one_step_is_what_plain_torch_does(digits):
    config = TrainConfig(network=SMALL, batch_size=1500, epochs=1, learning_rate=0.1, device="cpu")
    config = replace(config, optimizer="SGD with momentum", momentum=0.0)
    config = replace(config, network=PLAIN, label_smoothing=0.1)
    training = train(config, *digits)
    for _ in training:
        pass
    network = build_network(config.network, config.seed)
    optimiser = torch.optim.SGD(network.parameters(), 0.1)
    loss = torch.nn.functional.cross_entropy(
        network(to_model_input(digits[0].images)), digits[0].labels, label_smoothing=0.1
    )
    loss.backward()
    optimiser.step()
    expected = torch.cat([p.detach().flatten() for p in network.parameters()])
    assert torch.allclose(weights(training), expected, atol=1e-5)


def test_sixteen_bits_learn_as_well_and_repeat_and_resume_as_exactly(digits):
    plain = replace(QUICK, epochs=4, augmentation="none", network=PLAIN, seed=2)
    config = replace(plain, precision="bfloat16")
    *_, last_of_long = train(plain, *digits)
    whole = train(config, *digits)
    *_, last = whole
    assert last.test_accuracy > 0.9
    assert math.isclose(last.test_accuracy, last_of_long.test_accuracy, abs_tol=0.02)
    half = train(config, *digits)
    next(p for p in half if p.step >= 50)
    rest = train(config, *digits)
    rest.restore(half.state())
    for _ in rest:
        pass
    assert torch.equal(weights(rest), weights(whole))
    assert weights(whole).dtype == torch.float32


def test_the_running_averages_are_those_of_the_images_just_learned_from(digits):
    still = replace(QUICK, network=PLAIN, learning_rate=1e-7, augmentation="none", epochs=8)
    training = train(still, *digits)
    *_, last = training
    score = evaluate(training.network, digits[0])
    assert math.isclose(last.loss, score.loss, rel_tol=0.02)
    assert math.isclose(last.train_accuracy, score.accuracy, abs_tol=0.02)


WILD = replace(
    QUICK,
    optimizer="SGD with momentum",
    learning_rate=100.0,
    schedule="constant",
    augmentation="none",
    network=NetworkConfig((), (64,), "none"),
)


def run_away(training):
    """Its records until it diverged, and what it said then."""
    records = []
    with pytest.raises(DivergenceError) as told:
        records.extend(training)
    return records, str(told.value)


def test_a_loss_that_runs_away_ends_the_run_with_what_to_try(digits):
    records, told = run_away(train(WILD, *digits))
    seen = int(re.search("after ([0-9,]+) images", told)[1].replace(",", ""))
    assert seen > records[-1].images
    assert told.startswith("The loss grew beyond all bounds")
    assert told.endswith("try a smaller learning rate, such as 0.01.")


@pytest.mark.parametrize("network", [NetworkConfig((), (64,), "none"), PLAIN, SMALL])
def test_no_record_has_a_number_that_is_not_finite(digits, network):
    training = train(replace(WILD, network=network), *digits)
    records = []
    with contextlib.suppress(DivergenceError):
        for progress in training:
            records.append(progress)
            json.dumps(asdict(progress), allow_nan=False)
            assert all(p.isfinite().all() for p in training.network.parameters())
    assert records


@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan])
def test_a_test_loss_or_a_weight_that_is_not_finite_ends_a_training_that_looks_fine(
    digits, bad, monkeypatch
):
    steps = iter(train(QUICK, *digits))
    next(steps)
    monkeypatch.setattr(trainer, "evaluate", lambda *judge: replace(evaluate(*judge), loss=bad))
    records = []
    with pytest.raises(DivergenceError, match=r"such as 0\.0005"):
        records.extend(steps)
    assert all(record.test_loss is None for record in records)
    training = train(QUICK, *digits)
    with torch.no_grad():
        training.network.layers[-1].bias[0] = bad
    with pytest.raises(DivergenceError):
        training.require_finite()


def test_fewer_images_than_a_batch_are_one_batch(digits):
    *_, last = train(replace(QUICK, train_size=20, batch_size=64, epochs=3), *digits)
    assert (last.total_steps, last.images) == (3, 60)


def test_half_an_epoch_is_half_of_the_images(digits):
    *_, last = train(replace(QUICK, epochs=0.5), *digits)
    assert last.images == 750


def test_each_test_reports_the_first_guesses_and_some_mistakes(digits):
    tested = [p for p in train(QUICK, *digits) if p.test_accuracy is not None]
    assert len(tested) > 5
    for progress in tested:
        first, rest = progress.predictions[:12], progress.predictions[12:]
        assert [guess.image for guess in first] == shown_images(297)
        assert len(rest) <= 6
        assert all(digits[1].labels[g.image] != g.digit for g in rest)
        assert all(0 <= g.confidence <= 1 for g in progress.predictions)
        assert [guess.image for guess in progress.train_predictions] == first_learned(
            QUICK, taught_set(digits[0], QUICK)
        )
    right = [digits[0].labels[g.image] == g.digit for g in tested[-1].train_predictions]
    assert sum(right) > 9


def test_watching_does_not_change_what_is_learned(digits):
    watched, alone = train(QUICK, *digits), train(QUICK, *digits)
    for _ in watched:
        evaluate(watched.network, digits[1])
    for _ in alone:
        pass
    assert torch.equal(weights(watched), weights(alone))


def test_evaluation_counts_as_plain_torch_counts(digits):
    network = build_network(SMALL, 0)
    score = evaluate(network, digits[1], batch_size=13)
    with torch.no_grad():
        logits = network.eval()(to_model_input(digits[1].images))
    assert torch.equal(score.predicted, logits.argmax(1))
    assert score.accuracy == (logits.argmax(1) == digits[1].labels).double().mean()
    expected = torch.nn.functional.cross_entropy(logits, digits[1].labels)
    assert math.isclose(score.loss, expected, rel_tol=1e-5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"epochs": 0}, "number of epochs must be from"),
        ({"epochs": math.nan}, "number of epochs"),
        ({"batch_size": 0}, "batch size"),
        ({"learning_rate": -1}, "learning rate"),
        ({"optimizer": "Magic"}, "no optimiser 'Magic': use one of Adam"),
        ({"schedule": "moon"}, "no schedule"),
        ({"augmentation": "moon"}, "no augmentation"),
        ({"device": "abacus"}, "no device"),
        ({"precision": "float8"}, "no precision 'float8': use one of float32, bfloat16, auto"),
        ({"train_size": 3}, "training images must be from 10"),
        ({"label_smoothing": 1}, "Label smoothing"),
        ({"batch_size": 1}, "use a batch size of 2 or more"),
    ],
)
def test_a_recipe_that_cannot_work_is_refused_in_words(change, words):
    with pytest.raises(TrainingError, match=words):
        check(replace(QUICK, **change))


HUGE = NetworkConfig(convolutions=(Conv(256, 2, pool=False),) * 4, dense=(), batch_norm=True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"batch_size": 512}, "4.4 GB of memory .* batch size of 116 or less"),
        (
            {"batch_size": 64, "epochs": 100},
            "100 epochs of 60,000 images take too long .* use 3.3 epochs or less",
        ),
    ],
)
def test_a_recipe_that_would_take_the_machine_from_everybody_is_refused(change, words):
    with pytest.raises(TrainingError, match=words):
        check(replace(TrainConfig(HUGE), **change))


def test_what_is_advised_instead_is_accepted():
    check(TrainConfig(HUGE, epochs=3.3, batch_size=116))
    check(TrainConfig(HUGE, epochs=100, batch_size=116), images=1_500)
    check(TrainConfig(HUGE, epochs=100, batch_size=116, train_size=1_000))


def test_a_students_big_network_is_accepted():
    pairs = tuple(Conv(n, 3, pool, padding=True) for n in (32, 64) for pool in (False, True))
    network = NetworkConfig(pairs, (256,), batch_norm=True, dropout=0.3)
    check(TrainConfig(network, epochs=50, batch_size=512))


def test_the_time_left_knows_nothing_of_pauses(digits, monkeypatch):
    clock = [0.0]

    def tick():
        clock[0] += 0.001
        return clock[0]

    monkeypatch.setattr("mnistcore.training.trainer.time.perf_counter", tick)
    left = []
    for progress in train(replace(QUICK, augmentation="none"), *digits):
        left.append(progress.seconds_left)
        clock[0] += 3600  # a long pause at every step
    assert left[0] is None
    assert all(seconds < 10 for seconds in left[1:])


def test_a_recipe_survives_json_and_unknown_settings_are_named():
    values = json.loads(json.dumps(asdict(QUICK)))
    assert TrainConfig.from_dict(values) == QUICK
    with pytest.raises(TrainingError, match="magic"):
        TrainConfig.from_dict(values | {"magic": 1})


def test_a_device_that_is_not_there_is_refused_in_words():
    assert pick_device("cpu").type == "cpu"
    missing = "mps" if torch.cuda.is_available() else "cuda"
    with pytest.raises(TrainingError, match="use --device auto or cpu"):
        pick_device(missing)


def test_schedules_stay_within_the_learning_rate():
    for schedule in SCHEDULES.values():
        shares = [schedule(n / 100) for n in range(101)]
        assert min(shares) > 0
        assert max(shares) <= 1
    assert SCHEDULES["one-cycle"](0.25) == 1
    assert SCHEDULES["one-cycle"](1) < 0.01


def test_augmentation_moves_every_image_a_little_and_keeps_it_a_digit(digits):
    torch.manual_seed(0)
    images = to_model_input(digits[0].images[:64])
    changed = affine(images)
    assert changed.shape == images.shape
    assert changed.min() >= 0
    assert changed.max() <= 1
    moved = (changed - images).abs().mean((1, 2, 3))
    assert moved.min() > 0.001
    assert torch.allclose(changed.sum((1, 2, 3)) / images.sum((1, 2, 3)), torch.ones(64), atol=0.4)
    assert torch.allclose(affine(images, 0, 0, 0, 0), images, atol=1e-4)
    assert AUGMENTATIONS["none"](images) is images


def test_examples_of_augmentation_are_the_same_for_a_seed_and_leave_chance_alone(digits):
    image = digits[0].images[0]
    state = torch.random.get_rng_state()
    once, again, other = (augmented_examples(image, 8, seed) for seed in (1, 1, 2))
    assert once.equal(again)
    assert not once.equal(other)
    assert len({tuple(each.flatten().tolist()) for each in once}) == 8
    assert torch.random.get_rng_state().equal(state)


@pytest.mark.parametrize(("total", "count"), [(10_000, 500), (10_000, 10_000), (297, 500), (5, 5)])
def test_it_is_judged_on_the_way_by_images_from_all_over_the_test_set(total: int, count: int):
    places = spread_sample(total, count)
    assert len(places) == min(count, total)
    assert len(places.unique()) == len(places)
    assert places[:12].tolist() == shown_images(total)
    assert places.max() >= total - 25


@pytest.mark.parametrize("name", ["seed", "epochs", "batch_size", "train_size"])
def test_a_setting_of_four_hundred_digits_is_refused_in_words(name):
    for number in (10**400, -(10**400)):
        with pytest.raises(TrainingError, match=r"must be from .*, not -?1000"):
            check(replace(QUICK, **{name: number}))


@pytest.mark.parametrize(
    "spoil",
    [
        {"step": None},
        {"step": -1},
        {"step": 10**30},
        {"seconds": "long"},
        {"seconds": float("nan")},
        {"sums": torch.zeros(2)},
        {"random": None},
        {"network": None},
        {"optimizer": None},
        {"optimizer": {"state": {0: {"exp_avg": "odd"}}}},
        {"optimizer": {"state": {0: {"exp_avg": torch.zeros(2, 2, 2)}}}},
    ],
)
def test_a_checkpoint_that_is_damaged_within_is_told_in_words(spoil, digits):
    training = train(QUICK, *digits)
    with pytest.raises(TrainingError, match="does not belong to this run"):
        train(QUICK, *digits).restore(training.state() | spoil)
    for nothing in (None, [], torch.zeros(3)):
        with pytest.raises(TrainingError, match="does not belong to this run"):
            training.restore(nothing)

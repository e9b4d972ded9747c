"""What the narrator says of runs that are made up, record by record."""

import math
import random

from mnistcore.narrator import narrate


def run(test, train=None, *, steps=None, count=1000):
    """A run tested at even intervals; `test` and `train` are accuracies by the share done."""
    steps = steps or 40
    train = train or test
    return [
        {
            "step": step,
            "steps": steps,
            "images": step * 100,
            "loss": 1.0,
            "train_accuracy": train(step / steps) if step else None,
            "test_accuracy": test(step / steps),
            "test_count": count,
        }
        for step in range(steps + 1)
    ]


def rising(height):
    return lambda done: 0.1 + (height - 0.1) * (1 - math.exp(-20 * done))


def told(records):
    """Every sentence in the order in which it is said, until the run is over."""
    sentences = []
    for count in range(1, len(records)):
        sentence = narrate(records[:count])
        if [sentence] != sentences[-1:]:
            sentences.append(sentence)
    return sentences


def test_before_anything_is_seen_it_is_a_guess_in_ten():
    assert "one guess in ten" in narrate([])
    assert "seen nothing yet" in narrate(run(rising(0.99))[:1])
    assert "only begun" in narrate(run(lambda done: 0.1)[:4])


def test_what_one_test_alone_shows_is_neither_said_nor_denied():
    quick = narrate(run(lambda done: 0.6 if done else 0.1)[:2])
    assert "only begun" in quick
    assert "guess" not in quick


def test_a_good_run_is_told_from_guessing_to_the_odd_ones():
    sentences = told(run(rising(0.995)))
    assert any("half of the test images" in each for each in sentences)
    assert sentences[-1] == "It misreads fewer than one test image in a hundred."
    assert not any("by heart" in each for each in sentences)
    assert narrate(run(rising(0.995))).startswith("It has finished, and reads new images")


def test_learning_by_heart_is_said_while_it_happens_and_at_the_end():
    memoriser = run(rising(0.8), lambda done: min(0.99, 0.3 + 2 * done))
    sentences = told(memoriser)
    assert "Training still improves, the test has stopped: it learns its images by heart." in (
        sentences
    )
    assert "learned by heart" in narrate(memoriser)


def test_all_its_own_images_right_is_said_as_that():
    known = run(rising(0.8), lambda done: min(1.0, 0.3 + 3 * done))
    assert "knows its own images by heart" in told(known)[-1]


def test_a_network_that_is_too_simple_is_stuck_on_old_and_new_images_alike():
    simple = run(rising(0.7))
    assert "stopped improving, well below" in told(simple)[-1]
    assert "too simple" in narrate(simple)


def test_one_that_never_leaves_guessing_is_noticed():
    assert "still guessing" in told(run(lambda done: 0.1))[-1]


def test_steps_that_are_too_big_are_noticed():
    assert "lost what it knew" in told(run(lambda done: 0.9 if done < 0.5 else 0.1))[-1]
    assert "become worse" in told(run(lambda done: 0.9 if done < 0.5 else 0.6))[-1]


def test_one_bad_test_changes_nothing():
    fine, hiccup = run(rising(0.98)), run(rising(0.98))
    hiccup[20]["test_accuracy"] = 0.3
    assert narrate(hiccup[:21]) == narrate(fine[:20])


def test_a_gap_within_chance_is_no_gap():
    small = run(rising(0.93), rising(0.96), count=100)
    assert not any("heart" in each or "than on new ones" in each for each in told(small))


def test_noise_does_not_make_it_chatter():
    chance = random.Random(0)
    noisy = run(lambda done: min(1, rising(0.97)(done) + chance.gauss(0, 0.005)), rising(0.98))
    sentences = told(noisy)
    assert len(sentences) <= 10
    assert len(set(sentences)) >= len(sentences) - 1


def test_it_follows_records_without_a_test_and_with_gaps():
    records = run(rising(0.99))
    for number, record in enumerate(records):
        if number % 3:
            record["test_accuracy"] = None
    assert len(told(records)) > 3


def test_a_good_run_that_has_arrived_is_told_that_little_changes():
    assert "Little changes" in told(run(lambda done: min(0.98, 0.1 + 9 * done)))[-1]

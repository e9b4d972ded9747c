"""What the narrator says of runs that are made up, record by record."""

import math
import random
from dataclasses import replace

import pytest

from mnistcore.config import Defect
from mnistcore.records import Progress, RunResult, RunStatus
from mnistcore.viz.commentary import (
    MILESTONES,
    comment,
    describe_plateau,
    describe_run,
    is_test_ahead,
)


def run(test, train=None, *, steps=None, count=1000):
    """A run tested at even intervals; `test` and `train` are accuracies by the share done."""
    steps = steps or 40
    train = train or test
    return [
        Progress(
            step,
            steps,
            images=step * 100,
            loss=1.0,
            train_accuracy=train(step / steps) if step else None,
            test_accuracy=test(step / steps),
            test_count=count,
        )
        for step in range(steps + 1)
    ]


def at_the_end(records, state="finished", **judged):
    """What is said when the run has been judged, by the figures of its last record or others."""
    last = records[-1]
    result = RunResult(
        images=last.images,
        train_accuracy=last.train_accuracy,
        train_count=1000,
        test_accuracy=last.test_accuracy,
        test_count=last.test_count,
    )
    status = RunStatus(state, progress=last, result=replace(result, **judged))
    return describe_run(status, records).sentence


def rising(height):
    return lambda done: 0.1 + (height - 0.1) * (1 - math.exp(-20 * done))


def told(records):
    """Every sentence in the order in which it is said, until the run is over."""
    sentences = []
    for count in range(1, len(records)):
        sentence = comment(records[:count])
        if [sentence] != sentences[-1:]:
            sentences.append(sentence)
    return sentences


def test_before_anything_is_seen_it_is_a_guess_in_ten():
    assert "one guess in ten" in comment([])
    assert "seen nothing yet" in comment(run(rising(0.99))[:1])
    assert "only begun" in comment(run(lambda done: 0.1)[:4])


def test_one_good_test_is_told_as_what_it_shows():
    quick = comment(run(lambda done: 0.6 if done else 0.1)[:2])
    assert "more than half" in quick
    assert "guess" not in quick


def test_a_good_run_is_told_from_guessing_to_the_odd_ones():
    sentences = told(run(rising(0.995)))
    assert any("half of the test images" in each for each in sentences)
    assert sentences[-1] == "It misreads fewer than one test image in a hundred."
    assert not any("by heart" in each for each in sentences)
    assert at_the_end(run(rising(0.995))).startswith("It has finished, and reads new images")


def test_learning_by_heart_is_said_while_it_happens_and_at_the_end():
    memoriser = run(rising(0.8), lambda done: min(0.99, 0.3 + 2 * done))
    sentences = told(memoriser)
    assert "Training still improves, the test has stopped: it learns its images by heart." in (
        sentences
    )
    assert "learned by heart" in at_the_end(memoriser)


def test_all_its_own_images_right_is_said_as_that():
    known = run(rising(0.8), lambda done: min(1.0, 0.3 + 3 * done))
    assert "knows its own images by heart" in told(known)[-1]


def test_a_network_that_is_too_simple_is_stuck_on_old_and_new_images_alike():
    simple = run(rising(0.7))
    assert "stopped improving, well below" in told(simple)[-1]
    assert "too simple" in at_the_end(simple)


def test_one_that_never_leaves_guessing_is_noticed():
    assert "still guessing" in told(run(lambda done: 0.1))[-1]


def test_steps_that_are_too_big_are_noticed():
    assert "lost what it knew" in told(run(lambda done: 0.9 if done < 0.5 else 0.1))[-1]
    assert "become worse" in told(run(lambda done: 0.9 if done < 0.5 else 0.6))[-1]


def test_one_bad_test_is_not_denied_and_soon_forgotten():
    hiccup = run(rising(0.98))
    hiccup[20] = replace(hiccup[20], test_accuracy=0.3)
    assert "become worse" in comment(hiccup[:21])
    assert "19 of 20" in comment(hiccup[:22])


def test_wrong_labels_are_told_in_both_curves_and_no_step_is_blamed():
    noise = Defect("label-noise", share=0.4)
    learning = run(
        lambda done: 0.92 - 0.5 * max(0.0, done - 0.4) if done else 0.1,
        lambda done: min(0.96, 0.5 + 0.6 * done**2),
    )
    sentences = [comment(learning[: n + 1], noise) for n in range(len(learning))]
    assert any("of those of training, 40% are wrong" in each for each in sentences)
    assert "Training is above 60%, more labels than can be told from the images" in sentences[-1]
    assert not any("too big" in each for each in sentences)
    assert any("too big" in comment(learning[: n + 1]) for n in range(len(learning)))


def test_what_it_never_saw_is_the_gap_between_the_curves():
    learning = run(rising(0.89), rising(0.99))
    assert comment(learning, Defect("missing-class", 3)) == (
        "It has never seen the 3, and the test has it."
    )
    last = learning[-1]
    result = RunResult(
        images=60_000, train_accuracy=0.99, train_count=1000, test_accuracy=0.89, test_count=1000
    )
    told = describe_run(
        RunStatus("finished", last, result=result), learning, Defect("missing-class")
    )
    assert (told.verdict, told.sentence) == (
        "Spoiled",
        "It has finished: it has never seen the 7, and the test has it.",
    )


def test_a_gap_within_chance_is_no_gap():
    small = run(rising(0.93), rising(0.96), count=100)
    assert not any("heart" in each or "than on new ones" in each for each in told(small))


def test_noise_that_crosses_no_milestone_does_not_make_it_chatter():
    chance = random.Random(0)
    noisy = run(lambda done: min(1, rising(0.965)(done) + chance.gauss(0, 0.004)), rising(0.975))
    sentences = told(noisy)
    assert len(sentences) <= 10
    assert len(set(sentences)) >= len(sentences) - 1


def test_it_follows_records_without_a_test_and_with_gaps():
    records = run(rising(0.99))
    for number, record in enumerate(records):
        if number % 3:
            records[number] = replace(record, test_accuracy=None)
    assert len(told(records)) > 3


def test_a_good_run_that_has_arrived_is_told_that_little_changes():
    assert "Little changes" in told(run(lambda done: min(0.98, 0.1 + 9 * done)))[-1]


@pytest.mark.parametrize("state", ["running", "paused", "interrupted", "failed", "stopped"])
def test_the_milestone_is_the_highest_that_the_figure_beside_it_has_passed(state):
    for share in range(101):
        accuracy = share / 100
        records = run(lambda done, now=accuracy: now * done * 4, steps=4)[:2]
        told = describe_run(RunStatus(state, progress=records[-1]), records)
        assert told.figures.test_accuracy == accuracy
        passed = [least for least in MILESTONES if accuracy > least]
        said = MILESTONES[max(passed)] if passed else "guess"
        assert said in told.sentence


def test_figure_and_sentence_of_a_stopped_run_are_those_of_its_final_test():
    records = run(rising(0.6))[:20]
    last = records[-1]
    result = RunResult(
        images=1900,
        train_accuracy=0.975,
        train_count=5_000,
        test_accuracy=0.97,
        test_count=10_000,
    )
    told = describe_run(RunStatus("stopped", progress=last, result=result), records)
    assert (told.figures.test_accuracy, told.figures.test_count) == (0.97, 10_000)
    assert told.sentence.startswith("It was stopped, and reads new images about as well")


def test_the_newest_test_is_shown_though_the_status_lags_behind_the_records():
    records = run(rising(0.99))[:8]
    told = describe_run(RunStatus("running", progress=records[2]), records)
    assert told.figures.test_accuracy == records[-1].test_accuracy
    assert told.sentence == comment(records)


def test_the_result_of_an_earlier_stop_says_nothing_of_a_run_that_goes_on():
    records = run(rising(0.99))[:8]
    result = RunResult(train_accuracy=0.0, train_count=9, test_accuracy=0.0, test_count=9)
    told = describe_run(RunStatus("running", result=result), records)
    assert told.figures.test_accuracy == records[-1].test_accuracy


def test_a_loss_that_runs_away_is_said_at_once_and_at_the_end():
    records = run(lambda done: 0.1 + 0.5 * done)[:8]
    records[-1] = replace(records[-1], test_loss=1e26, train_accuracy=0.2)
    assert "loss ran away. Try a smaller learning rate" in comment(records)
    diverged = RunStatus("failed", result=RunResult(diverged=True))
    assert "loss ran away" in describe_run(diverged, records).sentence


def test_a_collapse_is_not_taken_for_too_simple_at_the_end():
    collapsed = run(lambda done: 0.62 if 0 < done < 0.1 else 0.11)
    assert "too big, so it lost what it knew (62% once)." in at_the_end(collapsed)
    assert "simple" not in at_the_end(collapsed)


def plateau(test, **judged):
    """What is said of a run of 40 tests, after 100 images each, and a result."""
    records = run(test)
    result = RunResult(images=4000, test_accuracy=records[-1].test_accuracy)
    return describe_plateau(replace(result, **judged), records)


def test_it_is_said_since_when_it_hardly_improved_if_that_was_early():
    early = "After 1,000 images it hardly improved: 98.1% then, 99.1% at the end."
    assert plateau(lambda done: 0.991 if done > 0.25 else 0.981 if done == 0.25 else 0.9) == early
    assert not plateau(lambda done: 0.991 if done >= 0.5 else 0.9)  # not before half of it
    assert not plateau(lambda done: 0.98 * done)  # it improved to the end
    assert not plateau(lambda done: 0.99, test_accuracy=0.9)  # it fell at the end
    assert not plateau(lambda done: 0.1)  # it never learned


def test_a_result_alone_makes_no_figures():
    result = RunResult(test_accuracy=0.1, train_accuracy=0.1, test_count=9, train_count=9)
    assert describe_run(RunStatus("finished", result=result), []).figures is None


@pytest.mark.parametrize(("train", "test", "ahead"), [(0.5, 0.7, True), (0.7, 0.705, False)])
def test_it_is_said_where_the_is_test_ahead(train, test, ahead):
    one = Progress(1, 9, 8, train_accuracy=train, test_accuracy=test, test_count=100)
    other = Progress(9, 9, 72, train_accuracy=0.9, test_accuracy=0.8, test_count=100)
    assert is_test_ahead([Progress(0, 9, 0), one, other]) == ahead

"""What is said of spoiled data: the damage, digit by digit, and bets on it."""

import pytest

from mnistcore.config import DEFECTS, Defect, parse_defect
from mnistcore.records import RunResult
from mnistcore.viz.defect_commentary import (
    answer,
    choices,
    describe_damage,
    invite,
    judge_bet,
    question,
    recalls,
)

SEVEN = Defect("missing-class", 7)
NOISE = Defect("label-noise", share=0.4)


def confusion(**rows: dict[int, int]) -> list[list[int]]:
    """100 of each digit, all read right but for rows by their name, such as d7={9: 60, 2: 40}."""
    table = [[100 * (n == digit) for n in range(10)] for digit in range(10)]
    for name, said in rows.items():
        table[int(name[1:])] = [said.get(n, 0) for n in range(10)]
    return table


def test_of_a_digit_that_it_never_saw_it_is_said_what_it_is_taken_for():
    table = confusion(d7={9: 55, 2: 30, 3: 10, 1: 5})
    assert question(SEVEN) == "What will it take sevens for?"
    assert choices(SEVEN) == [0, 1, 2, 3, 4, 5, 6, 8, 9]
    assert answer(SEVEN, table) == (9, 55, 100)
    assert describe_damage(SEVEN, RunResult(confusion=tuple(map(tuple, table)))) == (
        "Of the 100 sevens in the test it reads none right; it takes 55 for nines, 30 for twos "
        "and 10 for threes."
    )
    asked = "Write a 7: it has never seen one. Then tap which digit it is."
    assert invite(SEVEN) == asked
    right = "You bet that it takes sevens for nines: right, 55 of 100 are taken for nines."
    assert judge_bet(SEVEN, 9, table) == right
    assert "for ones: not this time, 55 of 100" in judge_bet(SEVEN, 1, table)


def test_of_other_kinds_it_is_the_digit_that_is_read_worst():
    table = confusion(d1={1: 80, 8: 20}, d9={9: 60, 4: 40})
    thin = Defect("thin-only", share=0.2)
    assert invite(thin) == ""
    assert invite(Defect("class-imbalance", 8)).startswith("Write an 8: it has hardly seen one.")
    assert question(thin) == "Which digit will suffer most?"
    assert choices(thin) == [*range(10)]
    assert answer(thin, table) == (9, 60, 100)
    assert judge_bet(thin, 9, table) == (
        "You bet on nines: right, of nines it reads 60%, fewest of all."
    )
    assert "not this time, of nines it reads 60%" in judge_bet(thin, 1, table)
    assert recalls(table)[1] == 0.8


@pytest.mark.parametrize(
    ("labelled", "true", "said"),
    [(0.97, 0.62, "it has learned the wrong labels"), (0.58, 0.97, "it sees through the wrong")],
)
def test_wrong_labels_are_counted_both_ways(labelled, true, said):
    result = RunResult(train_accuracy=labelled, train_count=5000, true_train_accuracy=true)
    told = describe_damage(NOISE, result)
    assert told.startswith(f"Of 5,000 training images it gives {labelled:.1%} the label that they")
    assert f"reads {true:.1%} as what they show" in told and said in told


def test_before_the_end_there_is_nothing_to_say():
    for kind in DEFECTS:
        assert describe_damage(parse_defect(kind), RunResult()) == ""
        assert question(parse_defect(kind)) or kind in ("none", "swapped-labels")


def test_a_digit_that_the_test_has_not_is_no_worst():
    assert answer(NOISE, confusion(d3={}, d5={5: 99, 3: 1})).digit == 5
    assert judge_bet(NOISE, 3, [[0] * 10] * 10)

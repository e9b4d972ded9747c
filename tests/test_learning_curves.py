"""Charts and sketches as plain values."""

import json
import math
from dataclasses import replace

import pytest

from mnistcore.config import Conv, NetworkConfig, layer_summary
from mnistcore.records import Progress
from mnistcore.viz import learning_curves
from mnistcore.viz.network_diagram import network_html


def records(count, every=5):
    return [
        Progress(
            n,
            count,
            images=n * 10,
            loss=2 / (n + 1),
            train_accuracy=0.5,
            test_accuracy=0.25 if n % every == 0 else None,
            test_loss=1.0 if n % every == 0 else None,
        )
        for n in range(count)
    ]


def test_train_and_test_are_in_the_same_picture_in_percent():
    chart = learning_curves.accuracy_chart([learning_curves.Curve("one", records(20), 200)])
    train, test = chart["series"]
    assert (train["name"], test["name"]) == ("Training images", "Test images")
    assert train["data"][3] == [30, 50]
    assert test["data"] == [[0, 25], [50, 25], [100, 25], [150, 25]]


def test_of_twins_the_test_line_of_either_is_drawn_by_its_name():
    names = ("As you set it", "Without convolutions", "another run")
    twins = [learning_curves.Curve(name, records(20), 200) for name in names]
    twins[1] = twins[1]._replace(is_twin=True)
    chart = learning_curves.accuracy_chart(twins)
    one, other, third = chart["series"]
    assert (one["name"], other["name"], third["name"]) == (*names[:2], "another run, test")
    assert one["data"] == other["data"] == [[0, 25], [50, 25], [100, 25], [150, 25]]
    assert one["color"] != other["color"] and "test images" in chart["title"]["text"]
    assert one["lineStyle"]["type"] != other["lineStyle"]["type"]


def test_axes_do_not_move_while_the_curve_grows():
    for make in (learning_curves.accuracy_chart, learning_curves.loss_chart):
        short, long = (make([learning_curves.Curve("one", records(n), 900)]) for n in (3, 80))
        assert [short[a]["max"] for a in ("xAxis", "yAxis")] == [
            long[a]["max"] for a in ("xAxis", "yAxis")
        ]
        assert short["xAxis"]["max"] == 900


INF, NAN = float("inf"), float("nan")


@pytest.mark.parametrize("bad", [INF, -INF, NAN, 10**400, 1e308, "0.5", True, None])
def test_no_chart_is_ever_given_what_is_not_finite(bad):
    damaged = records(20)
    measures = ("loss", "train_accuracy", "test_accuracy", "test_loss")
    damaged[5] = replace(damaged[5], **dict.fromkeys(measures, bad))
    damaged[10] = replace(damaged[10], images=bad)
    for lines in ([damaged], [records(20), damaged]):
        for make in (learning_curves.accuracy_chart, learning_curves.loss_chart):
            chart = make([learning_curves.Curve("one", line, 200) for line in lines])
            json.dumps(chart, allow_nan=False)
            for line in chart["series"]:
                assert all(type(y) in (int, float) for point in line["data"] for y in point)


@pytest.mark.parametrize("highest", [2.4, 3.0, 7.2, 10.0, 11.0, 1e4, 1.4e26, 1e300])
def test_the_loss_axis_grows_until_every_point_is_on_it(highest):
    wild = records(20)
    wild[7] = replace(wild[7], loss=highest)
    wild[15] = replace(wild[15], test_loss=highest / 2)
    wild[3] = replace(wild[3], loss=0.0)
    chart = learning_curves.loss_chart(
        [learning_curves.Curve("calm", records(20), 200), learning_curves.Curve("wild", wild, 200)]
    )
    axis = chart["yAxis"]
    drawn = [y for line in chart["series"] for _, y in line["data"]]
    assert axis["min"] <= min(drawn)
    assert min(highest / 2, learning_curves.MOST) <= max(drawn) <= axis["max"]
    chart = learning_curves.loss_chart([learning_curves.Curve("wild", wild, 200)])
    top = max(y for _, y in chart["series"][0]["data"])
    assert top == min(highest, learning_curves.MOST) <= chart["yAxis"]["max"]
    assert ("or more" in chart["title"]["text"]) == (highest > learning_curves.MOST)


def test_one_spike_does_not_press_the_rest_of_the_curve_to_the_floor():
    spike = records(20)
    spike[7] = replace(spike[7], loss=1e34)
    axis = learning_curves.loss_chart([learning_curves.Curve("one", spike, 200)])["yAxis"]
    assert axis["type"] == "log"
    low, guess, high = (math.log10(value) for value in (axis["min"], 2.3, axis["max"]))
    assert (guess - low) / (high - low) > 0.15
    assert (
        learning_curves.loss_chart([learning_curves.Curve("one", records(20), 200)])["yAxis"][
            "type"
        ]
        == "value"
    )


def test_other_runs_are_laid_over_with_their_test_line_and_name():
    lines = [
        learning_curves.Curve("mine", records(20), 200),
        learning_curves.Curve("hers", records(40), 400),
    ]
    chart = learning_curves.accuracy_chart(lines)
    assert [s["name"] for s in chart["series"]][2:] == ["hers, test"]
    assert chart["xAxis"]["max"] == 400


def test_long_runs_are_thinned_and_keep_their_ends():
    data = learning_curves.loss_chart([learning_curves.Curve("long", records(5000), 50_000)])[
        "series"
    ][0]["data"]
    assert len(data) <= learning_curves.MAX_POINTS + 1
    assert (data[0][0], data[-1][0]) == (0, 49_990)


def test_the_curve_is_also_told_in_words():
    words = learning_curves.describe_curves(records(11))
    assert words == (
        "Test accuracy went from 25% to 25.0% while the network saw 100 training images, training "
        "accuracy 50%; test best 25.0% after 0 images."
    )
    assert learning_curves.describe_loss(records(11)) == (
        "Training loss went from 2 to 0.18 in 100 training images."
    )
    assert learning_curves.describe_curves([]) == "No points yet."


def test_the_sketch_tells_every_layer_and_its_weights():
    page = network_html(layer_summary(NetworkConfig()))
    for words in ("convolution 5 x 5", "32 maps, 12 x 12", "25,632 weights", "10 digits"):
        assert words in page
    assert page.count("<figure") == 6
    bare = network_html(layer_summary(NetworkConfig((Conv(3, 3),), ())))
    assert bare.count("<figure") == 3


def test_runs_laid_over_it_differ_in_more_than_colour():
    runs = [learning_curves.Curve(name, records(20), 200) for name in "abcde"]
    dashes = [
        str(line["lineStyle"].get("type"))
        for line in learning_curves.accuracy_chart(runs)["series"]
    ]
    assert dashes[:2] == ["None", "None"]  # the run itself: its test line has points
    assert len(set(dashes[2:])) == 4


def test_the_names_of_many_runs_do_not_cover_the_lines():
    for count in (1, 2, 5):
        runs = [learning_curves.Curve("a name of up to sixty letters", records(20), 200)] * count
        chart = learning_curves.accuracy_chart(runs)
        rows = 1 if count == 1 else len(chart["series"])
        assert chart["grid"]["top"] >= chart["legend"]["top"] + learning_curves.LINE * rows
        assert (
            learning_curves.chart_height(count) - chart["grid"]["top"] == 230
        )  # the lines have the same room

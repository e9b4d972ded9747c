"""Accuracy by severity: worked out once for whoever asks, nearest first, over the whole range."""

import pytest

from mnistcore.config import Conv, NetworkConfig, layer_summary
from mnistcore.data.corruptions import CORRUPTIONS, corrupt
from mnistcore.data.digits import Digits, to_float, to_uint8
from mnistcore.evaluation import robustness
from mnistcore.evaluation.metrics import evaluate
from mnistcore.models.network import build_network
from mnistcore.viz.network_diagram import network_html

CONFIG = NetworkConfig((), (4,))


def test_a_sweep_fills_both_curves_with_what_evaluate_says(digits: tuple[Digits, Digits]) -> None:
    sample = digits[1].head(40)
    curves = [robustness.SeverityCurves(build_network(CONFIG, seed)) for seed in (1, 2)]
    sweep = robustness.start_sweep("invert", curves, sample, near=50)
    assert sweep is not None
    sweep.join(30)
    corrupted = corrupt(sample, "invert", 65)
    for each in curves:
        assert [severity for severity, _ in each.curve("invert")] == CORRUPTIONS[
            "invert"
        ].severities
        assert dict(each.curve("invert"))[65] == evaluate(each.network, corrupted).accuracy
    assert robustness.start_sweep("invert", curves, sample, near=50) is None


def test_bytes_become_floats_and_bytes_again(digits: tuple[Digits, Digits]) -> None:
    images = digits[1].images[:50]
    assert to_uint8(to_float(images)).equal(images)


@pytest.mark.parametrize("convolutions", [(), (Conv(6, 5),)])
def test_dropout_does_not_change_what_a_diagram_says_of_the_layer_before_it(
    convolutions: tuple[Conv, ...],
) -> None:
    plain, dropping = (
        network_html(layer_summary(NetworkConfig(convolutions, (4,), dropout=share)))
        for share in (0.0, 0.5)
    )
    assert plain == dropping

"""Robustness: the accuracy of networks by the severity of a corruption, swept in the background."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from mnistcore.data.corruptions import CORRUPTIONS, corrupt
from mnistcore.data.digits import Digits
from mnistcore.evaluation.metrics import evaluate
from mnistcore.models.network import Network

_PAUSE_S = 0.7  # for which sweeps leave the processor to whoever moves a slider
_ONE_AT_A_TIME = threading.Lock()  # sweeps wait for each other
_STARTING = threading.Lock()  # for the following, which all callers share
_sweeps: dict[tuple[str | int, ...], threading.Thread] = {}  # by the corruption and what they fill
_yielded_at = 0.0


@dataclass(frozen=True)
class SeverityCurves:
    """A network's accuracies on one sample of images: empty at first, filled step by step."""

    network: Network
    accuracies: dict[tuple[str, float], float] = field(default_factory=dict)  # by kind and severity

    def curve(self, kind: str) -> list[tuple[float, float | None]]:
        """(severity, accuracy) over the whole range; None where it is not known yet."""
        severities = CORRUPTIONS[kind].severities
        return [(severity, self.accuracies.get((kind, severity))) for severity in severities]


def accuracies_at(
    kind: str, severity: float, curves: Sequence[SeverityCurves], sample: Digits
) -> list[float]:
    """The accuracy, 0 to 1, of each network on the corrupted sample, worked out where unknown."""
    if unknown := [each for each in curves if (kind, severity) not in each.accuracies]:
        corrupted = corrupt(sample, kind, severity)
        for each in unknown:
            each.accuracies[kind, severity] = evaluate(each.network, corrupted).accuracy
    return [each.accuracies[kind, severity] for each in curves]


def yield_processor() -> None:
    """Let all sweeps pause for a moment, because somebody waits for something more urgent."""
    global _yielded_at
    _yielded_at = time.monotonic()


def start_sweep(
    kind: str, curves: Sequence[SeverityCurves], sample: Digits, near: float
) -> threading.Thread | None:
    """Fill the curves in a thread, shared by all who ask, `near` first; None if all is known."""
    if all(accuracy is not None for each in curves for _, accuracy in each.curve(kind)):
        return None
    key: tuple[str | int, ...] = (kind, *(id(each.accuracies) for each in curves))
    with _STARTING:
        for ended in [each for each, thread in _sweeps.items() if not thread.is_alive()]:
            del _sweeps[ended]
        if key not in _sweeps:
            # Not a daemon, as it would be by inheritance: it has to be waited for.
            work = (kind, curves, sample, near)
            _sweeps[key] = threading.Thread(target=_sweep, args=work, daemon=False)
            _sweeps[key].start()
        return _sweeps[key]


def _sweep(kind: str, curves: Sequence[SeverityCurves], sample: Digits, near: float) -> None:
    torch.set_num_threads(1)
    with _ONE_AT_A_TIME:
        for severity in sorted(CORRUPTIONS[kind].severities, key=lambda each: abs(each - near)):
            while (wait := _yielded_at + _PAUSE_S - time.monotonic()) > 0:
                time.sleep(wait)
            # Python waits for this thread when it ends: torch does not bear to be broken off.
            if not threading.main_thread().is_alive():
                return
            accuracies_at(kind, severity, curves, sample)

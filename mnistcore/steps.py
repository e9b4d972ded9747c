"""The notebook in six steps: the lines that are shown are the lines that run."""

from collections.abc import Callable
from typing import Any, NamedTuple

from torch.nn.functional import cross_entropy
from torch.optim import Adam

from mnistcore.data import Digits, as_input
from mnistcore.network import NetworkConfig, build
from mnistcore.training import evaluate


class Step(NamedTuple):
    """One step, and the code that does it."""

    title: str
    code: str


STEPS = (
    Step("Load data", "train, test = load()\nimage, label = train.images[10], train.labels[10]"),
    Step("Create a network", "network = build(NetworkConfig(), seed=1)"),
    Step(
        "Choose a loss",
        "guesses = network(as_input(train.images[:8]))\n"
        "loss = cross_entropy(guesses, train.labels[:8])",
    ),
    Step(
        "Optimise",
        """
optimiser = Adam(network.parameters(), lr=1e-3)
losses = []
for images, labels in zip(train.images[:1200].split(8), train.labels[:1200].split(8)):
    loss = cross_entropy(network(as_input(images)), labels)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    losses.append(loss.item())
""".strip(),
    ),
    Step(
        "Measure",
        "on_train = evaluate(network, train.first(1000))\n"
        "on_test = evaluate(network, test.first(1000))",
    ),
    Step("Predict", "predicted = network(as_input(test.images[:8])).argmax(1)"),
)


def begin(load: Callable[[], tuple[Digits, Digits]]) -> dict[str, Any]:
    """The names that the steps know at first; `load` gives training and test images."""
    tools = (Adam, NetworkConfig, as_input, build, cross_entropy, evaluate)
    return {"load": load} | {tool.__name__: tool for tool in tools}


def take(number: int, names: dict[str, Any]) -> dict[str, Any]:
    """Run one step, from 0, and return the names that are known after it.

    The network is trained in place; so every step can be taken once.
    """
    after = dict(names)
    exec(STEPS[number].code, after)
    after.pop("__builtins__", None)
    return after

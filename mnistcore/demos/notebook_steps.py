"""A notebook in six steps, from data to prediction: the code that is shown is what runs."""

from collections.abc import Callable
from typing import Any, NamedTuple

from torch.nn.functional import cross_entropy
from torch.optim import Adam

from mnistcore.config import NetworkConfig
from mnistcore.data.digits import Digits, to_model_input
from mnistcore.evaluation.metrics import evaluate
from mnistcore.models.network import build_network


class NotebookStep(NamedTuple):
    """One cell of the notebook."""

    title: str
    code: str


_NOTEBOOK = """
# Load data
train, test = load()
image, label = train.images[10], train.labels[10]

# Create a network
network = build_network(NetworkConfig(), seed=1)

# Choose a loss
guesses = network(to_model_input(train.images[:8]))
loss = cross_entropy(guesses, train.labels[:8])

# Optimise
optimizer = Adam(network.parameters(), lr=1e-3)
losses = []
for images, labels in zip(train.images[:1200].split(8), train.labels[:1200].split(8)):
    loss = cross_entropy(network(to_model_input(images)), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())

# Measure
on_train = evaluate(network, train.head(1000))
on_test = evaluate(network, test.head(1000))

# Predict
predicted = network(to_model_input(test.images[:8])).argmax(1)
"""
STEPS = [NotebookStep(*cell.strip().split("\n", 1)) for cell in _NOTEBOOK.split("# ")[1:]]


def initial_names(load: Callable[[], tuple[Digits, Digits]]) -> dict[str, Any]:
    """The namespace of the first step; `load` gives training and test set."""
    tools = (Adam, NetworkConfig, to_model_input, build_network, cross_entropy, evaluate)
    return {"load": load} | {tool.__name__: tool for tool in tools}


def run_step(number: int, names: dict[str, Any]) -> dict[str, Any]:
    """Execute STEPS[number] on a copy of the namespace, but once: it trains the same network."""
    after = dict(names)
    exec(STEPS[number].code, after)
    after.pop("__builtins__", None)
    return after

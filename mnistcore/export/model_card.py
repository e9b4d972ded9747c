"""The model card: what a network is, what it learned from, how good it is, and how to use it."""

from typing import Any

from mnistcore.config import TrainConfig, layer_summary, settings
from mnistcore.data.loading import DATASETS
from mnistcore.export.onnx import PREPROCESSING
from mnistcore.export.subject import Subject


def make_model_card(subject: Subject) -> str:
    """Markdown for whoever opens the weights (Mitchell et al. 2019, Model Cards)."""
    layers = " -> ".join(layer.text for layer in layer_summary(subject.network.config))
    count = sum(weights.numel() for weights in subject.network.parameters())
    parts = [
        f"# {subject.title}",
        "Reads handwritten digits: 28 x 28 grey pixels in, ten numbers out, one for each digit.",
        f"## Network\n\n{layers}: {count:,} weights, float32",
        f"## Input and output\n\n{PREPROCESSING}",
        f"## Learned from\n\n{learned_from(subject)}.{_recipe(subject)}",
        f"## How good it is\n\n{measured(subject)}",
        "## What it is not\n\nIt learned from single digits, upright and in the middle. It always "
        "names a digit, also for what is none. Never let it decide about people.",
        f"## How to load it\n\n{_LOADING}",
    ]
    return "\n\n".join(parts) + "\n"


_LOADING = """```python
from safetensors.torch import load_file

weights = load_file("network.safetensors")  # "layers.0.weight" and so on, as in the notebook
```

Or with the package that made it:

```python
from pathlib import Path
from mnistcore.models.checkpoint import load_network

network = load_network(Path("network.safetensors")).network.eval()
```"""


def learned_from(subject: Subject) -> str:
    """Its training data in a few words: "MNIST, spoiled on purpose: 40 % wrong labels"."""
    told = DATASETS[subject.dataset]
    if subject.config and subject.config.defect:
        told += f", spoiled on purpose: {subject.config.defect}"
    if tuned := subject.fine_tune:
        told += f"; then it was fine-tuned on {len(tuned.labels)} drawings"
    return told


def _recipe(subject: Subject) -> str:
    if subject.config is None:
        return " The recipe is not known."
    return f"\n\n{_settings(subject.config)}"


def _settings(config: TrainConfig) -> str:
    """A table of them, by the words of the form."""
    rows = [
        f"| {setting.label} | {_in_words(getattr(config, name))} |"
        for name, setting in settings(TrainConfig).items()
        if setting.on_form
    ]
    return "\n".join(["| setting | value |", "| --- | --- |", *rows])


def _in_words(value: Any) -> str:
    return "all" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def measured(subject: Subject) -> str:
    """How many images it reads right, in sentences."""
    result = subject.result
    if result is None or result.test_accuracy is None:
        return "Not measured: its training has not ended."
    told = f"{result.test_accuracy:.2%} of {result.test_count:,} test images read right"
    if result.train_accuracy is not None:
        told += f", {result.train_accuracy:.2%} of {result.train_count:,} training images"
    if result.true_train_accuracy is not None:
        told += f" as they were labelled, {result.true_train_accuracy:.2%} as what they are"
    return f"{told}. It never learned from the test images."

"""A Jupyter notebook that trains one network anew, in plain PyTorch and without this package."""

import inspect
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from mnistcore.config import IMAGE_SIZE, LayerSummary, TrainConfig, layer_summary
from mnistcore.data import augment, defects, small_digits
from mnistcore.data.digits import to_uint8
from mnistcore.data.loading import DATASETS
from mnistcore.export.formats import WEIGHTS
from mnistcore.export.subject import Subject
from mnistcore.models.network import Network
from mnistcore.training import trainer

if TYPE_CHECKING:
    from nbformat import NotebookNode

_LAYERS = {"conv": "Conv2d", "pool": "MaxPool2d", "flatten": "Flatten", "dense": "Linear"}


def make_notebook(subject: Subject) -> "NotebookNode":
    """The six steps, from data to prediction, with this network's own recipe written out.

    One that was fine-tuned, or whose recipe is lost, is not trained there: its weights are loaded
    from WEIGHTS.
    """
    from nbformat import v4

    cells = []
    for number, (kind, text) in enumerate(_cells(subject)):
        make: Any = v4.new_markdown_cell if kind == "text" else v4.new_code_cell
        cells.append(make(text.strip(), id=f"cell-{number}"))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook: NotebookNode = v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    return notebook


def _cells(subject: Subject) -> Iterator[tuple[str, str]]:
    """Kind, "text" or "code", and content of each cell."""
    config = subject.config if subject.can_be_retrained else None
    yield "text", _opening(subject)
    yield "code", _IMPORTS
    yield "text", _DATA_TEXT[subject.dataset]
    yield "code", _data_code(subject.dataset, config)
    if config and config.defect:
        yield "text", f"The training data is spoiled on purpose: **{config.defect}**."
        yield "code", _defect_code(config)
    left = "[kept]" if config and _leaves_out(config) else ""
    yield "code", _SHOW_DIGITS.format(left=left)
    yield "text", _network_text(subject.network)
    yield "code", _network_code(subject.network, config.seed if config else 0)
    if config:
        yield "text", _LOSS_TEXT
        yield "code", _loss_code(config)
        yield "text", _optimise_text(config)
        yield "code", _optimise_code(config)
        yield "code", _LOSS_CURVE
    else:
        yield "text", "## 3 and 4. Its weights\n\nIt " + _WHY_LOADED + f" from `{WEIGHTS}`."
        yield "code", _LOAD_WEIGHTS
    yield "text", _measure_text(subject)
    if config and _leaves_out(config):
        yield "code", "train_images, train_labels = train_images[kept], train_labels[kept]"
    yield "code", _MEASURE
    yield "text", "## 6. Predict\n\nWhat it says of test images. What it misreads stands in red."
    yield "code", _PREDICT
    if config:
        yield "text", _KEEP_TEXT
        yield "code", 'torch.save(network.state_dict(), "network.pt")'


def _opening(subject: Subject) -> str:
    count = sum(each.numel() for each in subject.network.parameters())
    what = f"trained on {DATASETS[subject.dataset]}" if subject.config else "that reads digits"
    return f"""
# {subject.title}

A network of {count:,} weights, {what}: the whole way from the data to the prediction in six steps.
It needs Python with `torch`, `torchvision` and `matplotlib`{_more_packages(subject.dataset)}.
"""


def _more_packages(dataset: str) -> str:
    return "" if dataset == "mnist" else ", and `scikit-learn` for the small digits"


_IMPORTS = """
import math
import time

import matplotlib.pyplot as plt
import torch
from torch import Tensor, nn
from torch.nn import functional

device = torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
"""

_DATA_TEXT = {
    "mnist": """
## 1. Load data

Pictures of handwritten digits, 28 x 28 pixels from 0 (paper) to 1 (ink), each with its label.
Training images are there to learn from. Test images are never learned from: they tell what the
network makes of a hand that it has not met.
""",
    "digits": """
## 1. Load data

scikit-learn's small digits, 8 x 8 pixels, enlarged to 28 x 28 from 0 (paper) to 1 (ink), each with
its label. Training images are there to learn from. Test images are never learned from: they tell
what the network makes of a hand that it has not met.
""",
    "mnist+digits": """
## 1. Load data

Pictures of handwritten digits, 28 x 28 pixels from 0 (paper) to 1 (ink), each with its label: those
of MNIST, and among the training images scikit-learn's small digits, enlarged, in three line widths.
Test images are never learned from: they tell what the network makes of a hand that it has not met.
""",
}
_LOAD_MNIST = """
from torchvision.datasets import MNIST


def load_mnist(train):
    part = MNIST("data", train=train, download=True)
    return part.data, part.targets


train_images, train_labels = load_mnist(train=True)
test_images, test_labels = load_mnist(train=False)
"""
_LOAD_SMALL_DIGITS = """
(small_images, test_small), (small_labels, test_small_labels) = _small_digits()
"""


def _data_code(dataset: str, config: TrainConfig | None) -> str:
    code = _LOAD_MNIST if "mnist" in dataset else ""
    if "digits" in dataset:
        helpers = _source(small_digits._small_digits, small_digits._upsample, to_uint8)
        code = f"{code}\nIMAGE_SIZE = {IMAGE_SIZE}\n\n\n{helpers}\n\n{_LOAD_SMALL_DIGITS}"
    if dataset == "digits":
        code += """
train_images, train_labels = _upsample(small_images), small_labels
test_images, test_labels = _upsample(test_small), test_small_labels
"""
    elif dataset == "mnist+digits":
        code += """
strengths = [_upsample(small_images, *each) for each in ((0.65, 20), (0.8, 24), (1.0, 24))]
train_images = torch.cat([train_images, *strengths, *strengths])
train_labels = torch.cat([train_labels, *[small_labels] * 6])
"""
    if config and config.train_size:
        code += f"""
train_images, train_labels = train_images[:{config.train_size}], train_labels[:{config.train_size}]
"""
    return code + _SHAPES


_SHAPES = """
print(f"{len(train_images):,} training images, {len(test_images):,} test images")
"""
_SHOW_DIGITS = """
figure, places = plt.subplots(2, 8, figsize=(10, 3))
for place, image, label in zip(places.flat, train_images{left}, train_labels{left}):
    place.imshow(image.numpy(), cmap="gray_r", vmin=0, vmax=255)
    place.set_title(int(label))
    place.axis("off")
plt.show()
"""


def _leaves_out(config: TrainConfig) -> bool:
    """Whether its defect takes images out, so that the notebook has `kept`, a mark for each."""
    return config.defect.kind in ("missing-class", "class-imbalance", "thick-only", "thin-only")


def _defect_code(config: TrainConfig) -> str:
    """What taught_set does, for this one kind of defect."""
    defect = config.defect
    chance = f"chance = torch.Generator().manual_seed({~config.seed})"
    match defect.kind:
        case "label-noise":
            return f"""
{chance}
wanted = round({defect.share} * len(train_labels))
spoiled = torch.randperm(len(train_labels), generator=chance)[:wanted]
off = torch.randint(1, 10, (wanted,), generator=chance)
train_labels[spoiled] = (train_labels[spoiled] + off) % 10
"""
        case "swapped-labels":
            return f"""
taught = torch.arange(10)
taught[{defect.digit}], taught[{defect.other}] = {defect.other}, {defect.digit}
train_labels = taught[train_labels]
"""
        case "inverted":
            return f"""
{chance}
wanted = round({defect.share} * len(train_images))
chosen = torch.randperm(len(train_images), generator=chance)[:wanted]
train_images[chosen] = 255 - train_images[chosen]
"""
        case "missing-class":
            return f"kept = train_labels != {defect.digit}"
        case "class-imbalance":
            return f"""
{chance}
rare = (train_labels == {defect.digit}).nonzero().flatten()
wanted = min(len(rare), max(1, round({defect.share} * len(rare))))
kept = torch.ones(len(train_labels), dtype=torch.bool)
kept[rare[torch.randperm(len(rare), generator=chance)[wanted:]]] = False
"""
    return f"""
_CHUNK = {defects._CHUNK}


{_source(defects.stroke_widths)}


widths = {"-" if defect.kind == "thick-only" else ""}stroke_widths(train_images)
kept = torch.zeros(len(train_labels), dtype=torch.bool)
for digit in range(10):
    own = (train_labels == digit).nonzero().flatten()
    wanted = min(len(own), max(1, round({defect.share} * len(own))))
    kept[own[widths[own].argsort(stable=True)[:wanted]]] = True
"""


def _network_text(network: Network) -> str:
    return f"""
## 2. Create a network

A chain of layers, from {IMAGE_SIZE} x {IMAGE_SIZE} pixels to ten numbers, one for each digit: the
largest is the answer. Behind each layer stands the shape of what comes out. At first every weight
is random.
"""


def _network_code(network: Network, seed: int) -> str:
    lines = [f"    {_layer(each)}," for each in layer_summary(network.config)[1:]]
    shapes = [" x ".join(map(str, each.shape)) for each in layer_summary(network.config)[1:]]
    wide = max(map(len, lines))
    body = "\n".join(f"{a:<{wide}}  # {b}" for a, b in zip(lines, shapes, strict=True))
    return f"""
torch.manual_seed({seed})
network = nn.Sequential(
{body}
).to(device)
print(f"{{sum(weights.numel() for weights in network.parameters()):,}} weights")
"""


def _layer(layer: LayerSummary) -> str:
    if layer.kind == "activation":
        return "nn.Identity()" if layer.text == "none" else f"nn.{layer.text}()"
    if layer.kind == "norm":
        name = "BatchNorm2d" if len(layer.shape) == 3 else "BatchNorm1d"
    else:
        name = _LAYERS.get(layer.kind, "Dropout")
    args = layer.args[:3] if layer.kind == "conv" else layer.args
    border = layer.args[4] if layer.kind == "conv" else 0
    told = [*map(str, args), *([f"padding={border}"] if border else [])]
    return f"nn.{name}({', '.join(told)})"


_LOSS_TEXT = """
## 3. Choose a loss

How far the ten numbers are from the truth, in one number: the smaller, the better. Cross-entropy is
small where the right digit has nearly all of the probability.
"""


def _loss_code(config: TrainConfig) -> str:
    smoothing = f"label_smoothing={config.label_smoothing:g}" if config.label_smoothing else ""
    return f"loss_function = nn.CrossEntropyLoss({smoothing})"


def _optimise_text(config: TrainConfig) -> str:
    told = (
        f"Look at {config.batch_size} images, compare, trace the error back to every weight, and "
        "change each a little so that the error shrinks; and so on."
    )
    if config.schedule != "constant":
        told += " The learning rate rises, and then fades."
    if config.augmentation != "none":
        told += " Every image is turned, stretched and moved a little, differently each time."
    if config.precision != "float32":
        told += (
            " The app may have multiplied in 16 bits, which is faster; here all is done in 32, so "
            "the last digits of the figures differ."
        )
    return f"## 4. Optimise\n\n{told}"


def _optimizer(config: TrainConfig) -> str:
    rate, decay = f"lr={config.learning_rate:g}", f"weight_decay={config.weight_decay:g}"
    decays = f", {decay}" if config.weight_decay or config.optimizer == "AdamW" else ""
    match config.optimizer:
        case "SGD with momentum":
            nesterov = ", nesterov=True" if config.momentum else ""
            more = f", momentum={config.momentum:g}{decays}{nesterov}"
            return f"torch.optim.SGD(network.parameters(), {rate}{more})"
        case "RMSprop":
            return (
                f"torch.optim.RMSprop(network.parameters(), {rate}, alpha={config.beta2:g}{decays})"
            )
        case name:
            betas = f", betas=({config.momentum:g}, {config.beta2:g})"
            return f"torch.optim.{name}(network.parameters(), {rate}{betas}{decays})"


def _optimise_code(config: TrainConfig) -> str:
    parts = [f"optimizer = {_optimizer(config)}"]
    rate = f"{config.learning_rate:g}"
    if config.schedule != "constant":
        schedule = _source(trainer._one_cycle).replace("_one_cycle", "one_cycle")
        parts += ["", "", schedule, ""]
        rate += " * one_cycle(step / total_steps)"
    if config.augmentation != "none":
        helpers = _source(augment.affine, augment.warp)
        parts += [f"IMAGE_SIZE = {IMAGE_SIZE}", "", "", helpers, ""]
    count, left_out = "len(train_images)", ""
    if _leaves_out(config):
        count, left_out = "int(kept.sum())", "\n        order = order[kept[order]]"
    shown = "affine(images)" if config.augmentation != "none" else "images"
    return (
        "\n".join(parts)
        + f"""
batch_size = min({config.batch_size}, {count})
batches = {count} // batch_size  # in an epoch, which shows every image once
total_steps = max(1, round({config.epochs:g} * (len(train_images) // batch_size)))

losses, started = [], time.perf_counter()
torch.manual_seed({config.seed})
network.train()
for step in range(total_steps):
    epoch, batch = divmod(step, batches)
    if batch == 0:
        chance = torch.Generator().manual_seed({config.seed} * 100_003 + epoch)
        order = torch.randperm(len(train_images), generator=chance){left_out}
    chosen = order[batch * batch_size : (batch + 1) * batch_size]
    images = train_images[chosen].to(device).unsqueeze(1).float() / 255
    for group in optimizer.param_groups:
        group["lr"] = {rate}
    loss = loss_function(network({shown}), train_labels[chosen].to(device))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
    if step % max(1, total_steps // 20) == 0:
        print(f"{{(step + 1) * batch_size:>9,}} images: loss {{losses[-1]:.3f}}")
print(f"{{total_steps * batch_size:,}} images in {{time.perf_counter() - started:.1f}} s")
"""
    )


_LOSS_CURVE = """
width = max(1, len(losses) // 100)
means = torch.tensor(losses)[: len(losses) // width * width].reshape(-1, width).mean(1)
plt.plot([place * width * batch_size for place in range(len(means))], means.tolist())
plt.xlabel("training images seen")
plt.ylabel(f"loss, mean of {width} batches")
plt.show()
"""
_WHY_LOADED = (
    "was taught by hand as well, so that its recipe alone does not lead to it: it is loaded"
)
_LOAD_WEIGHTS = f"""
from safetensors.torch import load_file

named = load_file("{WEIGHTS}")
network.load_state_dict(
    {{name.removeprefix("layers."): named[name] for name in named if name.startswith("layers.")}}
)
"""


def _measure_text(subject: Subject) -> str:
    told = ""
    if subject.result and subject.result.test_accuracy is not None:
        result = subject.result
        told = (
            f" In the app, this network read {result.test_accuracy:.2%} of {result.test_count:,} "
            "test images right."
        )
    return (
        "## 5. Measure\n\nHow many images does it read right: of those that it has learned from, "
        f"and of those that it never saw?{told}"
    )


_MEASURE = """
@torch.inference_mode()
def predict(images):
    network.eval()
    parts = images.to(device).split(1000)
    return torch.cat([network(part.unsqueeze(1).float() / 255).argmax(1) for part in parts]).cpu()


train_accuracy = (predict(train_images) == train_labels).float().mean().item()
test_accuracy = (predict(test_images) == test_labels).float().mean().item()
print(f"{train_accuracy:.2%} of {len(train_images):,} training images right")
print(f"{test_accuracy:.2%} of {len(test_images):,} test images right")
"""
_PREDICT = """
figure, places = plt.subplots(3, 8, figsize=(10, 4.5))
shown = test_images[:24]
for place, image, label, read in zip(places.flat, shown, test_labels, predict(shown)):
    place.imshow(image.numpy(), cmap="gray_r", vmin=0, vmax=255)
    place.set_title(f"reads {read}, is {label}", color="black" if read == label else "red", size=8)
    place.axis("off")
plt.show()
"""
_KEEP_TEXT = f"""
## And then

Keep its weights: `network.load_state_dict(torch.load("network.pt", weights_only=True))` brings them
back. Those that the app trained lie in `{WEIGHTS}`, if you took that along: there the names of all
tensors begin with `layers.`

Change something above, run it again, and see what it is worth.
"""


def _source(*functions: Callable[..., object]) -> str:
    """These functions as they stand in this package."""
    return "\n\n\n".join(inspect.getsource(each).strip() for each in functions)

"""Quantisation: a network's weights in as many bits each as there is room for."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mnistcore.config import LayerSummary, NetworkConfig, layer_summary
from mnistcore.errors import ExportError

if TYPE_CHECKING:  # torch takes seconds to import
    from mnistcore.models.network import Network

MAX_BITS, MIN_BITS = 16, 4  # of one weight
MAX_BYTES = 408_500  # of all weights, scales and biases: 545 kB in base64

Values = NDArray[np.float32]


@dataclass(frozen=True)
class QuantizedLayer:
    """A layer in evaluation mode; only a convolution and a dense layer have numbers.

    A weight is its code times the scale of its output channel. Batch norm is folded into the layer
    before it; flattening and dropout change nothing and are left out.
    """

    summary: LayerSummary
    bits: int
    codes: NDArray[np.int32]  # (outputs, inputs) or (filters, channels, rows, columns), signed
    scales: Values  # (outputs,)
    biases: Values  # (outputs,)

    @property
    def weights(self) -> Values:
        """What is calculated with, in the shape of the codes."""
        weights: Values = self.codes.astype(np.float32) * _beside(self.scales, self.codes)
        return weights

    def pack(self) -> bytes:
        """All codes one after the other, each in `bits`, highest first, the smallest of them 0."""
        codes = self.codes.reshape(-1, 1) + _largest(self.bits)
        return np.packbits((codes >> np.arange(self.bits)[::-1] & 1).astype(np.uint8)).tobytes()


def bits_for(config: NetworkConfig) -> int:
    """How many bits there are for each weight of such a network; ExportError if too few."""
    layers = [layer for layer in layer_summary(config) if layer.kind in ("conv", "dense")]
    outputs = sum(layer.shape[0] for layer in layers)
    count = sum(layer.num_params for layer in layers)
    bits = math.floor(8 * (MAX_BYTES - 8 * outputs) / (count - outputs))
    if bits < MIN_BITS:
        raise ExportError(
            f"With {count:,} weights this network is too large for one page, which has room for "
            f"some {8 * MAX_BYTES // MIN_BITS // 10_000 * 10_000:,}: make its layers narrower."
        )
    return min(MAX_BITS, bits)


def quantize(network: "Network", bits: int) -> list[QuantizedLayer]:
    """Linear quantisation: each output channel on a scale of its own, up to its largest weight.

    Raises ExportError where weights have run away and are no numbers.
    """
    return list(_quantize(network, bits))


def quantized_network(network: "Network", bits: int) -> "Network":
    """A network that calculates with the rounded weights, batch norm folded, in evaluation mode."""
    import torch

    from mnistcore.models.network import Network

    copy = Network(replace(network.config, batch_norm=False, dropout=0.0))
    layers = [layer for layer in quantize(network, bits) if layer.codes.size]
    values = [torch.from_numpy(each) for layer in layers for each in (layer.weights, layer.biases)]
    copy.load_state_dict(dict(zip(copy.state_dict(), values, strict=True)))
    return copy.eval()


def _quantize(network: "Network", bits: int) -> Iterator[QuantizedLayer]:
    layers = zip(layer_summary(network.config)[1:], network.layers, strict=True)
    kept = [each for each in layers if each[0].kind not in ("flatten", "dropout")]
    none = np.zeros(0, np.float32)
    for (summary, layer), (following, norm) in itertools.pairwise([*kept, (None, None)]):
        if summary is None or layer is None or summary.kind == "norm":
            continue
        if summary.kind not in ("conv", "dense"):
            yield QuantizedLayer(summary, bits, none.astype(np.int32), none, none)
            continue
        weights, biases = _fold(layer, norm if following and following.kind == "norm" else None)
        with np.errstate(over="ignore"):
            scales = np.abs(weights).reshape(len(weights), -1).max(1) / _largest(bits)
            scales, biases = scales.astype(np.float32), biases.astype(np.float32)
        if not (np.isfinite(scales).all() and np.isfinite(biases).all()):
            raise ExportError(
                "The weights of this network have run away and are no numbers any more: take "
                "home one that has learned."
            )
        scales[scales == 0] = 1
        codes = np.rint(weights / _beside(scales.astype(np.float64), weights)).astype(np.int32)
        yield QuantizedLayer(summary, bits, codes, scales, biases)


def _fold(layer: Any, norm: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """Weights and biases, float64, of a layer and the batch norm behind it in one."""
    numbers = [layer.weight, layer.bias]
    if norm is not None:
        numbers += [norm.weight, norm.bias, norm.running_mean, norm.running_var]
    weights, biases, *normed = (each.detach().double().numpy() for each in numbers)
    if norm is not None:
        gain, shift, mean, variance = normed
        gain = gain / np.sqrt(variance + norm.eps)
        weights, biases = weights * _beside(gain, weights), (biases - mean) * gain + shift
    return weights, biases


def _largest(bits: int) -> int:
    return int(2 ** (bits - 1)) - 1


def _beside(channels: NDArray[Any], weights: NDArray[Any]) -> NDArray[Any]:
    """A number for each output channel, in a shape that goes with all of its weights."""
    return channels.reshape(-1, *[1] * (weights.ndim - 1))

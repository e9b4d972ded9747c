"""Small networks of every kind that can be built."""

from mnistcore.config import Conv, NetworkConfig

_SMALL = (Conv(4, 5), Conv(6, 3))
NETWORK_KINDS = {
    "convolutional": NetworkConfig(_SMALL, (12,)),
    "normalised": NetworkConfig(_SMALL, (12,), "GELU", dropout=0.3, batch_norm=True),
    "padded": NetworkConfig((Conv(3, 3, pool=False, padding=True),), (), "Tanh"),
    "dense": NetworkConfig((), (16, 8), "LeakyReLU", dropout=0.5),
    "straight": NetworkConfig((), (), "none"),
}

"""From pen strokes or a picture to MNIST's 28 x 28."""

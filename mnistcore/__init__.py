"""See a neural network learn: MNIST, a network of your choice, a training loop you can watch."""

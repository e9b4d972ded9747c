"""The training loop, fine-tuning, short trials, and what the hardware offers."""

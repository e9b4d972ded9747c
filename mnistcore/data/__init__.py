"""Handwritten digits as tensors: datasets, augmentation, corruptions, statistics."""

"""From an image to an answer: probabilities, calibration, out-of-distribution detection."""

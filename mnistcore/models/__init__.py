"""Networks: built, saved, loaded, listed."""

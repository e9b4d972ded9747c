"""Small lessons, each an idea that can be tried by itself."""

"""How good a network is: metrics, provenance, diagnosis."""

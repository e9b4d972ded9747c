"""Inside a network: attribution, activations, embeddings."""

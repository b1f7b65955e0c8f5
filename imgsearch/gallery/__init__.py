"""The indexed collection on disk: catalogue, vectors and index."""

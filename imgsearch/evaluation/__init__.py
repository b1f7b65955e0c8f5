"""How good the answers are: retrieval metrics."""

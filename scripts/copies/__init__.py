"""Measuring how well copies are found; run by scripts/evaluate."""

"""Measures an indexed collection: how well it answers, and what its scores mean."""

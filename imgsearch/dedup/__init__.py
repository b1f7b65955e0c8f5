"""Duplicates: found, verified, grouped, and cleaned up with an undo."""

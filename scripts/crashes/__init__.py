"""The parts of scripts/soak.py: photos that change, writers that die, a look at what is left."""

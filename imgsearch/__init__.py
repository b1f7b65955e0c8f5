"""Find the photos that look like this one, on your own machine."""

__version__ = "0.1.0"

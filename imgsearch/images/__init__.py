"""From a path to upright RGB pixels, or a typed failure."""

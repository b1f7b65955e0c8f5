"""From pixels to unit vectors."""

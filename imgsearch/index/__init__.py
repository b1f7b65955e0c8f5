"""From unit vectors to their nearest neighbours; knows ids and float32 rows only."""

"""Pictures of several sizes are embedded in batches of one size each."""

import numpy as np

from imgsearch.embedding.several import embed_each
from imgsearch.types import EmbedderIdentity, Preprocessing


class MeanColour:
    """The mean of each channel, and what sizes it was shown."""

    identity = EmbedderIdentity("fake", "0" * 64, Preprocessing(64, "faithful"), "avg", 3)

    def __init__(self):
        self.shapes = []

    def embed(self, batch):
        self.shapes.append(batch.shape)
        return batch.mean(axis=(1, 2)).astype(np.float32)


def picture(height, width, value):
    return np.full((height, width, 3), value, np.uint8)


def test_rows_come_in_the_order_of_the_pictures_whatever_their_sizes():
    embedder = MeanColour()
    pictures = [picture(2, 4, 1), picture(4, 2, 2), picture(2, 4, 3), picture(4, 4, 4)]

    rows = embed_each(embedder, pictures)

    assert rows[:, 0].tolist() == [1, 2, 3, 4]
    assert embedder.shapes == [(2, 2, 4, 3), (1, 4, 2, 3), (1, 4, 4, 3)]


def test_no_pictures_are_no_rows():
    assert embed_each(MeanColour(), []).shape == (0, 3)

"""A FAISS index for tests that have no catalogue to keep the float32 rows."""

from __future__ import annotations

import numpy as np

from imgsearch.index.faiss_index import FaissIndex


class RememberingIndex(FaissIndex):
    def __init__(self, dim):
        self.rows = Rows(dim)
        super().__init__(dim, self.rows)

    def add(self, ids, embeddings):
        super().add(ids, embeddings)
        self.rows.remember(ids, embeddings)


class Rows:
    """All rows ever added: ids are never used again."""

    def __init__(self, dim):
        self._dim = dim
        self._rows = {}

    def remember(self, ids, embeddings):
        self._rows.update(zip(ids.tolist(), embeddings.copy(), strict=True))

    def __call__(self, ids):
        found = [self._rows[image_id] for image_id in ids.tolist()]
        return np.array(found, dtype=np.float32).reshape(len(ids), self._dim)

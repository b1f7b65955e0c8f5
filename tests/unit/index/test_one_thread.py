"""One thread: NumPy multiplies alone meanwhile, and as before afterwards."""

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from imgsearch.index import expansion, one_thread
from imgsearch.index.one_thread import on_one_thread


@pytest.fixture(autouse=True)
def _every_library_is_known():
    """Look for libraries again: SciPy's own, which NumPy does not use, may have come since."""
    one_thread._blas.cache_clear()


def blas_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_products_have_one_thread_inside_and_as_many_as_before_outside():
    with threadpool_limits(2, user_api="blas"):
        with on_one_thread():
            inside = blas_threads()
        outside = blas_threads()

    assert (inside, outside) == ({1}, {2})


def test_answers_are_ordered_on_one_thread(monkeypatch):
    seen = []
    contrast = expansion.in_contrast

    def watched(query, rows):
        seen.append(blas_threads())
        return contrast(query, rows)

    monkeypatch.setattr(expansion, "in_contrast", watched)
    rows = np.eye(4, dtype=np.float32)

    with threadpool_limits(2, user_api="blas"):
        expansion.expanded_order(rows[0], rows, rows[0])

    assert seen == [{1}]

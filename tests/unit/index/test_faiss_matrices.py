import numpy as np
import pytest
from remembering import RememberingIndex

from imgsearch.index import faiss_matrices
from imgsearch.index.faiss_halves import QUERIES_WORTH_MATRICES


def unit_rows(count, dim, seed=3):
    rows = np.random.default_rng(seed).standard_normal((count, dim)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture(params=[(1, 1 << 12), (1, 7), (3, 7), (3, 1), (64, 1 << 12)])
def cut(request, monkeypatch):
    """Threads, and how many rows at a time each of them multiplies."""
    threads, rows = request.param
    monkeypatch.setattr(faiss_matrices, "PAIRS_WORTH_THREADS", 0)
    monkeypatch.setattr(faiss_matrices, "ROWS_PER_BLOCK", rows)
    monkeypatch.setattr("os.cpu_count", lambda: threads)


@pytest.mark.usefixtures("cut")
@pytest.mark.parametrize("query_count", [QUERIES_WORTH_MATRICES, 50])
@pytest.mark.parametrize("share", [None, 2, 90])
def test_a_batch_is_answered_as_its_queries_are_one_at_a_time(query_count, share):
    rows, queries = unit_rows(200, 16), unit_rows(query_count, 16, seed=4)
    rows[100:] = rows[:100]  # each of them twice: ties go to the lower id
    index = RememberingIndex(16)
    index.add(np.random.default_rng(5).permutation(200).astype(np.int64) * 3, rows)
    among = None if share is None else np.arange(0, 600, 3 * share, dtype=np.int64)

    for k in (1, 9, 300):
        together = index.search(queries, k, among)
        for query, answer in zip(queries, together, strict=True):
            [alone] = index.search(query[np.newaxis], k, among)
            assert answer.ids.tolist() == alone.ids.tolist()
            assert answer.scores.tolist() == alone.scores.tolist()


@pytest.mark.parametrize("count", [1, 2, 9, 10, 11, 99])
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_every_row_is_in_one_block_and_no_block_is_larger_than_the_first(
    count, threads, monkeypatch
):
    monkeypatch.setattr(faiss_matrices, "ROWS_PER_BLOCK", 10)

    shares = faiss_matrices._shares(count, threads)

    assert sorted(row for share in shares for block in share for row in range(count)[block]) == [
        *range(count)
    ]
    assert 1 <= len(shares) <= threads
    for share in shares:
        sizes = [block.stop - block.start for block in share]
        assert max(sizes) == sizes[0] <= 10


def test_threads_share_the_work_evenly(monkeypatch):
    monkeypatch.setattr(faiss_matrices, "ROWS_PER_BLOCK", 4096)

    shares = faiss_matrices._shares(10_000, 2)

    assert [sum(b.stop - b.start for b in share) for share in shares] == [5000, 5000]

import numpy as np
import pytest

from imgsearch.index import exact


def test_exact_scores_are_cosines_of_every_pair():
    queries = np.array([[1, 0], [0.6, 0.8]], dtype=np.float32)
    embeddings = np.array([[0, 1], [1, 0], [-0.6, -0.8]], dtype=np.float32)

    scores = exact.exact_scores(queries, embeddings)

    # Rows: east against north, east, south-west; north-east against the same.
    assert scores == pytest.approx(np.array([[0, 1, -0.6], [0.8, 0.6, -1]]), abs=1e-6)
    assert scores.dtype == np.float32


@pytest.mark.parametrize(("query_count", "embedding_count"), [(0, 3), (3, 0), (0, 0)])
def test_exact_scores_of_nothing_are_an_empty_table(query_count, embedding_count):
    some = np.eye(3, 2, dtype=np.float32)

    assert exact.exact_scores(some[:query_count], some[:embedding_count]).shape == (
        query_count,
        embedding_count,
    )


def test_exact_scores_do_not_depend_on_the_block_size(monkeypatch):
    embeddings = np.eye(7, dtype=np.float32)
    monkeypatch.setattr(exact, "ROWS_PER_BLOCK", 3)

    assert exact.exact_scores(embeddings, embeddings).tolist() == np.eye(7).tolist()

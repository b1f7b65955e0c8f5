"""FAISS and the oracle agree after any history of additions and removals."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from remembering import RememberingIndex

from imgsearch.index.exact import ExactIndex

# Sixteen directions whose scores are exact in float32 (sums of quarters): rounding cannot reorder
# neighbours, so the two answers must be equal to the last bit, ties and all.
DIRECTIONS = np.array(
    [[((bits >> axis) & 1) - 0.5 for axis in range(4)] for bits in range(16)], dtype=np.float32
)

ID_SETS = st.lists(st.integers(0, 12), max_size=8, unique=True)
CHANGES = st.tuples(
    st.sampled_from(["add", "remove"]), ID_SETS, st.lists(st.integers(0, 15), min_size=8)
)
HISTORIES = st.lists(CHANGES, max_size=8)


def replay(history):
    """Apply a history to both indexes; of what it adds, ids already held are left out."""
    fast, oracle = RememberingIndex(4), ExactIndex(4)
    for action, values, directions in history:
        if action == "remove":
            gone = np.array(values, dtype=np.int64)
            assert fast.remove(gone) == oracle.remove(gone)
            continue
        new = [value for value in values if value not in oracle.ids()]
        for index in (fast, oracle):
            index.add(np.array(new, dtype=np.int64), DIRECTIONS[directions[: len(new)]])
    return fast, oracle


def as_lists(answers):
    return [(answer.ids.tolist(), answer.scores.tolist()) for answer in answers]


@settings(deadline=None, max_examples=60)
@given(HISTORIES)
def test_any_history_leaves_the_vectors_that_the_oracle_holds(history):
    fast, oracle = replay(history)

    assert len(fast) == len(oracle)
    assert fast.ids().tolist() == oracle.ids().tolist()
    assert fast.reconstruct(fast.ids()).tolist() == oracle.reconstruct(oracle.ids()).tolist()


@settings(deadline=None, max_examples=60)
@given(HISTORIES, st.integers(1, 15))
def test_search_equals_the_oracle_after_any_history(history, k):
    fast, oracle = replay(history)

    for queries in (DIRECTIONS[:3], np.tile(DIRECTIONS, (2, 1))):  # fewer and more than 20
        assert as_lists(fast.search(queries, k)) == as_lists(oracle.search(queries, k))


@settings(deadline=None, max_examples=60)
@given(HISTORIES, st.integers(1, 15), st.lists(st.integers(-1, 13)))
def test_a_search_among_some_ids_equals_the_oracle_after_any_history(history, k, among):
    fast, oracle = replay(history)
    chosen = np.array(among, dtype=np.int64)

    for queries in (DIRECTIONS[:3], np.tile(DIRECTIONS, (3, 1))):
        answers = fast.search(queries, k, chosen)
        assert as_lists(answers) == as_lists(oracle.search(queries, k, chosen))
        assert all(
            len(answer.ids) == min(k, len({*among} & {*oracle.ids().tolist()}))
            for answer in answers
        )


@settings(deadline=None, max_examples=60)
@given(HISTORIES, st.sampled_from([-1.0, -0.5, -0.25, 0.0, 0.5, 0.75, 1.0]))
def test_range_search_equals_the_oracle_after_any_history(history, min_score):
    fast, oracle = replay(history)

    ours, theirs = (index.range_search(DIRECTIONS, min_score) for index in (fast, oracle))

    assert as_lists(ours) == as_lists(theirs)

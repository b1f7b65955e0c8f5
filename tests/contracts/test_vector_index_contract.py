"""What every vector index promises, checked on each of them."""

import numpy as np
import pytest
from remembering import RememberingIndex

from imgsearch.index.base import SCORE_TOLERANCE, VectorIndex
from imgsearch.index.exact import ExactIndex
from imgsearch.index.faiss_index import read_index, write_index

EAST, NORTH, WEST, NORTHEAST = [1, 0], [0, 1], [-1, 0], [0.6, 0.8]


def rows(*vectors):
    return np.array(vectors, dtype=np.float32).reshape(len(vectors), 2)


def ids(*values):
    return np.array(values, dtype=np.int64)


def random_rows(count, dim, seed=5):
    drawn = np.random.default_rng(seed).standard_normal((count, dim)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def reopened(mmap, tmp_path):
    """Make an index that is read back from its file after every `add`."""

    class Reopened:
        def __init__(self, dim):
            self._path = tmp_path / "vectors.faiss"
            self._inner = RememberingIndex(dim)
            self._rows = self._inner.rows

        def __getattr__(self, name):
            return getattr(self._inner, name)

        def __len__(self):
            return len(self._inner)

        def add(self, new_ids, embeddings):
            self._inner.add(new_ids, embeddings)
            self._rows.remember(new_ids, embeddings)
            beside = self._path.with_suffix(".new")
            write_index(self._inner, beside)
            beside.replace(self._path)
            self._inner = read_index(self._path, self._rows, mmap=mmap)

    return Reopened


@pytest.fixture(params=["exact", "faiss", "faiss, read back", "faiss, mapped"])
def make(request, tmp_path):
    kind, _, state = request.param.partition(", ")
    if state:
        return reopened(state == "mapped", tmp_path)
    return {"exact": ExactIndex, "faiss": RememberingIndex}[kind]


@pytest.fixture
def index(make) -> VectorIndex:
    return make(2)


@pytest.fixture
def compass(index):
    """East under 30, north under 10, west under 20."""
    index.add(ids(30, 10, 20), rows(EAST, NORTH, WEST))
    return index


def found(neighbours):
    return neighbours.ids.tolist(), neighbours.scores.tolist()


def assert_same_answers(actual, expected):
    """Compare scores rank by rank, and ids up to permutations within equal scores."""
    assert len(actual) == len(expected)
    for ours, theirs in zip(actual, expected, strict=True):
        np.testing.assert_allclose(ours.scores, theirs.scores, atol=1e-5)
        for image_id, score in zip(theirs.ids, theirs.scores, strict=True):
            if score > theirs.scores[-1] + 2e-5:
                assert image_id in ours.ids


def test_a_new_index_is_empty(index):
    assert len(index) == 0
    assert index.dim == 2
    assert index.ids().shape == (0,)
    assert index.ids().dtype == np.int64


def test_an_empty_index_answers_each_query_with_nothing(index):
    for answers in (index.search(rows(EAST, WEST), 3), index.range_search(rows(EAST, WEST), -1)):
        assert [found(answer) for answer in answers] == [([], []), ([], [])]


def test_one_vector_is_found_however_far_it_is(index):
    index.add(ids(7), rows(EAST))

    assert found(index.search(rows(WEST), 1)[0]) == ([7], [-1.0])


def test_neighbours_come_best_first_with_their_own_ids(compass):
    # 0.6 * 1 + 0.8 * 0 = 0.6 to the east, 0.8 to the north, -0.6 to the west.
    answer = compass.search(rows(NORTHEAST), 3)[0]

    assert answer.ids.tolist() == [10, 30, 20]
    assert answer.scores == pytest.approx([0.8, 0.6, -0.6])
    assert (answer.ids.dtype, answer.scores.dtype) == (np.int64, np.float32)


def test_each_query_has_its_own_answer_in_order(compass):
    answers = compass.search(rows(WEST, NORTH, EAST), 1)

    assert [answer.ids.tolist() for answer in answers] == [[20], [10], [30]]


@pytest.mark.parametrize(("k", "expected"), [(1, 1), (2, 2), (3, 3), (4, 3), (10_000, 3)])
def test_search_returns_k_neighbours_or_all_that_are_held(compass, k, expected):
    answer = compass.search(rows(NORTHEAST), k)[0]

    assert answer.ids.tolist() == [10, 30, 20][:expected]


@pytest.mark.parametrize("query_count", [1, 40])  # one way below 8 queries, another above
@pytest.mark.parametrize("k", [1, 3, 4, 5, 99])
def test_equal_scores_go_to_the_lowest_ids_also_where_k_cuts_them(index, k, query_count):
    # Four copies of the east, and the north before and after them in id order.
    index.add(ids(9, 1, 8, 3, 6, 4), rows(EAST, NORTH, EAST, EAST, EAST, NORTH))

    for answer in index.search(rows(*[EAST] * query_count), k):
        assert answer.ids.tolist() == [3, 6, 8, 9, 1, 4][:k]


def test_thousands_of_copies_are_cut_at_k_by_id(make):
    index = make(8)
    copy = random_rows(1, 8)
    index.add(np.arange(3000, dtype=np.int64)[::-1].copy(), np.repeat(copy, 3000, axis=0))

    assert index.search(copy, 20)[0].ids.tolist() == list(range(20))


def test_range_search_includes_a_score_equal_to_the_bound(compass):
    # Scores of the north-east: 0.8 north, 0.6 east, -0.6 west.
    cases = {1.0: [], 0.8: [10], 0.6: [10, 30], 0.61: [10], -0.6: [10, 30, 20], -1.0: [10, 30, 20]}

    for min_score, expected in cases.items():
        answer = compass.range_search(rows(NORTHEAST), min_score)[0]
        assert answer.ids.tolist() == expected, min_score


def test_range_search_at_one_finds_identical_rows_despite_rounding(make):
    # Of 300 float32 unit rows of length 512 most have an inner product with themselves below 1.
    index, vectors = make(512), random_rows(300, 512)
    index.add(np.arange(300, dtype=np.int64), vectors)

    answers = index.range_search(vectors, 1.0)

    assert [answer.ids.tolist() for answer in answers] == [[position] for position in range(300)]


def test_scores_never_leave_the_range_of_a_cosine(make):
    index, vectors = make(512), random_rows(200, 512)
    index.add(np.arange(400, dtype=np.int64), np.concatenate((vectors, -vectors)))

    for answer in index.search(vectors, 400) + index.range_search(vectors, -1):
        assert answer.scores.max() <= 1
        assert answer.scores.min() >= -1


def test_range_search_orders_by_score_then_id(index):
    index.add(ids(5, 2, 9, 1), rows(EAST, EAST, NORTHEAST, EAST))

    assert index.range_search(rows(EAST), 0.5)[0].ids.tolist() == [1, 2, 5, 9]


def test_a_removed_vector_is_not_found_again_and_the_others_keep_their_ids(compass):
    assert compass.remove(ids(10)) == 1

    assert compass.search(rows(NORTH), 3)[0].ids.tolist() == [20, 30]
    assert 10 not in compass.range_search(rows(NORTH), -1)[0].ids
    assert compass.ids().tolist() == [20, 30]
    assert len(compass) == 2


def test_remove_counts_only_what_was_held_and_each_id_once(compass):
    assert compass.remove(ids(10, 10, 99, -3, 30)) == 2
    assert compass.remove(ids(10)) == 0
    assert compass.remove(ids()) == 0
    assert compass.ids().tolist() == [20]


def test_an_index_can_be_emptied_and_filled_again(compass):
    compass.remove(ids(10, 20, 30))

    assert found(compass.search(rows(EAST), 1)[0]) == ([], [])
    compass.add(ids(10), rows(WEST))
    assert found(compass.search(rows(WEST), 5)[0]) == ([10], [1.0])


def test_an_id_can_be_held_again_after_its_removal(compass):
    compass.remove(ids(10))
    compass.add(ids(10), rows(EAST))

    assert found(compass.search(rows(EAST), 2)[0]) == ([10, 30], [1.0, 1.0])


def test_ids_are_ascending_whatever_the_order_of_adding(compass):
    compass.add(ids(15, 2**62), rows(EAST, EAST))
    compass.add(ids(0), rows(EAST))

    assert compass.ids().tolist() == [0, 10, 15, 20, 30, 2**62]


def test_the_ids_are_the_callers_own_copy(compass):
    compass.ids()[:] = 0

    assert compass.ids().tolist() == [10, 20, 30]


def test_reconstruct_returns_the_vectors_in_the_order_asked(compass):
    compass.remove(ids(30))

    assert compass.reconstruct(ids(20, 10, 20)).tolist() == [WEST, NORTH, WEST]


def test_reconstruct_of_no_ids_is_no_rows(compass):
    vectors = compass.reconstruct(ids())

    assert (vectors.shape, vectors.dtype) == ((0, 2), np.float32)


def test_reconstruct_of_an_id_that_is_not_held_raises_key_error(compass):
    with pytest.raises(KeyError, match="11"):
        compass.reconstruct(ids(10, 11))


def test_no_queries_get_no_answers(compass):
    assert compass.search(rows(), 5) == []
    assert compass.range_search(rows(), 0.5) == []


def test_adding_nothing_changes_nothing(compass):
    compass.add(ids(), rows())

    assert compass.ids().tolist() == [10, 20, 30]


def test_rows_that_are_not_contiguous_are_accepted(make):
    index = make(4)
    vectors = random_rows(6, 4)
    index.add(np.arange(12, dtype=np.int64)[::2], np.asfortranarray(vectors))

    answers = index.search(vectors[::-1], 1)

    assert [answer.ids.tolist() for answer in answers] == [[10], [8], [6], [4], [2], [0]]
    assert index.reconstruct(np.arange(12, dtype=np.int64)[::4]).tolist() == vectors[::2].tolist()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.ones((1, 3), np.float32), "shape"),
        (np.ones(2, np.float32), "shape"),
        (np.array([[1.0, 0.0]]), "float32"),
        (np.array([[1, 0]], np.float16), "float32"),
        (rows([2, 0]), "length"),
        (rows([0, 0]), "length"),
        (rows([1.0001, 0]), "length"),
        (rows([np.nan, 1]), "length"),
        (rows([np.inf, 0]), "length"),
    ],
)
def test_rows_that_are_not_unit_rows_are_rejected_everywhere(compass, wrong, message):
    with pytest.raises(ValueError, match=message):
        compass.add(ids(1), wrong)
    with pytest.raises(ValueError, match=message):
        compass.search(wrong, 1)
    with pytest.raises(ValueError, match=message):
        compass.range_search(wrong, 0.5)
    assert len(compass) == 3


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (ids(1), "2 rows"),
        (ids(1, 2, 3), "2 rows"),
        (ids(1, -1), "negative"),
        (ids(4, 4), "repeat"),
        (ids(1, 20), "20 is already held"),
        (np.array([1, 2], dtype=np.int32), "int64"),
        (np.array([1.0, 2.0]), "int64"),
        (ids([1], [2]), "int64"),
    ],
)
def test_ids_that_cannot_be_given_are_rejected_and_nothing_is_added(compass, wrong, message):
    with pytest.raises(ValueError, match=message):
        compass.add(wrong, rows(EAST, WEST))

    assert compass.ids().tolist() == [10, 20, 30]
    assert len(compass.search(rows(EAST), 9)[0].ids) == 3


def test_ids_of_a_wrong_dtype_are_rejected_by_remove_and_reconstruct(compass):
    wrong = np.array([10], dtype=np.int32)

    with pytest.raises(ValueError, match="int64"):
        compass.remove(wrong)
    with pytest.raises(ValueError, match="int64"):
        compass.reconstruct(wrong)


@pytest.mark.parametrize("k", [0, -1])
def test_a_k_below_one_is_rejected(compass, k):
    with pytest.raises(ValueError, match="k must"):
        compass.search(rows(EAST), k)


@pytest.mark.parametrize("k", [np.int64(2), np.int32(2), np.uint8(2)])
@pytest.mark.parametrize("query_count", [1, 40])
def test_k_may_be_an_integer_of_numpy(compass, k, query_count):
    for answer in compass.search(rows(*[NORTHEAST] * query_count), k):
        assert answer.ids.tolist() == [10, 30]


def test_a_k_that_is_no_integer_is_rejected(compass):
    with pytest.raises(TypeError, match="integer"):
        compass.search(rows(EAST), 2.5)


@pytest.mark.parametrize("k", [2**31, 2**63, 2**70, np.int64(2**63 - 1)])
@pytest.mark.parametrize("query_count", [1, 40])
def test_a_k_beyond_every_integer_type_finds_all(compass, k, query_count):
    for answer in compass.search(rows(*[NORTHEAST] * query_count), k):
        assert answer.ids.tolist() == [10, 30, 20]


@pytest.mark.parametrize("bound", [2, 1e39, 1e300, np.inf])  # float32 ends at 3.4e38
def test_a_bound_beyond_any_cosine_finds_all_or_nothing(compass, bound):
    assert compass.range_search(rows(EAST), bound)[0].ids.tolist() == []
    assert compass.range_search(rows(EAST), -bound)[0].ids.tolist() == [30, 10, 20]


def test_a_score_that_lies_the_whole_tolerance_below_the_bound_is_found(index):
    index.add(ids(1, 2), rows([0.6, 0.8], [np.nextafter(np.float32(0.6), np.float32(0)), 0.8]))

    # 0.6 in float32 and in float64 less the tolerance are the same number; the next is below it.
    bound = float(np.float32(0.6)) + SCORE_TOLERANCE

    assert index.range_search(rows(EAST), bound)[0].ids.tolist() == [1]


def test_a_bound_that_is_no_number_is_rejected(compass):
    with pytest.raises(ValueError, match="NaN"):
        compass.range_search(rows(EAST), float("nan"))


@pytest.mark.parametrize("query_count", [1, 50])
def test_answers_equal_those_of_the_oracle(make, query_count):
    index, oracle = make(64), ExactIndex(64)
    vectors, queries = random_rows(500, 64), random_rows(query_count, 64, seed=6)
    for held in (index, oracle):
        held.add(np.arange(500, dtype=np.int64) * 3, vectors)
        held.remove(np.arange(0, 1500, 21, dtype=np.int64))

    assert_same_answers(index.search(queries, 25), oracle.search(queries, 25))
    assert_same_answers(index.range_search(queries, 0.2), oracle.range_search(queries, 0.2))


def test_answers_do_not_depend_on_how_queries_are_cut_into_blocks(make, monkeypatch):
    index, queries = make(16), random_rows(30, 16, seed=8)
    index.add(np.arange(100, dtype=np.int64), random_rows(100, 16))
    at_once = [index.search(queries, 7), index.range_search(queries, 0.3)]

    monkeypatch.setattr("imgsearch.index.arrays.PAIRS_PER_BLOCK", 250)  # two queries at a time
    in_blocks = [index.search(queries, 7), index.range_search(queries, 0.3)]

    for whole, cut in zip(at_once, in_blocks, strict=True):
        assert_same_answers(cut, whole)


@pytest.mark.parametrize("dim", [0, -1])
@pytest.mark.parametrize("kind", [ExactIndex, RememberingIndex])
def test_a_dim_below_one_is_rejected(kind, dim):
    with pytest.raises(ValueError, match="dim"):
        kind(dim)


@pytest.mark.parametrize("query_count", [1, 40])
@pytest.mark.parametrize(
    ("among", "expected"),
    [
        ([20, 30], [30, 20]),
        ([30, 20, 30, 99, -1, 2**62], [30, 20]),
        ([10], [10]),
        ([11], []),
        ([], []),
        ([10, 20, 30], [10, 30, 20]),
    ],
)
def test_a_search_may_choose_among_some_ids_only(compass, query_count, among, expected):
    for answer in compass.search(rows(*[NORTHEAST] * query_count), 5, ids(*among)):
        assert answer.ids.tolist() == expected


@pytest.mark.parametrize("query_count", [1, 40])
@pytest.mark.parametrize("share", [2, 100])
def test_a_search_among_some_ids_finds_what_an_index_of_only_those_finds(make, query_count, share):
    index, small = make(64), ExactIndex(64)
    vectors, queries = random_rows(3000, 64), random_rows(query_count, 64, seed=6)
    numbers = np.arange(3000, dtype=np.int64) * 5
    index.add(numbers, vectors)
    small.add(numbers[::share], vectors[::share])

    answers = index.search(queries, 10, numbers[::share])

    assert_same_answers(answers, small.search(queries, 10))
    assert all(len(answer.ids) == 10 for answer in answers)


@pytest.mark.parametrize("query_count", [1, 40])
def test_copies_that_are_not_to_be_chosen_do_not_crowd_out_those_that_are(make, query_count):
    index = make(8)
    copy = random_rows(1, 8)
    index.add(np.arange(3000, dtype=np.int64), np.repeat(copy, 3000, axis=0))
    odd = np.arange(1, 3000, 2, dtype=np.int64)

    for answer in index.search(np.repeat(copy, query_count, axis=0), 20, odd):
        assert answer.ids.tolist() == odd[:20].tolist()


def test_ids_to_choose_among_must_be_int64(compass):
    with pytest.raises(ValueError, match="int64"):
        compass.search(rows(EAST), 1, np.array([10], dtype=np.int32))


@pytest.mark.parametrize("query_count", [1, 40])
@pytest.mark.parametrize("spread", [1e-6, 1e-5, 1e-4, 1e-3])
def test_neighbours_closer_than_half_precision_tells_apart_are_ranked_exactly(
    make, query_count, spread
):
    random = np.random.default_rng(9)
    centre = random_rows(1, 64)
    crowd = centre + spread * random.standard_normal((400, 64)).astype(np.float32)
    crowd /= np.linalg.norm(crowd, axis=1, keepdims=True)
    queries = np.repeat(centre, query_count, axis=0)
    index, oracle = make(64), ExactIndex(64)
    for each in (index, oracle):
        each.add(np.arange(400, dtype=np.int64), crowd)

    exact = crowd.astype(np.float64) @ centre[0].astype(np.float64)
    for answer in index.search(queries, 5):
        np.testing.assert_allclose(answer.scores, np.sort(exact)[::-1][:5], atol=3e-7)
        np.testing.assert_allclose(exact[answer.ids], answer.scores, atol=3e-7)
    lowest = float(np.median(exact))
    for ours, theirs in zip(
        index.range_search(queries, lowest), oracle.range_search(queries, lowest), strict=True
    ):
        sure = exact > lowest - 1e-5 + 1e-6
        assert set(np.flatnonzero(sure)) <= set(ours.ids.tolist())
        assert abs(len(ours.ids) - len(theirs.ids)) <= np.count_nonzero(
            abs(exact - lowest + 1e-5) < 1e-6
        )

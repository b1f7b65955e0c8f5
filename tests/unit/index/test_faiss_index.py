import errno
import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from remembering import RememberingIndex, Rows

from imgsearch.errors import ImgsearchError, IndexFileError
from imgsearch.index import faiss_file, faiss_halves
from imgsearch.index.faiss_index import read_index, write_index

EMPTY_BYTES = 37 + 37 + 36 + 8 + 8
"""Two headers, a quantiser and two counts; see `imgsearch.index.faiss_file`."""


def unit_rows(count, dim=4):
    drawn = np.random.default_rng(3).standard_normal((count, dim)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


@pytest.fixture
def index():
    """Ten vectors of length 4 under the ids 90, 80, ... 0."""
    index = RememberingIndex(4)
    index.add(np.arange(90, -1, -10, dtype=np.int64), unit_rows(10))
    return index


@pytest.fixture
def file(index, tmp_path):
    path = tmp_path / "vectors.faiss"
    write_index(index, path)
    return path


def read_back(path, *, mmap=True):
    """Read a file whose rows are some of `unit_rows(10)` under the ids 90, 80, ... 0."""
    rows = Rows(4)
    rows.remember(np.arange(90, -1, -10, dtype=np.int64), unit_rows(10))
    back = read_index(path, rows, mmap=mmap)
    add = back.add

    def remember_and_add(ids, embeddings):
        rows.remember(ids, embeddings)
        add(ids, embeddings)

    back.add = remember_and_add
    return back


def patched(path, offset, value):
    """Overwrite bytes of a file."""
    content = bytearray(path.read_bytes())
    content[offset : offset + len(value)] = value
    path.write_bytes(content)


@pytest.mark.parametrize("mmap", [True, False])
def test_an_index_read_back_holds_the_same_vectors_and_answers(index, file, mmap):
    back = read_back(file, mmap=mmap)

    assert (back.dim, len(back), back.ids().tolist()) == (4, 10, list(range(0, 100, 10)))
    assert back.reconstruct(back.ids()).tolist() == index.reconstruct(index.ids()).tolist()
    for ours, theirs in zip(
        back.search(unit_rows(10), 4), index.search(unit_rows(10), 4), strict=True
    ):
        assert ours.ids.tolist() == theirs.ids.tolist()
        assert ours.scores.tolist() == theirs.scores.tolist()


@pytest.mark.parametrize("mmap", [True, False])
def test_an_empty_index_is_read_back_and_can_be_filled(tmp_path, mmap):
    path = tmp_path / "empty.faiss"
    write_index(RememberingIndex(4), path)

    back = read_back(path, mmap=mmap)

    assert path.stat().st_size == EMPTY_BYTES
    assert len(back) == 0
    back.add(np.array([5]), unit_rows(1))
    assert back.search(unit_rows(1), 1)[0].ids.tolist() == [5]


def test_the_file_has_the_size_that_its_layout_declares(file):
    # Ten vectors of four float16, ten int64 ids.
    assert file.stat().st_size == EMPTY_BYTES + 10 * 4 * 2 + 10 * 8


def test_writing_replaces_what_was_there(index, file):
    index.remove(np.arange(0, 50, 10, dtype=np.int64))
    write_index(index, file)

    assert read_back(file).ids().tolist() == [50, 60, 70, 80, 90]


@pytest.mark.parametrize("rows_per_block", [3, 1 << 16])
def test_changing_a_mapped_index_copies_it_and_leaves_the_file_alone(
    file, monkeypatch, rows_per_block
):
    monkeypatch.setattr(faiss_halves, "ROWS_PER_COPY", rows_per_block)
    content = file.read_bytes()
    mapped = read_back(file, mmap=True)

    assert mapped.remove(np.array([90, 0])) == 2
    mapped.add(np.array([7]), unit_rows(1))

    # Row 0 of the file had id 90; its copy is now the best match of itself, under id 7.
    assert mapped.search(unit_rows(1), 1)[0].ids.tolist() == [7]
    assert mapped.ids().tolist() == [7, 10, 20, 30, 40, 50, 60, 70, 80]
    assert mapped.reconstruct(np.array([80])).tolist() == unit_rows(10)[1:2].tolist()
    assert file.read_bytes() == content


def test_removing_nothing_keeps_an_index_in_its_file(file):
    mapped = read_back(file, mmap=True)

    assert mapped.remove(np.array([1, 2])) == 0
    assert mapped._halves._mapped


def test_a_mapped_index_outlives_its_file_being_replaced(index, file, tmp_path):
    mapped = read_back(file, mmap=True)
    write_index(RememberingIndex(4), tmp_path / "new")
    (tmp_path / "new").replace(file)

    assert len(mapped.search(unit_rows(1), 10)[0].ids) == 10


@pytest.mark.parametrize("mmap", [True, False])
def test_a_name_that_is_not_valid_utf_8_is_written_and_read(index, tmp_path, mmap):
    path = tmp_path / os.fsdecode(b"caf\xe9.faiss")

    write_index(index, path)

    assert len(read_back(path, mmap=mmap)) == 10


@pytest.mark.parametrize("mmap", [True, False])
@pytest.mark.parametrize("size", [0, 1, 4, 81, 82, 200, 329])
def test_a_file_cut_short_anywhere_is_reported(file, size, mmap):
    os.truncate(file, size)

    with pytest.raises(IndexFileError, match="bytes"):
        read_back(file, mmap=mmap)


def test_a_file_with_bytes_to_spare_is_reported(file):
    with file.open("ab") as stream:
        stream.write(b"\0")

    with pytest.raises(IndexFileError, match="287 bytes"):
        read_back(file)


@pytest.mark.parametrize(
    ("offset", "value"),
    [
        (0, b"IxMp"),  # a map of another kind
        (37, b"IxFI"),  # the float32 file of an earlier release
        (4, struct.pack("<i", 8)),  # the map's dim
        (4, struct.pack("<i", -4)),
        (8, struct.pack("<q", 2**60)),  # the map's count: FAISS would ask for exabytes
        (8, struct.pack("<q", -1)),
        (32, b"\0"),  # not trained
        (33, struct.pack("<i", 1)),  # the map's metric
        (41, struct.pack("<i", 5)),  # the vectors' dim
        (45, struct.pack("<q", 9)),  # the vectors' count
        (70, struct.pack("<i", 1)),  # the vectors' metric
        (74, struct.pack("<i", 0)),  # numbers of eight bits
        (86, struct.pack("<q", 5)),  # the quantiser's dim
        (94, struct.pack("<q", 2**40)),  # bytes a vector
        (102, struct.pack("<q", 2**40)),  # how many trained numbers follow
        (110, struct.pack("<q", 2**61)),  # how many bytes follow
        (118 + 80, struct.pack("<q", 2**61)),  # how many ids follow
        (118 + 88, struct.pack("<q", 80)),  # an id twice: the first was 90, the second is 80
        (118 + 88, struct.pack("<q", -1)),
    ],
)
def test_a_header_or_id_that_cannot_be_is_reported(file, offset, value):
    patched(file, offset, value)

    for mmap in (True, False):
        with pytest.raises(IndexFileError):
            read_back(file, mmap=mmap)


@pytest.mark.parametrize("seed", range(5))
def test_garbage_is_reported(tmp_path, seed):
    path = tmp_path / "garbage"
    path.write_bytes(np.random.default_rng(seed).bytes(1000))

    with pytest.raises(IndexFileError, match="no half-precision inner-product index"):
        read_back(path)


def test_a_missing_file_and_a_folder_are_errors_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_back(tmp_path / "missing")
    with pytest.raises(IsADirectoryError):
        read_back(tmp_path)


def test_a_path_that_cannot_be_opened_for_writing_is_an_error_of_the_system(index, tmp_path):
    with pytest.raises(FileNotFoundError):
        write_index(index, tmp_path / "missing" / "vectors.faiss")


@pytest.mark.parametrize("count", [1, 50_000])  # within and beyond every buffer
def test_a_full_disk_is_an_os_error_with_its_errno(count):
    index = RememberingIndex(4)
    index.add(np.arange(count, dtype=np.int64), unit_rows(count))

    with pytest.raises(OSError, match="No space left") as caught:
        write_index(index, Path("/dev/full"))

    assert caught.value.errno == errno.ENOSPC


def test_index_file_error_names_the_file_and_survives_pickling():
    error = IndexFileError(Path("a.faiss"), "it is torn")
    back = pickle.loads(pickle.dumps(error))

    assert isinstance(back, ImgsearchError)
    assert str(back) == "cannot use the vector index a.faiss: it is torn"
    assert (back.path, back.reason) == (Path("a.faiss"), "it is torn")


def test_a_tie_is_settled_when_matrix_products_round_copies_apart():
    # 64 queries take FAISS's matrix kernel, where equal rows may differ in the last bit; whatever
    # it answers must be ordered by (-score, id) and hold copies only.
    copies, others = np.repeat(unit_rows(1, 512), 500, axis=0), unit_rows(501, 512)[1:]
    index = RememberingIndex(512)
    index.add(np.arange(1000, dtype=np.int64), np.concatenate((copies, others)))

    for answer in index.search(copies[:64], 10):
        keys = list(zip(-answer.scores, answer.ids, strict=True))
        assert keys == sorted(keys)
        assert len(keys) == 10
        assert (answer.ids < 500).all()


def test_it_tells_which_rows_it_holds_though_it_rounds_them(index):
    ids, rows = np.array([0, 90, 50], dtype=np.int64), unit_rows(10)[[9, 0, 3]]

    assert index.holds(ids, rows).tolist() == [True, True, False]
    assert index.holds(np.empty(0, dtype=np.int64), rows[:0]).tolist() == []
    with pytest.raises(KeyError):
        index.holds(np.array([5], dtype=np.int64), rows[:1])


def test_a_number_in_the_middle_of_two_half_precision_numbers_is_held():
    middles = (0.25 + 2.0**-12 * (np.arange(64) + 0.5)).astype(np.float32)
    rows = np.stack((middles, np.sqrt(1 - middles.astype(np.float64) ** 2)), axis=1)
    rows = rows.astype(np.float32)
    index = RememberingIndex(2)
    index.add(np.arange(64), rows)

    assert index.holds(np.arange(64), rows).all()
    assert not index.holds(np.arange(64), rows[::-1]).any()


def test_a_file_that_is_deleted_after_its_check_is_read_all_the_same(index, tmp_path, monkeypatch):
    path = tmp_path / "index.faiss"
    write_index(index, path)
    checked_count = faiss_file.checked_count

    def check_and_delete(name, file):
        count = checked_count(name, file)
        path.unlink()
        return count

    monkeypatch.setattr(faiss_file, "checked_count", check_and_delete)

    assert read_index(path, index.rows).ids().tolist() == index.ids().tolist()


# FAISS compares 8 or 16 numbers at once; the rest of a row goes another way.
@pytest.mark.parametrize("dim", [1, 3, 8, 17, 64])
@pytest.mark.parametrize("query_count", [1, 40])
@pytest.mark.parametrize("spread", [1e-7, 1e-5, 1e-4])
def test_search_equals_float64_to_the_last_bit_among_near_ties(dim, spread, query_count):
    random = np.random.default_rng(4)
    centre = unit_rows(1, dim)
    rows = centre + spread * random.standard_normal((300, dim))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    ids = random.permutation(300).astype(np.int64)
    index = RememberingIndex(dim)
    index.add(ids, rows)
    products = rows.astype(np.float64) * centre[0].astype(np.float64)
    scores = np.minimum(products.sum(axis=1).astype(np.float32), 1)
    order = np.lexsort((ids, -scores))[:7]

    for answer in index.search(np.repeat(centre, query_count, axis=0), 7):
        assert answer.ids.tolist() == ids[order].tolist()
        assert answer.scores.tolist() == scores[order].tolist()


@pytest.mark.parametrize(("query_count", "worth", "threads"), [(1, 0, 1), (3, 0, 3), (3, 31, 1)])
def test_faiss_gets_no_more_threads_than_there_are_queries(
    index, monkeypatch, query_count, worth, threads
):
    given = []
    monkeypatch.setattr(faiss_halves, "PAIRS_WORTH_THREADS", worth)
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    monkeypatch.setattr(faiss_halves.faiss, "omp_set_num_threads", given.append)

    index.search(unit_rows(query_count), 3)  # of ten vectors
    index.range_search(unit_rows(query_count), 0.5)

    assert given == [threads, threads]


@pytest.mark.parametrize("mmap", [True, False])
@pytest.mark.parametrize("query_count", [1, 40])
@pytest.mark.parametrize("number", [b"\xff\xff", b"\x00\xfc"])  # no number, and minus infinity
@pytest.mark.parametrize("damaged", [1, 10])
def test_damaged_vectors_that_leave_a_search_short_are_reported(
    file, mmap, query_count, number, damaged
):
    patched(file, 118 + 8 * (10 - damaged), number * 4 * damaged)
    back = read_back(file, mmap=mmap)
    # The first vector of the file: against minus infinity it scores so, or is no number.
    queries = np.repeat(unit_rows(1), query_count, axis=0)

    with pytest.raises(IndexFileError, match=r"vectors\.faiss.* damaged; run `imgsearch check"):
        back.search(queries, 10)


@pytest.mark.parametrize("number", [b"\xff\xff", b"\xff\x7f", b"\x00\xfc", b"\x00\x7b"])
def test_damaged_vectors_hide_the_same_from_a_batch_as_from_one_query(tmp_path, number):
    index = RememberingIndex(4)
    index.add(np.arange(200), unit_rows(200))
    write_index(index, tmp_path / "vectors.faiss")
    patched(tmp_path / "vectors.faiss", 118 + 8 * 7, number * 4)  # no numbers, or 57,344 each
    back = read_index(tmp_path / "vectors.faiss", index.rows)
    queries = unit_rows(40)

    for query, answer in zip(queries, back.search(queries, 5), strict=True):
        [alone] = back.search(query[np.newaxis], 5)
        assert answer.ids.tolist() == alone.ids.tolist()
        assert answer.scores.tolist() == alone.scores.tolist()


def test_an_index_is_read_into_memory_where_open_files_have_no_name(file, tmp_path, monkeypatch):
    monkeypatch.setattr(faiss_halves, "_OPEN_FILES", str(tmp_path / "missing"))

    back = read_back(file)
    back.remove(np.array([90]))

    assert back.search(unit_rows(2)[1:], 1)[0].ids.tolist() == [80]

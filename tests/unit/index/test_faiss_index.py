import errno
import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest

from imgsearch.errors import ImgsearchError, IndexFileError
from imgsearch.index import faiss_index
from imgsearch.index.faiss_index import FaissIndex, read_index, write_index

EMPTY_BYTES = 37 + 37 + 8 + 8
"""Two headers and two counts; see `imgsearch.index.faiss_file`."""


def unit_rows(count, dim=4):
    drawn = np.random.default_rng(3).standard_normal((count, dim)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


@pytest.fixture
def index():
    """Ten vectors of length 4 under the ids 90, 80, ... 0."""
    index = FaissIndex(4)
    index.add(np.arange(90, -1, -10, dtype=np.int64), unit_rows(10))
    return index


@pytest.fixture
def file(index, tmp_path):
    path = tmp_path / "vectors.faiss"
    write_index(index, path)
    return path


def patched(path, offset, value):
    """Overwrite bytes of a file."""
    content = bytearray(path.read_bytes())
    content[offset : offset + len(value)] = value
    path.write_bytes(content)


@pytest.mark.parametrize("mmap", [True, False])
def test_an_index_read_back_holds_the_same_vectors_and_answers(index, file, mmap):
    back = read_index(file, mmap=mmap)

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
    write_index(FaissIndex(4), path)

    back = read_index(path, mmap=mmap)

    assert path.stat().st_size == EMPTY_BYTES
    assert len(back) == 0
    back.add(np.array([5]), unit_rows(1))
    assert back.search(unit_rows(1), 1)[0].ids.tolist() == [5]


def test_the_file_has_the_size_that_its_layout_declares(file):
    # Ten vectors of four float32, ten int64 ids.
    assert file.stat().st_size == EMPTY_BYTES + 10 * 4 * 4 + 10 * 8


def test_writing_replaces_what_was_there(index, file):
    index.remove(np.arange(0, 50, 10, dtype=np.int64))
    write_index(index, file)

    assert read_index(file).ids().tolist() == [50, 60, 70, 80, 90]


@pytest.mark.parametrize("rows_per_copy", [3, 1 << 16])
def test_changing_a_mapped_index_copies_it_and_leaves_the_file_alone(
    file, monkeypatch, rows_per_copy
):
    monkeypatch.setattr(faiss_index, "ROWS_PER_COPY", rows_per_copy)
    content = file.read_bytes()
    mapped = read_index(file, mmap=True)

    assert mapped.remove(np.array([90, 0])) == 2
    mapped.add(np.array([7]), unit_rows(1))

    # Row 0 of the file had id 90; its copy is now the best match of itself, under id 7.
    assert mapped.search(unit_rows(1), 1)[0].ids.tolist() == [7]
    assert mapped.ids().tolist() == [7, 10, 20, 30, 40, 50, 60, 70, 80]
    assert mapped.reconstruct(np.array([80])).tolist() == unit_rows(10)[1:2].tolist()
    assert file.read_bytes() == content


def test_removing_nothing_keeps_an_index_in_its_file(file):
    mapped = read_index(file, mmap=True)

    assert mapped.remove(np.array([1, 2])) == 0
    assert mapped._mapped


def test_a_mapped_index_outlives_its_file_being_replaced(index, file, tmp_path):
    mapped = read_index(file, mmap=True)
    write_index(FaissIndex(4), tmp_path / "new")
    (tmp_path / "new").replace(file)

    assert len(mapped.search(unit_rows(1), 10)[0].ids) == 10


@pytest.mark.parametrize("mmap", [True, False])
def test_a_name_that_is_not_valid_utf_8_is_written_and_read(index, tmp_path, mmap):
    path = tmp_path / os.fsdecode(b"caf\xe9.faiss")

    write_index(index, path)

    assert len(read_index(path, mmap=mmap)) == 10


@pytest.mark.parametrize("mmap", [True, False])
@pytest.mark.parametrize("size", [0, 1, 4, 81, 82, 200, 329])
def test_a_file_cut_short_anywhere_is_reported(file, size, mmap):
    os.truncate(file, size)

    with pytest.raises(IndexFileError, match="bytes"):
        read_index(file, mmap=mmap)


def test_a_file_with_bytes_to_spare_is_reported(file):
    with file.open("ab") as stream:
        stream.write(b"\0")

    with pytest.raises(IndexFileError, match="331 bytes"):
        read_index(file)


@pytest.mark.parametrize(
    ("offset", "value"),
    [
        (0, b"IxMp"),  # a map of another kind
        (37, b"IxF2"),  # flat, but by Euclidean distance
        (4, struct.pack("<i", 8)),  # the map's dim
        (4, struct.pack("<i", -4)),
        (8, struct.pack("<q", 2**60)),  # the map's count: FAISS would ask for exabytes
        (8, struct.pack("<q", -1)),
        (32, b"\0"),  # not trained
        (33, struct.pack("<i", 1)),  # the map's metric
        (41, struct.pack("<i", 5)),  # the vectors' dim
        (45, struct.pack("<q", 9)),  # the vectors' count
        (70, struct.pack("<i", 1)),  # the vectors' metric
        (74, struct.pack("<q", 2**61)),  # how many floats follow
        (82 + 160, struct.pack("<q", 2**61)),  # how many ids follow
        (82 + 168, struct.pack("<q", 80)),  # an id twice: the first was 90, the second is 80
        (82 + 168, struct.pack("<q", -1)),
    ],
)
def test_a_header_or_id_that_cannot_be_is_reported(file, offset, value):
    patched(file, offset, value)

    for mmap in (True, False):
        with pytest.raises(IndexFileError):
            read_index(file, mmap=mmap)


@pytest.mark.parametrize("seed", range(5))
def test_garbage_is_reported(tmp_path, seed):
    path = tmp_path / "garbage"
    path.write_bytes(np.random.default_rng(seed).bytes(1000))

    with pytest.raises(IndexFileError, match="no flat inner-product index"):
        read_index(path)


def test_a_missing_file_and_a_folder_are_errors_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_index(tmp_path / "missing")
    with pytest.raises(IsADirectoryError):
        read_index(tmp_path)


def test_a_path_that_cannot_be_opened_for_writing_is_an_error_of_the_system(index, tmp_path):
    with pytest.raises(FileNotFoundError):
        write_index(index, tmp_path / "missing" / "vectors.faiss")


@pytest.mark.parametrize("count", [1, 50_000])  # within and beyond every buffer
def test_a_full_disk_is_an_os_error_with_its_errno(count):
    index = FaissIndex(4)
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
    index = FaissIndex(512)
    index.add(np.arange(1000, dtype=np.int64), np.concatenate((copies, others)))

    for answer in index.search(copies[:64], 10):
        keys = list(zip(-answer.scores, answer.ids, strict=True))
        assert keys == sorted(keys)
        assert len(keys) == 10
        assert (answer.ids < 500).all()

"""Cached files are whole or absent, and a cache that cannot be written stops nothing."""

import numpy as np
import pytest

from imgsearch.embedding.cache import cache_folder, store
from imgsearch.embedding.graph_file import read_graph, write_graph


def test_the_cache_folder_is_the_one_of_the_environment(tmp_path):
    assert cache_folder() == tmp_path / "cache"


def test_without_the_environment_the_cache_folder_is_the_platforms(monkeypatch):
    monkeypatch.delenv("IMGSEARCH_CACHE")

    assert cache_folder().is_absolute()
    assert "imgsearch" in cache_folder().parts


def test_a_stored_file_replaces_the_one_before_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "made" / "file"

    assert store(path, lambda file: file.write(b"first"))
    assert store(path, lambda file: file.write(b"second"))

    assert path.read_bytes() == b"second"
    assert [file.name for file in path.parent.iterdir()] == ["file"]


def test_a_write_that_fails_keeps_the_old_file_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fill_the_disk(file):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    assert not store(path, fill_the_disk)
    assert path.read_bytes() == b"old"
    assert {file.name for file in tmp_path.iterdir()} == {
        "file",
        "keras",
    }  # keras: the fixture's folder


def test_a_cache_folder_that_cannot_be_made_is_no_error(tmp_path):
    (tmp_path / "file").write_bytes(b"")

    assert not store(tmp_path / "file" / "below" / "name", lambda file: file.write(b"x"))


def test_a_graph_comes_back_as_it_was_written(tmp_path):
    path = tmp_path / "graph"

    assert write_graph(path, b"<net/>", bytes(range(256)))
    topology, constants = read_graph(path)

    assert topology.rstrip() == b"<net/>"
    assert constants.dtype == np.uint8
    assert constants.tolist() == list(range(256))


def test_every_single_damaged_byte_of_a_graph_is_noticed(tmp_path):
    path = tmp_path / "graph"
    write_graph(path, b"<net/>", b"weights")
    whole = path.read_bytes()
    padding = range(36, 64)  # the unused end of the header, after 16 + 8 + 8 + 4 bytes

    for position in sorted(set(range(len(whole))) - set(padding)):
        broken = bytearray(whole)
        broken[position] ^= 1
        path.write_bytes(broken)

        with pytest.raises(ValueError, match=r"damaged|cut short"):
            read_graph(path)


def test_a_graph_cut_anywhere_is_noticed(tmp_path):
    path = tmp_path / "graph"
    write_graph(path, b"<net/>", b"weights")
    whole = path.read_bytes()

    for length in range(len(whole)):
        path.write_bytes(whole[:length])

        with pytest.raises(ValueError, match="cut short"):
            read_graph(path)

from __future__ import annotations

import logging
import sqlite3

import pytest

from imgsearch.gallery.copy_cache import COPY_CACHE_NAME, CopyCache


@pytest.fixture
def path(tmp_path):
    return tmp_path / COPY_CACHE_NAME


def filled(folder):
    with CopyCache(folder) as cache:
        cache.put("kind/1", {b"a": b"first", b"b": b"second"})


def test_values_come_back_by_kind_and_key(tmp_path):
    filled(tmp_path)
    with CopyCache(tmp_path) as cache:
        assert cache.get("kind/1", [b"a", b"absent", b"a"]) == {b"a": b"first"}
        assert cache.get("kind/2", [b"a"]) == {}
        assert cache.get_all("kind/1") == {b"a": b"first", b"b": b"second"}
        assert sorted(cache.keys("kind/1")) == [b"a", b"b"]


def test_a_value_is_replaced_or_removed(tmp_path):
    filled(tmp_path)
    with CopyCache(tmp_path) as cache:
        cache.put("kind/1", {b"a": b"third"})
        cache.remove("kind/1", [b"b"])
        assert cache.get_all("kind/1") == {b"a": b"third"}


def test_more_keys_than_one_query_takes_are_found(tmp_path):
    values = {bytes([number // 256, number % 256]): b"x" for number in range(1234)}
    with CopyCache(tmp_path) as cache:
        cache.put("kind/1", values)
        assert cache.get("kind/1", values) == values


def test_a_flipped_bit_makes_a_value_as_good_as_none(tmp_path, path):
    filled(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"first", b"fisst"))
    with CopyCache(tmp_path) as cache:
        assert cache.get_all("kind/1") == {b"b": b"second"}


@pytest.mark.parametrize("at", [100, 16384 + 100])
def test_a_damaged_file_is_made_anew(tmp_path, path, at):
    filled(tmp_path)
    content = bytearray(path.read_bytes())
    content[at : at + 8] = b"\xff" * 8
    path.write_bytes(content)
    for _ in range(2):  # the damage may show only when the table is read
        with CopyCache(tmp_path) as cache:
            cache.get_all("kind/1")
            cache.put("kind/1", {b"c": b"new"})
    with CopyCache(tmp_path) as cache:
        cache.put("kind/1", {b"d": b"newer"})
        assert cache.get("kind/1", [b"d"]) == {b"d": b"newer"}


@pytest.mark.parametrize("content", [b"my own notes", b"SQLite format 3\0" + bytes(200)])
def test_a_file_that_is_not_ours_is_left_alone(tmp_path, path, content, caplog):
    path.write_bytes(content)
    with CopyCache(tmp_path) as cache:
        cache.put("kind/1", {b"a": b"x"})
        assert cache.get_all("kind/1") == {}
    assert path.read_bytes() == content
    assert "left alone" in caplog.text


def test_another_programs_database_is_left_alone(tmp_path, path):
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    before = path.read_bytes()
    filled(tmp_path)
    assert path.read_bytes() == before


def test_where_the_disk_refuses_the_search_goes_on(tmp_path, caplog):
    filled(tmp_path)
    caplog.set_level(logging.INFO)
    with CopyCache(tmp_path) as cache:
        cache._connection.execute("PRAGMA query_only = ON")
        cache.put("kind/1", {b"a": b"changed"})
    assert "goes on without it" in caplog.text
    with CopyCache(tmp_path) as cache:
        assert cache.get("kind/1", [b"a"]) == {b"a": b"first"}


def test_without_its_folder_nothing_is_kept_and_nothing_fails(tmp_path):
    with CopyCache(tmp_path / "absent") as cache:
        cache.put("kind/1", {b"a": b"x"})
        cache.remove("kind/1", [b"a"])
        assert cache.get_all("kind/1") == {}
        assert cache.keys("kind/1") == []


def test_a_closed_cache_takes_nothing(tmp_path):
    cache = CopyCache(tmp_path)
    cache.close()
    cache.put("kind/1", {b"a": b"x"})
    assert cache.get_all("kind/1") == {}

from __future__ import annotations

import logging
import os
import sqlite3
import time

import pytest
from figures import tried

from imgsearch.gallery import copy_cache
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


def test_a_description_of_the_table_that_is_no_text_is_damage_like_any_other(tmp_path, path):
    filled(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"CREATE TABLE", b"\xd4REATE TABLE"))
    filled(tmp_path)
    with CopyCache(tmp_path) as cache:
        assert cache.get("kind/1", [b"a"]) == {b"a": b"first"}


def test_kinds_are_listed(tmp_path):
    filled(tmp_path)
    with CopyCache(tmp_path) as cache:
        assert cache.kinds() == ["kind/1"]


def test_damage_that_shows_while_reading_costs_the_values_and_the_next_one_is_new(tmp_path, path):
    filled(tmp_path)
    with CopyCache(tmp_path) as cache:
        content = bytearray(path.read_bytes())
        content[16384:] = b"\xff" * (len(content) - 16384)  # what is not in the first page
        path.write_bytes(content)
        assert cache.get_all("kind/1") == {}
        assert cache.keys("kind/1") == []
    assert not path.exists()


def failing(errors):
    """Connect after some errors of SQLite's, given by their codes."""
    connect = copy_cache._connect

    def connect_or_fail(path):
        if errors:
            error = sqlite3.OperationalError("refused")
            error.sqlite_errorcode = errors.pop(0)
            raise error
        return connect(path)

    return connect_or_fail


def test_a_cache_on_a_read_only_disk_is_read_and_stays_as_it_is(tmp_path, path, monkeypatch):
    filled(tmp_path)
    before = path.read_bytes()
    monkeypatch.setattr(copy_cache, "_connect", failing([sqlite3.SQLITE_READONLY]))
    with CopyCache(tmp_path) as cache:
        assert cache.get("kind/1", [b"a"]) == {b"a": b"first"}
        cache.put("kind/1", {b"a": b"changed"})
    assert path.read_bytes() == before


def test_a_read_only_cache_is_read_in_a_folder_whose_name_is_no_utf_8(tmp_path, monkeypatch):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    filled(folder)
    monkeypatch.setattr(copy_cache, "_connect", failing([sqlite3.SQLITE_READONLY]))
    with CopyCache(folder) as cache:
        assert cache.get("kind/1", [b"a"]) == {b"a": b"first"}


def test_a_damaged_cache_that_cannot_be_made_anew_is_as_good_as_none(tmp_path, path, monkeypatch):
    filled(tmp_path)
    errors = [sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_FULL]
    monkeypatch.setattr(copy_cache, "_connect", failing(errors))
    with CopyCache(tmp_path) as cache:
        assert cache.get_all("kind/1") == {}
    assert not path.exists()


def test_a_damaged_cache_that_cannot_be_deleted_is_as_good_as_none(tmp_path, path, monkeypatch):
    filled(tmp_path)
    path.write_bytes(path.read_bytes()[:16384])  # the table's own page is gone

    def refuse(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(copy_cache, "_connect", failing([sqlite3.SQLITE_CORRUPT]))
    monkeypatch.setattr(copy_cache.Path, "unlink", refuse)
    with CopyCache(tmp_path) as cache:
        assert cache.get_all("kind/1") == {}


def test_a_cache_below_a_file_is_none(tmp_path, caplog):
    (tmp_path / "file").touch()
    with CopyCache(tmp_path / "file") as cache:
        assert cache.get_all("kind/1") == {}
    assert "left alone" in caplog.text


def test_no_flipped_bit_changes_a_value_or_stops_anyone(tmp_path, path):
    filled(tmp_path)
    sound = path.read_bytes()
    used = [at for at, byte in enumerate(sound) if byte][::5]
    for at in used:
        content = bytearray(sound)
        content[at] ^= 1 << at % 8
        path.write_bytes(content)
        with CopyCache(tmp_path) as cache:
            found = cache.get("kind/1", [b"a", b"b"])
            assert all(isinstance(key, bytes) for key in cache.keys("kind/1"))
            cache.put("kind/1", {b"a": b"first"})
        assert found.items() <= {b"a": b"first", b"b": b"second"}.items(), at
    tried("damaged places in caches", len(used))


def test_what_is_put_soon_is_there_at_once_and_in_the_file_at_the_end(tmp_path):
    with CopyCache(tmp_path) as cache:
        cache.put_soon("verdict", {b"one": b"1"})
        cache.put_soon("verdict", {b"two": b"2"})
        assert cache.get("verdict", [b"one", b"two"]) == {b"one": b"1", b"two": b"2"}
        assert cache.get("other", [b"one"]) == {}
        assert kept(tmp_path, "verdict") == {}
    assert kept(tmp_path, "verdict") == {b"one": b"1", b"two": b"2"}


def test_what_is_put_soon_is_in_the_file_a_second_later(tmp_path, monkeypatch):
    with CopyCache(tmp_path) as cache:
        later = time.monotonic() + 1.1
        monkeypatch.setattr(time, "monotonic", lambda: later)
        cache.put_soon("verdict", {b"one": b"1"})
        assert kept(tmp_path, "verdict") == {b"one": b"1"}


def test_what_is_put_soon_counts_when_all_of_a_kind_is_asked_for_or_removed(tmp_path):
    with CopyCache(tmp_path) as cache:
        cache.put_soon("verdict", {b"one": b"1", b"two": b"2"})
        assert sorted(cache.keys("verdict")) == [b"one", b"two"]
        cache.put_soon("verdict", {b"one": b"3"})
        assert cache.get_all("verdict") == {b"one": b"3", b"two": b"2"}
        cache.put_soon("verdict", {b"two": b"4"})
        cache.remove("verdict", [b"two"])
        assert cache.get("verdict", [b"one", b"two"]) == {b"one": b"3"}


def kept(folder, kind):
    """Read the file as another process would."""
    with CopyCache(folder) as other:
        return other.get_all(kind)

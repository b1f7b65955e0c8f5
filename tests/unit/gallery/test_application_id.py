"""Whose database a file is, by its header."""

import sqlite3

import pytest

from imgsearch.gallery.application_id import application_id


def database(path, owner):
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA application_id = {owner}")
    connection.execute("CREATE TABLE anything (x)")
    connection.close()
    return path


@pytest.mark.parametrize("owner", [0, 77])
def test_the_owner_is_the_one_that_the_database_states(tmp_path, owner):
    assert application_id(database(tmp_path / "a b%.sqlite", owner)) == owner


def test_a_database_whose_header_sqlite_refuses_still_says_whose_it_was(tmp_path):
    path = database(tmp_path / "file", 77)
    content = bytearray(path.read_bytes())
    content[16:18] = b"\xff\xff"  # the size of a page
    path.write_bytes(content)

    assert application_id(path) == 77


@pytest.mark.parametrize(("content", "owner"), [(None, None), (b"", 0), (b"no database", None)])
def test_what_is_no_database_has_no_owner(tmp_path, content, owner):
    if content is not None:
        (tmp_path / "file").write_bytes(content)

    assert application_id(tmp_path / "file") == owner

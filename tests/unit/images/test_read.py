import hashlib
import os

import pytest

from imgsearch.errors import ImageReadError
from imgsearch.images.fingerprint import content_hash
from imgsearch.images.read import load


def reason_of(path, read=load):
    with pytest.raises(ImageReadError) as caught:
        read(path)
    return caught.value.reason


def test_load_returns_the_content_of_a_file(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")

    assert load(tmp_path / "a") == b"abc"


def test_load_returns_the_content_of_a_file_as_large_as_the_limit(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")

    assert load(tmp_path / "a", in_memory_limit=3) == b"abc"


def test_load_returns_the_path_of_a_larger_file(tmp_path):
    (tmp_path / "a").write_bytes(b"abcd")

    assert load(tmp_path / "a", in_memory_limit=3) == tmp_path / "a"


def test_load_names_the_file_as_it_is_told_to(tmp_path):
    with pytest.raises(ImageReadError, match="cannot read photos/a: no such file"):
        load(tmp_path / "a", name="photos/a")


@pytest.mark.parametrize("read", [load, content_hash])
def test_reading_a_missing_file_says_so(tmp_path, read):
    assert reason_of(tmp_path / "none", read) == "no such file"


def test_load_says_that_a_folder_is_none(tmp_path):
    assert reason_of(tmp_path) == "it is a folder"


def test_load_does_not_wait_for_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")

    assert reason_of(tmp_path / "pipe") == "it is not a regular file"


def test_load_says_that_permission_is_denied(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)

    assert reason_of(tmp_path / "a") == "permission denied"


def test_load_passes_on_what_the_system_says(tmp_path):
    assert reason_of(tmp_path / ("x" * 300)) == "file name too long"


def test_load_refuses_a_name_with_a_null_byte(tmp_path):
    assert reason_of(tmp_path / "a\0b") == "its name is not valid"


def test_content_hash_of_a_file_is_its_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")

    # The well-known digest of "abc", from FIPS 180.
    assert content_hash(tmp_path / "a").hex() == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_content_hash_of_bytes_is_that_of_a_file_that_holds_them(tmp_path):
    content = bytes(range(256)) * 5000
    (tmp_path / "a").write_bytes(content)

    assert content_hash(content) == content_hash(tmp_path / "a") == hashlib.sha256(content).digest()

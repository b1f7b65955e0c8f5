import hashlib

import pytest

from imgsearch.errors import ImageReadError
from imgsearch.images.fingerprint import content_hash


def test_the_hash_of_a_file_is_that_of_its_content(tmp_path):
    content = bytes(range(256)) * 10_000  # more than one piece
    (tmp_path / "file").write_bytes(content)

    assert content_hash(tmp_path / "file") == hashlib.sha256(content).digest()
    assert content_hash(content) == hashlib.sha256(content).digest()


def test_a_hash_that_nobody_wants_any_more_ends_early(tmp_path):
    with (tmp_path / "huge.jpg").open("wb") as file:
        file.truncate(1 << 40)  # a sparse terabyte: hashing it would take many minutes
    asked = []

    with pytest.raises(ImageReadError, match=r"huge\.jpg.*interrupted"):
        content_hash(tmp_path / "huge.jpg", stopped=lambda: asked.append(1) or len(asked) > 3)

    assert len(asked) == 4

"""The export: two arrays that NumPy reads without pickle."""

import os
import sqlite3

import numpy as np
import pytest

from imgsearch.errors import GalleryCorruptError, GalleryNotFoundError, GalleryWriteError
from imgsearch.gallery import export, vectors
from imgsearch.gallery.export import export_gallery
from imgsearch.gallery.store import open_for_writing


def exported(lab, target):
    with lab.reader() as store:
        count = export_gallery(store, target)
    with np.load(target, allow_pickle=False) as arrays:
        return count, dict(arrays)


def test_paths_and_embeddings_come_in_the_order_of_the_ids(lab, tmp_path):
    lab.paint("b.png", "#f00")
    lab.update()
    lab.paint("a.png", "#0f0")
    lab.update()

    count, arrays = exported(lab, tmp_path / "out.npz")

    assert count == 2
    assert sorted(arrays) == ["embeddings", "paths"]
    assert arrays["paths"].tolist() == [str(lab.root / "b.png"), str(lab.root / "a.png")]
    assert arrays["embeddings"].dtype == np.float32
    assert arrays["embeddings"].tolist() == [[1, 0, 0], [0, 1, 0]]


def test_odd_names_come_back_as_they_are(lab, tmp_path):
    names = [os.fsdecode(name) for name in (b"a\nb.png", b"\xff.png", "🖼.png".encode())]
    for name in names:
        lab.paint(name, "#f00")
    lab.update()

    _, arrays = exported(lab, tmp_path / "out.npz")

    assert {os.fsencode(path) for path in arrays["paths"].tolist()} == {
        os.fsencode(lab.root / name) for name in names
    }


def test_an_empty_gallery_gives_empty_arrays(lab, tmp_path):
    lab.update()

    count, arrays = exported(lab, tmp_path / "out.npz")

    assert count == 0
    assert (arrays["paths"].shape, arrays["embeddings"].shape) == ((0,), (0, 3))
    assert arrays["paths"].dtype.kind == "U"


@pytest.mark.parametrize("pictures", [3, 4, 5])
def test_the_arrays_are_written_block_by_block(lab, tmp_path, monkeypatch, pictures):
    monkeypatch.setattr(export, "_ROWS_PER_WRITE", 2)
    monkeypatch.setattr(vectors, "BLOCK_ROWS", 2)
    for number in range(pictures):
        lab.paint(f"{number}.png", (255, 50 * number, 0))
    lab.update()

    count, arrays = exported(lab, tmp_path / "out.npz")

    assert count == pictures
    assert [path[-5:] for path in arrays["paths"]] == [f"{i}.png" for i in range(pictures)]
    greens = 255 * arrays["embeddings"][:, 1] / arrays["embeddings"][:, 0]
    assert greens.round().tolist() == [50 * number for number in range(pictures)]


def test_a_file_that_exists_is_not_written_over(lab, tmp_path):
    lab.update()
    (tmp_path / "out.npz").write_text("mine")

    with pytest.raises(GalleryWriteError, match="exists already; name another file"):
        exported(lab, tmp_path / "out.npz")

    assert (tmp_path / "out.npz").read_text() == "mine"


def test_a_target_that_cannot_be_written_is_told(lab, tmp_path):
    lab.update()

    with pytest.raises(GalleryWriteError, match=r"cannot write .*No such file or directory"):
        exported(lab, tmp_path / "missing" / "out.npz")


def test_a_gallery_that_never_held_anything_cannot_be_exported(lab, tmp_path):
    with open_for_writing(lab.gallery):
        pass

    with pytest.raises(GalleryNotFoundError, match="it is empty"):
        exported(lab, tmp_path / "out.npz")
    assert not (tmp_path / "out.npz").exists()


def test_a_gallery_with_a_vector_missing_is_not_exported(lab, tmp_path):
    lab.paint("a.png", "#f00")
    lab.paint("b.png", "#0f0")
    lab.update()
    connection = sqlite3.connect(lab.gallery / "catalog.sqlite")
    with connection:
        connection.execute("DELETE FROM embeddings WHERE image_id = 1")
    connection.close()

    with pytest.raises(GalleryCorruptError, match="1 images have no vector"):
        exported(lab, tmp_path / "out.npz")

    assert [path.name for path in tmp_path.iterdir()] == ["photos"]

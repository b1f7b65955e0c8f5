"""On what terms an update begins: the embedder, the roots, the options, and who is told."""

from dataclasses import replace

import pytest

from imgsearch.errors import EmbedderMismatchError, ImageFolderError, WeightsNotFoundError
from imgsearch.gallery.report import UpdateOptions
from imgsearch.gallery.update import update_gallery


def test_another_identity_is_refused_and_changes_nothing(lab):
    lab.paint("a.png", "#f00")
    lab.update()
    rows = lab.rows()
    other = replace(lab.embedder.identity, weights="c1" * 32)

    with pytest.raises(EmbedderMismatchError, match=r"weights c0c0c0c0\), not with .* c1c1c1c1"):
        update_gallery(lab.gallery, [lab.root], identity=other, make_embedder=lab.make_embedder)

    assert lab.rows() == rows


def test_an_embedder_that_cannot_be_made_does_not_bind_the_gallery(lab):
    lab.paint("a.png", "#f00")
    other = replace(lab.embedder.identity, weights="c1" * 32)

    def fail(_identity):
        raise WeightsNotFoundError("no weights")

    with pytest.raises(WeightsNotFoundError):
        update_gallery(lab.gallery, [lab.root], identity=other, make_embedder=fail)

    assert lab.update().added == 1


@pytest.mark.parametrize("name", ["missing", "file", "loop"])
def test_a_root_that_is_no_folder_is_refused_before_anything_is_made(lab, name):
    lab.paint("file", "#f00")
    (lab.root / "loop").symlink_to(lab.root / "loop")

    with pytest.raises(ImageFolderError, match="cannot index"):
        lab.update(lab.root, lab.root / name)

    assert not lab.gallery.exists()


@pytest.mark.parametrize("wrong", [{"jobs": -1}, {"batch_size": 0}])
def test_impossible_options_are_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be"):
        UpdateOptions(**wrong)


def test_progress_counts_what_is_found_read_and_written(lab):
    lab.paint("a.png", "#f00")
    lab.paint("b.png", "#0f0")
    told = []

    update_gallery(
        lab.gallery,
        [lab.root],
        identity=lab.embedder.identity,
        make_embedder=lab.make_embedder,
        on_progress=lambda progress: told.append((progress.stage, progress.done, progress.total)),
    )

    assert told == [
        ("scan", 2, None),
        ("embed", 1, 2),
        ("embed", 2, 2),
        ("index", 0, 2),
        ("index", 2, 2),
    ]

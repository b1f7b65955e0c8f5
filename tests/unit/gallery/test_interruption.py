"""An update that is stopped anywhere leaves a gallery that answers, and that goes on."""

from types import SimpleNamespace

import numpy as np
import pytest

from imgsearch.errors import GalleryWriteError
from imgsearch.gallery import catalog as catalog_module
from imgsearch.gallery import durable, index_file, update
from imgsearch.gallery.check import check_gallery


@pytest.fixture
def five(lab):
    for number in range(5):
        lab.paint(f"{number}.png", (255, 50 * number, 0))
    return lab


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, MemoryError])
def test_what_was_committed_is_kept_and_the_next_update_goes_on(five, error):
    embed = five.embedder.embed

    def fail_at_third(batch):
        if five.embedder.calls == 2:
            raise error
        return embed(batch)

    five.embedder.embed = fail_at_third
    with pytest.raises(error):
        five.update(batch_size=1)
    five.embedder.embed = embed

    assert five.names() == ["0.png", "1.png"]
    assert [name for name, _ in five.hits(five.root / "0.png")] == ["0.png", "1.png"]
    report, embedded = five.update_quietly()
    assert (report.added, report.unchanged, embedded) == (3, 2, 3)
    assert check_gallery(five.gallery).healthy


def test_an_interrupt_of_the_progress_callback_keeps_whole_batches(five):
    def interrupt(progress):
        if progress.stage == "embed" and progress.done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        update.update_gallery(
            five.gallery,
            [five.root],
            identity=five.embedder.identity,
            make_embedder=five.make_embedder,
            options=update.UpdateOptions(batch_size=2),
            on_progress=interrupt,
        )

    assert five.names() == ["0.png", "1.png"]


def test_a_batch_is_written_whole_or_not_at_all(five, monkeypatch):
    put_image = catalog_module.Catalog.put_image
    calls = []

    def fail_at_fourth(self, *arguments):
        calls.append(1)
        if len(calls) == 4:
            raise RuntimeError("fault")
        return put_image(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(catalog_module.Catalog, "put_image", fail_at_fourth)
        with pytest.raises(RuntimeError, match="fault"):
            five.update(batch_size=2)

    assert five.names() == ["0.png", "1.png"]
    assert five.update().images == 5


def test_a_gallery_whose_index_was_never_written_answers(five, monkeypatch):
    def fail(*_arguments):
        raise RuntimeError("fault")

    with monkeypatch.context() as patch:
        patch.setattr(update, "publish_index", fail)
        with pytest.raises(RuntimeError, match="fault"):
            five.update()

    assert five.hits(five.root / "4.png", k=1) == [("4.png", 1.0)]
    report = check_gallery(five.gallery)
    assert (report.healthy, report.sampled) == (True, 5)
    assert report.notes[0].startswith("manifest.json is not there; answers are right")
    five.update()
    assert not check_gallery(five.gallery).notes
    assert check_gallery(five.gallery).healthy


def test_a_stale_index_is_brought_up_to_date_for_each_question(five, monkeypatch):
    five.update()
    five.paint("new.png", "#00f")
    five.paint("0.png", "#0f0")
    (five.root / "1.png").unlink()
    with monkeypatch.context() as patch:
        patch.setattr(update, "_publish", lambda *_arguments: None)
        five.update()

    with five.reader() as store, store.reading() as index:
        # 0.png is 1, 1.png was 2, new.png is 6
        assert index.ids().tolist() == [1, 3, 4, 5, 6]
        stored = [store.catalog.embedding(image_id, 3) for image_id in (1, 3, 4, 5, 6)]
        assert np.array_equal(index.reconstruct(index.ids()), stored)
    assert five.hits(five.root / "0.png", k=1) == [("0.png", 1.0)]


@pytest.mark.parametrize("step", ["write_durably", "write_manifest", "_renew_token"])
def test_a_fault_at_any_step_of_publishing_leaves_right_answers(five, monkeypatch, step):
    five.update()
    five.paint("new.png", "#00f")

    def fail(*_arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(index_file, step, fail)
        with pytest.raises(GalleryWriteError, match=r"No space left on device\); nothing is lost"):
            five.update()

    assert five.hits(five.root / "new.png", k=1) == [("new.png", 1.0)]
    assert len(five.hits(five.root / "0.png")) == 6
    report, embedded = five.update_quietly()
    assert (report.unchanged, embedded) == (6, 0)
    assert check_gallery(five.gallery).healthy


def test_leftovers_of_a_killed_writer_are_swept_and_other_files_are_left_alone(five):
    five.update()
    names = [".index-00000009.faiss.77.tmp", ".manifest.json.77.tmp", "index-00000004.faiss"]
    for name in (*names, "notes.txt", "index-1.faiss", ".mine.tmp"):
        (five.gallery / name).write_text("left over")
    five.paint("new.png", "#00f")

    five.update()

    left = {path.name for path in five.gallery.iterdir() if path.suffix not in {".sqlite"}}
    assert left - {"catalog.sqlite-wal", "catalog.sqlite-shm"} == {
        "index-00000002.faiss",
        "manifest.json",
        "writer.lock",
        "notes.txt",
        "index-1.faiss",
        ".mine.tmp",
    }


def test_an_old_index_that_cannot_be_deleted_does_not_stop_an_update(five, monkeypatch):
    five.update()
    five.paint("new.png", "#00f")
    unlink = index_file.Path.unlink

    def refuse(path, *, missing_ok=False):
        if path.suffix == ".faiss":
            raise PermissionError(13, "in use")
        unlink(path, missing_ok=missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(index_file.Path, "unlink", refuse)
        assert five.update().added == 1

    assert (five.gallery / "index-00000001.faiss").exists()
    assert check_gallery(five.gallery).healthy


def test_a_file_written_durably_is_the_old_one_if_writing_fails(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")

    def fail(temporary):
        temporary.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        durable.write_durably(path, fail)

    assert [(entry.name, entry.read_text()) for entry in tmp_path.iterdir()] == [("file", "old")]


def test_a_folder_is_not_flushed_where_it_has_no_handle(tmp_path, monkeypatch):
    monkeypatch.setattr(durable, "os", SimpleNamespace(name="nt"))  # and nothing to open it with

    durable._fsync(tmp_path)

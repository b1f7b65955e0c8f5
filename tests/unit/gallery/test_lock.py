"""One writer at a time, many readers beside it, and nothing left behind by the dead."""

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from imgsearch.errors import GalleryLockedError, GalleryWriteError
from imgsearch.gallery import lock
from imgsearch.gallery.lock import HOLDER_NAME, writer_lock
from imgsearch.gallery.store import open_for_writing

HOLD = """
import sys
from pathlib import Path
from imgsearch.gallery.lock import writer_lock
with writer_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_elsewhere(folder):
    """Hold the lock in another process; yield that process."""
    command = [sys.executable, "-c", HOLD, str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(Path(lock.__file__).parents[2])}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.stdin.close()
            process.wait(timeout=10)


def test_a_second_writer_is_told_who_writes_and_where(lab):
    lab.paint("a.png", "#f00")
    lab.update()
    with held_elsewhere(lab.gallery) as process:
        host = json.loads((lab.gallery / HOLDER_NAME).read_text())["host"]

        with pytest.raises(GalleryLockedError, match=f"process {process.pid} on {host} since"):
            lab.update()


def test_a_writer_waits_as_long_as_it_was_asked_to(lab):
    lab.gallery.mkdir()
    with held_elsewhere(lab.gallery) as process:
        with pytest.raises(GalleryLockedError):
            lab.update(wait_s=0.05)
        process.stdin.close()

        assert lab.update(wait_s=10).images == 0


def test_a_lock_is_free_when_its_holder_was_killed(lab):
    lab.paint("a.png", "#f00")
    lab.gallery.mkdir()
    with held_elsewhere(lab.gallery) as process:
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=10)
        assert (lab.gallery / HOLDER_NAME).exists()  # a leftover that stands for nothing

        assert lab.update().added == 1

    assert not (lab.gallery / HOLDER_NAME).exists()


@pytest.mark.parametrize("note", [None, "", "[]", '"x"', '{"pid": 1}', "\xff"])
def test_a_holder_that_cannot_be_named_is_another_process(lab, note):
    lab.gallery.mkdir()
    with writer_lock(lab.gallery):
        (lab.gallery / HOLDER_NAME).unlink()
        if note is not None:
            (lab.gallery / HOLDER_NAME).write_text(note, encoding="latin-1")

        with (
            pytest.raises(GalleryLockedError, match="another process is writing"),
            writer_lock(lab.gallery),
        ):
            pass


def test_a_note_that_cannot_be_written_does_not_stop_the_writer(lab, monkeypatch):
    def fail(_folder):
        raise OSError(28, "No space left on device")

    lab.gallery.mkdir()
    monkeypatch.setattr(lock, "_write_holder", fail)
    with writer_lock(lab.gallery):
        pass

    with writer_lock(lab.gallery):  # and the lock was given back
        pass


def test_a_folder_that_takes_no_lock_is_refused(lab):
    (lab.gallery / "writer.lock").mkdir(parents=True)

    with pytest.raises(GalleryWriteError, match="cannot be written"):
        lab.update()


def test_readers_see_one_state_while_a_writer_works(lab):
    red = lab.paint("a.png", "#f00")
    lab.update()

    with lab.reader() as reader, reader.reading() as index:
        lab.paint("b.png", "#0f0")
        red.unlink()
        lab.update()

        assert (len(index), reader.catalog.image_count()) == (1, 1)
        # The file that the index is mapped from has been deleted by now.
        assert not (lab.gallery / "index-00000001.faiss").exists()
        assert index.search(np.array([[1, 0, 0]], dtype=np.float32), 1)[0].ids.tolist() == [1]
        assert [image.stamp.path for image in reader.catalog.iterate_images()] == ["a.png"]

    assert lab.names() == ["b.png"]


def test_an_open_reader_comes_to_see_what_was_written_since(lab):
    lab.paint("a.png", "#f00")
    lab.update()
    with lab.reader() as reader:
        with reader.reading() as index:
            assert index.ids().tolist() == [1]
        lab.paint("b.png", "#0f0")
        lab.update()

        with reader.reading() as index:
            assert index.ids().tolist() == [1, 2]
        with reader.reading() as again:
            assert again is index  # nothing has changed, nothing is loaded


def test_a_reader_between_two_batches_sees_only_whole_ones(lab):
    for number in range(4):
        lab.paint(f"{number}.png", (255, 60 * number, 0))
    seen = []
    embed = lab.embedder.embed

    def watch(batch):
        if lab.embedder.calls:
            with lab.reader() as reader, reader.reading() as index:
                seen.append((len(index), reader.catalog.image_count()))
        return embed(batch)

    lab.embedder.embed = watch
    lab.update(batch_size=1)

    assert seen == [(1, 1), (2, 2), (3, 3)]


def test_a_gallery_can_be_read_while_it_is_open_for_writing(lab):
    lab.paint("a.png", "#f00")
    lab.update()

    with open_for_writing(lab.gallery) as store, store.catalog.transaction():
        store.catalog.set_meta("generation", "99")

        assert lab.hits(lab.root / "a.png") == [("a.png", 1.0)]


def test_a_link_named_as_the_holders_note_is_replaced_and_its_target_left_alone(lab):
    photo = lab.paint("cat.png", "#f00")
    before = photo.read_bytes()
    lab.gallery.mkdir()
    (lab.gallery / HOLDER_NAME).symlink_to("../cat.png")

    with writer_lock(lab.gallery):
        assert not (lab.gallery / HOLDER_NAME).is_symlink()

    assert photo.read_bytes() == before


def test_a_lock_that_is_a_link_is_refused_and_its_target_left_alone(lab):
    photo = lab.paint("cat.png", "#f00")
    before = photo.read_bytes()
    lab.gallery.mkdir()
    (lab.gallery / "writer.lock").symlink_to("../cat.png")

    with pytest.raises(GalleryWriteError, match=r"writer\.lock is a link"):
        lab.update()

    assert photo.read_bytes() == before

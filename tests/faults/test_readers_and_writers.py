"""Several writers and readers at once: each waits or is told, and every answer is of one state."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from figures import tried

from imgsearch.errors import GalleryLockedError, GalleryWriteError
from imgsearch.gallery.lock import LOCK_NAME, writer_lock
from imgsearch.gallery.store import open_for_writing

CHECKOUT = Path(__file__).parents[2]
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join((str(CHECKOUT), str(CHECKOUT / "scripts"))),
    "OMP_NUM_THREADS": "1",
}

WITHOUT_FLOCK = """
import errno, os, signal, sys
from pathlib import Path
import filelock._unix
from imgsearch.gallery.lock import writer_lock

def refuse(*_arguments):
    raise OSError(errno.ENOSYS, "Function not implemented")

filelock._unix.fcntl.flock = refuse
with writer_lock(Path(sys.argv[1])):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_three_writers_and_two_readers_never_see_half_a_state(tmp_path):
    result = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("crowd.py")), str(tmp_path), "6"],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=200,
    )

    assert result.returncode == 0, result.stderr
    counts = json.loads(result.stdout)
    assert counts["questions"] >= 100
    assert counts["generations seen"] >= 5
    assert counts["updates that waited their turn"] >= 4
    assert counts["refusals that name the holder"] >= 3
    tried("questions to a gallery that others write to", counts["questions"])


ELSEWHERE = """
import sys
from pathlib import Path
from imgsearch.gallery.store import open_for_writing
with open_for_writing(Path(sys.argv[1])) as store:
    with store.catalog.transaction():
        print(store.catalog.next_generation())
"""


def written_elsewhere(gallery):
    """Let another process write, and close as if it were the last: return the new generation."""
    command = [sys.executable, "-c", ELSEWHERE, str(gallery)]
    return int(subprocess.run(command, env=ENVIRONMENT, capture_output=True, check=True).stdout)


def test_a_reader_whose_process_has_written_is_still_known_to_other_processes(three):
    # Who opens and closes the catalogue beside SQLite gives away the locks of the whole process.
    with three.reader() as reader:
        with reader.catalog.transaction("DEFERRED"):
            assert reader.catalog.generation() == 1
            with open_for_writing(three.gallery):
                pass
            assert written_elsewhere(three.gallery) == 2
            assert reader.catalog.generation() == 1  # one state, until its transaction ends

        assert reader.catalog.generation() == 2
        with open_for_writing(three.gallery) as store, store.catalog.transaction():
            assert store.catalog.next_generation() == 3
        assert written_elsewhere(three.gallery) == 4
        assert reader.catalog.generation() == 4


@pytest.fixture
def flock(monkeypatch):
    """Let the system's lock answer with an error."""

    def answer_with(number):
        def refuse(*_arguments):
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr("filelock._unix.fcntl.flock", refuse)

    return answer_with


def test_without_the_systems_lock_there_is_still_one_writer(three, flock):
    flock(errno.ENOSYS)
    (three.gallery / LOCK_NAME).unlink()  # made a moment ago, it would pass for one being taken
    three.paint("d.png", "#00f")

    with (
        writer_lock(three.gallery),
        pytest.raises(GalleryLockedError, match=f"process {os.getpid()} on .* since"),
    ):
        three.update()

    assert three.update().added == 1
    assert not (three.gallery / LOCK_NAME).exists()


def test_without_the_systems_lock_that_of_a_dead_process_is_no_lock(three, flock):
    flock(errno.ENOSYS)
    (three.gallery / LOCK_NAME).unlink()
    killed = subprocess.run(
        [sys.executable, "-c", WITHOUT_FLOCK, str(three.gallery)], env=ENVIRONMENT
    )
    assert killed.returncode == -9
    assert (three.gallery / LOCK_NAME).stat().st_size
    three.paint("d.png", "#00f")

    assert three.update(wait_s=10).added == 1


def test_a_lock_that_the_system_has_no_room_for_is_no_gallery_in_use(three, flock):
    flock(errno.ENOLCK)

    with pytest.raises(GalleryWriteError, match=r"cannot be written \(No locks available\)"):
        three.update()

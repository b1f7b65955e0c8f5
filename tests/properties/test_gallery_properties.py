"""Whatever happens to the files between updates, the gallery is what a fresh one would be."""

import errno
import shutil
from contextlib import suppress
from itertools import count

import numpy as np
from figures import tried
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imgsearch.errors import GalleryWriteError
from imgsearch.faultpoints import watch
from imgsearch.gallery.manifest import MANIFEST_NAME
from imgsearch.index.exact import ExactIndex

NAMES = st.sampled_from(["a.png", "b.png", "sub/a.png", "sub/deep/c.png", "\udcff.png"])
COLOURS = st.sampled_from(["#f00", "#ff0", "#0f0", "#00f", "broken"])
FAULTS = [KeyboardInterrupt, MemoryError, OSError(errno.ENOSPC, "No space left on device")]
STEPS = st.one_of(
    st.tuples(st.just("write"), NAMES, COLOURS),
    st.tuples(st.just("move"), NAMES, NAMES),
    st.tuples(st.just("copy"), NAMES, NAMES),
    st.tuples(st.just("swap"), NAMES, NAMES),
    st.tuples(st.just("delete"), NAMES),
    st.tuples(st.just("touch"), NAMES),
    st.tuples(st.just("update")),
    st.tuples(st.just("update of a part")),
    st.tuples(st.just("stopped update"), st.integers(1, 60), st.sampled_from(FAULTS)),
)
bounded = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def write(lab, name, colour):
    if colour == "broken":
        lab.write(name, b"no picture at all " * 5)
    else:
        lab.paint(name, colour)


def take(lab, step):
    """Do to the files, or to the gallery, what a step says."""
    kind, *arguments = step
    paths = [lab.root / name for name in arguments if str(name).endswith(".png")]
    if kind == "write":
        write(lab, *arguments)
    elif kind == "update":
        lab.update(batch_size=2)
    elif kind == "stopped update":
        update_until(lab, *arguments)
    elif kind == "update of a part":
        lab.write("sub/notes.txt", b"no picture")
        lab.update(lab.root / "sub")
    elif paths[0].exists():
        change(lab, kind, *paths)


def update_until(lab, points, fault):
    """Update until so many points of its writes are reached, and fail there."""
    left = count(points, -1)

    def watcher(_point):
        if next(left) == 1:
            raise fault

    with suppress(KeyboardInterrupt, MemoryError, OSError, GalleryWriteError), watch(watcher):
        lab.update(batch_size=1)


def change(lab, kind, path, other=None):
    if other is not None:
        other.parent.mkdir(parents=True, exist_ok=True)
    if kind == "delete":
        path.unlink()
    elif kind == "touch":
        lab.touch(path)
    elif kind == "move":
        path.replace(other)
    elif kind == "copy" and path != other:
        shutil.copyfile(path, other)
        lab.touch(other)
    elif kind == "swap" and path != other and other.exists():
        path.rename(lab.root / "between")
        other.rename(path)
        (lab.root / "between").rename(other)


def readable(lab, rows):
    """Rows without ids, of files that can be read: an unreadable one keeps what it had."""
    broken = {path for path in rows if b"no picture" in path.read_bytes()[:20]}
    return {path: vector for path, (_, vector) in rows.items() if path not in broken}


def assert_searches_as_the_oracle(lab):
    with lab.reader() as store, store.reading() as index:
        oracle = ExactIndex(3)
        for ids, embeddings in store.catalog.iterate_embeddings(3):
            oracle.add(ids, embeddings)
        assert index.ids().tolist() == oracle.ids().tolist()
        assert np.array_equal(index.reconstruct(index.ids()), oracle.reconstruct(oracle.ids()))
        query = np.array([[0.6, 0.8, 0]], dtype=np.float32)
        found, wanted = index.search(query, 3)[0], oracle.search(query, 3)[0]
        assert np.allclose(found.scores, wanted.scores, atol=1e-6)


@bounded
@given(st.lists(STEPS, max_size=14))
def test_any_history_ends_with_the_rows_of_a_fresh_gallery(make_lab, steps):
    lab = make_lab()
    lab.write("notes.txt", b"no picture")  # without a file it would pass for not mounted
    for step in steps:
        take(lab, step)
        if step[0] in {"update", "stopped update"} and (lab.gallery / MANIFEST_NAME).exists():
            assert_searches_as_the_oracle(lab)
    report = lab.update(retry_failed=True)
    rows, fresh = lab.rows(), lab.root.parent / "fresh"
    fresh_report = lab.update(gallery=fresh)

    assert readable(lab, rows) == {path: vector for path, (_, vector) in lab.rows(fresh).items()}
    assert report.failed == fresh_report.failed
    assert_searches_as_the_oracle(lab)
    tried("interleavings that ended as a fresh index")


@bounded
@given(st.dictionaries(NAMES, COLOURS))
def test_a_second_update_changes_nothing(make_lab, files):
    lab = make_lab()
    for name, colour in files.items():
        write(lab, name, colour)
    first = lab.update()
    rows, made = lab.rows(), lab.made

    second = lab.update()

    assert (lab.rows(), lab.made) == (rows, made)
    assert second.images_per_second == 0
    assert (second.unchanged, second.failed) == (first.images, first.failed)


@bounded
@given(st.dictionaries(NAMES, COLOURS), st.dictionaries(NAMES, COLOURS))
def test_in_two_steps_or_at_once_is_the_same(make_lab, first, second):
    in_steps, at_once = make_lab(), make_lab()
    for name, colour in first.items():
        write(in_steps, name, colour)
    in_steps.update()
    for name, colour in {**second, **first}.items():
        if name not in first:
            write(in_steps, name, colour)
        write(at_once, name, colour)
    in_steps.update()
    at_once.update()

    def by_name(lab):
        return {path.relative_to(lab.root): vector for path, (_, vector) in lab.rows().items()}

    assert by_name(in_steps) == by_name(at_once)

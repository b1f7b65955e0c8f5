import os
import tempfile
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path

import figures
import numpy as np
import pytest
from PIL import Image

from imgsearch.gallery.report import UpdateOptions
from imgsearch.gallery.store import open_for_reading
from imgsearch.gallery.update import update_gallery
from imgsearch.query import QueryImage, QueryOptions, search_gallery
from imgsearch.types import EmbedderIdentity, Preprocessing

MEMORY_DISK = Path("/dev/shm")
MEMORY_NEEDED = 4 << 30


def pytest_configure(config):
    """Keep what tests write in memory, if there is room and nobody wants it elsewhere.

    Galleries flush every change to the disk: half of the time goes into waiting for that, and no
    test cuts the power.
    """
    if "TMPDIR" in os.environ or config.option.basetemp or not os.access(MEMORY_DISK, os.W_OK):
        return
    facts = os.statvfs(MEMORY_DISK)
    runs_programs = not facts.f_flag & os.ST_NOEXEC  # some tests make some
    if runs_programs and facts.f_bavail * facts.f_frsize >= MEMORY_NEEDED:
        os.environ["TMPDIR"] = str(MEMORY_DISK)
        tempfile.tempdir = None  # it is asked for again


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Let tests that share a fixture of their module run in one process, which makes it once."""
    if config.getoption("dist") != "load":
        return None
    from xdist.scheduler import LoadScopeScheduling

    @cache
    def makes_something_for_all(module):
        return 'scope="module"' in (config.rootpath / module).read_text(encoding="utf-8")

    class ByFixtures(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            module = nodeid.partition("::")[0]
            return module if makes_something_for_all(module) else nodeid

    return ByFixtures(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item, call):
    """Let a test's report say what it tried; reports go from xdist's processes to the first."""
    if call.when == "call":
        item.user_properties += [("tried", list(pair)) for pair in figures.take()]


def pytest_terminal_summary(terminalreporter):
    """Say what was tried by the tests that passed, before pytest's own last line."""
    sums = figures.summed(terminalreporter.getreports("passed"))
    if sums:
        terminalreporter.section("tried, and nothing was lost")
    for what, number in sums.items():
        terminalreporter.line(f"{number:>9,}  {what}")


COLOUR = EmbedderIdentity("mean-colour", "c0" * 32, Preprocessing(8, "faithful"), "avg", 3)


class ColourEmbedder:
    """The mean colour as a unit vector: red is (1, 0, 0), yellow (1, 1, 0) / sqrt 2."""

    identity = COLOUR
    precision = "fp32"

    def __init__(self):
        self.pictures = 0
        self.calls = 0

    def embed(self, batch):
        assert batch.shape[1:] == (8, 8, 3)
        self.pictures += len(batch)
        self.calls += 1
        means = batch.reshape(len(batch), -1, 3).mean(axis=1)
        return (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32)


class Lab:
    """A folder of painted pictures, the gallery inside it, and a count of what was embedded."""

    def __init__(self, folder):
        self.root = folder / "photos"
        self.root.mkdir()
        self.gallery = self.root / ".imgsearch"
        self.embedder = ColourEmbedder()
        self.made = 0
        self._clock = count(1_600_000_000)

    def make_embedder(self, identity):
        assert identity == COLOUR
        self.made += 1
        return self.embedder

    def paint(self, name, colour, *, root=None, size=8):
        """Write a PNG of one colour, with a time of modification that no other file has."""
        path = (root or self.root) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (size, size), colour).save(path, "PNG")
        return self.touch(path)

    def write(self, name, content):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return self.touch(path)

    def touch(self, path):
        """Give a file a time of modification that it has never had."""
        os.utime(path, (seconds := next(self._clock), seconds))
        return path

    def update(self, *roots, gallery=None, **options):
        return update_gallery(
            gallery or self.gallery,
            roots or [self.root],
            identity=COLOUR,
            make_embedder=self.make_embedder,
            options=UpdateOptions(**{"jobs": 2, **options}),
        )

    def update_quietly(self, *roots, **options):
        """Update, and return the report and how many pictures the embedder saw."""
        before = self.embedder.pictures
        report = self.update(*roots, **options)
        return report, self.embedder.pictures - before

    @contextmanager
    def reader(self, gallery=None):
        with open_for_reading(gallery or self.gallery) as store:
            yield store

    def rows(self, gallery=None):
        """What the gallery holds: {path: (id, vector rounded to 4 digits)}."""
        with self.reader(gallery) as store:
            images = list(store.catalog.iterate_images())
            paths = store.paths({image.image_id: image for image in images})
            return {
                paths[image.image_id]: (
                    image.image_id,
                    tuple(
                        round(value, 4)
                        for value in store.catalog.embedding(image.image_id, 3).tolist()
                    ),
                )
                for image in images
            }

    def names(self, gallery=None):
        return sorted(path.name for path in self.rows(gallery))

    def ids(self, gallery=None):
        return {path.name: image_id for path, (image_id, _) in self.rows(gallery).items()}

    def vectors(self, gallery=None):
        return {path.name: vector for path, (_, vector) in self.rows(gallery).items()}

    def search(self, source, *, gallery=None, **options):
        image = QueryImage(source, "<bytes>" if isinstance(source, bytes) else str(source))
        with self.reader(gallery) as store:
            return search_gallery(store, [image], QueryOptions(**options), self.make_embedder)[0]

    def hits(self, source, **options):
        """The answer as [(name, score rounded to 3 digits)]."""
        return [(hit.path.name, round(hit.score, 3)) for hit in self.search(source, **options)]


@pytest.fixture
def lab(tmp_path):
    return Lab(tmp_path)


@pytest.fixture(scope="session")
def make_lab(tmp_path_factory):
    """A laboratory in a folder of its own, for tests that need many."""
    return lambda: Lab(Path(tmp_path_factory.mktemp("lab")))


@pytest.fixture
def three(lab):
    """Red, yellow and green: red to yellow is 1 / sqrt 2, red to green is 0."""
    for name, colour in (("a.png", "#f00"), ("b.png", "#ff0"), ("c.png", "#0f0")):
        lab.paint(name, colour)
    lab.update()
    return lab


@pytest.fixture
def desk(tmp_path):
    """Pictures and copies to clean up."""
    from cleaning import Desk

    return Desk(tmp_path)


@pytest.fixture
def trash(tmp_path, monkeypatch):
    """A home of the test's own, with a trash in it; what is on another file system stays there."""
    from send2trash import plat_other

    home = tmp_path / "home"
    home.mkdir()
    data = home / ".local" / "share"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr(plat_other, "XDG_DATA_HOME", os.fsencode(data))
    monkeypatch.setattr(plat_other, "HOMETRASH_B", os.fsencode(data / "Trash"))
    return data / "Trash"

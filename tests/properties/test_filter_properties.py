"""A filtered answer is what brute force finds among the pictures that pass the filter."""

import fnmatch
import hashlib
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgsearch.gallery.filters import Filter
from imgsearch.gallery.records import FileStamp, ImageFacts, IndexedFile
from imgsearch.gallery.roots import add_roots
from imgsearch.gallery.store import open_for_reading, open_for_writing
from imgsearch.index.exact import exact_scores
from imgsearch.query import QueryImage, QueryOptions, search_gallery
from imgsearch.types import EmbedderIdentity, Preprocessing

IDENTITY = EmbedderIdentity("none", "00" * 32, Preprocessing(8, "faithful"), "avg", 16)
COUNT = 240


def content(number):
    return str(number).encode()


def facts(number):
    """Every combination of folder, date, camera, size and format turns up."""
    taken = (None, "2023-12-31T23:59:59", "2024-05-31T08:00:00.5", "2024-06-01T00:00:00")[
        number % 4
    ]
    camera = ("Canon EOS 5D", "Apple iPhone 15", None)[number % 3]
    kind = ("JPEG", "PNG")[number % 2]
    digest = hashlib.sha256(content(number)).digest()
    return ImageFacts(digest, 100 * (number % 7), 50 * (number % 5), kind, taken, camera, 3)


def path(number):
    return f"{('a', 'a/b', 'ab')[number % 3]}/IMG_{number}.{('jpg', 'png')[number % 2]}"


@pytest.fixture(scope="module")
def world():
    drawn = np.random.default_rng(3).standard_normal((COUNT, 16)).astype(np.float32)
    rows = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name).resolve() / "photos"
        root.mkdir()
        with open_for_writing(root / ".imgsearch") as store, store.catalog.transaction():
            store.catalog.set_identity(IDENTITY)
            [walk] = add_roots(store.catalog, [root])
            generation = store.catalog.next_generation()
            for number, row in enumerate(rows):
                stamp = FileStamp(walk.root_id, path(number), 1, 1)
                store.catalog.put_image(IndexedFile(stamp, facts(number), row), generation)
        with open_for_reading(root / ".imgsearch") as store:
            yield root, rows, store


def passes(only, root, number):
    of = facts(number)
    whole = str(root / path(number))
    return all(
        (
            not only.paths or any(fnmatch.fnmatchcase(whole, f"*/{glob}") for glob in only.paths),
            not only.folders
            or any((root / path(number)).is_relative_to(folder) for folder in only.folders),
            only.since is None or (of.taken is not None and of.taken >= only.since),
            only.until is None
            or (of.taken is not None and of.taken[: len(only.until)] <= only.until),
            only.camera is None
            or (of.camera is not None and only.camera.lower() in of.camera.lower()),
            of.width >= only.min_width and of.height >= only.min_height,
            of.width * of.height >= only.min_pixels,
            not only.formats or of.format in only.formats,
        )
    )


DATES = st.sampled_from([None, None, "2023", "2024", "2024-05", "2024-05-31", "2024-06-01T00:00"])
ASKED = {
    "paths": st.sampled_from([(), (), ("*.jpg",), ("b/*", "IMG_1?.png"), ("a/*",), ("no",)]),
    "inside": st.sampled_from([(), (), ("",), ("a",), ("a/b", "ab"), ("..",), ("absent",)]),
    "since": DATES,
    "until": DATES,
    "camera": st.sampled_from([None, None, "canon", "PHONE", "Leica"]),
    "min_width": st.sampled_from([0, 0, 200, 600]),
    "min_height": st.sampled_from([0, 0, 100]),
    "min_pixels": st.sampled_from([0, 0, 30_000]),
    "formats": st.sampled_from([(), (), ("JPEG",), ("PNG", "GIF")]),
}


@settings(deadline=None, max_examples=80)
@given(st.fixed_dictionaries(ASKED), st.integers(0, COUNT - 1), st.sampled_from([1, 5, 400]))
def test_a_filtered_answer_equals_brute_force_over_the_filtered_rows(world, asked, number, k):
    root, rows, store = world
    folders = tuple(root.joinpath(name) for name in asked.pop("inside"))
    only = Filter(folders=folders, **asked)
    expected = [
        n for n in range(COUNT) if passes(Filter(**asked), root, n) and _inside(root, n, folders)
    ]
    scores = exact_scores(rows[[number]], rows)[0]
    expected.sort(key=lambda n: (-scores[n], n))

    query = QueryImage(content(number), "q")
    [hits] = search_gallery(store, [query], QueryOptions(k=k, only=only), None)

    assert len(hits) == min(k, len(expected))
    assert [hit.path for hit in hits] == [root / path(n) for n in expected[:k]]
    np.testing.assert_allclose([h.score for h in hits], scores[expected[:k]], atol=1e-6)


def _inside(root, number, folders):
    place = root / path(number)
    return not folders or any(place.is_relative_to(folder.resolve()) for folder in folders)

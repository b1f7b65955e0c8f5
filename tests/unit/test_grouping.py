"""Copies among the hits become one hit."""

import shutil
from pathlib import Path

import pytest

from imgsearch.gallery.store import open_for_reading
from imgsearch.grouping import search_grouped
from imgsearch.query import QueryImage, QueryOptions

PHOTOS = Path(__file__).parents[2] / "data" / "photos"
COPIES = {
    "cat-reencoded.jpg": "cat.jpg",
    "dog-turned.jpg": "dog.jpg",
    "coffee-mirrored.jpg": "coffee.jpg",
}


@pytest.fixture(scope="module")
def zoo(make_lab):
    """Three photos, a copy of each, and two others; to the tests' embedder all are much alike."""
    lab = make_lab()
    for name in ("cat.jpg", "dog.jpg", "coffee.jpg", "owl.jpg", "tabby-cat.jpg"):
        shutil.copy(PHOTOS / name, lab.root)
    for name in COPIES:
        shutil.copy(PHOTOS / "copies" / name, lab.root)
    shutil.copy(PHOTOS / "owl.jpg", lab.root / "owl again.jpg")
    lab.update()
    return lab


def ask(lab, *names, **options):
    queries = [QueryImage(lab.root / name, name) for name in names]
    with open_for_reading(lab.gallery) as store:
        answers = search_grouped(store, queries, QueryOptions(**options), lab.make_embedder)
    return [
        [(hit.rank, hit.path.name, [copy.path.name for copy in hit.copies]) for hit in hits]
        for hits in answers
    ]


def test_a_hit_stands_for_its_copies_whatever_was_done_to_them(zoo):
    (hits,) = ask(zoo, "owl.jpg")

    assert hits[0] == (1, "owl.jpg", ["owl again.jpg"])
    assert [rank for rank, _, _ in hits] == [1, 2, 3, 4, 5]
    groups = [{name, *copies} for _, name, copies in hits]
    assert all({copy, of} in groups for copy, of in COPIES.items())
    assert {"tabby-cat.jpg"} in groups


def test_the_query_itself_stands_for_its_copies(zoo):
    (hits,) = ask(zoo, "cat-reencoded.jpg", k=1)

    assert hits == [(1, "cat-reencoded.jpg", ["cat.jpg"])]


def test_as_many_groups_come_back_as_were_asked_for(lab):
    for number in range(30):  # more than are looked at in the first round
        shutil.copy(PHOTOS / "cat.jpg", lab.root / f"cat {number:02}.jpg")
    lab.paint("red.png", "#f00")
    lab.update()

    (hits,) = ask(lab, "cat 00.jpg", k=2)

    assert [(name, len(copies)) for _, name, copies in hits] == [("cat 00.jpg", 29), ("red.png", 0)]


def test_each_of_several_queries_is_answered_by_itself(zoo):
    first, second = ask(zoo, "dog.jpg", "coffee-mirrored.jpg", k=1)

    assert first == [(1, "dog.jpg", ["dog-turned.jpg"])]
    assert second == [(1, "coffee-mirrored.jpg", ["coffee.jpg"])]


def test_files_that_are_gone_are_grouped_by_their_bytes_alone(lab):
    for name in ("cat.jpg", "copies/cat-reencoded.jpg", "owl.jpg"):
        shutil.copy(PHOTOS / name, lab.root)
    for name in ("gone 1.jpg", "gone 2.jpg"):
        shutil.copy(PHOTOS / "copies" / "cat-reencoded.jpg", lab.root / name)
    lab.update()
    for name in ("gone 1.jpg", "gone 2.jpg", "cat-reencoded.jpg"):
        (lab.root / name).unlink()

    (hits,) = ask(lab, "cat.jpg")

    assert sorted(len(copies) for _, _, copies in hits) == [0, 0, 2]

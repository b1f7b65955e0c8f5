"""The query: which pictures come back, in which order, with which scores."""

import os

import numpy as np
import pytest

from imgsearch.errors import GalleryNotFoundError, ImageReadError
from imgsearch.gallery.store import open_for_writing
from imgsearch.index.exact import ExactIndex
from imgsearch.index.faiss_halves import QUERIES_WORTH_MATRICES
from imgsearch.index.faiss_index import FaissIndex
from imgsearch.query import QueryImage, QueryOptions, compare_images, search_gallery


def test_hits_come_best_first_with_rank_score_path_and_id(three):
    hits = three.search(three.root / "a.png")

    assert [(hit.rank, round(hit.score, 3), hit.path, hit.image_id) for hit in hits] == [
        (1, 1.0, three.root / "a.png", 1),
        (2, 0.707, three.root / "b.png", 2),
        (3, 0.0, three.root / "c.png", 3),
    ]


def test_an_indexed_query_is_not_embedded(three):
    made = three.made

    three.search(three.root / "a.png")

    assert three.made == made


def test_a_query_from_outside_is_embedded(three, tmp_path):
    before = three.embedder.pictures
    path = three.paint("q.png", "#00f", root=tmp_path)

    assert three.hits(path) == [("a.png", 0.0), ("b.png", 0.0), ("c.png", 0.0)]
    assert three.embedder.pictures == before + 1


def test_an_indexed_query_comes_first_among_its_copies(three):
    for name in ("0.png", "z.png"):
        three.write(name, (three.root / "a.png").read_bytes())
    three.update()

    for name in ("0.png", "a.png", "z.png"):
        hit = three.search(three.root / name, k=1)[0]
        assert (hit.path.name, hit.score) == (name, 1.0)
    assert [name for name, _ in three.hits(three.root / "z.png", k=3)] == [
        "z.png",
        "a.png",
        "0.png",
    ]


def test_a_query_may_leave_itself_out_but_not_its_copies(three):
    three.write("copy.png", (three.root / "a.png").read_bytes())
    three.update()

    hits = three.hits(three.root / "a.png", exclude_self=True, k=2)

    assert hits == [("copy.png", 1.0), ("b.png", 0.707)]


def test_a_query_spelt_another_way_is_still_itself(three, monkeypatch, tmp_path):
    (tmp_path / "link").symlink_to(three.root)
    (tmp_path / "file").symlink_to(three.root / "c.png")
    monkeypatch.chdir(three.root)

    for spelling in ("c.png", "../photos/./c.png", tmp_path / "link/c.png", tmp_path / "file"):
        source = type(tmp_path)(spelling)
        assert three.search(source, k=1)[0].image_id == 3
        assert 3 not in [hit.image_id for hit in three.search(source, exclude_self=True)]


def test_a_file_that_has_changed_since_is_not_taken_for_its_row(three):
    three.paint("a.png", "#0f0")  # now the colour of c

    assert three.hits(three.root / "a.png", k=2) == [("c.png", 1.0), ("b.png", 0.707)]
    assert three.hits(three.root / "a.png") == [("c.png", 1.0), ("b.png", 0.707), ("a.png", 0.0)]
    assert three.hits(three.root / "a.png", exclude_self=True) == [
        ("c.png", 1.0),
        ("b.png", 0.707),
    ]


def test_a_file_changed_to_something_new_is_embedded_anew(three):
    three.paint("a.png", "#00f")

    assert [score for _, score in three.hits(three.root / "a.png")] == [0.0, 0.0, 0.0]


def test_the_minimum_is_inclusive(three):
    source = three.root / "a.png"

    assert len(three.hits(source, min_score=1.0)) == 1
    assert len(three.hits(source, min_score=2**-0.5)) == 2
    assert len(three.hits(source, min_score=0.708)) == 1
    assert len(three.hits(source, min_score=0.0)) == 3


def test_more_hits_than_pictures_are_all_pictures(three):
    assert len(three.hits(three.root / "a.png", k=1000)) == 3


def test_bytes_are_a_query_without_a_row(three):
    content = (three.root / "a.png").read_bytes()

    assert three.hits(content, k=2, exclude_self=True) == [("a.png", 1.0), ("b.png", 0.707)]


def test_several_queries_are_embedded_in_one_batch(three, tmp_path):
    calls = three.embedder.calls
    colours = ["#f10", "#0f1", "#00f"]
    paths = [
        three.paint(f"{number}.png", colour, root=tmp_path) for number, colour in enumerate(colours)
    ]
    images = [QueryImage(path, path.name) for path in (*paths, three.root / "c.png")]
    with three.reader() as store:
        answers = search_gallery(store, images, QueryOptions(k=1), three.make_embedder)
        nothing = search_gallery(store, [], QueryOptions(), three.make_embedder)

    assert [hits[0].path.name for hits in answers] == ["a.png", "c.png", "a.png", "c.png"]
    assert nothing == []
    assert three.embedder.calls == calls + 1


@pytest.mark.parametrize("options", [{}, {"exclude_self": True}, {"expand": True, "k": 3}])
def test_many_queries_are_one_search_and_each_is_answered_as_if_alone(lab, monkeypatch, options):
    paths = [
        lab.paint(f"{n:02}.png", (n * 20, 255 - n * 20, 9 * n))
        for n in range(QUERIES_WORTH_MATRICES)
    ]
    lab.write("copy.png", paths[3].read_bytes())
    lab.update()
    alone = [lab.search(path, **options) for path in paths]
    searches = []
    search = FaissIndex.search
    monkeypatch.setattr(
        FaissIndex, "search", lambda *given: (searches.append(given), search(*given))[1]
    )

    with lab.reader() as store:
        queries = [QueryImage(path, path.name) for path in paths]
        together = search_gallery(store, queries, QueryOptions(**options), lab.make_embedder)

    assert together == alone
    assert len(searches) == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "no such file"), (b"", "empty"), (b"no picture" * 9, "cannot read")],
)
def test_a_query_that_cannot_be_read_is_named_with_its_reason(three, tmp_path, content, reason):
    path = tmp_path / "query.png"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ImageReadError, match=r"query\.png") as caught:
        three.search(path)
    assert reason in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"no picture" * 9])
def test_bytes_that_are_no_picture_are_refused(three, content):
    with pytest.raises(ImageReadError, match="<bytes>"):
        three.search(content)


def test_a_query_over_the_limit_of_pixels_is_refused(three, tmp_path):
    path = three.paint("q.png", "#00f", root=tmp_path, size=11)

    with pytest.raises(ImageReadError, match="limit"):
        three.search(path, max_pixels=120)


def test_a_gallery_without_pictures_says_how_to_add_some(lab, tmp_path):
    lab.update()
    path = lab.paint("q.png", "#f00", root=tmp_path)

    with pytest.raises(GalleryNotFoundError, match="holds no pictures; add some"):
        lab.search(path)


def test_a_gallery_that_never_held_anything_is_not_searched(lab):
    with open_for_writing(lab.gallery):
        pass

    with pytest.raises(GalleryNotFoundError, match="it is empty; make one"):
        lab.search(lab.root)


@pytest.mark.parametrize(
    "wrong", [{"k": 0}, {"k": -1}, {"min_score": 1.01}, {"min_score": float("nan")}]
)
def test_impossible_options_are_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be"):
        QueryOptions(**wrong)


def test_answers_equal_the_oracles(lab, tmp_path):
    drawn = np.random.default_rng(5).integers(1, 256, (50, 3))
    for number, colour in enumerate(drawn.tolist()):
        lab.paint(f"{number:02}.png", tuple(colour))
    lab.update()
    oracle = ExactIndex(3)
    with lab.reader() as store:
        for ids, embeddings in store.catalog.iterate_embeddings(3):
            oracle.add(ids, embeddings)

    for number, colour in enumerate(drawn[:10] // 2 + 40):
        path = lab.paint(f"q{number}.png", tuple(colour.tolist()), root=tmp_path)
        query = (colour / np.linalg.norm(colour)).astype(np.float32)[np.newaxis]
        wanted = oracle.search(query, 7)[0]
        hits = lab.search(path, k=7)
        assert [hit.score for hit in hits] == pytest.approx(wanted.scores.tolist(), abs=1e-6)
        assert len({hit.image_id for hit in hits}) == 7
        for hit in hits:
            score = oracle.reconstruct(np.array([hit.image_id]))[0] @ query[0]
            assert hit.score == pytest.approx(float(score), abs=1e-6)


def test_the_score_of_two_pictures_is_their_cosine(lab):
    red, yellow = lab.paint("a.png", "#f00"), lab.paint("b.png", "#ff0")

    def compare(one, other):
        images = [QueryImage(source, os.fsdecode(str(source))) for source in (one, other)]
        return compare_images(*images, lab.embedder, max_pixels=100)

    assert compare(red, yellow) == pytest.approx(2**-0.5)
    assert compare(red, red.read_bytes()) == 1.0
    with pytest.raises(ImageReadError, match="no such file"):
        compare(red, lab.root / "missing.png")


def paint_many(lab):
    random = np.random.default_rng(5)
    for number in range(30):
        lab.paint(f"{number:02}.png", tuple(random.integers(1, 256, 3).tolist()))
    lab.update()


def test_expansion_changes_the_order_and_neither_hits_nor_scores(lab):
    paint_many(lab)

    plain = lab.search(lab.root / "00.png", k=30)
    expanded = lab.search(lab.root / "00.png", k=30, expand=True)

    assert [hit.image_id for hit in plain] != [hit.image_id for hit in expanded]
    assert {hit.image_id: hit.score for hit in plain} == {
        hit.image_id: hit.score for hit in expanded
    }
    assert [hit.rank for hit in expanded] == list(range(1, 31))
    assert (expanded[0].path.name, expanded[0].score) == ("00.png", 1.0)


def test_an_expanded_answer_begins_alike_however_many_hits_are_wanted(lab):
    paint_many(lab)
    source = lab.root / "00.png"

    assert lab.hits(source, k=30, expand=True)[:5] == lab.hits(source, k=5, expand=True)


def test_the_minimum_of_an_expanded_answer_is_of_the_plain_cosine(lab):
    paint_many(lab)
    everything = lab.search(lab.root / "00.png", k=30, expand=True)

    hits = lab.search(lab.root / "00.png", k=30, expand=True, min_score=0.9)

    assert [hit.image_id for hit in hits] == [
        hit.image_id for hit in everything if hit.score >= 0.9
    ]


def test_a_gallery_of_no_preset_is_not_expanded_unless_told(lab):
    paint_many(lab)
    source = lab.root / "00.png"

    assert lab.hits(source, k=30) == lab.hits(source, k=30, expand=False)

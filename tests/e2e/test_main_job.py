"""The main job on real photos with the true weights: index, query, compare, check, export, info."""

from __future__ import annotations

import base64
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.weights

PHOTO_COUNT = 58


def names(document: dict, query: int = 0) -> list[str]:
    return [Path(hit["path"]).name for hit in document["queries"][query]["hits"]]


def test_index_answers_with_what_it_did(indexed, photos):
    answer = indexed.document

    assert answer["gallery"] == str(photos / ".imgsearch")
    assert answer["images"] == answer["added"] == PHOTO_COUNT
    assert answer["failed"] == []


def test_a_second_index_embeds_nothing(imgsearch, photos, indexed):
    again = imgsearch("index", photos, "--json").document

    assert (again["added"], again["updated"], again["unchanged"]) == (0, 0, PHOTO_COUNT)


def test_an_indexed_query_comes_first_with_score_one(imgsearch, photos, gallery):
    answer = imgsearch("query", photos / "cat.jpg", "-k", 3, "--gallery", gallery)

    assert answer.lines[0] == f"1.000\t{photos / 'cat.jpg'}"
    assert len(answer.lines) == 3


@pytest.mark.parametrize(
    ("photo", "copy"),
    [
        ("mountain-lake.jpg", "mountain-lake-resized.jpg"),
        ("cat.jpg", "cat-reencoded.jpg"),
        ("trip/temple.jpg", "temple-cropped.jpg"),
        ("dog.jpg", "dog-turned.jpg"),
        ("sunflower.jpg", "sunflower-as-webp.webp"),
        ("trip/red-rock.jpg", "red-rock (1).jpg"),
    ],
)
def test_a_copy_is_the_best_hit_of_its_original(imgsearch, photos, gallery, photo, copy):
    query = ("query", photos / photo, "-k", 1, "--exclude-self", "--gallery", gallery, "--json")

    assert names(imgsearch(*query).document) == [copy]


def test_a_picture_from_outside_is_embedded_and_finds_its_like(
    imgsearch, photos, gallery, tmp_path
):
    from PIL import Image

    outside = tmp_path / "holiday.png"
    Image.open(photos / "trip" / "temple.jpg").resize((300, 220)).save(outside)

    found = imgsearch("query", outside, "-k", 1, "--gallery", gallery, "--json").document

    assert names(found) == ["temple.jpg"]
    assert 0.95 < found["queries"][0]["hits"][0]["score"] < 1


def test_several_queries_are_answered_in_their_order(imgsearch, photos, gallery):
    queries = [photos / "dog.jpg", photos / "owl.jpg"]

    answer = imgsearch("query", *queries, "-k", 1, "--gallery", gallery)

    assert answer.lines == [
        f"# {photos / 'dog.jpg'}",
        f"1.000\t{photos / 'dog.jpg'}",
        f"# {photos / 'owl.jpg'}",
        f"1.000\t{photos / 'owl.jpg'}",
    ]


def test_a_dash_reads_the_query_from_standard_input(imgsearch, photos, gallery):
    content = (photos / "dog.jpg").read_bytes()

    answer = imgsearch("query", "-", "-k", 1, "--gallery", gallery, "--json", stdin=content)

    assert answer.document["queries"][0]["query"] == "-"
    assert names(answer.document) == ["dog.jpg"]


def test_k_beyond_the_gallery_returns_all(imgsearch, photos, gallery):
    query = ("query", photos / "dog.jpg", "-k", 100_000, "--gallery", gallery, "--json")

    assert len(names(imgsearch(*query).document)) == PHOTO_COUNT


def test_min_score_leaves_out_what_is_below(imgsearch, photos, gallery):
    query = ("query", photos / "dog.jpg", "--min-score", 0.999, "--gallery", gallery, "--json")

    assert names(imgsearch(*query).document) == ["dog.jpg", "dog-turned.jpg"]


def test_a_query_of_an_indexed_picture_loads_no_network(imgsearch, photos, gallery):
    # A weight file that cannot be read would be an error if it were opened.
    answer = imgsearch(
        "query", photos / "dog.jpg", "--gallery", gallery, IMGSEARCH_WEIGHTS="/no/such/file.h5"
    )

    assert answer.code == 0


def test_check_finds_faiss_and_scikit_learn_in_agreement(imgsearch, gallery):
    answer = imgsearch("check", "--gallery", gallery, "--json")

    assert answer.code == 0
    assert answer.document["healthy"] is True
    assert answer.document["sampled"] == PHOTO_COUNT
    assert answer.document["max_score_difference"] <= 1e-5


def test_export_writes_paths_and_unit_rows(imgsearch, gallery, tmp_path):
    answer = imgsearch("export", tmp_path / "vectors.npz", "--gallery", gallery)

    assert answer.code == 0
    archive = np.load(tmp_path / "vectors.npz", allow_pickle=False)
    assert archive["embeddings"].shape == (PHOTO_COUNT, 512)
    assert archive["embeddings"].dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(archive["embeddings"], axis=1), 1, atol=1e-5)
    assert all(Path(path).is_file() for path in archive["paths"])


def test_info_says_what_made_the_vectors(imgsearch, gallery):
    facts = imgsearch("info", "--gallery", gallery, "--json").document

    assert facts["preset"] == "default"
    assert facts["embedder"]["weights"].startswith("d9a27cc1")
    assert facts["images"] == PHOTO_COUNT
    assert facts["auto_precision"].startswith(f"{facts['precisions'][0]}, as this processor has ")


def test_the_nearest_gallery_above_the_working_directory_is_used(imgsearch, photos, gallery):
    assert imgsearch("query", "red-rock.jpg", "-k", 1, cwd=photos / "trip").lines == [
        f"1.000\t{photos / 'trip' / 'red-rock.jpg'}"
    ]


def test_a_gallery_that_moves_with_its_folder_keeps_working(imgsearch, photos, gallery, tmp_path):
    moved = tmp_path / "moved"
    shutil.copytree(photos, moved)

    again = imgsearch("index", moved, "--json").document
    found = imgsearch("query", moved / "dog.jpg", "-k", 1, "--gallery", moved / ".imgsearch")

    assert (again["added"], again["updated"], again["unchanged"]) == (0, 0, PHOTO_COUNT)
    assert found.lines == [f"1.000\t{moved / 'dog.jpg'}"]


def test_names_that_are_no_utf8_or_hold_a_newline_survive(imgsearch, photos, tmp_path):
    odd = tmp_path / "odd"
    odd.mkdir()
    for name in (b"caf\xe9.jpg", b"two\nlines.jpg"):
        shutil.copy(photos / "dog.jpg", odd / os.fsdecode(name))

    indexed = imgsearch("index", odd, "--json")
    query = (odd / os.fsdecode(b"caf\xe9.jpg"), "-k", 2, "--gallery", odd / ".imgsearch")
    plain = imgsearch("query", *query)
    hits = imgsearch("query", *query, "--json").document["queries"][0]["hits"]

    assert indexed.document["added"] == 2
    assert plain.out.splitlines()[0].endswith(b"/odd/caf\xe9.jpg")
    assert plain.out.splitlines()[1].endswith(b"/odd/two\\nlines.jpg")
    assert base64.b64decode(hits[0]["path_bytes"]).endswith(b"/odd/caf\xe9.jpg")
    assert hits[0]["path"].endswith("/odd/caf\ufffd.jpg")
    assert "path_bytes" not in hits[1]
    assert hits[1]["path"].endswith("two\nlines.jpg")

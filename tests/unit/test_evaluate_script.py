"""What scripts/evaluate makes and computes; the programs that it runs are not run here."""

import argparse

import evaluate
import numpy as np
import pytest
from copies.collection import Recipe, kind_of, make_collection, photos_in
from copies.detectors import Detection
from copies.figures import figures_of, markdown, mistakes_markdown
from copies.labelled import called_by_kind, labelled_markdown, read_pairs
from PIL import Image

from imgsearch.evaluation.edits import EDITS

RECIPE = Recipe(families=2, edits=[EDITS["mirror"], EDITS["grey"]], lookalikes=1, seed=3)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Forty different photos; the last one is there twice."""
    folder = tmp_path_factory.mktemp("photos")
    for number in range(40):
        patches = np.random.default_rng(number).integers(0, 256, (6, 8, 3)).astype(np.uint8)
        photo = Image.fromarray(patches).resize((120, 90), Image.Resampling.BICUBIC)
        photo.save(folder / f"{number:02}.png")
    (folder / "again.png").write_bytes((folder / "39.png").read_bytes())
    return photos_in(folder)


@pytest.fixture(scope="module")
def collection(photos, tmp_path_factory):
    root = tmp_path_factory.mktemp("made") / "collection"
    make_collection(root, photos[:30], photos[30:], RECIPE)
    return root


@pytest.fixture
def family(collection):
    return {path.stem: path for path in (collection / "families" / "0000").iterdir()}


def test_a_family_holds_the_original_and_a_copy_for_each_edit(collection):
    for folder in (collection / "families").iterdir():
        assert {path.stem for path in folder.iterdir()} == {"original", "mirror", "grey"}
    assert len(list((collection / "families").iterdir())) == 2


def test_no_photo_is_used_twice(collection):
    distractors = list((collection / "distractors").iterdir())
    # 40 different ones: 2 are edited, and 22 go into the eleven kinds of look-alikes.
    assert len(distractors) == 40 - 2 - 22


def test_the_same_recipe_makes_the_same_files(photos, collection, tmp_path):
    make_collection(tmp_path / "again", photos[:30], photos[30:], RECIPE)
    for path in photos_in(collection):
        copy = tmp_path / "again" / path.relative_to(collection)
        assert copy.read_bytes() == path.read_bytes()


def test_figures_count_what_was_called_a_copy(collection, family):
    distractor = photos_in(collection / "distractors")[0]
    found = Detection("somebody")
    found.add(family["original"], family["mirror"], 0.9, called=True)
    found.add(family["grey"], family["original"], 0.5, called=False)
    found.add(family["grey"], distractor, 0.7, called=True)

    figures = figures_of(found, collection)

    # Two families of three files have six pairs of copies; one was called.
    assert figures.recall == pytest.approx(1 / 6)
    assert figures.precision == 0.5
    # Ranked: a copy, an error, a copy.
    assert figures.micro_average_precision == pytest.approx((1 + 2 / 3) / 6)
    assert figures.recall_at_precision == pytest.approx(1 / 6)
    assert figures.edits == {"grey": 0, "mirror": 0.5}
    assert figures.false_pairs == {"distractors and edits of others": 1}
    assert [set(pair) for pair in figures.examples] == [
        {path.relative_to(collection).as_posix() for path in (family["grey"], distractor)}
    ]


def test_a_pair_of_look_alikes_is_named_by_its_kind(collection):
    frames = photos_in(collection / "lookalikes" / "same app-0000")
    found = Detection("somebody")
    found.add(frames[1], frames[0], 1.0, called=True)
    assert kind_of(frames[0]) == "same app"
    assert figures_of(found, collection).false_pairs == {"same app": 1}


def test_tables_have_a_column_for_each_program(collection, family):
    found = [Detection("one"), Detection("other")]
    found[0].add(family["original"], family["mirror"], 0.9, called=True)
    figures = [figures_of(each, collection) for each in found]
    lines = markdown(figures).splitlines()
    assert lines[0] == "|  | one | other |"
    assert "| *mirror* | 0.500 | 0.000 |" in lines
    assert "| precision | 1.0000 | 1.0000 |" in lines
    assert mistakes_markdown(figures).splitlines()[0] == "| wrongly called copies | one | other |"


def test_labelled_pairs_are_counted_by_kind(tmp_path):
    for name in ("a/1.jpg", "a/2.jpg", "b/3.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    labels = tmp_path / "pairs.csv"
    labels.write_text("a,b,kind,verdict\na/2.jpg,a/1.jpg,crop,dup\na/1.jpg,b/3.jpg,twins,notdup\n")
    pairs = read_pairs(labels)
    found = Detection("somebody")
    found.add(tmp_path / "a/1.jpg", tmp_path / "a/2.jpg", 1.0, called=True)
    found.add(tmp_path / "a/2.jpg", tmp_path / "b/3.jpg", 1.0, called=True)

    counts = called_by_kind(found, pairs)

    assert pairs.root == tmp_path
    assert counts == {
        "crop (dup)": (1, 1),
        "twins (notdup)": (0, 1),
        "not listed, in one folder": (0, 0),
        "not listed, in two folders": (1, 0),
    }
    assert "| crop (dup) | 1 | 1 |" in labelled_markdown(["somebody"], [counts]).splitlines()


def test_an_unknown_edit_is_refused_by_name():
    with pytest.raises(argparse.ArgumentTypeError, match="melt is none of"):
        evaluate.edit_names("crop,melt")
    assert evaluate.edit_names("crop,grey") == ["crop", "grey"]


def test_photos_on_a_list_are_left_out(photos, tmp_path):
    listed = photos[0].parent / "known.txt"
    listed.write_text("again.png\n01.png\n")
    root = tmp_path / "collection"
    wanted = argparse.Namespace(
        photos=photos[0].parent,
        distractors=[],
        without=evaluate.listed(str(listed)),
        part="tune",
        families=1,
        lookalikes=0,
        edits=["grey"],
        seed=1,
    )
    evaluate.fill(root, wanted)
    contents = [path.read_bytes() for path in photos_in(root)]
    assert photos[1].name == "01.png"
    assert photos[1].read_bytes() not in contents
    assert len(contents) == 39 + 1  # the family's copy is one more


def test_too_few_photos_are_said_to_be_too_few(photos, tmp_path):
    wanted = argparse.Namespace(
        photos=photos[0].parent,
        distractors=[],
        without=frozenset(),
        part="measure",
        families=500,
        lookalikes=0,
        edits=["grey"],
        seed=1,
    )
    with pytest.raises(SystemExit, match="500 are needed"):
        evaluate.fill(tmp_path / "collection", wanted)

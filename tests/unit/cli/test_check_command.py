"""`imgsearch check` looks at every model's vectors in a gallery, or at those of one."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace

import pytest
from conftest import COLOUR, ColourEmbedder
from typer.testing import CliRunner

from imgsearch.cli.main import app
from imgsearch.gallery.models import gallery_of_model
from imgsearch.gallery.report import UpdateOptions
from imgsearch.gallery.schema import CATALOG_NAME
from imgsearch.gallery.update import update_gallery

OTHER = replace(COLOUR, model="other-colour", weights="d1" * 32)


class OtherEmbedder(ColourEmbedder):
    identity = OTHER


@pytest.fixture
def inner(three):
    """The folder of a second model's gallery, inside that of `three`."""
    folder = gallery_of_model(three.gallery, OTHER.model)
    update_gallery(
        folder,
        [three.root],
        identity=OTHER,
        make_embedder=lambda _identity: OtherEmbedder(),
        options=UpdateOptions(jobs=2),
    )
    return folder


@pytest.fixture
def check(three):
    return lambda *options: CliRunner().invoke(app, ["check", "--gallery", three.gallery, *options])


def damage(folder):
    connection = sqlite3.connect(folder / CATALOG_NAME)
    with connection:
        connection.execute("UPDATE embeddings SET vector = zeroblob(12) WHERE image_id = 2")
    connection.close()


def test_a_gallery_of_one_model_is_told_in_one_line(check):
    answer = check()

    assert answer.exit_code == 0
    assert answer.stdout.startswith("sound: 3 images; ")
    assert json.loads(check("--json").stdout)["models"] == []


def test_every_model_is_told_by_its_name(check, inner):
    answer = check()

    assert (answer.exit_code, answer.stderr) == (0, "")
    first, second = answer.stdout.splitlines()
    assert first.startswith("sound: 3 images; ")
    assert second == f"other-colour: {first}"


def test_what_is_wrong_with_another_model_is_a_problem_and_can_be_mended(check, inner):
    damage(inner)
    problem = "the vector of image 2 is damaged; run `imgsearch check --repair`"

    answer, document = check(), json.loads(check("--json").stdout)

    assert answer.exit_code == 1
    assert answer.stdout.splitlines()[0].startswith("sound: 3 images; ")
    assert answer.stderr.splitlines() == [f"problem: other-colour: {problem}"]
    assert (document["healthy"], document["problems"]) == (False, [])
    [model] = document["models"]
    assert (model["name"], model["gallery"]) == ("other-colour", str(inner))
    assert (model["healthy"], model["problems"]) == (False, [problem])

    check("--repair")
    assert "run `imgsearch index`" in check().stderr  # the vector is made anew by the next update


def test_only_the_model_that_is_named_is_looked_at(check, three, inner):
    damage(three.gallery)

    answer = check("--model", "other-colour")

    assert answer.exit_code == 0
    assert answer.stdout.startswith("sound: 3 images; ")
    assert check().exit_code == 1


def test_a_model_that_cannot_be_opened_hides_no_other(check, inner):
    (inner / CATALOG_NAME).write_bytes(b"no database at all" * 100)

    answer = check()

    assert answer.exit_code == 1
    assert answer.stdout.startswith("sound: 3 images; ")
    [line] = answer.stderr.splitlines()
    assert line.startswith("problem: other-colour: ")


def test_a_model_that_was_only_begun_is_no_problem(check, inner):
    for path in inner.iterdir():
        path.unlink()
    (inner / CATALOG_NAME).touch()

    answer = check()

    assert answer.exit_code == 0
    [line] = answer.stderr.splitlines()
    assert line.startswith("note: other-colour: ")

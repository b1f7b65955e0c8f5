"""The number that the classic Keras and scikit-learn steps give, made with their own code."""

from __future__ import annotations

import itertools
import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from imgsearch.cli.main import app

pytestmark = pytest.mark.weights

PHOTOS = Path(__file__).parents[2] / "data" / "photos"
# Of each kind one: plain JPEG, an EXIF turn, grey PNG, palette GIF, WebP with another aspect.
CHOSEN = ["cat.jpg", "copies/dog-turned.jpg", "bricks.png", "space/earthrise.gif", "tulips.webp"]


def find(name: str) -> Path:
    path = PHOTOS / name
    return path if path.exists() else next(PHOTOS.rglob(Path(name).name))


@pytest.fixture(scope="module")
def classic_features() -> dict[str, np.ndarray]:
    """The tutorial, step by step, with Keras's own VGG16 on the true weights."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what TensorFlow's import says is not ours to mend
        from keras.applications.vgg16 import VGG16, preprocess_input
        from keras.utils import img_to_array, load_img

    from imgsearch.embedding.weights import load_weights

    model = VGG16(weights=None, include_top=False, pooling="avg", input_shape=(224, 224, 3))
    model.set_weights(list(load_weights().arrays().values()))
    features = {}
    for name in CHOSEN:
        pixels = img_to_array(load_img(find(name), target_size=(224, 224)))
        batch = preprocess_input(np.expand_dims(pixels, axis=0))
        features[name] = model.predict(batch, verbose=0).flatten()
    return features


def classic_score(features: dict[str, np.ndarray], one: str, other: str) -> float:
    from sklearn.metrics.pairwise import cosine_similarity

    return float(cosine_similarity([features[one]], [features[other]])[0, 0])


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(CHOSEN, 2))[:4])
@pytest.mark.parametrize("engine", ["openvino", "tensorflow"])
def test_compare_gives_the_tutorials_number(classic_features, one, other, engine):
    options = ["--preset", "tutorial", "--engine", engine, "--json"]

    # Not in a process of its own, which would load TensorFlow each time.
    answer = CliRunner().invoke(app, ["compare", str(find(one)), str(find(other)), *options])

    wanted = classic_score(classic_features, one, other)
    assert json.loads(answer.stdout)["score"] == pytest.approx(wanted, abs=1e-4)


def test_a_gallery_of_the_tutorial_preset_holds_the_tutorials_vectors(
    imgsearch, classic_features, tmp_path
):
    for name in CHOSEN:
        (tmp_path / "photos").mkdir(exist_ok=True)
        (tmp_path / "photos" / Path(name).name).write_bytes(find(name).read_bytes())
    imgsearch("index", tmp_path / "photos", "--preset", "tutorial")

    hits = imgsearch(
        "query",
        tmp_path / "photos" / "cat.jpg",
        "--json",
        "--gallery",
        tmp_path / "photos" / ".imgsearch",
    ).document["queries"][0]["hits"]

    found = {Path(hit["path"]).name: hit["score"] for hit in hits}
    wanted = {Path(name).name: classic_score(classic_features, "cat.jpg", name) for name in CHOSEN}
    assert found == pytest.approx(wanted, abs=1e-4)

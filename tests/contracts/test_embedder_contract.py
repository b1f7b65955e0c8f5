"""What every embedder promises, held against a fake one and against each engine."""

from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from networks import CARD, tiny_network, write_model
from PIL import Image

from imgsearch.embedding.onnx_model import ModelFile, OnnxEmbedder
from imgsearch.embedding.registry import create_embedder, identity_of
from imgsearch.embedding.vgg16 import check_batch, unit_rows
from imgsearch.embedding.weights import load_weights
from imgsearch.types import EmbedderIdentity, Preprocessing

PHOTOS = Path(__file__).parents[2] / "data" / "photos"
SIDE = 96  # the promises hold at every side; a small one keeps the reference engine quick


@dataclass(frozen=True)
class FakeEmbedder:
    """The mean colour of the picture's four quarters: twelve numbers."""

    identity = EmbedderIdentity("fake", "0" * 64, Preprocessing(SIDE, "faithful"), "avg", 12)
    precision = "fp32"

    def embed(self, batch):
        check_batch(batch, self.identity.preprocessing)
        quarters = batch.reshape(len(batch), 2, SIDE // 2, 2, SIDE // 2, 3).mean(axis=(2, 4))
        return unit_rows(quarters.reshape(len(batch), 12).astype(np.float32) + 1)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A cache folder of the module's own, with the weights in it."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMGSEARCH_CACHE", str(folder))
        patch.setenv("KERAS_HOME", str(folder / "no-keras"))
        patch.delenv("IMGSEARCH_WEIGHTS", raising=False)
        load_weights()
        yield folder


def model_file_embedder(folder):
    path = write_model(folder, tiny_network(side=SIDE), {**CARD, "size": SIDE})
    return OnnxEmbedder.create(ModelFile.read(path))


@pytest.fixture(scope="module")
def make(cache):
    """Return the embedder of a name, made once: no engine's, or an engine's with its precision."""
    made = {("fake", SIDE): FakeEmbedder(), ("model file", SIDE): model_file_embedder(cache)}

    def embedder_of(name, side=SIDE):
        if (name, side) not in made:
            engine, precision = name.split()
            identity = replace(identity_of("tutorial"), preprocessing=Preprocessing(side, "keras"))
            made[name, side] = create_embedder(identity, engine=engine, precision=precision)
        return made[name, side]

    return embedder_of


@pytest.fixture(
    params=[
        pytest.param(name, marks=[] if name in ("fake", "model file") else pytest.mark.weights)
        for name in (
            "fake",
            "model file",
            "tensorflow fp32",
            "tensorflow bf16",
            "openvino fp32",
            "openvino bf16",
            "openvino int8",
        )
    ]
)
def embedder(request, make):
    return make(request.param)


def load_photos(side):
    names = sorted(path for path in PHOTOS.iterdir() if path.suffix == ".jpg")[:5]
    return np.stack(
        [np.asarray(Image.open(name).convert("RGB").resize((side, side))) for name in names]
    )


@pytest.fixture(scope="module")
def photos():
    """Five photographs, shape (5, SIDE, SIDE, 3)."""
    return load_photos(SIDE)


@pytest.fixture(scope="module")
def full_photos():
    """The same at the size that VGG16 was trained on, shape (5, 224, 224, 3)."""
    return load_photos(224)


def test_rows_have_length_one(embedder, photos):
    embeddings = embedder.embed(photos)

    assert embeddings.shape == (5, embedder.identity.dim)
    assert embeddings.dtype == np.float32
    assert embeddings.flags.c_contiguous
    assert np.linalg.norm(embeddings, axis=1) == pytest.approx(np.ones(5), abs=1e-6)


def test_a_batch_of_n_gives_what_n_batches_of_one_give(embedder, photos):
    together = embedder.embed(photos)

    for row, photo in enumerate(photos):
        alone = embedder.embed(photo[np.newaxis])
        assert alone.shape == (1, embedder.identity.dim)
        assert alone[0] == pytest.approx(together[row], abs=1e-4)


def test_a_batch_longer_than_the_engine_takes_at_once_is_whole(embedder, photos):
    many = np.concatenate([photos] * 7)  # 35 pictures: more than one round of each engine

    embeddings = embedder.embed(many)

    for repeat in range(7):
        assert embeddings[5 * repeat : 5 * repeat + 5] == pytest.approx(embeddings[:5], abs=1e-4)


def test_rows_keep_the_order_of_the_batch(embedder, photos):
    forward = embedder.embed(photos)
    backward = embedder.embed(photos[::-1])

    assert backward[::-1] == pytest.approx(forward, abs=1e-4)
    assert (forward @ backward[::-1].T).argmax(axis=1).tolist() == [0, 1, 2, 3, 4]


def test_the_same_batch_gives_the_same_numbers_again(embedder, photos):
    assert np.array_equal(embedder.embed(photos), embedder.embed(photos))


def test_an_earlier_answer_is_not_overwritten_by_a_later_one(embedder, photos):
    first = embedder.embed(photos[:2])
    kept = first.copy()

    embedder.embed(photos[2:4])

    assert np.array_equal(first, kept)


def test_an_empty_batch_gives_no_rows(embedder):
    embeddings = embedder.embed(np.empty((0, SIDE, SIDE, 3), np.uint8))

    assert embeddings.shape == (0, embedder.identity.dim)
    assert embeddings.dtype == np.float32


def test_a_black_picture_has_a_direction_too(embedder):
    embeddings = embedder.embed(np.zeros((1, SIDE, SIDE, 3), np.uint8))

    assert np.linalg.norm(embeddings[0]) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("shape", [(SIDE, SIDE, 3), (1, SIDE, 80, 3), (1, 3, SIDE, SIDE)])
def test_a_batch_of_another_shape_is_refused(embedder, shape):
    with pytest.raises(ValueError, match="shape"):
        embedder.embed(np.zeros(shape, np.uint8))


def test_a_batch_of_floats_is_refused(embedder):
    with pytest.raises(ValueError, match="uint8"):
        embedder.embed(np.zeros((1, SIDE, SIDE, 3), np.float32))


def test_a_batch_that_is_not_contiguous_is_embedded_as_its_copy(embedder, photos):
    wide = np.repeat(photos[:2], 2, axis=2)[:, :, ::2]

    assert not wide.flags.c_contiguous
    assert np.array_equal(embedder.embed(wide), embedder.embed(photos[:2]))


def test_threads_that_share_an_embedder_get_their_own_answers(embedder, photos):
    expected = embedder.embed(photos)
    answers = {}

    def work(row):
        answers[row] = embedder.embed(photos[row : row + 1])[0]

    threads = [Thread(target=work, args=(row,)) for row in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert np.stack([answers[row] for row in range(5)]) == pytest.approx(expected, abs=1e-4)


@pytest.mark.weights
def test_openvino_in_fp32_agrees_with_keras(make, full_photos):
    reference = make("tensorflow fp32", 224).embed(full_photos)

    cosines = (make("openvino fp32", 224).embed(full_photos) * reference).sum(axis=1)

    assert cosines.min() >= 0.99999


@pytest.mark.weights
def test_openvino_in_its_fastest_lossless_precision_agrees_with_keras(make, full_photos):
    reference = make("tensorflow fp32", 224).embed(full_photos)

    cosines = (make("openvino bf16", 224).embed(full_photos) * reference).sum(axis=1)

    assert cosines.min() >= 0.9999


@pytest.mark.weights
def test_keras_itself_gives_what_the_reference_engine_gives(make, full_photos):
    import keras  # the oracle: the tutorial's own lines
    from keras.applications.vgg16 import VGG16, preprocess_input

    network = VGG16(weights=None, include_top=False, pooling="avg", input_shape=(224, 224, 3))
    network.set_weights(list(load_weights().arrays().values()))
    features = network.predict(preprocess_input(full_photos[:2].astype("float32")), verbose=0)
    expected = features / np.linalg.norm(features, axis=1, keepdims=True)

    assert keras.backend.backend() == "tensorflow"
    assert make("tensorflow fp32", 224).embed(full_photos[:2]) == pytest.approx(expected, abs=1e-6)

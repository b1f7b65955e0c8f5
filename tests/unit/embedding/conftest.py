"""Fixtures of the embedding tests: isolated folders, and the true weights loaded once."""

from pathlib import Path

import pytest

from imgsearch.embedding.weights import load_weights


@pytest.fixture(scope="session")
def weights_cache(tmp_path_factory):
    """A cache folder filled once a session from the extra `weights`: (folder, weights)."""
    folder = tmp_path_factory.mktemp("weights-cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMGSEARCH_CACHE", str(folder))
        patch.setenv("KERAS_HOME", str(folder / "no-keras"))
        patch.delenv("IMGSEARCH_WEIGHTS", raising=False)
        weights = load_weights()
    return folder, weights


@pytest.fixture
def weights(weights_cache):
    """The true weights of VGG16."""
    return weights_cache[1]


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    """Empty folders in place of the user's: returns the one of our cache and the one of Keras."""
    monkeypatch.setenv("IMGSEARCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv("IMGSEARCH_WEIGHTS", raising=False)
    (tmp_path / "keras" / "models").mkdir(parents=True)
    return Path(tmp_path / "cache"), Path(tmp_path / "keras" / "models")


@pytest.fixture
def use(monkeypatch):
    """Return a function that makes the filled cache of `weights_cache` the user's."""
    return lambda filled: monkeypatch.setenv("IMGSEARCH_CACHE", str(filled[0]))

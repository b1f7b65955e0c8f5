"""Measure the activation ranges of VGG16's layers on photos, for the int8 engine.

    python scripts/calibrate_int8.py data/photos > imgsearch/embedding/int8_ranges.json

For each layer it looks for the range that rounds to 256 levels with the least squared error: a
wider one wastes levels on a few extreme responses, a narrower one clips too many.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from imgsearch.embedding.openvino_library import openvino_core
from imgsearch.embedding.registry import identity_of
from imgsearch.embedding.vgg16 import LAYERS
from imgsearch.embedding.vgg16_graph import build_features
from imgsearch.embedding.weights import load_weights
from imgsearch.images.prepare import prepare

CANDIDATES = np.linspace(0.3, 1.0, 36)  # of the largest response
BINS = 4096


def main(folder: Path) -> None:
    preprocessing = identity_of("default").preprocessing
    model = build_features(load_weights(), taps=True)
    request = (
        openvino_core()
        .compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        .create_infer_request()
    )
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    batches = [
        prepare(path, preprocessing, name=path.name).network_input[np.newaxis] for path in paths
    ]
    largest = np.max([largest_responses(request, batch) for batch in batches], axis=0)
    histograms = sum(histogram_responses(request, batch, largest) for batch in batches)
    ranges = {
        name: round(best_range(counts, float(top)), 3)
        for name, counts, top in zip(LAYERS, histograms, largest, strict=True)
        if name != LAYERS[0]  # its input are pixels, whose range is known
    }
    json.dump(ranges, sys.stdout, indent=2)
    print()


def responses(request: Any, batch: np.ndarray) -> list[np.ndarray]:
    """Return what reaches each convolution."""
    request.infer([batch])
    return [np.abs(request.get_output_tensor(1 + number).data) for number in range(len(LAYERS))]


def largest_responses(request: Any, batch: np.ndarray) -> list[float]:
    return [float(layer.max()) for layer in responses(request, batch)]


def histogram_responses(request: Any, batch: np.ndarray, largest: np.ndarray) -> np.ndarray:
    return np.stack(
        [
            np.histogram(layer, bins=BINS, range=(0, float(top)))[0]
            for layer, top in zip(responses(request, batch), largest, strict=True)
        ]
    )


def best_range(counts: np.ndarray, largest: float) -> float:
    """Return the range with the least squared error over a histogram of responses."""
    centres = (np.arange(BINS) + 0.5) * largest / BINS
    errors = []
    for share in CANDIDATES:
        step = share * largest / 255
        rounded = np.minimum(np.rint(centres / step), 255) * step
        errors.append(float((counts * (rounded - centres) ** 2).sum()))
    return float(CANDIDATES[int(np.argmin(errors))] * largest)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

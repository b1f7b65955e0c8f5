"""What the machine itself allows: matrix products, decoding, walking."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import simplejpeg

from benchmarks.plan import rate
from imgsearch.embedding.openvino_library import load_openvino, openvino_core
from imgsearch.embedding.vgg16 import BLOCKS, kernel_shapes

SIDE = 224
DECODED_SIDE = 2 * SIDE  # what a resize with antialiasing is given, at the least
PRODUCTS = 8
WIDTH = 2048


def macs_per_image() -> int:
    """Count the multiplications of VGG16's convolutions on one picture: 15.3e9."""
    shapes = iter(kernel_shapes())
    total, side = 0, SIDE
    for convolutions, _ in BLOCKS:
        for _ in range(convolutions):
            total += side * side * int(np.prod(next(shapes)))
        side //= 2
    return total


def matrix_rate(precision: str, heights: tuple[int, ...], seconds: float) -> float:
    """Return how many multiplications a second plain products of large matrices reach."""
    return max(chain_rate(precision, height, seconds / len(heights)) for height in heights)


def chain_rate(precision: str, height: int, seconds: float) -> float:
    """Multiply (height, width) by (width, width) several times over, by OpenVINO."""
    hints = {
        "INFERENCE_PRECISION_HINT": "f32" if precision == "fp32" else "bf16",
        "PERFORMANCE_HINT": "LATENCY",
    }
    if precision == "int8" and "BF16" not in openvino_core().get_property(
        "CPU", "OPTIMIZATION_CAPABILITIES"
    ):
        hints["INFERENCE_PRECISION_HINT"] = "f32"
    model = product_chain(height, in_bytes=precision == "int8")
    request = openvino_core().compile_model(model, "CPU", hints).create_infer_request()
    rows = np.random.default_rng(3).standard_normal((height, WIDTH), np.float32)

    def multiply() -> int:
        request.infer([rows])
        return PRODUCTS * height * WIDTH * WIDTH

    return rate(multiply, seconds)


def product_chain(height: int, *, in_bytes: bool) -> Any:
    random = np.random.default_rng(3)
    scale = np.float32(1 / 73 / np.sqrt(WIDTH))  # 73: deviation of the bytes; keeps magnitudes
    steps = random.integers(-127, 128, (WIDTH, WIDTH), np.int8)
    ops = load_openvino().opset13
    rows = ops.parameter([height, WIDTH], np.float32)
    node = rows
    for number in range(PRODUCTS):
        matrix = np.roll(steps, number, axis=0)
        if in_bytes:  # OpenVINO multiplies bytes where both sides were rounded to 256 levels
            node = ops.fake_quantize(node, *(np.float32(end) for end in (0, 4, 0, 4)), 256)
            weights = ops.multiply(ops.convert(ops.constant(matrix), "f32"), scale)
        else:
            weights = ops.constant(matrix.astype(np.float32) * scale)
        node = ops.matmul(node, weights, transpose_a=False, transpose_b=True)
    return load_openvino().Model([node], [rows], "products")


def decode_rate(paths: list[Path], seconds: float) -> float:
    """Return how many JPEG files a second libjpeg-turbo decodes with all threads."""
    contents = [path.read_bytes() for path in paths]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return rate(lambda: len(list(pool.map(decode, contents))), seconds)


def decode(content: bytes) -> int:
    pixels = simplejpeg.decode_jpeg(
        content, "RGBX", min_height=DECODED_SIDE, min_width=DECODED_SIDE, min_factor=2
    )
    return len(pixels)


def walk_seconds(root: Path) -> float:
    """Return how long it takes to list a folder and to ask for each file's size and time."""
    started = time.perf_counter()
    count = sum(1 for entry in entries(root) if entry.stat().st_mtime_ns)
    if not count:
        raise RuntimeError("there was nothing to walk")
    return time.perf_counter() - started


def entries(root: Path | str) -> Iterator[os.DirEntry[str]]:
    with os.scandir(root) as found:
        for entry in found:
            if entry.is_dir():
                yield from entries(entry.path)
            else:
                yield entry

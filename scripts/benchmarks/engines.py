"""The network alone, and whole runs of `index` beside their limits."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.limits import decode_rate, matrix_rate
from benchmarks.plan import Plan
from imgsearch.bench import network_speed
from imgsearch.embedding.base import Embedder
from imgsearch.embedding.registry import create_embedder, identity_of
from imgsearch.errors import EngineError
from imgsearch.gallery.update import update_gallery

PRECISIONS = ("fp32", "bf16", "int8")


@dataclass(frozen=True, slots=True)
class NetworkSpeed:
    """An engine in a precision.

    Attributes:
        engine: Its name.
        precision: The arithmetic.
        images_per_second: Prepared pictures embedded per second.
        macs_per_second: What plain matrix products by OpenVINO reach in this precision; NaN for
            another engine.
    """

    engine: str
    precision: str
    images_per_second: float
    macs_per_second: float


@dataclass(frozen=True, slots=True)
class IndexSpeed:
    """Whole runs of `index` on one folder, and their limits, all in files per second.

    Attributes:
        indexed: From the walk to the published index.
        decoded: Decoding alone.
        network: The network alone.
        precision: What `auto` takes.
        busy: Share of all processors' time that `index` used.
    """

    indexed: float
    decoded: float
    network: float
    precision: str
    busy: float

    @property
    def bound(self) -> float:
        """What decoding and network allow together: both want all processors."""
        return 1 / (1 / self.network + 1 / self.decoded)


def network_speeds(plan: Plan) -> list[NetworkSpeed]:
    """Measure every engine and precision that this machine has."""
    return [
        measure_network(engine, embedder, plan)
        for engine in ("tensorflow", "openvino")
        for embedder in embedders(engine)
    ]


def embedders(engine: str) -> Iterator[Embedder]:
    for precision in PRECISIONS:
        try:
            embedder = create_embedder(identity_of("default"), engine=engine, precision=precision)
        except EngineError:
            continue
        if embedder.precision == precision:  # else the processor does not have it
            yield embedder


def measure_network(engine: str, embedder: Embedder, plan: Plan) -> NetworkSpeed:
    """Measure network and, if OpenVINO runs it, matrix products in turn."""
    images, macs = [], []
    for _ in range(plan.rounds):
        images.append(network_speed(embedder, seconds=plan.seconds, batch_size=plan.batch_size))
        macs.append(
            matrix_rate(embedder.precision, plan.heights, plan.seconds)
            if engine == "openvino"
            else float("nan")
        )
    return NetworkSpeed(
        engine, embedder.precision, statistics.median(images), statistics.median(macs)
    )


def index_speeds(folders: list[list[Path]], plan: Plan) -> list[IndexSpeed]:
    """Index the photos of each folder, decode them, and run the network, in turn."""
    embedder = create_embedder(identity_of("default"))
    network_speed(
        embedder, seconds=plan.seconds, batch_size=plan.batch_size
    )  # the first seconds are often faster
    rounds = [[index_round(embedder, paths, plan) for paths in folders] for _ in range(plan.rounds)]
    return [median_speed(embedder.precision, measured) for measured in zip(*rounds, strict=True)]


def median_speed(precision: str, rounds: tuple[tuple[float, ...], ...]) -> IndexSpeed:
    indexed, decoded, network, busy = map(statistics.median, zip(*rounds, strict=True))
    return IndexSpeed(indexed, decoded, network, precision, busy)


def index_round(embedder: Embedder, paths: list[Path], plan: Plan) -> tuple[float, ...]:
    network = network_speed(embedder, seconds=plan.seconds, batch_size=plan.batch_size)
    decoded = decode_rate(paths[:64], plan.seconds)
    indexed, busy = index_once(embedder, paths[0].parent, len(paths))
    return indexed, decoded, network, busy


def index_once(embedder: Embedder, root: Path, count: int) -> tuple[float, float]:
    """Index a folder; return files per second, and the share of the processors' time."""
    with tempfile.TemporaryDirectory() as name:
        started, used = time.perf_counter(), time.process_time()
        report = update_gallery(
            Path(name), [root], identity=embedder.identity, make_embedder=lambda _identity: embedder
        )
        seconds, used = time.perf_counter() - started, time.process_time() - used
    if report.added != count:
        raise RuntimeError(f"{report.added} of {count} photos were indexed")
    return count / seconds, used / seconds / (os.cpu_count() or 1)

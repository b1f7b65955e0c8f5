"""The parts of the table, each measured and put into rows."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import commands, engines, inputs, limits, searches, tutorial
from benchmarks.plan import Plan, alone, worker
from benchmarks.table import Row

PHOTOS = "photos/s"
GIB = 2**30


@dataclass(frozen=True, slots=True)
class Folders:
    """The photos that are measured with, and a place for everything else.

    Attributes:
        workspace: The temporary folder of this run.
        small: Photos of about 0.2 megapixels.
        large: Photos of 12 megapixels.
    """

    workspace: Path
    small: list[Path]
    large: list[Path]


@dataclass(frozen=True, slots=True)
class LoopSpeed:
    """The tutorial's loop, before and after everything it is compared with, photos a second."""

    small: float
    large: float
    batches: float


def say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


def make_folders(workspace: Path, plan: Plan) -> Folders:
    say(f"making {plan.photos} photos of 0.2 and {plan.large_photos} of 12 megapixels")
    small = inputs.PhotoMaker(workspace / "small", inputs.SMALL)
    large = inputs.PhotoMaker(workspace / "large", inputs.LARGE)
    return Folders(workspace, alone(small.make, plan.photos), alone(large.make, plan.large_photos))


def speed_rows(folders: Folders, plan: Plan) -> Iterator[Row]:
    """Measure the tutorial's loop, then the engines and `index`, then the loop again."""
    with worker() as in_keras:
        say("the tutorial's loop, and Keras in batches")
        before = loop_seconds(in_keras, folders, plan)
        in_keras(tutorial.write_weights, folders.workspace / "vgg16.weights.h5")
        say("the engines alone, and plain matrix products")
        networks = alone(engines.network_speeds, plan)
        say("index from files, and decoding alone")
        indexed = alone(engines.index_speeds, [folders.small, folders.large], plan)
        say("the tutorial's loop once more")
        after = loop_seconds(in_keras, folders, plan)
    counts = (*plan_counts(folders, plan), len(keras_photos(folders)))
    loop = LoopSpeed(
        *(2 * count / (a + b) for count, a, b in zip(counts, before, after, strict=True))
    )
    yield from loop_rows(loop)
    yield from map(partial(network_row, loop), networks)
    for name, speed, reference in zip(
        ("0.2 MP", "12 MP"), indexed, (loop.small, loop.large), strict=True
    ):
        yield from index_rows(name, speed, reference)


def plan_counts(folders: Folders, plan: Plan) -> tuple[int, int]:
    return min(plan.tutorial[0], len(folders.small)), min(plan.tutorial[1], len(folders.large))


def keras_photos(folders: Folders) -> list[Path]:
    return folders.small[: 2 * tutorial.BATCH]


def loop_seconds(
    in_keras: Callable[..., Any], folders: Folders, plan: Plan
) -> tuple[float, float, float]:
    small, large = plan_counts(folders, plan)
    return (
        in_keras(tutorial.loop_seconds, folders.small[:small]),
        in_keras(tutorial.loop_seconds, folders.large[:large]),
        in_keras(tutorial.batches_seconds, keras_photos(folders)),
    )


def loop_rows(loop: LoopSpeed) -> list[Row]:
    part = "Keras, from files"
    return [
        Row(part, "tutorial loop, 0.2 MP photos", loop.small, PHOTOS, 1.0),
        Row(part, "tutorial loop, 12 MP photos", loop.large, PHOTOS, 1.0),
        Row(
            part, "Keras in batches of 32, 0.2 MP", loop.batches, PHOTOS, loop.batches / loop.small
        ),
    ]


def network_row(loop: LoopSpeed, speed: engines.NetworkSpeed) -> Row:
    bound = speed.macs_per_second / limits.macs_per_image()
    rate = speed.images_per_second
    name = f"{speed.engine} {speed.precision}"
    share = rate / bound if speed.engine == "openvino" else None
    return Row(
        "The network alone (limit: matrix products)", name, rate, PHOTOS, rate / loop.small, share
    )


def index_rows(name: str, speed: engines.IndexSpeed, reference: float) -> list[Row]:
    part = "From files (limit: network and decoding, one after the other on all cores)"
    return [
        Row(
            part,
            f"index, {name} photos, {speed.precision}",
            speed.indexed,
            PHOTOS,
            speed.indexed / reference,
            speed.indexed / speed.bound,
        ),
        Row(
            part,
            f"limit: network and decoding, {name}",
            speed.bound,
            PHOTOS,
            speed.bound / reference,
        ),
        Row(
            part, f"limit: decoding alone, {name}", speed.decoded, PHOTOS, speed.decoded / reference
        ),
        Row(part, f"processors in use during index, {name}", 100 * speed.busy, "%"),
    ]


def command_rows(folders: Folders, plan: Plan) -> Iterator[Row]:
    """Time commands as whole processes, beside a fresh process of the tutorial."""
    say(f"commands, on a gallery of {plan.gallery:,}")
    part = f"Commands, whole processes (gallery of {plan.gallery:,})"
    root, gallery = folders.workspace / "many", folders.workspace / "many-gallery"
    alone(inputs.make_gallery, root, gallery, plan.gallery)
    inside, outside = root / inputs.QUERY_NAME, folders.small[1]
    shutil.copy(folders.small[0], inside)
    variables = commands.environment(folders.workspace)
    commands.run(commands.imgsearch("index", root, "--gallery", gallery), variables)
    weights = folders.workspace / "vgg16.weights.h5"
    tutorial_argv = commands.python("-c", tutorial.FIRST_VECTOR, outside, weights)
    first = commands.cold_seconds(tutorial_argv, variables, plan.times)
    yield Row(part, "tutorial: first vector of a fresh process", first, "s", 1.0)
    ask = partial(commands.imgsearch, "query", "--gallery", gallery)
    cold = commands.cold_seconds(ask(outside), variables, plan.times)
    yield Row(part, "query, new picture, nothing cached yet", cold, "s", first / cold)
    for name, argv in (
        ("query, new picture", ask(outside)),
        ("query, indexed picture", ask(inside)),
        ("--help", commands.imgsearch("--help")),
    ):
        seconds = commands.median_seconds(argv, variables, plan.times)
        yield Row(part, name, seconds, "s", first / seconds)
    empty = commands.median_seconds(commands.python("-c", ""), variables, plan.times)
    yield Row(part, "limit: an empty Python process", empty, "s")


def scan_rows(folders: Folders, plan: Plan) -> Iterator[Row]:
    """Scan a gallery again whose files have not changed."""
    say(f"{plan.files:,} unchanged files")
    root, gallery = folders.workspace / "unchanged", folders.workspace / "unchanged-gallery"
    alone(inputs.make_gallery, root, gallery, plan.files)
    variables = commands.environment(folders.workspace)
    argv = commands.imgsearch("index", root, "--gallery", gallery)
    seconds = commands.median_seconds(argv, variables, plan.times)
    commands.require_unchanged(argv, variables, plan.files)
    walk = min(limits.walk_seconds(root) for _ in range(plan.times + 1))
    part = "Scanning again (limit: listing the files and asking for their times)"
    yield Row(part, f"index, {plan.files:,} unchanged files", seconds, "s", None, walk / seconds)


def search_rows(plan: Plan) -> Iterator[Row]:
    """Search beside scikit-learn, which is the tutorial's way of searching."""
    part = "Search (tutorial: scikit-learn; limit: the matrix product by NumPy)"
    for count in plan.vectors:
        say(f"searching {count:,} vectors")
        for speed in alone(searches.search_speeds, count, plan.seconds):
            name = f"{count:,} vectors, {speed.batch} at a time"
            ratio, share = speed.ours / speed.sklearn, speed.ours / speed.product
            yield Row(part, name, speed.ours, "queries/s", ratio, share)


def memory_rows(folders: Folders, plan: Plan) -> Iterator[Row]:
    """Measure the peak memory of `index`, then once more with one huge picture among the files."""
    say(f"memory, with a picture of {plan.huge_megapixels} megapixels")
    root = folders.small[0].parent
    variables = commands.environment(folders.workspace)

    def peak(name: str) -> float:
        gallery = folders.workspace / name
        argv = commands.imgsearch("index", root, "--gallery", gallery)
        return commands.peak_bytes(argv, variables) / GIB

    part = "Peak memory"
    yield Row(part, f"index, {len(folders.small):,} photos of 0.2 MP", peak("memory"), "GiB")
    huge = root / "huge.jpg"
    alone(inputs.write_huge, huge, plan.huge_megapixels)
    name = f"the same, and one of {plan.huge_megapixels} MP"
    yield Row(part, name, peak("memory-huge"), "GiB")
    huge.unlink()

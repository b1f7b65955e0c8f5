"""Measure how likely pairs are copies, given how far their evidence is from failing.

    python scripts/calibrate_copies.py PHOTOS [PAIRS.csv]... > imgsearch/dedup/probabilities.json

Half of the photos, the one that `scripts/evaluate edits` does not measure with, are edited in all
ways that there are, and look-alikes are staged of them. Of the pairs that a search for copies
among them would compare, a sample is compared; all pairs of one set of look-alikes, even if it
would not; and pairs of other photos whose verdict a person gave (columns a, b and verdict, which
is dup or notdup).

Where no pair was wrong, nothing that was seen orders the copies. So one wrong pair is supposed
beside them, in small parts, of which fewer are the further from failing.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path

import numpy as np
from copies.collection import Recipe, make_collection, part_of, photos_in

from imgsearch.api import create_gallery
from imgsearch.dedup.album import Album
from imgsearch.dedup.candidates import Pair
from imgsearch.dedup.evidence import Evidence
from imgsearch.dedup.find import Lead, followed, tell_nobody
from imgsearch.dedup.leeway import LEAST_LEEWAY, leeway_of
from imgsearch.dedup.portrait import Portrait, read_thumbnail
from imgsearch.dedup.verify import compare
from imgsearch.evaluation.calibration import ScoredPairs, fit_curve
from imgsearch.evaluation.edits import EDITS
from imgsearch.evaluation.labels import Labels, read_labels
from imgsearch.gallery.copy_cache import CopyCache
from imgsearch.gallery.store import open_for_reading

FAMILIES = 20
LOOKALIKES = 3
SAMPLE = 4_000  # pairs
SEED = 3
PARTS = 20  # of the wrong pair that is supposed
REAL = 10.0  # a pair that somebody has is worth so many that were made


def main(photos: Path, labels: list[Path]) -> None:
    with tempfile.TemporaryDirectory(prefix="imgsearch-calibrate-") as name:
        root = Path(name).resolve() / "photos"
        chosen = [path for path in photos_in(photos) if part_of(path) == "tune"]
        make_collection(root, chosen, [], Recipe(FAMILIES, list(EDITS.values()), LOOKALIKES, SEED))
        gallery = Path(name) / "gallery"
        with create_gallery(gallery) as made:
            made.update(root)
        found = list(scored(gallery, root))
    for path in labels:
        found += scored_pairs(read_labels(path))
    count = len(found), sum(same for _, same, _ in found)
    found += supposed()
    leeways, same, weights = np.array(found).T
    curve = fit_curve(ScoredPairs(leeways, same.astype(bool), weights))
    document = {
        "pairs": count[0],
        "copies": count[1],
        "leeways": [round(each, 4) for each in curve.scores],
        "probabilities": [round(each, 5) for each in curve.probabilities],
    }
    json.dump(document, sys.stdout, indent=2)
    print()


def scored(gallery: Path, root: Path) -> Iterator[tuple[float, bool, float]]:
    """Compare a sample of the pairs that a search would, and say which are copies."""
    with (
        open_for_reading(gallery) as store,
        followed(store, (), tell_nobody) as lead,
        CopyCache(gallery) as cache,
        ThreadPoolExecutor() as threads,
    ):
        album = Album(lead.contents, cache)
        likely = sampled([pair for pair in lead.likely if is_known(lead, pair, root)])
        pairs = [*dict.fromkeys([*likely, *staged(lead, root)])]
        leeways = threads.map(lambda pair: least_leeway(album, pair), pairs)
        for pair, leeway in zip(pairs, leeways, strict=True):
            one, other = (set_of(lead, place, root) for place in pair)
            yield leeway, one == other and one.startswith("families"), 1.0


def scored_pairs(labels: Labels) -> Iterator[tuple[float, bool, float]]:
    """Compare pairs whose verdict is known."""
    for pair in labels.pairs:
        one, other = (Portrait(read_thumbnail(path)) for path in (pair.first, pair.second))
        yield of_evidence(compare(one, other)), pair.is_copy, REAL


def supposed() -> Iterator[tuple[float, bool, float]]:
    """Return one wrong pair, in parts."""
    shares = np.linspace(1, 0, PARTS, endpoint=False)
    for leeway, share in zip(1 - shares, shares / shares.sum(), strict=True):
        yield float(leeway), False, float(share)


def sampled(pairs: list[Pair]) -> list[Pair]:
    order = np.random.default_rng(SEED).permutation(len(pairs))
    return [pairs[place] for place in order[:SAMPLE]]


def staged(lead: Lead, root: Path) -> list[Pair]:
    """Return the pairs of pictures that were made to look alike."""
    sets = defaultdict(list)
    for place in range(len(lead.contents)):
        if (name := set_of(lead, place, root)).startswith("lookalikes"):
            sets[name].append(place)
    return [pair for places in sets.values() for pair in combinations(places, 2)]


def is_known(lead: Lead, pair: Pair, root: Path) -> bool:
    """Tell whether it is known of a pair if it is one of copies: not of two distractors."""
    return not all(set_of(lead, place, root).startswith("distractors") for place in pair)


def set_of(lead: Lead, place: int, root: Path) -> str:
    return str(lead.contents[place].first.path.relative_to(root).parent)


def least_leeway(album: Album, pair: Pair) -> float:
    one, other = (album.portrait(place) for place in pair)
    return of_evidence(None if one is None or other is None else compare(one, other))


def of_evidence(evidence: Evidence | None) -> float:
    return LEAST_LEEWAY if evidence is None else min(leeway_of(evidence))


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])

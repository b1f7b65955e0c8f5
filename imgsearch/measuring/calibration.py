"""Find out what the scores of a gallery mean, from the gallery itself.

Some of its pictures are edited in the ways that photos are edited, and asked for. The pair of a
copy and its original is one picture; the pairs with the nearest other pictures, and with some
others at random, are not, unless they show the same picture themselves: the same bytes, or verified
as `imgsearch dupes` does it. Those are left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from imgsearch.dedup.contents import Content
from imgsearch.dedup.records import Picture
from imgsearch.embedding.base import EmbedderMaker
from imgsearch.errors import CalibrationError
from imgsearch.evaluation.calibration import (
    ScoredPairs,
    fit_curve,
    recall_from,
    score_at_precision,
)
from imgsearch.evaluation.edits import FAMILY
from imgsearch.gallery.calibration import CALIBRATION_NAME, Calibration
from imgsearch.gallery.copy_cache import CopyCache
from imgsearch.gallery.records import StoredImage
from imgsearch.gallery.store import GalleryStore
from imgsearch.index.base import VectorIndex
from imgsearch.measuring.copies import CountCallback, edited_pictures, embed_copies
from imgsearch.types import Embeddings, Ids

LEAST_PICTURES: Final = 20
"""Fewer say nothing."""

_COPIES: Final = 400  # asked for, unless the sample itself is larger
_NEAREST: Final = 20
_RANDOM: Final = 10
_MOST_VERIFIED: Final = 2000
_DOUBTFUL: Final = 0.02  # the quantile of the copies' scores from which on others are verified

_Figures: TypeAlias = npt.NDArray[np.float64]
_IdPair: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class CalibrationOptions:
    """What to find out, and from how much.

    Attributes:
        sample: How many pictures are edited, at most.
        seed: Of the choice.
        target: The share of returned pictures that shall be the same picture, in (0, 1).
        share: How many questions are supposed to have a copy in the gallery, in (0, 1].
    """

    sample: int = 200
    seed: int = 0
    target: float = 0.99
    share: float = 0.5


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the copies of one picture score.

    Attributes:
        row: The picture's own row.
        own: With itself, shape (n,).
        others: Ids of other pictures, shape (m,).
        scores: With these, shape (m,).
        weights: How many pictures each stands for, shape (m,).
        left_out: How many were left out that have the same bytes.
    """

    row: StoredImage
    own: _Figures
    others: Ids
    scores: _Figures
    weights: _Figures
    left_out: int


def calibrate(
    store: GalleryStore,
    make_embedder: EmbedderMaker,
    options: CalibrationOptions,
    on_progress: CountCallback,
) -> Calibration:
    """Find out what the scores of a gallery mean.

    Memory grows with the sample, not with the gallery.

    Args:
        store: The gallery, open for reading.
        make_embedder: Called once.
        options: What to find out.
        on_progress: Told how many pictures of the sample are done.

    Raises:
        CalibrationError: If it holds too few pictures that can be read.
        EmbedderError: If the embedder cannot be made.
        GalleryError: If the gallery is damaged.
    """
    with store.reading() as index:
        sample = min(options.sample, len(index))
        edits = min(len(FAMILY), math.ceil(_COPIES / max(1, sample)))
        embedder = make_embedder(store.identity()) if sample >= LEAST_PICTURES else None
        random = np.random.default_rng([options.seed, sample])
        seen: list[_Seen] = []
        if embedder is not None:
            for row, copies in edited_pictures(store, index.ids(), sample, edits, options.seed):
                seen.append(_look(store, index, row, embed_copies(copies, embedder), random))
                on_progress(len(seen), sample)
        if len(seen) < LEAST_PICTURES:
            reason = f"of the gallery's pictures {LEAST_PICTURES} have to be readable; index more"
            raise CalibrationError(store.folder / CALIBRATION_NAME, reason)
        return _conclude(store, seen, options, len(index))


def _look(
    store: GalleryStore,
    index: VectorIndex,
    row: StoredImage,
    vectors: Embeddings,
    random: np.random.Generator,
) -> _Seen:
    """Score copies of a picture with itself, its nearest others, and some at random."""
    own = store.catalog.embedding(row.image_id, index.dim)
    found = index.search(vectors, _NEAREST + 1)
    drawn = random.choice(index.ids(), min(_RANDOM, len(index)), replace=False)
    far_scores = vectors @ store.catalog.embeddings(drawn).T
    others, scores, weights = [], [], []
    for neighbours, far in zip(found, far_scores, strict=True):
        is_new = ~np.isin(drawn, neighbours.ids)
        rest = len(index) - len(neighbours.ids)
        others += [neighbours.ids, drawn[is_new]]
        scores += [neighbours.scores, far[is_new]]
        weights += [
            np.ones(len(neighbours.ids)),
            np.full(is_new.sum(), rest / max(1, is_new.sum())),
        ]
    ids = np.concatenate(others)
    rows = store.catalog.images(np.unique(ids).tolist())
    own_hash = row.facts.content_hash
    equal = [i for i, found_row in rows.items() if found_row.facts.content_hash == own_hash]
    kept = ~np.isin(ids, equal)
    copies = int((~kept & (ids != row.image_id)).sum())
    return _Seen(
        row,
        _clipped(vectors @ own),
        ids[kept],
        _clipped(np.concatenate(scores)[kept]),
        np.concatenate(weights)[kept],
        copies,
    )


def _conclude(
    store: GalleryStore, seen: list[_Seen], options: CalibrationOptions, images: int
) -> Calibration:
    own = np.concatenate([each.own for each in seen])
    firsts = np.concatenate([np.full(len(each.others), each.row.image_id) for each in seen])
    seconds = np.concatenate([each.others for each in seen])
    scores = np.concatenate([each.scores for each in seen])
    is_same = _show_the_same(store, firsts, seconds, scores, float(np.quantile(own, _DOUBTFUL)))
    weights = np.concatenate([each.weights for each in seen])[~is_same]
    pairs = ScoredPairs(
        np.concatenate([own, scores[~is_same]]),
        np.repeat([True, False], [len(own), len(weights)]),
        np.concatenate([np.full(len(own), options.share), weights]),
    )
    score = score_at_precision(pairs, options.target)
    return Calibration(
        embedder=store.identity(),
        images=images,
        target=options.target,
        score=score,
        recall=0.0 if score is None else recall_from(pairs, score),
        share=options.share,
        sample=len(seen),
        copies=len(own),
        others=len(weights),
        left_out=int(is_same.sum()) + sum(each.left_out for each in seen),
        seed=options.seed,
        curve=fit_curve(pairs),
    )


def _show_the_same(
    store: GalleryStore, firsts: Ids, seconds: Ids, scores: _Figures, least: float
) -> npt.NDArray[np.bool_]:
    """Tell which pairs of pictures are one picture; those that score high are looked at.

    The best `_MOST_VERIFIED` are; what is below `least`, or beyond that number, counts as other.
    """
    best = [place for place in np.argsort(-scores) if scores[place] >= least]
    keys = [_key(firsts[place], seconds[place]) for place in best]
    same = _copies_among(store, sorted(list(dict.fromkeys(keys))[:_MOST_VERIFIED]))
    is_same = np.zeros(len(scores), np.bool_)
    is_same[[place for place, key in zip(best, keys, strict=True) if key in same]] = True
    return is_same


def _copies_among(store: GalleryStore, pairs: list[_IdPair]) -> set[_IdPair]:
    """Return those of some pairs of ids, sorted, that `imgsearch dupes` would call copies."""
    from imgsearch.dedup.album import Album  # OpenCV costs 20 ms to load
    from imgsearch.dedup.looking import PairViewer

    contents, places = _contents(store, sorted({each for pair in pairs for each in pair}))
    looked_at = {(places[one], places[other]): (one, other) for one, other in pairs}
    with CopyCache(store.folder) as cache:
        viewer = PairViewer(contents, Album(contents, cache), cache)
        of_places = np.array(list(looked_at), np.int64).reshape(-1, 2)
        likely = viewer.likely(of_places, lambda _done, _total: None)
        verdicts = viewer.judge(likely)
    return {looked_at[pair] for pair, verdict in verdicts.items() if verdict.removable}


def _key(one: int, other: int) -> _IdPair:
    return (int(min(one, other)), int(max(one, other)))


def _contents(store: GalleryStore, ids: list[int]) -> tuple[list[Content], dict[int, int]]:
    """Return what these pictures hold, and at which place each is."""
    rows = store.catalog.images(ids)
    paths = store.paths(rows)
    contents = [
        Content(
            row.facts.content_hash,
            (Picture(image_id, paths[image_id], row.stamp, row.facts),),
        )
        for image_id, row in rows.items()
    ]
    return contents, {image_id: place for place, image_id in enumerate(rows)}


def _clipped(scores: npt.NDArray[np.float32]) -> _Figures:
    return np.clip(scores.astype(np.float64), -1, 1)

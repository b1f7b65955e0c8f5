"""Candidates by landmarks: how many landmarks of two pictures look nearly the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from imgsearch.dedup.candidates import Pairs

Numbers: TypeAlias = npt.NDArray[np.int64]
"""Pairs as single numbers, each its first place times the number of pictures plus its second."""

_BANDS: Final = 8  # sets of bits of a landmark's looks; two alike have the same in some of them
_FIRST_BANDS: Final = 4  # of which alone pairs are found that nothing else speaks for
_LEAST_BITS: Final = 20
_MOST_BITS: Final = 32
_SPREADING: Final = np.uint64(0x9E3779B97F4A7C15)  # golden ratio: spreads bits over a product's
_RARER: Final = 48  # times as many values as there are landmarks: few are alike by chance
_MOST_OF_ONE_LOOK: Final = 16  # landmarks; what looks as many others do tells nothing
_LEAST_VOTES: Final = 4  # landmarks that look alike
_VOTES_AT_ONCE: Final = 1 << 23  # 64 MB


class LandmarkVotes:
    """Counts for pairs of pictures which landmarks look nearly the same.

    Args:
        looks: What the landmarks of each picture look like, 64 bits each; shape (landmarks,).
    """

    def __init__(self, looks: Sequence[npt.NDArray[np.uint64]]) -> None:
        self._count = len(looks)
        counts = [len(each) for each in looks]
        self._owners = np.repeat(np.arange(len(looks), dtype=np.uint32), counts)
        self._looks = np.concatenate([np.empty(0, np.uint64), *looks])
        rarer = np.log2(_RARER * max(1, len(self._looks)))
        self._bits = int(np.clip(rarer, _LEAST_BITS, _MOST_BITS))

    def pairs(self) -> Pairs:
        """Return the pairs of pictures of which several landmarks look nearly the same.

        These are found whatever their angle: the vectors of a picture that was turned a little and
        laid on black are not near those of the picture.
        """
        found = [self._with_most_votes(*bounds) for bounds in self._shares()]
        numbers = np.concatenate([np.empty(0, np.int64), *found])
        return np.column_stack(np.divmod(numbers, max(1, self._count)))

    def supported(self, by_votes: Mapping[int, Pairs]) -> list[Pairs]:
        """Return those of some pairs, once each and in order, that have as many votes as they need.

        Args:
            by_votes: Pairs by the number of votes.
        """
        wanted = {need: each[:, 0] * self._count + each[:, 1] for need, each in by_votes.items()}
        votes = {need: np.zeros(len(numbers), np.int64) for need, numbers in wanted.items()}
        for band in range(_BANDS) if any(map(len, wanted.values())) else ():
            for numbers in self._votes(band):
                numbers.sort()  # what is near is then sought near
                for need, sought in wanted.items():
                    votes[need] += _occurrences(sought, numbers)
        return [pairs[votes[need] >= need] for need, pairs in by_votes.items()]

    def _shares(self) -> Iterator[tuple[int, int]]:
        """Split all numbers of pairs so that few votes are for those between two bounds."""
        one_band = np.concatenate([np.empty(0, np.int64), *self._votes(0)])
        shares = -(-max(1, len(one_band)) * _FIRST_BANDS // _VOTES_AT_ONCE)
        cuts = [len(one_band) * share // shares for share in range(1, shares)]
        inner = np.partition(one_band, cuts)[cuts].tolist() if cuts else []
        bounds = [0, *inner, self._count**2]
        yield from pairwise(bounds)

    def _with_most_votes(self, start: int, stop: int) -> Numbers:
        votes = [np.empty(0, np.int64)]
        for band in range(_FIRST_BANDS):
            every = self._votes(band)
            votes += (numbers[(numbers >= start) & (numbers < stop)] for numbers in every)
        numbers, count = np.unique(np.concatenate(votes), return_counts=True)
        return np.asarray(numbers[count >= _LEAST_VOTES])

    def _votes(self, band: int) -> Iterator[Numbers]:
        """Yield the pairs of owners of landmarks of which one set of bits is the same."""
        yield from _alike(*_rare(*self._sorted(band)), self._count)

    def _sorted(self, band: int) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int32]]:
        """Return numbers for one set of bits of all looks, in order, and whose they are.

        Looks of the same bits have the same number, and others hardly ever have.
        """
        chosen = np.random.default_rng(band).permutation(64)[: self._bits]
        keys = self._looks & np.bitwise_or.reduce(np.uint64(1) << chosen.astype(np.uint64))
        keys *= _SPREADING
        # Looks and owner are sorted as one number: several times faster than sorting places.
        owner_bits = np.uint64(self._count.bit_length())
        owner_mask = (np.uint64(1) << owner_bits) - np.uint64(1)
        keys &= ~owner_mask
        keys |= self._owners
        keys.sort()
        owners = (keys & owner_mask).astype(np.int32)
        keys >>= owner_bits
        return keys, owners


def _occurrences(wanted: Numbers, numbers: Numbers) -> Numbers:
    """Count how often each of the wanted numbers is among others; both are sorted."""
    if not len(wanted):
        return wanted
    places = np.minimum(np.searchsorted(wanted, numbers), len(wanted) - 1)
    return np.bincount(places[wanted[places] == numbers], minlength=len(wanted))


def _rare(
    looks: npt.NDArray[np.uint64], owners: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int32]]:
    """Leave out what too many look like; the looks are sorted."""
    starts = np.flatnonzero(np.append(True, looks[1:] != looks[:-1])[: len(looks)])
    sizes = np.diff(np.append(starts, len(looks)))
    rare = np.repeat(sizes <= _MOST_OF_ONE_LOOK, sizes)
    return looks[rare], owners[rare]


def _alike(
    looks: npt.NDArray[np.uint64], owners: npt.NDArray[np.int32], count: int
) -> Iterator[Numbers]:
    """Yield the pairs of owners of the same looks, as numbers; the looks are sorted."""
    for step in range(1, _MOST_OF_ONE_LOOK):
        same = np.flatnonzero(looks[step:] == looks[:-step])
        one, other = owners[same], owners[same + step]
        smaller, larger = np.minimum(one, other), np.maximum(one, other)
        different = smaller < larger
        yield smaller[different].astype(np.int64) * count + larger[different]

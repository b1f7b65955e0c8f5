"""How far the evidence of a pair is from what copies may not be."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from imgsearch.dedup.evidence import Evidence

LEAST_TRACKED: Final = 12
"""In how many places the same detail has to be found, where there is enough."""
MOST_ADDED: Final = 0.4
"""How much of what both show may lie under captions and logos."""
LEAST_LEEWAY: Final = -4.0
"""Of what fails by far it does not matter by how much."""

_LEAST_MET: Final = 0.5  # of the detail where the pictures do not differ
_LEAST_MET_SOFTLY: Final = 0.25  # of it, where next to nothing differs
_LEAST_DETAIL: Final = 0.02
_SOFT_UNLIKE: Final = 0.01
_MOST_UNLIKE: Final = 0.036  # look-alikes differ by 0.06 and more, as far as they were measured
_MOST_CHANGED: Final = 0.18
_EXACT: Final = (0.2, 0.45)  # pixels of slip: from where on less may be unlike, and least
_INEXACT_UNLIKE: Final = 0.004
_DOUBT: Final = 0.05  # that an addition was none: so much of it counts as unlike
_LEAST_SHARE: Final = 0.4  # of either picture; neighbouring views of one place share less


class Leeway(NamedTuple):
    """Three demands on copies: each 1 where nothing could be better, below 0 where it fails.

    Attributes:
        met: Detail is found again where it should be.
        alike: What both show does not differ, or what differs was put onto one of them.
        shared: One shows much of the other.
    """

    met: float
    alike: float
    shared: float


def leeway_of(evidence: Evidence) -> Leeway:
    """Measure how far the evidence is from failing, in parts of what is demanded.

    Each is in [`LEAST_LEEWAY`, 1].
    """
    shared = max(evidence.first_share, evidence.second_share) / _LEAST_SHARE - 1
    found = (_met(evidence), _alike(evidence), shared)
    return Leeway(*(float(np.clip(each, LEAST_LEEWAY, 1)) for each in found))


def lies_exactly(evidence: Evidence) -> bool:
    """Tell whether detail meets detail so well that what differs is no matter of how it lies."""
    return evidence.slip <= _EXACT[0]


def _met(evidence: Evidence) -> float:
    """Of detail enough has to be found, or next to nothing may differ where there is little."""
    tracked = evidence.tracked / max(LEAST_TRACKED, _LEAST_MET * evidence.sought) - 1
    soft = min(evidence.detail / _LEAST_DETAIL - 1, 1 - evidence.unlike / _SOFT_UNLIKE)
    if evidence.sought >= LEAST_TRACKED:
        soft = min(soft, evidence.tracked / (_LEAST_MET_SOFTLY * evidence.sought) - 1)
    return max(tracked, soft)


def _alike(evidence: Evidence) -> float:
    """The less exactly detail meets detail, the less may differ."""
    most = float(np.interp(evidence.slip, _EXACT, (_MOST_UNLIKE, _INEXACT_UNLIKE)))
    doubt = 0.0 if lies_exactly(evidence) else _DOUBT * evidence.added
    return min(
        1 - evidence.unlike / _MOST_UNLIKE,
        1 - (evidence.unlike + doubt) / most if evidence.unlike else 1.0,
        1 - evidence.changed / _MOST_CHANGED,
        1 - evidence.added / MOST_ADDED,
    )

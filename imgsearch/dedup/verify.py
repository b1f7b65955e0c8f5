"""Decide by the pictures themselves whether two files hold copies of one picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from imgsearch.dedup.alignment import Overlay, Transform, guesses, lay_over
from imgsearch.dedup.portrait import Portrait
from imgsearch.dedup.records import Verdict
from imgsearch.dedup.residual import residual_of

VERIFY_VERSION: Final = 2
"""Raised with every change of what a verdict may be; verdicts of others are not used again."""

_ENOUGH: Final = 0.02  # a guess that leaves less changed than this need not be bettered
_WHOLE: Final = 0.94
_LEAST_TRACKED: Final = 12
_MOST_SLIP: Final = 0.4
_MOST_CHANGED: Final = 0.06
_LEAST_SHARE: Final = 0.4  # of either picture; neighbouring views of one place share less


@dataclass(frozen=True, slots=True)
class Evidence:
    """What two pictures show when one is laid over the other.

    Attributes:
        transform: From places in the first thumbnail to places in the second, shape (3, 3).
        first_share: How much of the first picture the second shows, in [0, 1].
        second_share: How much of the second picture the first shows.
        changed: How much of what both show differs, in [0, 1].
        slip: By how many pixels detail misses its counterpart.
        tracked: In how many places the same detail was found in both.
        sought: In how many it was looked for.
    """

    transform: Transform
    first_share: float
    second_share: float
    changed: float
    slip: float
    tracked: int
    sought: int


def verify(first: Portrait, second: Portrait) -> Verdict:
    """Compare two pictures, and judge."""
    return judge(compare(first, second))


def compare(first: Portrait, second: Portrait) -> Evidence | None:
    """Lay one picture over the other in the way that fits best.

    Returns:
        None if there is no way.
    """
    best: Overlay | None = None
    for guess in guesses(first, second):
        overlay = lay_over(first, second, guess)
        if overlay is not None and (best is None or overlay.agreement > best.agreement):
            best = overlay
            if _fits(overlay):
                break
    return None if best is None else _evidence(best, first.shape, second.shape)


def _fits(found: Overlay | Evidence) -> bool:
    """Say whether most detail is where it should be."""
    return found.slip <= _MOST_SLIP and 2 * found.tracked > found.sought


def _evidence(overlay: Overlay, first: tuple[int, int], second: tuple[int, int]) -> Evidence:
    changed = 1.0
    if _fits(overlay):
        found = residual_of(overlay)
        changed = float(found.changed.sum()) / max(1, float(found.shared.sum()))
    return Evidence(
        overlay.transform,
        *overlay.shares(first, second),
        changed,
        overlay.slip,
        overlay.tracked,
        overlay.sought,
    )


def judge(evidence: Evidence | None) -> Verdict:
    """Say what the evidence of a pair means."""
    if evidence is None or evidence.tracked < _LEAST_TRACKED:
        return Verdict(None, 0.0, "no detail in common")
    if not _fits(evidence) or evidence.changed > _MOST_CHANGED:
        score = 0.3 * max(0.0, 1 - evidence.changed)
        return Verdict("similar", score, f"{evidence.changed:.0%} of what both show differs")
    shares = evidence.first_share, evidence.second_share
    if max(shares) < _LEAST_SHARE:
        return Verdict("similar", 0.2, f"they share only {max(shares):.0%} of either picture")
    whole = min(shares) >= _WHOLE
    if whole and evidence.changed <= _ENOUGH:
        return Verdict("copy", 1 - evidence.changed, "the whole picture again")
    return Verdict("edited", 1 - 2 * evidence.changed, "a part of the picture, or changed")

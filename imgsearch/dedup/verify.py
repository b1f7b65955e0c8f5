"""Decide by the pictures themselves whether two files hold copies of one picture."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from imgsearch.dedup.additions import added_to, compact
from imgsearch.dedup.alignment import Overlay, lay_over
from imgsearch.dedup.evidence import Evidence
from imgsearch.dedup.glance import Glance, same_at_a_glance
from imgsearch.dedup.guesses import Guess, guesses
from imgsearch.dedup.judge import judge
from imgsearch.dedup.leeway import lies_exactly
from imgsearch.dedup.plainness import Laid, plainer_of
from imgsearch.dedup.portrait import Portrait
from imgsearch.dedup.records import Plainer, Verdict
from imgsearch.dedup.residual import residual_of
from imgsearch.dedup.screening import SketchFit

VERIFY_VERSION: Final = 26
"""Raised with every change of what a verdict may be; verdicts of others are not used again."""

_MOST_SLIP: Final = 1.5
_CLOSE: Final = 0.5  # of the detail that was sought: no other guess need be tried
_FAR_OFF: Final = 0.3  # of that detail, where the landmarks led to it: no other guess is better
_ANOTHER: Final = (0.3, 0.2)  # changed and unlike, so that no other guess helps
_MUCH_CHANGED: Final = 0.2  # so that laying them the other way round does not help
_FEW_TRACKED: Final = 8
_MUCH_SOUGHT: Final = 24  # places with detail,
_LEAST_MET: Final = 0.1  # of which so much has to be found, additions and all
_LIKE: Final = 0.9  # the correlation of two pictures that may be one without further signs


def verify(first: Portrait, second: Portrait) -> Verdict:
    """Compare two pictures, and judge."""
    return judge(compare(first, second))


def compare(first: Portrait, second: Portrait, fit: SketchFit | None = None) -> Evidence | None:
    """Lay one picture over the other in the way that fits best.

    Where detail meets detail and a little differs for all that, the other picture is laid over
    the first as well: a caption may be told from its ground in one of two pictures only.

    Args:
        first: A picture.
        second: Another.
        fit: How the first lies on the second by their sketches, if that is known.

    Returns:
        None if there is no way.
    """
    evidence = _compared(first, second, fit)
    if evidence is None or not lies_exactly(evidence) or judge(evidence).tier != "similar":
        return evidence
    if evidence.changed > _MUCH_CHANGED:
        return evidence
    other = _compared(second, first)
    return evidence if other is None or not judge(other).removable else other.swapped


def _compared(first: Portrait, second: Portrait, fit: SketchFit | None = None) -> Evidence | None:
    glance = same_at_a_glance(first, second)
    if glance is not None:
        return _evidence_of(glance, first, second)
    best: Evidence | None = None
    for guess in guesses(first, second, fit):
        overlay = lay_over(first, second, guess)
        if overlay is not None:
            evidence = _evidence(overlay)
            if best is None or evidence.changed < best.changed:
                best = evidence
            if judge(evidence).removable or _is_last(guess, overlay, evidence):
                break
    return best


def _is_last(guess: Guess, overlay: Overlay, evidence: Evidence) -> bool:
    """Tell whether no other guess need be tried."""
    if not guess.is_hint:
        return overlay.agreement > _CLOSE
    if overlay.agreement < _FAR_OFF:
        return True
    return overlay.agreement > _CLOSE and lies_exactly(evidence) and _is_another(evidence)


def _is_another(evidence: Evidence) -> bool:
    """Tell that much differs, of two pictures of which detail meets detail."""
    return evidence.changed > _ANOTHER[0] or evidence.unlike > _ANOTHER[1]


def _evidence_of(glance: Glance, first: Portrait, second: Portrait) -> Evidence:
    structured = int(np.count_nonzero(glance.residual.structured))
    return Evidence(
        glance.transform,
        first.content.framed or second.content.framed,
        first_share=1.0,
        second_share=1.0,
        added=0.0,
        changed=0.0,
        unlike=0.0,
        toned=glance.residual.toned,
        detail=structured / glance.residual.structured.size,
        slip=0.0,
        tracked=structured,
        sought=structured,
        plainer=plainer_of(first, second, Laid(glance.transform, (1.0, 1.0))),
    )


def _evidence(overlay: Overlay) -> Evidence:
    tracked, sought = int(np.count_nonzero(overlay.met)), len(overlay.sought)
    added, changed, unlike, detail, toned = 0.0, 1.0, 1.0, 0.0, 0.0
    below, above = 0.0, 0.0
    if _can_be_one(overlay):
        found = residual_of(overlay)
        area = max(1, int(np.count_nonzero(found.shared)))
        each_has = added_to(overlay, found)
        explained = each_has.any(axis=0)
        below, above = (int(np.count_nonzero(each & found.shared)) / area for each in each_has)
        left = found.changed & ~explained
        same = found.structured & ~found.changed & ~explained
        added, changed, unlike, detail = (
            int(np.count_nonzero(each)) / area
            for each in (explained & found.shared, left, compact(left), same)
        )
        toned = found.toned
        tracked, sought = overlay.met_outside(found.changed | explained)
    evidence = Evidence(
        overlay.transform,
        overlay.below.content.framed or overlay.finer.content.framed,
        *overlay.shares(),
        added,
        changed,
        unlike,
        toned,
        detail,
        overlay.slip,
        tracked,
        sought,
    )
    if not judge(evidence).removable:  # neither would stay instead of the other
        return evidence
    return replace(evidence, plainer=_plainer(overlay, (below, above)))


def _can_be_one(overlay: Overlay) -> bool:
    """Tell whether it is worth asking what differs: detail meets detail, or there is little."""
    tracked, sought = int(np.count_nonzero(overlay.met)), len(overlay.sought)
    if overlay.slip <= _MOST_SLIP and tracked >= _FEW_TRACKED:
        return True
    return overlay.likeness >= _LIKE and (sought < _MUCH_SOUGHT or tracked >= _LEAST_MET * sought)


def _plainer(overlay: Overlay, added: tuple[float, float]) -> Plainer:
    """Say which of two pictures is plainer, by what was added to the one below and above."""
    pictures = overlay.below, overlay.finer
    if not overlay.flipped:  # the first picture is the finer one, and lies above
        pictures, added = pictures[::-1], added[::-1]
    return plainer_of(*pictures, Laid(overlay.transform, overlay.shares(), added))

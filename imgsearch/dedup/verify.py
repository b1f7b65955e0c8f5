"""Decide by the pictures themselves whether two files hold copies of one picture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from imgsearch.dedup.additions import added_to, compact
from imgsearch.dedup.alignment import Overlay, lay_over
from imgsearch.dedup.geometry import Transform, inverse
from imgsearch.dedup.glance import Glance, same_at_a_glance
from imgsearch.dedup.guesses import Guess, guesses
from imgsearch.dedup.plainness import Laid, plainer_of
from imgsearch.dedup.portrait import Portrait
from imgsearch.dedup.records import SWAPPED, Plainer, Verdict
from imgsearch.dedup.residual import residual_of

VERIFY_VERSION: Final = 14
"""Raised with every change of what a verdict may be; verdicts of others are not used again."""

_WHOLE: Final = 0.94
_UNCHANGED: Final = 0.02
_NOTHING: Final = 0.003
_MOST_TONED: Final = 5.0
_LEAST_TRACKED: Final = 12
_MOST_SLIP: Final = 1.5
_CLOSE: Final = 0.5  # of the detail that was sought: no other guess need be tried
_FAR_OFF: Final = 0.3  # of that detail, where the landmarks led to it: no other guess is better
_FEW_TRACKED: Final = 8
_LIKE: Final = 0.9  # the correlation of two pictures that may be one without further signs
_LEAST_MET: Final = 0.5  # of the detail where the pictures do not differ
_LEAST_DETAIL: Final = 0.02
_SOFT_UNLIKE: Final = 0.01
_MOST_UNLIKE: Final = 0.03
_MOST_CHANGED: Final = 0.15
_MOST_ADDED: Final = 0.4
_EXACT: Final = (0.2, 0.45)  # pixels of slip: from where on less may be unlike, and least
_INEXACT_UNLIKE: Final = 0.006
_DOUBT: Final = 0.05  # that an addition was none: so much of it counts as unlike
_LEAST_SHARE: Final = 0.4  # of either picture; neighbouring views of one place share less


@dataclass(frozen=True, slots=True)
class Evidence:
    """What two pictures show when one is laid over the other.

    Attributes:
        transform: From places in the first thumbnail to places in the second, shape (3, 3).
        framed: Whether either picture has a margin.
        first_share: How much of the first picture, without its margin, the second shows; in [0, 1].
        second_share: How much of the second picture the first shows.
        added: How much of what both show lies under captions and logos of one of them.
        changed: How much of it differs otherwise.
        unlike: How much of it differs otherwise, and in more than specks and outlines.
        toned: By how many of 255 levels light and colour differ, on average.
        detail: How much of it has detail, and does not differ.
        slip: By how many pixels detail misses its counterpart.
        tracked: In how many places the same detail was found in both.
        sought: In how many it was looked for, and nothing differs.
        plainer: Which is the other without what was put around it or on it, and may be smaller;
            of copies only.
    """

    transform: Transform
    framed: bool
    first_share: float
    second_share: float
    added: float
    changed: float
    unlike: float
    toned: float
    detail: float
    slip: float
    tracked: int
    sought: int
    plainer: Plainer = ""

    @property
    def swapped(self) -> Evidence:
        """The same of the pair in the other order."""
        return replace(
            self,
            transform=inverse(self.transform),
            first_share=self.second_share,
            second_share=self.first_share,
            plainer=SWAPPED[self.plainer],
        )


def verify(first: Portrait, second: Portrait) -> Verdict:
    """Compare two pictures, and judge."""
    return judge(compare(first, second))


def compare(first: Portrait, second: Portrait) -> Evidence | None:
    """Lay one picture over the other in the way that fits best.

    Where detail meets detail and something differs for all that, the other picture is laid over
    the first as well: a caption may be told from its ground in one of two pictures only.

    Returns:
        None if there is no way.
    """
    evidence = _compared(first, second)
    if evidence is None or evidence.slip > _EXACT[0] or judge(evidence).tier != "similar":
        return evidence
    other = _compared(second, first)
    return evidence if other is None or not judge(other).removable else other.swapped


def _compared(first: Portrait, second: Portrait) -> Evidence | None:
    glance = same_at_a_glance(first, second)
    if glance is not None:
        return _evidence_of(glance, first, second)
    best: Evidence | None = None
    for guess in guesses(first, second):
        overlay = lay_over(first, second, guess)
        if overlay is not None:
            evidence = _evidence(overlay)
            if best is None or evidence.changed < best.changed:
                best = evidence
            if judge(evidence).removable or _is_last(guess, overlay):
                break
    return best


def _is_last(guess: Guess, overlay: Overlay) -> bool:
    """Tell whether no other guess need be tried."""
    if guess.is_hint:
        return overlay.agreement < _FAR_OFF
    return overlay.agreement > _CLOSE


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
    if (overlay.slip <= _MOST_SLIP and tracked >= _FEW_TRACKED) or overlay.likeness >= _LIKE:
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


def _plainer(overlay: Overlay, added: tuple[float, float]) -> Plainer:
    """Say which of two pictures is plainer, by what was added to the one below and above."""
    pictures = overlay.below, overlay.finer
    if not overlay.flipped:  # the first picture is the finer one, and lies above
        pictures, added = pictures[::-1], added[::-1]
    return plainer_of(*pictures, Laid(overlay.transform, overlay.shares(), added))


def judge(evidence: Evidence | None) -> Verdict:
    """Say what the evidence of a pair means."""
    if evidence is None:
        return Verdict(None, 0.0, "no detail in common")
    met = evidence.tracked >= max(_LEAST_TRACKED, _LEAST_MET * evidence.sought)
    soft = evidence.detail >= _LEAST_DETAIL and evidence.unlike <= _SOFT_UNLIKE
    if not met and not soft:
        few = evidence.tracked < _LEAST_TRACKED
        return Verdict(None if few else "similar", 0.0, "little detail in common")
    if _differs(evidence):
        score = 0.3 * max(0.0, 1 - evidence.changed)
        return Verdict("similar", score, f"{evidence.changed:.0%} of what both show differs")
    shares = evidence.first_share, evidence.second_share
    if max(shares) < _LEAST_SHARE:
        return Verdict("similar", 0.2, f"they share only {max(shares):.0%} of either picture")
    score = 1 - evidence.changed - evidence.added / 4
    whole = min(shares) >= _WHOLE and not evidence.framed
    same = evidence.changed <= _UNCHANGED and evidence.unlike + evidence.added <= _NOTHING
    if whole and same and evidence.toned <= _MOST_TONED:
        reason = ", ".join(["the whole picture again", *_turns(evidence)])
        return Verdict("copy", score, reason, evidence.plainer)
    reason = ", ".join([*_edits(evidence), *_turns(evidence)])
    return Verdict("edited", score, reason, evidence.plainer)


def _differs(evidence: Evidence) -> bool:
    """Say whether too much differs: the less exactly detail meets detail, the less may."""
    most = float(np.interp(evidence.slip, _EXACT, (_MOST_UNLIKE, _INEXACT_UNLIKE)))
    doubtful = evidence.unlike + (_DOUBT * evidence.added if evidence.slip > _EXACT[0] else 0)
    return (
        evidence.unlike > _MOST_UNLIKE
        or (evidence.unlike > 0 and doubtful > most)
        or evidence.changed > _MOST_CHANGED
        or evidence.added > _MOST_ADDED
    )


def _edits(evidence: Evidence) -> list[str]:
    """Say what was done to a picture, as far as it shows."""
    words = {
        "cropped": min(evidence.first_share, evidence.second_share) < _WHOLE,
        "with a margin": evidence.framed,
        "with something on it": evidence.added > _NOTHING,
        "in other light or colours": evidence.toned > _MOST_TONED,
    }
    return [word for word, is_so in words.items() if is_so] or ["changed a little"]


def _turns(evidence: Evidence) -> list[str]:
    """Say how one picture lies on the other."""
    across, down = evidence.transform[:2, 0], evidence.transform[:2, 1]
    mirrored = across[0] * down[1] < across[1] * down[0]
    degrees = round(float(np.degrees(np.arctan2(across[1], -across[0] if mirrored else across[0]))))
    turn = min(degrees % 360, -degrees % 360)
    words = [f"turned by {turn} degrees"] if turn else []
    return [*words, "mirrored"] if mirrored else words

"""What the evidence of a pair of pictures means, in a tier, a probability and words."""

from __future__ import annotations

from typing import Final

import numpy as np

from imgsearch.dedup.evidence import Evidence
from imgsearch.dedup.leeway import LEAST_LEEWAY, LEAST_TRACKED, MOST_ADDED, leeway_of
from imgsearch.dedup.probability import probability
from imgsearch.dedup.records import Tier, Verdict

_WHOLE: Final = 0.94
_UNCHANGED: Final = 0.02
_NOTHING: Final = 0.003
_MOST_TONED: Final = 5.0
_SAYABLE: Final = 0.01  # a share that is said in whole percents


def judge(evidence: Evidence | None) -> Verdict:
    """Say what the evidence of a pair means."""
    if evidence is None:
        return Verdict(None, probability(LEAST_LEEWAY), "no detail in common")
    leeway = leeway_of(evidence)
    score = probability(min(leeway))
    if leeway.met < 0:
        few = evidence.tracked < LEAST_TRACKED
        return Verdict(None if few else "similar", score, "little detail in common")
    if leeway.alike < 0:
        return Verdict("similar", score, _difference(evidence))
    if leeway.shared < 0:
        most = max(evidence.first_share, evidence.second_share)
        return Verdict("similar", score, f"they share only {most:.0%} of either picture")
    reason = ", ".join([*_edits(evidence), *_turns(evidence)])
    return Verdict(_tier(evidence), score, reason, evidence.plainer, _is_whole(evidence))


def _is_whole(evidence: Evidence) -> bool:
    shares = min(evidence.first_share, evidence.second_share)
    return shares >= _WHOLE and not evidence.framed and evidence.added <= _NOTHING


def _difference(evidence: Evidence) -> str:
    """Say how much differs, or how much would have been put onto a picture."""
    if evidence.added > MOST_ADDED:
        return f"{evidence.added:.0%} of what both show would be something on it"
    share = f"{evidence.changed:.0%}" if evidence.changed >= _SAYABLE else "less than 1%"
    return f"{share} of what both show differs"


def _tier(evidence: Evidence) -> Tier:
    same = evidence.changed <= _UNCHANGED and evidence.unlike + evidence.added <= _NOTHING
    return "copy" if _is_whole(evidence) and same and evidence.toned <= _MOST_TONED else "edited"


def _edits(evidence: Evidence) -> list[str]:
    """Say what was done to a picture, as far as it shows."""
    if _tier(evidence) == "copy":
        return ["the whole picture again"]
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

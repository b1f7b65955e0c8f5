"""What two pictures show when one is laid over the other."""

from __future__ import annotations

from dataclasses import dataclass, replace

from imgsearch.dedup.geometry import Transform, inverse
from imgsearch.dedup.records import SWAPPED, Plainer


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

"""What is found out about pictures that may be copies of one another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, TypeAlias

from imgsearch.gallery.records import FileStamp, ImageFacts

Tier: TypeAlias = Literal["identical", "pixels", "copy", "edited", "similar"]
"""How sure it is that two files hold one picture, the surest first.

`"identical"`: the same bytes. `"pixels"`: the same decoded pixels. `"copy"`: the same picture
re-encoded, resized, turned or mirrored. `"edited"`: cropped, bordered, captioned or recoloured.
`"similar"`: not a copy, only alike.
"""

TIERS: Final[tuple[Tier, ...]] = ("identical", "pixels", "copy", "edited", "similar")
REMOVABLE: Final[frozenset[Tier]] = frozenset(TIERS) - {"similar"}
"""The tiers of which a file may be proposed for removal."""


Plainer: TypeAlias = Literal["", "first", "second"]
"""Which of two pictures; `""` where neither or where it is not known."""

SWAPPED: Final[dict[Plainer, Plainer]] = {"": "", "first": "second", "second": "first"}


@dataclass(frozen=True, slots=True)
class Picture:
    """One file of a gallery.

    Attributes:
        image_id: The id of its row.
        path: Where the file is, absolute.
        stamp: The file's state when it was indexed.
        facts: What is known of its content.
    """

    image_id: int
    path: Path
    stamp: FileStamp
    facts: ImageFacts


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of a pair of pictures.

    Attributes:
        tier: None if they are different pictures.
        score: The probability that they are copies of one picture, in [0, 1].
        reason: Why, for people, as in "re-encoded and turned by 90 degrees".
        plainer: Which of the two is all of the other, without what was put around it or on it.
        whole: Whether either shows all of the other, and no more.
    """

    tier: Tier | None
    score: float
    reason: str
    plainer: Plainer = ""
    whole: bool = False

    @property
    def swapped(self) -> Verdict:
        """The same of the pair in the other order."""
        return replace(self, plainer=SWAPPED[self.plainer])

    @property
    def removable(self) -> bool:
        """Whether one of the two may be proposed for removal."""
        return self.tier in REMOVABLE


@dataclass(frozen=True, slots=True)
class Member:
    """A picture of a group.

    Attributes:
        picture: The file.
        verdict: What is known of it and the keeper; the keeper's own has its group's tier, the
            score 1 and the reason why it is kept.
    """

    picture: Picture
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Group:
    """A picture that is kept, and its copies, each verified against it.

    Attributes:
        tier: The weakest tier among its members.
        keep: The picture that is kept.
        members: All of them, the keeper first, then by path.
        oversized: Whether there are so many that a person should look.
    """

    tier: Tier
    keep: Picture
    members: tuple[Member, ...]
    oversized: bool

"""Which file of several copies stays: ordered rules, and in words what decided."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from imgsearch.dedup.paths import shown
from imgsearch.dedup.patterns import PathPatterns
from imgsearch.dedup.records import Picture
from imgsearch.dedup.siblings import Siblings

DEFAULT_ORDER: Final = (
    "resolution",
    "siblings",
    "exif",
    "format",
    "size",
    "protected",
    "oldest",
    "shortest-name",
)
"""The best picture first; then, among equals, the file that is likely to be the original."""

_FORMATS: Final = (
    ("PSD",),
    ("TIFF",),
    ("HEIF", "AVIF"),
    ("PNG", "BMP", "QOI", "TGA", "PPM", "SGI", "DDS", "PCX"),
    ("JPEG", "JPEG2000"),
    ("WEBP",),
    ("GIF", "ICO", "ICNS", "CUR"),
)
"""Formats from what a camera or an editor writes down to what a web page wants."""
_FIDELITY: Final = {name: -place for place, names in enumerate(_FORMATS) for name in names}

_NS_PER_MINUTE: Final = 60_000_000_000

_NOTABLY_LARGER: Final = 1.1  # times as many bytes

_OF_ITS_SIZE: Final = frozenset(("resolution", "format", "size", "oldest", "shortest-name"))
"""Rules that additions satisfy, or that are only to break ties."""

_OF_THE_PICTURE: Final = frozenset(("resolution", "siblings", "exif", "format"))
_HINTS: Final = frozenset(("size", "oldest", "shortest-name"))
"""Rules that say which file is likely the original, and no more, where they come last."""

_MUCH_LARGER: Final = 3  # times as many bytes: noise makes less than that

Worth = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Rule:
    """One rule.

    Attributes:
        worth: What a picture is worth by it; more is better.
        words: Why the first of two is kept, if it is worth more.
    """

    worth: Callable[[Picture], Worth]
    words: Callable[[Picture, Picture], str]


@dataclass(frozen=True)
class KeepRules:
    """An ordered list of rules; each breaks the ties of those before it.

    A file under `keep_in` comes first. Files under `never_touch` are never proposed for removal;
    among equals they are also the ones to keep, so that the other may go.

    Attributes:
        order: Names of rules, of `DEFAULT_ORDER`.
        keep_in: Files that are kept rather than others.
        never_touch: Files that stay, whatever is said of them.
        siblings: Finds the files that belong to a picture.
    """

    order: tuple[str, ...] = DEFAULT_ORDER
    keep_in: PathPatterns = field(default_factory=PathPatterns)
    never_touch: PathPatterns = field(default_factory=PathPatterns)
    siblings: Siblings = field(default_factory=Siblings, compare=False)

    def __post_init__(self) -> None:
        unknown = set(self.order) - set(DEFAULT_ORDER)
        if unknown or len(set(self.order)) < len(self.order):
            raise ValueError(f"{self.order} names a rule twice, or one that there is not")

    def rank(self, pictures: Iterable[Picture]) -> list[Picture]:
        """Return pictures in the order in which they are kept; ties go by path."""
        by_path = sorted(pictures, key=lambda picture: picture.path)
        rules = self._rules()
        worth = {picture.image_id: [rule.worth(picture) for rule in rules] for picture in by_path}
        return sorted(by_path, key=lambda picture: worth[picture.image_id], reverse=True)

    def reason(self, picture: Picture, others: Iterable[Picture]) -> str:
        """Say why a picture is kept rather than others: what decides against the best of them."""
        ranked = self.rank(other for other in others if other.image_id != picture.image_id)
        if not ranked:
            return "the only one"
        rival = ranked[0]
        for rule in self._rules():
            ours, theirs = rule.worth(picture), rule.worth(rival)
            if ours > theirs:
                return rule.words(picture, rival)
            if ours < theirs:
                return f"kept although {shown(rival.path.name)} is {rule.words(rival, picture)}"
        return "equal; the first by path"

    def yields_to_plainer(self, picture: Picture, other: Picture) -> bool:
        """Tell whether a picture with something around it or on it may go for one without.

        Not where a rule prefers it that says more than its size: where it lies, its EXIF data.
        """
        for name, rule in self._named_rules():
            ours, theirs = rule.worth(picture), rule.worth(other)
            if ours > theirs and name not in _OF_ITS_SIZE:
                return False
        return True

    def yields_to_hub(self, picture: Picture, other: Picture) -> bool:
        """Tell whether a picture may go for a worse one that more of the others are copies of.

        Only where nothing but a hint prefers it: a larger file, say.
        """
        if picture.stamp.size_bytes > _MUCH_LARGER * other.stamp.size_bytes:
            return False
        before: set[str] = set()
        for name, rule in self._named_rules():
            if rule.worth(picture) != rule.worth(other):
                return name in _HINTS and before.issuperset(_OF_THE_PICTURE)
            before.add(name)
        return True

    def is_protected(self, path: Path) -> bool:
        """Tell whether a file may never be removed."""
        return self.never_touch.matches(path)

    def _named_rules(self) -> Iterator[tuple[str, _Rule]]:
        return zip(("keep-in", *self.order), self._rules(), strict=True)

    def _rules(self) -> Sequence[_Rule]:
        rules = {
            "siblings": _Rule(self._siblings_worth, self._siblings_words),
            "protected": _Rule(
                lambda picture: (int(self.is_protected(picture.path)),),
                lambda _ours, _theirs: "protected by --never-touch",
            ),
            **_OF_PICTURES,
        }
        first = _Rule(
            lambda picture: (int(self.keep_in.matches(picture.path)),),
            lambda _ours, _theirs: "under --keep-in",
        )
        return (first, *(rules[name] for name in self.order))

    def _siblings_worth(self, picture: Picture) -> Worth:
        return (len(self._siblings_of(picture)),)

    def _siblings_words(self, ours: Picture, _theirs: Picture) -> str:
        names = ", ".join(shown(path.name) for path in self._siblings_of(ours))
        return f"accompanied by {names}"

    def _siblings_of(self, picture: Picture) -> tuple[Path, ...]:
        try:
            return self.siblings.of(picture.path)
        except OSError:
            return ()  # its folder is gone; what is planned of it is refused later


def _pixels(picture: Picture) -> Worth:
    return (picture.facts.width * picture.facts.height,)


def _pixels_words(ours: Picture, theirs: Picture) -> str:
    return f"larger: {_resolution(ours)} against {_resolution(theirs)}"


def _resolution(picture: Picture) -> str:
    return f"{picture.facts.width}x{picture.facts.height}"


def _exif(picture: Picture) -> Worth:
    facts = picture.facts
    return ((facts.taken is not None) + (facts.camera is not None), facts.exif_tags)


def _exif_words(ours: Picture, theirs: Picture) -> str:
    return f"richer in EXIF: {_exif_of(ours)} against {_exif_of(theirs)}"


def _exif_of(picture: Picture) -> str:
    facts = picture.facts
    known = [name for name, value in (("date", facts.taken), ("camera", facts.camera)) if value]
    return ", ".join([*known, f"{facts.exif_tags} tags"] if facts.exif_tags else known) or "none"


def _format(picture: Picture) -> Worth:
    return (_FIDELITY.get(picture.facts.format, -len(_FORMATS)),)


def _format_words(ours: Picture, theirs: Picture) -> str:
    return f"in a better format: {ours.facts.format} against {theirs.facts.format}"


def _size(picture: Picture) -> Worth:
    """Return the size in steps of a tenth: hundredths come of metadata or another encoder."""
    return (round(math.log(max(1, picture.stamp.size_bytes), _NOTABLY_LARGER)),)


def _size_words(ours: Picture, theirs: Picture) -> str:
    sizes = (ours.stamp.size_bytes, theirs.stamp.size_bytes)
    return "a larger file: {:,} against {:,} bytes".format(*sizes)


def _age(picture: Picture) -> Worth:
    """Tell age by the minute: files unpacked or copied together are of one age."""
    return (-(picture.stamp.mtime_ns // _NS_PER_MINUTE),)


def _age_words(ours: Picture, theirs: Picture) -> str:
    return f"older: {_date(ours)} against {_date(theirs)}"


def _date(picture: Picture) -> str:
    try:
        moment = datetime.fromtimestamp(picture.stamp.mtime_ns // 1_000_000_000, UTC)
    except (OverflowError, OSError, ValueError):
        return "no date"
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def _brevity(picture: Picture) -> Worth:
    return (-len(picture.path.name),)


def _brevity_words(ours: Picture, theirs: Picture) -> str:
    return f"of a shorter name: {shown(ours.path.name)} against {shown(theirs.path.name)}"


_OF_PICTURES: Final = {
    "resolution": _Rule(_pixels, _pixels_words),
    "exif": _Rule(_exif, _exif_words),
    "format": _Rule(_format, _format_words),
    "size": _Rule(_size, _size_words),
    "oldest": _Rule(_age, _age_words),
    "shortest-name": _Rule(_brevity, _brevity_words),
}

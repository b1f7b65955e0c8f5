"""Keep rules as people write them: on the command line, and in a file.

# keep.toml, in the gallery's folder, or wherever --config says
keep = ["oldest", "resolution"]
keep-in = ["../originals"]
never-touch = ["../prints", "*.tif"]
tiers = ["identical", "pixels"]
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from imgsearch.dedup.keepers import DEFAULT_ORDER, KeepRules
from imgsearch.dedup.patterns import parse_patterns
from imgsearch.dedup.planning import DEFAULT_TIERS
from imgsearch.dedup.records import REMOVABLE, TIERS, Tier
from imgsearch.errors import ImageReadError, KeepRulesError
from imgsearch.images.read import open_regular

CONFIG_NAME: Final = "keep.toml"

_KEYS: Final = ("keep", "keep-in", "never-touch", "tiers")


@dataclass(frozen=True, slots=True)
class KeepWishes:
    """What a person wrote.

    Attributes:
        keep: Names of rules, the most important first.
        keep_in: Folders and globs whose files are kept rather than others.
        never_touch: Folders and globs whose files stay.
        tiers: What may go.
    """

    keep: tuple[str, ...] = ()
    keep_in: tuple[str, ...] = ()
    never_touch: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rulebook:
    """What follows from it: the rules, and the tiers of which files may go."""

    rules: KeepRules
    tiers: frozenset[Tier]


def read_rulebook(wishes: KeepWishes, gallery: Path, config: Path | None = None) -> Rulebook:
    """Join what was asked for with what a file says; together they protect more, never less.

    Args:
        wishes: Of the command line; relative paths start at the working directory. Its order of
            rules and its tiers replace those of the file.
        gallery: Its `keep.toml` is read if no other file is named and there is one.
        config: Another file. Relative paths in a file start at the folder that it is in.

    Raises:
        KeepRulesError: If a rule or a file makes no sense.
    """
    path = config or gallery / CONFIG_NAME
    # A link that leads nowhere is no reason to forget what it protects.
    written = _read(path) if config is not None or os.path.lexists(path) else KeepWishes()
    source = f"{path}: "
    here, there = Path.cwd(), path.absolute().parent
    rules = KeepRules(
        order=parse_order(wishes.keep, "--keep ")
        or parse_order(written.keep, source)
        or DEFAULT_ORDER,
        keep_in=parse_patterns(wishes.keep_in, here, option="--keep-in").joined(
            parse_patterns(written.keep_in, there, option=f"{source}keep-in")
        ),
        never_touch=parse_patterns(wishes.never_touch, here, option="--never-touch").joined(
            parse_patterns(written.never_touch, there, option=f"{source}never-touch")
        ),
    )
    tiers = (
        parse_tiers(wishes.tiers, "--tier ") or parse_tiers(written.tiers, source) or DEFAULT_TIERS
    )
    return Rulebook(rules, tiers)


def parse_order(names: Iterable[str], source: str = "") -> tuple[str, ...]:
    """Return the rules that were named, and after them the others, which break ties.

    Args:
        names: The most important first.
        source: What an error message begins with: where they were named.

    Returns:
        All rules in their order; none if none was named.

    Raises:
        KeepRulesError: If there is no such rule, or one is named twice.
    """
    named = tuple(names)
    for name in named:
        if name not in DEFAULT_ORDER:
            known = ", ".join(DEFAULT_ORDER)
            raise KeepRulesError(f"{source}{name}: there is no such rule; choose of {known}")
    if len(set(named)) < len(named):
        raise KeepRulesError(f"{source}{','.join(named)}: a rule is named twice")
    rest = tuple(name for name in DEFAULT_ORDER if name not in named)
    return named + rest if named else ()


def parse_tiers(names: Iterable[str], source: str = "") -> frozenset[Tier]:
    """Return the tiers that were named.

    Args:
        names: Of tiers of which files may go.
        source: What an error message begins with: where they were named.

    Raises:
        KeepRulesError: If there is no such tier, or nothing of it may go.
    """
    found = {tier: tier in REMOVABLE for tier in TIERS}
    named = tuple(names)
    for name in named:
        if not found.get(name, False):  # type: ignore[call-overload]
            known = ", ".join(tier for tier in TIERS if tier in REMOVABLE)
            raise KeepRulesError(f"{source}{name}: nothing of this kind may go; choose of {known}")
    return frozenset(tier for tier in TIERS if tier in named)


def _read(path: Path) -> KeepWishes:
    try:
        with open_regular(path, name=str(path)) as file:
            document = tomllib.loads(file.read().decode())
    except ImageReadError as error:
        raise KeepRulesError(f"{path} cannot be read: {error.reason}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise KeepRulesError(f"{path} is no TOML file: {error}") from error
    for key in document:
        if key not in _KEYS:
            known = ", ".join(_KEYS)
            raise KeepRulesError(f"{path}: there is no setting {key!r}; there are {known}")
    return KeepWishes(*(_texts(path, key, document.get(key, [])) for key in _KEYS))


def _texts(path: Path, key: str, value: Any) -> tuple[str, ...]:  # noqa: ANN401 - of TOML
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise KeepRulesError(f"{path}: {key} has to be a list of texts")
    return tuple(texts)

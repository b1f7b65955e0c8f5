"""`imgsearch dupes explain`: why two files are copies, or are not."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imgsearch.cli.options import JsonOption
from imgsearch.cli.output import json_path, one_line, print_json, print_line

if TYPE_CHECKING:
    from imgsearch.dedup.evidence import Evidence
    from imgsearch.dedup.explain import Explanation
    from imgsearch.dedup.records import Picture


def explain(
    first: Annotated[Path, typer.Argument(metavar="A", help="A picture, indexed or not.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Another picture.")],
    png: Annotated[
        Path | None,
        typer.Option("--png", metavar="OUT", help="Also draw the two side by side."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say whether two pictures are copies, what shows it, and how the files differ.

    Example: imgsearch dupes explain cat.jpg copies/cat-reencoded.jpg
    """
    from imgsearch.dedup.explain import explain as explained  # OpenCV costs 20 ms to load

    explanation = explained(first, second)
    if png is not None:
        _draw(png, explanation)
    if as_json:
        print_json(_document(explanation))
    else:
        for fields in _lines(explanation):
            print_line("\t".join(map(one_line, fields)))


def _draw(path: Path, explanation: Explanation) -> None:
    from imgsearch.web.contact_sheet import Cell, Row, write_png

    pictures = (explanation.first, explanation.second)
    cells = (Cell(each.path, f"{_size(each)} {each.path.name}", "query") for each in pictures)
    verdict = explanation.verdict
    title = f"{_tier(explanation)} {verdict.score:.3f}: {verdict.reason}"
    write_png(path, [Row(title, tuple(cells))], side=480)


def _tier(explanation: Explanation) -> str:
    return explanation.verdict.tier or "different"


def _lines(explanation: Explanation) -> list[tuple[str, ...]]:
    verdict = explanation.verdict
    rows = zip(_details(explanation.first), _details(explanation.second), strict=True)
    return [
        (_tier(explanation), f"{verdict.score:.3f}", verdict.reason),
        *([] if explanation.evidence is None else _evidence_lines(explanation.evidence)),
        *((*one, other, *(() if one[1] == other else ("differs",))) for one, (_, other) in rows),
    ]


def _evidence_lines(evidence: Evidence) -> list[tuple[str, ...]]:
    shares = f"B shows {evidence.first_share:.0%} of A, A shows {evidence.second_share:.0%} of B"
    found = f"{evidence.tracked} of {evidence.sought} places found again"
    return [
        ("overlap", shares),
        ("changed", f"{evidence.changed:.1%} of what both show"),
        ("detail", f"{found}, {evidence.slip:.2f} pixels off"),
    ]


def _details(picture: Picture) -> list[tuple[str, str]]:
    facts, stamp = picture.facts, picture.stamp
    modified = datetime.fromtimestamp(stamp.mtime_ns // 1_000_000_000, UTC)
    return [
        ("path", str(picture.path)),
        ("pixels", _size(picture)),
        ("format", facts.format),
        ("bytes", f"{stamp.size_bytes:,}"),
        ("modified", f"{modified:%Y-%m-%d %H:%M:%S}"),
        ("taken", facts.taken or "-"),
        ("camera", facts.camera or "-"),
        ("EXIF tags", str(facts.exif_tags)),
    ]


def _size(picture: Picture) -> str:
    return f"{picture.facts.width}x{picture.facts.height}"


def _document(explanation: Explanation) -> dict[str, Any]:
    verdict, evidence = explanation.verdict, explanation.evidence
    return {
        "tier": verdict.tier,
        "score": verdict.score,
        "reason": verdict.reason,
        "evidence": None if evidence is None else _evidence(evidence),
        "a": _file(explanation.first),
        "b": _file(explanation.second),
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {
        "first_share": evidence.first_share,
        "second_share": evidence.second_share,
        "changed": evidence.changed,
        "tracked": evidence.tracked,
        "sought": evidence.sought,
        "slip": evidence.slip,
        "transform": evidence.transform.tolist(),
    }


def _file(picture: Picture) -> dict[str, Any]:
    facts = picture.facts
    return {
        **json_path(picture.path),
        "width": facts.width,
        "height": facts.height,
        "format": facts.format,
        "size_bytes": picture.stamp.size_bytes,
        "sha256": facts.content_hash.hex(),
        "taken": facts.taken,
        "camera": facts.camera,
        "exif_tags": facts.exif_tags,
    }

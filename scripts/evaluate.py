"""Measure how well imgsearch finds copies, and whether it calls anything else one.

    scripts/evaluate edits PHOTOS [--distractors FOLDER]... [--write FOLDER]
    scripts/evaluate pairs PAIRS.csv [--write FOLDER]

`edits` makes a folder of edited photos, look-alikes and distractors, in which everything is known;
`pairs` reads labelled pairs (columns a, b, kind and verdict, which is dup or notdup). Beside
imgsearch it runs what is installed of image-dedup-ai and ImageHash. Tables go to stdout.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path

from copies.collection import Recipe, make_collection, part_of, photos_in
from copies.detectors import DETECTORS, MODULES, Detection
from copies.figures import as_json, figures_of, markdown, mistakes_markdown
from copies.labelled import called_by_kind, labelled_markdown, read_pairs

from imgsearch.evaluation.edits import EDITS, FAMILY
from imgsearch.evaluation.lookalikes import LOOKALIKES


def main() -> None:
    wanted = arguments()
    with tempfile.TemporaryDirectory(prefix="imgsearch-evaluate-") as name:
        document = wanted.run(wanted, Path(name).resolve())
    print(document, flush=True)
    if wanted.write:
        (wanted.write / f"{wanted.measure}.md").write_text(document + "\n", encoding="utf-8")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/evaluate",
        description="Measure how well copies are found, and whether anything else is called one.",
    )
    measures = parser.add_subparsers(dest="measure", required=True, metavar="edits|pairs")
    edits = measures.add_parser("edits", help="on seeded edits of photos among others")
    edits.add_argument("photos", type=folder, help="what is edited is chosen from this folder")
    edits.add_argument("--distractors", type=folder, action="append", default=[], metavar="FOLDER")
    edits.add_argument(
        "--without",
        type=listed,
        default=frozenset(),
        metavar="LIST",
        help="a file that names photos to leave out, one a line, from its own folder: "
        "known copies among PHOTOS and distractors",
    )
    edits.add_argument("--families", type=int, default=60, metavar="N", help="photos to edit")
    edits.add_argument("--lookalikes", type=int, default=5, metavar="N", help="sets of each kind")
    edits.add_argument(
        "--part",
        choices=("tune", "measure"),
        default="measure",
        help="which half of the photos is edited; the other is for distractors only",
    )
    edits.add_argument("--seed", type=int, default=1)
    edits.add_argument(
        "--edits",
        type=edit_names,
        default=[edit.name for edit in FAMILY],
        metavar="NAME,...",
        help=f"all, or some of: {', '.join(EDITS)}",
    )
    edits.add_argument("--keep", type=Path, metavar="FOLDER", help="keep what is made there")
    edits.set_defaults(run=measure_edits)
    pairs = measures.add_parser("pairs", help="on pairs of a CSV file")
    pairs.add_argument("pairs", type=Path, help="columns a, b, kind, verdict (dup or notdup)")
    pairs.set_defaults(run=measure_pairs)
    for measure in (edits, pairs):
        measure.add_argument(
            "--only",
            type=program_names,
            default=list(DETECTORS),
            metavar="NAME,...",
            help=f"some of: {', '.join(DETECTORS)}",
        )
        measure.add_argument(
            "--write",
            type=made_folder,
            metavar="FOLDER",
            help="write the tables, and all figures as JSON",
        )
    return parser.parse_args()


def folder(text: str) -> Path:
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"{text} is no folder")
    return Path(text).resolve()


def listed(text: str) -> frozenset[Path]:
    try:
        lines = Path(text).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{text} cannot be read: {error.strerror}") from error
    return frozenset((Path(text).parent / line).resolve() for line in lines if line)


def made_folder(text: str) -> Path:
    Path(text).mkdir(parents=True, exist_ok=True)
    return Path(text)


def edit_names(text: str) -> list[str]:
    return list(EDITS) if text == "all" else names(text, EDITS)


def program_names(text: str) -> list[str]:
    return names(text, DETECTORS)


def names(text: str, known: Collection[str]) -> list[str]:
    unknown = [name for name in text.split(",") if name not in known]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]} is none of {', '.join(known)}")
    return text.split(",")


def measure_edits(wanted: argparse.Namespace, workspace: Path) -> str:
    root = wanted.keep.resolve() if wanted.keep else workspace / "collection"
    if not root.exists():
        fill(root, wanted)
    count = len(photos_in(root))
    say(f"{count} files in {root}")
    found = detect(root, wanted.only)
    figures = [figures_of(detection, root) for detection in found]
    if wanted.write:
        write_json(wanted.write / "edits.json", [as_json(each) for each in figures])
    return f"{markdown(figures)}\n\n{mistakes_markdown(figures)}\n\n{count} files."


def fill(root: Path, wanted: argparse.Namespace) -> None:
    known = [path for path in photos_in(wanted.photos) if path not in wanted.without]
    photos = [path for path in known if part_of(path) == wanted.part]
    others = [path for path in known if part_of(path) != wanted.part]
    for each in wanted.distractors:
        others += [path for path in photos_in(each) if path not in wanted.without]
    needed = wanted.families + wanted.lookalikes * sum(kind.photos for kind in LOOKALIKES.values())
    if len(photos) < needed:
        raise SystemExit(
            f"evaluate: {wanted.photos} has {len(photos)} photos to {wanted.part} with, and "
            f"{needed} are needed; ask for fewer with --families and --lookalikes"
        )
    edits = [EDITS[name] for name in wanted.edits]
    recipe = Recipe(wanted.families, edits, wanted.lookalikes, wanted.seed)
    make_collection(root, photos, others, recipe)


def measure_pairs(wanted: argparse.Namespace, workspace: Path) -> str:
    del workspace
    labels = read_pairs(wanted.pairs)
    found = detect(labels.root, wanted.only)
    counts = [called_by_kind(detection, labels) for detection in found]
    programs = [detection.name for detection in found]
    if wanted.write:
        write_json(wanted.write / "pairs.json", dict(zip(programs, counts, strict=True)))
    return labelled_markdown(programs, counts)


def detect(root: Path, programs: Sequence[str]) -> list[Detection]:
    """Run the programs that are installed, one after the other."""
    found = []
    for name in programs:
        if name in MODULES and importlib.util.find_spec(MODULES[name]) is None:
            say(f"{name} is not installed; for it: pip install -e '.[evaluate]'")
            continue
        say(f"running {name}")
        found.append(DETECTORS[name](root))
    return found


def write_json(path: Path, document: object) -> None:
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def say(text: str) -> None:
    print(f"evaluate: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)

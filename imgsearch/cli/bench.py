"""`imgsearch bench`: what to expect on this machine."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imgsearch.cli.options import JsonOption
from imgsearch.cli.output import print_json, print_line

if TYPE_CHECKING:
    from imgsearch.bench import MachineSpeed

_MINUTE_S = 60
_HOUR_S = 3600
_LABEL_WIDTH = 27


def bench(
    every_engine: Annotated[
        bool, typer.Option("--all", help="Measure every engine and precision that does well here.")
    ] = False,
    seconds: Annotated[
        float, typer.Option("--seconds", min=0.01, help="How long to measure each figure.")
    ] = 2.0,
    as_json: JsonOption = False,
) -> None:
    """Say how fast indexing and searching are on this machine.

    Measured with the default preset on pictures made for it, in some 15 seconds; --all takes
    longer. Other work on the machine meanwhile makes the answer too low.

    Example: imgsearch bench
    """
    from imgsearch.bench import measure_machine  # NumPy and Pillow: not for --help

    speed = measure_machine(seconds=seconds, every_engine=every_engine)
    if as_json:
        print_json(_document(speed))
    else:
        for label, text in _lines(speed):
            print_line(f"{label:<{_LABEL_WIDTH}}{text}")


def _document(speed: MachineSpeed) -> dict[str, Any]:
    from imgsearch.bench import PROJECTED, SEARCHED

    return {
        "cores": speed.cores,
        "engine": speed.chosen.engine,
        "precision": speed.chosen.precision,
        "why": speed.why,
        "network_images_per_second": speed.chosen.images_per_second,
        "others": [asdict(other) for other in speed.others],
        "files": [
            {
                **asdict(files),
                "projected": [
                    {"images": count, "seconds": files.seconds_for(count)} for count in PROJECTED
                ],
            }
            for files in speed.files
        ],
        "search": {"images": SEARCHED, "seconds": speed.search_s},
    }


def _lines(speed: MachineSpeed) -> list[tuple[str, str]]:
    from imgsearch.bench import PROJECTED, SEARCHED

    chosen = speed.chosen
    return [
        ("precision", f"{chosen.precision} ({chosen.engine}): {speed.why}"),
        (f"network on {speed.cores} cores", f"{chosen.images_per_second:,.1f} images/s"),
        *(
            (f"  {other.engine} {other.precision}", f"{other.images_per_second:,.1f} images/s")
            for other in speed.others
        ),
        ("index JPEG files of", _columns([f"{files.megapixels:g} MP" for files in speed.files])),
        ("  speed", _columns([f"{files.images_per_second:,.1f}/s" for files in speed.files])),
        *(
            (
                f"  {count:,} photos",
                _columns([_duration(files.seconds_for(count)) for files in speed.files]),
            )
            for count in PROJECTED
        ),
        (f"search {SEARCHED:,} photos", f"{speed.search_s * 1000:.1f} ms"),
    ]


def _columns(cells: list[str]) -> str:
    return "".join(f"{cell:<12}" for cell in cells).rstrip()


def _duration(seconds: float) -> str:
    if seconds < 2 * _MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR_S:
        return f"{seconds / _MINUTE_S:.0f} min"
    return f"{seconds / _HOUR_S:.1f} h"

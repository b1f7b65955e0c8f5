"""The options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from imgsearch.embedding.registry import PRESETS, Engine, WantedPrecision

PIXELS_PER_MEGAPIXEL = 1_000_000
LARGEST_MEGAPIXELS = 1e9  # beyond every file; refuses infinity, too


class EngineName(StrEnum):
    """What runs the network."""

    auto = "auto"
    openvino = "openvino"
    tensorflow = "tensorflow"


class PrecisionName(StrEnum):
    """The arithmetic that the network is computed in."""

    auto = "auto"
    fp32 = "fp32"
    bf16 = "bf16"
    int8 = "int8"


def _known_preset(name: str | None) -> str | None:
    if name is not None and name not in PRESETS:
        raise typer.BadParameter(f"choose one of {', '.join(PRESETS)}")
    return name


def engine_of(name: EngineName) -> Engine:
    """Return the registry's name of an engine."""
    return name.value


def precision_of(name: PrecisionName) -> WantedPrecision:
    """Return the registry's name of a precision."""
    return name.value


GalleryOption = Annotated[
    Path | None,
    typer.Option(
        "--gallery",
        metavar="DIR",
        help="The gallery's folder. Default: $IMGSEARCH_GALLERY, else the nearest .imgsearch at"
        " or above the working directory, else the one indexed last.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print results and errors only.")]
PresetOption = Annotated[
    str | None,
    typer.Option(
        "--preset",
        metavar="|".join(PRESETS),
        help="How pictures become vectors. Default: the gallery's own, else 'default'.",
        callback=_known_preset,
        show_default=False,
    ),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="PATH.onnx|NAME",
        help="A model of your own, with a card PATH.toml beside it, or one that a package"
        " registers; see docs/models.md. A gallery may have vectors of several.",
        show_default=False,
    ),
]
EngineOption = Annotated[
    EngineName, typer.Option("--engine", help="What runs the network; auto takes OpenVINO.")
]
PrecisionOption = Annotated[
    PrecisionName,
    typer.Option("--precision", help="The arithmetic; auto takes the fastest that is safe here."),
]
WeightsOption = Annotated[
    Path | None,
    typer.Option(
        "--weights",
        metavar="FILE",
        help="VGG16's weights, .h5 or .npz. Default: $IMGSEARCH_WEIGHTS, else found by itself.",
        show_default=False,
    ),
]
MaxMegapixelsOption = Annotated[
    float,
    typer.Option(
        "--max-megapixels",
        min=0.001,
        max=LARGEST_MEGAPIXELS,
        help="Refuse pictures that declare more pixels.",
    ),
]

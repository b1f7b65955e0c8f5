"""The card of a model file: a small TOML file that says what the network is to be shown.

name = "dinov2-small"            # what its gallery and `--model` call it
size = 224                       # side of its input, in pixels
crop_from = 256                  # optional: keep the aspect ratio, cut the middle out
mean = [0.485, 0.456, 0.406]     # subtracted, once the pixels were divided by `scale`
std = [0.229, 0.224, 0.225]      # divides what is left
scale = 255                      # optional, as all that follows; here are what is taken
layout = "NCHW"                  # or "NHWC"
colour = "RGB"                   # or "BGR"; mean and std are in this order
pooling = "none"                 # a map: "avg", "gem-P", "rgem-P", a sum; tokens: "avg", "cls"
output = ""                      # the output's name, if the network has several
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias

from imgsearch.embedding.pooling import pooling_of
from imgsearch.errors import EmbedderError, ModelFileError
from imgsearch.types import Preprocessing

Layout: TypeAlias = Literal["NCHW", "NHWC"]
Colour: TypeAlias = Literal["RGB", "BGR"]
Triple: TypeAlias = tuple[float, float, float]

POOLED_TOKENS: Final = ("avg", "cls")
"""What can be taken of an output (n, tokens, dim): the mean of all, or the first."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LARGEST_SIDE: Final = 4096
_LARGEST_NUMBER: Final = 1_000_000
_REQUIRED: Final = ("name", "size", "mean", "std")


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a model's card says.

    Attributes:
        name: What the model is called; also the name of a folder, so it has no slash.
        preprocessing: Side of the input, and whether the picture is squeezed into it or cut.
        mean: Subtracted from each channel, in the network's order of channels.
        std: Each channel is divided by it then.
        scale: The bytes of a pixel are divided by it first.
        layout: Whether channels come before rows and columns, or after.
        colour: The network's order of channels.
        pooling: How its output becomes a vector; `"none"` if it is one.
        output: The name of its output, or of a layer before it; empty if it has one output.
        output_layout: Where the channels are if its output is a map.
    """

    name: str
    preprocessing: Preprocessing
    mean: Triple
    std: Triple
    scale: float
    layout: Layout
    colour: Colour
    pooling: str
    output: str
    output_layout: Layout

    def details(self) -> str:
        """Return as JSON what decides about the vectors and has no field in the identity."""
        decisive = ("mean", "std", "scale", "layout", "colour", "output", "output_layout")
        return json.dumps({name: getattr(self, name) for name in sorted(decisive)})


def is_name(text: str) -> bool:
    """Tell whether a text may be a model's name, and so that of a folder."""
    return _NAME.fullmatch(text) is not None


def card_path(model: Path) -> Path:
    """Return where the card of a model file lies: beside it, with the ending `.toml`."""
    return model.with_suffix(".toml")


def read_card(model: Path) -> ModelCard:
    """Read the card of a model file.

    Args:
        model: The model file; only the card beside it is read.

    Raises:
        ModelFileError: If there is no card, or it does not say what it has to.
    """
    path = card_path(model)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        reason = f"there is no card {path.name} beside it; docs/models.md shows how to write one"
        raise ModelFileError(model, reason) from None
    except OSError as error:
        raise ModelFileError(path, f"it cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise ModelFileError(path, f"it is no TOML: {error}") from error
    return _card_of(document, path)


def _card_of(document: Mapping[str, Any], path: Path) -> ModelCard:
    _check_keys(document, path)
    fields = {key: _KINDS[key](document[key], key, path) for key in document}
    size, crop_from = fields["size"], fields.get("crop_from")
    if crop_from is not None and crop_from < size:
        raise ModelFileError(path, f"crop_from is {crop_from}, but has to be at least the size")
    return ModelCard(
        name=fields["name"],
        preprocessing=Preprocessing(size, "faithful", crop_from),
        mean=fields["mean"],
        std=fields["std"],
        scale=fields.get("scale", 255.0),
        layout=fields.get("layout", "NCHW"),
        colour=fields.get("colour", "RGB"),
        pooling=fields.get("pooling", "none"),
        output=fields.get("output", ""),
        output_layout=fields.get("output_layout", fields.get("layout", "NCHW")),
    )


def _check_keys(document: Mapping[str, Any], path: Path) -> None:
    unknown = [key for key in document if key not in _KINDS]
    if unknown:
        raise ModelFileError(path, f"unknown key {unknown[0]!r}; known are {', '.join(_KINDS)}")
    missing = [key for key in _REQUIRED if key not in document]
    if missing:
        raise ModelFileError(path, f"the key {missing[0]} is missing")


def _name(value: object, key: str, path: Path) -> str:
    if not isinstance(value, str) or not is_name(value):
        reason = f"{key} is made of letters, digits, '.', '_' and '-', not {value!r}"
        raise ModelFileError(path, reason)
    return value


def _text(value: object, key: str, path: Path) -> str:
    if not isinstance(value, str):
        raise ModelFileError(path, f"{key} is a text, not {value!r}")
    return value


def _side(value: object, key: str, path: Path) -> int:
    if type(value) is not int or not 1 <= value <= _LARGEST_SIDE:
        reason = f"{key} is a whole number from 1 to {_LARGEST_SIDE}, not {value!r}"
        raise ModelFileError(path, reason)
    return value


def _number(value: object, key: str, path: Path) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ModelFileError(path, f"{key} is a number, not {value!r}")
    if not abs(value) <= _LARGEST_NUMBER:  # nor is it nan
        raise ModelFileError(path, f"{key} lies between -{_LARGEST_NUMBER} and {_LARGEST_NUMBER}")
    return float(value)


def _divisor(value: object, key: str, path: Path) -> float:
    number = _number(value, key, path)
    if number <= 0:
        raise ModelFileError(path, f"{key} is above 0, not {value!r}")
    return number


def _three(value: object, key: str, path: Path) -> Triple:
    if not isinstance(value, list) or len(value) != 3:
        raise ModelFileError(path, f"{key} has three numbers, one a channel, not {value!r}")
    kind = _divisor if key == "std" else _number
    red, green, blue = (kind(number, key, path) for number in value)
    return red, green, blue


def _one_of(*choices: str) -> Callable[[object, str, Path], str]:
    def check(value: object, key: str, path: Path) -> str:
        if value not in choices:
            raise ModelFileError(path, f"{key} is {' or '.join(choices)}, not {value!r}")
        return str(value)

    return check


def _pooling(value: object, key: str, path: Path) -> str:
    name = _text(value, key, path)
    if name not in ("none", *POOLED_TOKENS):
        try:
            pooling_of(name)
        except EmbedderError as error:
            known = "none, avg, cls, gem-P or rgem-P, such as gem-3"
            raise ModelFileError(path, f"{key} is {known}, not {value!r}") from error
    return name


_KINDS: Final[Mapping[str, Callable[[object, str, Path], Any]]] = MappingProxyType(
    {
        "name": _name,
        "size": _side,
        "crop_from": _side,
        "mean": _three,
        "std": _three,
        "scale": _divisor,
        "layout": _one_of("NCHW", "NHWC"),
        "colour": _one_of("RGB", "BGR"),
        "pooling": _pooling,
        "output": _text,
        "output_layout": _one_of("NCHW", "NHWC"),
    }
)

"""What the scores of a gallery mean, as `imgsearch calibrate` found it; kept beside the catalogue.

    calibration.json    one JSON document with a checksum of the rest of it; replaced in one step

It holds for one embedder. It is a cache: without it nothing is lost but the probabilities.
"""

from __future__ import annotations

import json
import math
import zlib
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from imgsearch.errors import CalibrationError, GalleryWriteError
from imgsearch.evaluation.calibration import ProbabilityCurve
from imgsearch.gallery.durable import read_regular, write_durably
from imgsearch.gallery.store import GalleryStore
from imgsearch.types import EmbedderIdentity

CALIBRATION_NAME: Final = "calibration.json"
GROWTH: Final = 1.5
"""By what factor a gallery may grow or shrink before its calibration is stale."""

_VERSION: Final = 1
_AGAIN: Final = "run `imgsearch calibrate`"


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the scores of a gallery mean.

    Attributes:
        embedder: Whose scores.
        images: How many pictures the gallery had.
        target: The share of returned pictures that shall be the same picture, in (0, 1).
        score: From which score on they are; None if no score does that.
        recall: How many of the edited copies have that score or more; 0 if none does.
        share: How many of the questions are supposed to have a copy in the gallery, in (0, 1].
        sample: How many pictures were edited.
        copies: How many edited copies of them were asked for.
        others: How many pairs with other pictures were looked at.
        left_out: Such pairs left out because they are the same picture, too.
        seed: Of the sample.
        curve: The probability of each score.
    """

    embedder: EmbedderIdentity
    images: int
    target: float
    score: float | None
    recall: float
    share: float
    sample: int
    copies: int
    others: int
    left_out: int
    seed: int
    curve: ProbabilityCurve

    def is_stale(self, images: int) -> bool:
        """Tell whether a gallery of so many pictures is another than the one that was measured."""
        return not self.images / GROWTH <= images <= self.images * GROWTH


def write_calibration(folder: Path, calibration: Calibration) -> None:
    """Keep a calibration in a gallery's folder, in place of an earlier one.

    Raises:
        GalleryWriteError: If the disk refuses.
    """
    document = _document(calibration)
    text = json.dumps({**document, "crc32": _crc32(document)}, indent=2) + "\n"
    try:
        write_durably(folder / CALIBRATION_NAME, lambda path: _write_text(path, text))
    except OSError as error:
        reason = f"its calibration cannot be written ({error.strerror or error})"
        raise GalleryWriteError(folder, reason) from error


def read_calibration(store: GalleryStore) -> Calibration | None:
    """Return the calibration of a gallery; None if it was never calibrated.

    Raises:
        CalibrationError: If the file is damaged, or of another embedder.
    """
    path = store.folder / CALIBRATION_NAME
    try:
        document = json.loads(read_regular(path).decode())
        crc = document.pop("crc32")
        if crc != _crc32(document) or document["version"] != _VERSION:
            raise CalibrationError(path, f"it is damaged, or of another release; {_AGAIN}")
        calibration = _calibration(document)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CalibrationError(path, f"it cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CalibrationError(path, f"it is damaged; {_AGAIN}") from error
    if calibration.embedder != store.identity():
        raise CalibrationError(path, f"it is of another embedder; {_AGAIN}")
    return calibration


def require_calibration(store: GalleryStore) -> Calibration:
    """Return the calibration of a gallery.

    Raises:
        CalibrationError: If there is none that can be used.
    """
    calibration = read_calibration(store)
    if calibration is None:
        raise CalibrationError(store.folder / CALIBRATION_NAME, f"there is none yet; {_AGAIN}")
    return calibration


def _document(calibration: Calibration) -> dict[str, Any]:
    names = [name for name in Calibration.__slots__ if name not in ("embedder", "curve")]
    return {
        "version": _VERSION,
        "embedder": calibration.embedder.to_json(),
        **{name: getattr(calibration, name) for name in names},
        "curve": [list(calibration.curve.scores), list(calibration.curve.probabilities)],
    }


def _calibration(document: dict[str, Any]) -> Calibration:
    fields = {name: value for name, value in document.items() if name != "version"}
    scores, probabilities = fields.pop("curve")
    embedder = EmbedderIdentity.from_json(fields.pop("embedder"))
    for figures in (scores, probabilities):
        if not all(math.isfinite(figure) for figure in figures):
            raise ValueError("a figure is not finite")
        if any(later < earlier for earlier, later in pairwise(figures)):
            raise ValueError("the curve falls")
    if not scores or len(scores) != len(probabilities):
        raise ValueError("the curve has no points")
    return Calibration(
        embedder=embedder, curve=ProbabilityCurve(tuple(scores), tuple(probabilities)), **fields
    )


def _crc32(document: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps(document, sort_keys=True).encode())


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")

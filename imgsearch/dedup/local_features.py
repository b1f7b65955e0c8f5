"""Local features of a small picture: where it has detail, and what the detail looks like.

The only module of this package that finds and matches features with OpenCV.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import cv2  # noqa: TID251 - see pyproject.toml
import numpy as np
import numpy.typing as npt

from imgsearch.dedup.light import light_of
from imgsearch.types import Pixels

Points: TypeAlias = npt.NDArray[np.float32]
"""Places in a picture: shape (n, 2), x to the right and y down, in pixels."""

Plane: TypeAlias = npt.NDArray[np.uint8]
"""One value or several for each pixel: shape (rows, columns, ...)."""

MOST_FEATURES: Final = 160

_LEAST_CONTRAST: Final = 0.02
_SOFT_CONTRAST: Final = 0.006
_FEW_FEATURES: Final = 60
_LARGE: Final = 160  # pixels; of a larger picture, half as many a side show all that is needed
_DESCRIPTOR: Final = 128
_GRID: Final = (4, 4, 8)  # of a descriptor: rows, columns, directions
_LENGTH: Final = 512  # of a RootSIFT descriptor as it is stored, in uint8
_BLOCK: Final = 12  # rows; a larger product would wake the threads of the linear algebra library
_FAINT: Final = 8.0  # levels; of less contrast, most is noise
_MOST_CORNERS: Final = 400
_PARTS: Final = 8  # along the longer side
_CORNERS_OF_A_PART: Final = 4


@dataclass(frozen=True, slots=True)
class LocalFeatures:
    """What was found in a picture, the strongest first.

    Attributes:
        places: Where each is, in pixels of the thumbnail.
        sizes: How large each is, in pixels; shape (n,).
        angles: Which way each points, in radians clockwise from the right; shape (n,).
        descriptors: What each looks like: RootSIFT, uint8, shape (n, 128).
    """

    places: Points
    sizes: npt.NDArray[np.float32]
    angles: npt.NDArray[np.float32]
    descriptors: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.places)

    def unit_rows(self) -> npt.NDArray[np.float32]:
        """Return the descriptors as vectors of length 1, nearly; shape (n, 128)."""
        return self.descriptors.astype(np.float32) / np.float32(_LENGTH)

    def cosines(self, other: LocalFeatures) -> npt.NDArray[np.float32]:
        """Return how alike each of these is to each of the others; shape (n, others)."""
        rows, columns = self.unit_rows(), other.unit_rows().T
        answer = np.empty((len(rows), columns.shape[1]), np.float32)
        for start in range(0, len(rows), _BLOCK):
            np.matmul(rows[start : start + _BLOCK], columns, out=answer[start : start + _BLOCK])
        return answer

    def mirrored(self, width: int) -> LocalFeatures:
        """Return the features of the picture with left and right swapped.

        Args:
            width: Of the thumbnail.
        """
        places = np.stack([width - 1 - self.places[:, 0], self.places[:, 1]], -1)
        return LocalFeatures(
            places, self.sizes, np.pi - self.angles, self.descriptors[:, _MIRRORED_BINS]
        )


_NONE: Final = LocalFeatures(
    np.empty((0, 2), np.float32),
    np.empty(0, np.float32),
    np.empty(0, np.float32),
    np.empty((0, _DESCRIPTOR), np.uint8),
)


def extract(pixels: Pixels) -> LocalFeatures:
    """Find a picture's local features.

    Args:
        pixels: Shape (rows, columns, 3), of a thumbnail.
    """
    grey = light_of(pixels)
    times = 2 if max(grey.shape) >= _LARGE else 1
    size = tuple(-(-side // times) for side in grey.shape[::-1])
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    found, descriptors = _detected(small, _LEAST_CONTRAST)
    if len(found) < _FEW_FEATURES:  # a picture of soft light
        found, descriptors = _detected(small, _SOFT_CONTRAST)
    if descriptors is None:
        return _NONE
    strongest = np.argsort([-point.response for point in found], kind="stable")[:MOST_FEATURES]
    points = [found[place] for place in strongest]
    scale = np.array(grey.shape[::-1]) / size
    return LocalFeatures(
        np.array([(np.array(point.pt) + 0.5) * scale - 0.5 for point in points], np.float32),
        np.array([point.size for point in points], np.float32) * np.float32(times),
        np.radians(np.array([point.angle for point in points], np.float32)),
        _root(descriptors[strongest]),
    )


def _detected(grey: Plane, contrast: float) -> tuple[Sequence[Any], npt.NDArray[np.float32] | None]:
    detector = cv2.SIFT.create(nfeatures=MOST_FEATURES, contrastThreshold=contrast)
    found, descriptors = detector.detectAndCompute(grey, None)
    return found, descriptors


def _root(descriptors: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Make RootSIFT of SIFT: the Hellinger distance then is Euclid's."""
    sums = np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-9)
    scaled = np.rint(np.sqrt(descriptors / sums) * _LENGTH)
    return np.asarray(np.minimum(scaled, 255), np.uint8)


def _mirrored_bins() -> npt.NDArray[np.intp]:
    """Return where each value of a mirrored descriptor comes from.

    A descriptor lies along its feature's own direction, which turns with the mirror; so only
    what lies to its left and its right is swapped, and so are directions.
    """
    rows, columns, directions = _GRID
    bins = np.arange(_DESCRIPTOR).reshape(_GRID)
    opposite = -np.arange(directions) % directions
    return bins[::-1][:, :, opposite].reshape(rows * columns * directions)


_MIRRORED_BINS: Final = _mirrored_bins()


def evened(pixels: Pixels) -> Plane:
    """Make local light and contrast the same everywhere, so that only detail is left.

    Returns:
        Shape (rows, columns).
    """
    grey = cv2.GaussianBlur(light_of(pixels), (3, 3), 0.8)
    mean = cv2.boxFilter(grey, cv2.CV_32F, (25, 25))
    spread = cv2.sqrBoxFilter(grey, cv2.CV_32F, (25, 25)) - mean * mean
    scale = np.sqrt(np.maximum(spread, 0))
    scale += _FAINT
    plane = cv2.subtract(grey, mean, dtype=cv2.CV_32F)
    plane = cv2.divide(plane, scale, scale=48)
    plane += 128.5
    return np.asarray(np.clip(plane, 0, 255, out=plane), np.uint8)


def light_and_colour(pixels: Pixels) -> tuple[Plane, Plane]:
    """Split a picture into light, a little blurred, and colour, half as fine.

    Returns:
        Light, uint8, shape (rows, columns); and two differences of colour around 128, uint8, shape
        (rows / 2, columns / 2, 2), both rounded up.
    """
    planes = cv2.cvtColor(pixels, cv2.COLOR_RGB2YCrCb)
    light = cv2.GaussianBlur(cv2.extractChannel(planes, 0), (5, 5), 1)
    rows, columns = light.shape
    half = cv2.resize(planes, ((columns + 1) // 2, (rows + 1) // 2), interpolation=cv2.INTER_AREA)
    return np.asarray(light, np.uint8), cv2.GaussianBlur(half, (5, 5), 1)[..., 1:]


def corners(detail: Plane) -> Points:
    """Find places that can be found again in another picture, the clearest first.

    Few are taken from any one part, or a line of text would have nearly all.
    """
    found = cv2.goodFeaturesToTrack(detail, _MOST_CORNERS, 0.02, 6)
    if found is None:
        return np.empty((0, 2), np.float32)
    places = np.asarray(found.reshape(-1, 2), np.float32)
    cells = (places // (max(detail.shape) / _PARTS + 1e-3)).astype(int) @ (1, _PARTS)
    order = np.argsort(cells, kind="stable")
    rank = np.arange(len(cells)) - np.searchsorted(cells[order], cells[order])
    return np.asarray(places[np.sort(order[rank < _CORNERS_OF_A_PART])])

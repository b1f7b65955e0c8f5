"""Show a decoded picture as a viewer would: any mode and colour profile to 8-bit sRGB."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

_ALPHA_MODES: Final = frozenset(("LA", "La", "PA", "RGBA", "RGBa"))
_DIRECT_MODES: Final = frozenset(("L", "RGB", "RGBX", "CMYK", "LAB"))
# These are often written with a fourth byte that means nothing; it is zero everywhere then.
_PADDED_FORMATS: Final = frozenset(("BMP", "DDS", "TGA"))
_STRIP_ROWS: Final = 256  # deep pictures are scaled in strips, to hold one copy and not four
_BITS_PER_SAMPLE: Final = 258  # the TIFF tag

# What ImageCms raises over a profile that is damaged or of another kind than the picture.
_PROFILE_ERRORS: Final = (ImageCms.PyCMSError, OSError, ValueError, TypeError)


def flatten(picture: Image.Image) -> Image.Image:
    """Reduce a loaded picture to 8 bits a channel, without palette or alpha.

    Transparency becomes white; deep greys are scaled to 8 bits, not clipped.

    Returns:
        A picture of mode L, RGB, RGBX, CMYK or LAB, in its own colour space.
    """
    if picture.mode.startswith(("I", "F")):
        return _to_eight_bits(picture)
    if picture.mode in _ALPHA_MODES or "transparency" in picture.info:
        return _onto_white(picture)
    if picture.mode in _DIRECT_MODES:
        return picture
    return picture.convert("L" if picture.mode == "1" else "RGB")


def to_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert a flattened picture to sRGB.

    Args:
        picture: What `flatten` returned.
        profile: The ICC profile of the file; one that is broken or does not fit is ignored.

    Returns:
        A picture of mode RGB, or RGBX if it came as that: dropping the idle fourth byte of each
        pixel costs a copy, and less so once the picture is small.
    """
    if picture.mode == "LAB":
        lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        return _transform(picture, lab) or picture.convert("RGB")
    if profile and not is_srgb(profile):
        managed = _apply_profile(picture, profile)
        if managed is not None:
            return managed
    return picture if picture.mode in ("RGB", "RGBX") else picture.convert("RGB")


@lru_cache(maxsize=16)
def is_srgb(profile: bytes) -> bool:
    """Say whether an ICC profile describes sRGB, so that nothing needs converting."""
    try:
        return "srgb" in ImageCms.getProfileDescription(_parse(profile)).lower()
    except _PROFILE_ERRORS:
        return False


def _parse(profile: bytes) -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(io.BytesIO(profile))


def _apply_profile(picture: Image.Image, profile: bytes) -> Image.Image | None:
    try:
        parsed = _parse(profile)
        space = parsed.profile.xcolor_space.strip()
    except _PROFILE_ERRORS:
        return None
    modes = {"RGB": ("RGB", "RGBX", "L"), "GRAY": ("L",), "CMYK": ("CMYK",)}
    if picture.mode not in modes.get(space, ()):
        return None
    return _transform(picture.convert("RGB") if space == "RGB" else picture, parsed)


def _transform(picture: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image | None:
    # Profiles and transforms are made anew each time: LittleCMS does not promise that one can be
    # shared between threads.
    try:
        return ImageCms.profileToProfile(
            picture, profile, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except _PROFILE_ERRORS:
        return None


def _onto_white(picture: Image.Image) -> Image.Image:
    layered = picture.convert("RGBA")
    alpha = layered.getchannel("A")
    if picture.format in _PADDED_FORMATS and alpha.getextrema() == (0, 0):
        return layered.convert("RGB")
    background = Image.new("RGB", layered.size, "white")
    background.paste(layered, mask=alpha)
    return background


def _to_eight_bits(picture: Image.Image) -> Image.Image:
    values = np.asarray(picture)
    low, high = _value_range(picture, values)
    scaled = np.empty(values.shape, dtype=np.uint8)
    for start in range(0, len(values), _STRIP_ROWS):
        rows = slice(start, start + _STRIP_ROWS)
        strip = np.nan_to_num(values[rows].astype(np.float32), nan=low, posinf=high, neginf=low)
        scaled[rows] = np.clip((strip - low) * (255 / (high - low)) + 0.5, 0, 255)
    return Image.fromarray(scaled)


def _value_range(picture: Image.Image, values: npt.NDArray[Any]) -> tuple[float, float]:
    """Say which values of a deep picture stand for black and white.

    16-bit kinds declare it. 32-bit integers and floats do not: the smallest of the usual scales
    that holds every value is taken, and the values' own range if none does.
    """
    if picture.mode.startswith("I;16") or picture.format in ("PNG", "PPM"):
        return 0.0, float(2 ** _declared_bits(picture) - 1)
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    scales = (1.0, 255.0, 65535.0) if picture.mode == "F" else (255.0, 65535.0)
    if low >= 0 and high <= scales[-1]:
        return 0.0, next(scale for scale in scales if high <= scale)
    return low, max(high, low + 1.0)


def _declared_bits(picture: Image.Image) -> int:
    bits = getattr(picture, "tag_v2", {}).get(_BITS_PER_SAMPLE, (16,))
    return bits[0] if bits and 8 < bits[0] < 16 else 16

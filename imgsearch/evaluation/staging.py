"""Scenes staged from photos: something moves in them, or the camera does."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from imgsearch.evaluation.shapes import BICUBIC, LANCZOS

_GRID: Final = 6  # cells of the mesh that parallax bends, along each side


def with_moving_subject(
    photos: Sequence[Image.Image], random: np.random.Generator, count: int
) -> list[Image.Image]:
    """Paste a part of the second photo onto the first, each time in another third of the width."""
    scene, subject = photos
    share, height = random.uniform(0.28, 0.4), random.uniform(0.2, 0.5)
    starts = (np.arange(count) / count + random.uniform(0, 0.05, count)) * (1 - share)
    return [
        pasted(scene, subject, share, (start * scene.width, height * scene.height))
        for start in random.permutation(starts)
    ]


def pasted(
    scene: Image.Image, subject: Image.Image, share: float, place: tuple[float, float]
) -> Image.Image:
    """Paste a subject, a share of the scene's sides, with a soft outline."""
    size = (round(scene.width * share), round(scene.height * share))
    outline = Image.new("L", size)
    margin = max(2, min(size) // 12)
    ImageDraw.Draw(outline).ellipse((margin, margin, size[0] - margin, size[1] - margin), fill=255)
    soft = outline.filter(ImageFilter.GaussianBlur(margin / 3))
    whole = scene.copy()
    whole.paste(ImageOps.fit(subject, size, LANCZOS), (round(place[0]), round(place[1])), soft)
    return whole


def shaken(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Show it from a slightly other place: moved by up to 2 %, and bent by up to 0.8 %."""
    columns = np.linspace(0, picture.width, _GRID + 1).round().astype(int)
    rows = np.linspace(0, picture.height, _GRID + 1).round().astype(int)
    nodes = np.stack(np.meshgrid(columns, rows, indexing="ij"), -1).astype(float)
    nodes = (nodes - np.array(picture.size) / 2) * 0.95 + np.array(picture.size) / 2
    nodes += random.uniform(-0.02, 0.02, 2) * picture.size
    nodes += random.uniform(-0.008, 0.008, nodes.shape) * picture.size
    mesh = []
    for i, j in itertools.product(range(_GRID), repeat=2):
        box = (columns[i], rows[j], columns[i + 1], rows[j + 1])
        corners = (nodes[i, j], nodes[i, j + 1], nodes[i + 1, j + 1], nodes[i + 1, j])
        mesh.append((tuple(map(int, box)), tuple(np.concatenate(corners).tolist())))
    return picture.transform(picture.size, Image.Transform.MESH, mesh, BICUBIC)


def cut(picture: Image.Image, random: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    """Cut a piece of a third of its sides from anywhere, and scale it."""
    width, height = picture.width // 3, picture.height // 3
    left, top = int(random.integers(2 * width)), int(random.integers(2 * height))
    return picture.crop((left, top, left + width, top + height)).resize(size, LANCZOS)

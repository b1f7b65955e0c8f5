"""`imgsearch export`: paths and embeddings as a NumPy archive."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from imgsearch.cli.choose import chosen_model, gallery_to_read
from imgsearch.cli.options import GalleryOption, JsonOption, ModelOption, QuietOption
from imgsearch.cli.output import json_path, one_line, print_json, print_line
from imgsearch.gallery.export import export_gallery
from imgsearch.gallery.store import open_for_reading


def export(
    target: Annotated[Path, typer.Argument(metavar="OUT.npz", help="The file to write.")],
    gallery: GalleryOption = None,
    model: ModelOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write all embeddings to a .npz file.

    It holds the arrays `paths` (n,) and `embeddings` (n, dim), float32.

    Example: imgsearch export vectors.npz
    """
    with open_for_reading(gallery_to_read(gallery, chosen_model(model))) as store:
        count = export_gallery(store, target)
        folder = store.folder
    if as_json:
        paths = {**json_path(folder, "gallery"), **json_path(target.absolute())}
        print_json({**paths, "images": count})
    elif not quiet:
        print_line(f"{count:,} embeddings written to {one_line(str(target))}")

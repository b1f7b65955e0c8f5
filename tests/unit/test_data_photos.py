"""The sample photos: few and small, and each with its origin and licence in data/README.md."""

from pathlib import Path

import pillow_heif
import pytest
from PIL import Image, ImageChops, ImageOps, ImageStat

DATA = Path(__file__).resolve().parents[2] / "data"
PHOTOS = DATA / "photos"
README = (DATA / "README.md").read_text(encoding="utf-8")
FILES = {
    path.relative_to(PHOTOS).as_posix(): path
    for path in PHOTOS.rglob("*")
    if path.is_file() and ".imgsearch" not in path.parts  # the gallery that the README has one make
}


def table(heading):
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")][2:]
    return {
        cells[0]: cells[1:] for cells in ([c.strip() for c in r.split("|")[1:-1]] for r in rows)
    }


LICENCES, PACKAGES, MADE, COPIES = map(table, ("Licences", "Packages", "Photos", "Copies"))


def pixels(name):
    """The photo as a viewer shows it, at one small size."""
    with Image.open(PHOTOS / name) as opened:
        return ImageOps.exif_transpose(opened).convert("RGB").resize((64, 64))


def test_readme_names_each_file_and_no_other():
    assert sorted(FILES) == sorted([*MADE, *COPIES])


def test_readme_gives_each_photo_its_package_author_and_licence():
    for shows, package, source, author, licence in MADE.values():
        assert shows
        assert source
        assert author
        assert package in PACKAGES
        assert licence in LICENCES


def test_each_copy_is_of_a_listed_photo():
    assert 6 <= len(COPIES) <= 9
    assert {original for original, _ in COPIES.values()} <= set(MADE)


def test_photos_are_few_and_small():
    sizes = [path.stat().st_size for path in FILES.values()]
    assert 40 <= len(sizes) <= 60
    assert max(sizes) < 120_000
    assert sum(sizes) < 3_500_000


def test_there_are_folders_formats_and_names_of_several_kinds():
    assert {Path(name).parent.as_posix() for name in FILES} >= {".", "copies", "trip"}
    assert {Path(name).suffix for name in FILES} >= {".jpg", ".png", ".webp", ".avif", ".heic"}
    assert any(" " in name for name in FILES)
    assert any(not name.isascii() for name in FILES)


@pytest.mark.parametrize("name", sorted(FILES))
def test_photo_opens_and_carries_no_metadata_but_its_orientation(name):
    pillow_heif.register_heif_opener()
    with Image.open(FILES[name]) as image:
        image.load()
        assert max(image.size) <= 700
        assert set(image.getexif()) <= (
            {0x0112} if name == "copies/dog-turned.jpg" else tiff_tags(image)
        )


def tiff_tags(image):
    """What a TIFF cannot do without: its layout is written in the tags that EXIF uses."""
    return set(image.tag_v2) if image.format == "TIFF" else set()


def test_the_turned_copy_shows_as_its_original():
    with Image.open(PHOTOS / "copies/dog-turned.jpg") as turned:
        assert turned.getexif()[0x0112] == 8
    shown, original = pixels("copies/dog-turned.jpg"), pixels("dog.jpg")
    assert max(ImageStat.Stat(ImageChops.difference(shown, original)).mean) < 3


def test_the_copy_under_another_name_has_the_same_bytes():
    copy, original = FILES["copies/red-rock (1).jpg"], FILES["trip/red-rock.jpg"]
    assert copy.read_bytes() == original.read_bytes()

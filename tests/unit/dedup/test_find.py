"""Finding copies in small galleries of real photos, by mean colours and by the pictures."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest
from PIL import Image

from imgsearch.dedup import looking
from imgsearch.dedup.find import FindOptions, find_groups
from imgsearch.gallery.copy_cache import COPY_CACHE_NAME

PHOTOS = Path(__file__).parents[3] / "data" / "photos"


def groups(lab, **options):
    with lab.reader() as store:
        return [
            (group.tier, [member.picture.path.name for member in group.members])
            for group in find_groups(store, FindOptions(**options))
        ]


def encoded(picture, kind, **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


@pytest.fixture
def cat(lab):
    lab.write("cat.jpg", (PHOTOS / "cat.jpg").read_bytes())
    return Image.open(PHOTOS / "cat.jpg").convert("RGB")


def test_each_kind_of_copy_has_its_tier(lab, cat):
    lab.write("cat-same.jpg", (PHOTOS / "cat.jpg").read_bytes())
    lab.write("cat.png", encoded(cat, "PNG"))
    lab.write("cat-small.png", encoded(cat.resize((300, 200)), "PNG", compress_level=1))
    lab.write("cat-small-2.png", encoded(cat.resize((300, 200)), "PNG", compress_level=9))
    lab.write("dog.jpg", (PHOTOS / "dog.jpg").read_bytes())
    lab.update()
    with lab.reader() as store:
        (group,) = find_groups(store)
    tiers = {member.picture.path.name: member.verdict.tier for member in group.members[1:]}
    # All are compared with the keeper, the PNG: the format that loses nothing.
    assert group.keep.path.name == "cat.png"
    assert tiers == dict.fromkeys(tiers, "copy")
    assert len(tiers) == 4


def test_equal_pixels_in_other_bytes_are_told_from_equal_pictures(lab, cat):
    (lab.root / "cat.jpg").unlink()
    lab.write("a.png", encoded(cat, "PNG", compress_level=1))
    lab.write("b.png", encoded(cat, "PNG", compress_level=9))
    changed = cat.copy()
    changed.putpixel((0, 0), (0, 0, 0))
    lab.write("c.png", encoded(changed, "PNG", compress_level=5))
    lab.update()
    with lab.reader() as store:
        (group,) = find_groups(store)
    tiers = {member.picture.path.name: member.verdict.tier for member in group.members[1:]}
    assert group.keep.path.name == "a.png"  # the largest file
    assert tiers == {"b.png": "pixels", "c.png": "copy"}


def test_an_animation_is_no_copy_of_its_first_picture(lab, cat):
    dog = Image.open(PHOTOS / "dog.jpg").convert("RGB").resize(cat.size)
    lab.write("cat.gif", encoded(cat, "GIF"))
    lab.write("film.gif", encoded(cat, "GIF", save_all=True, append_images=[dog]))
    lab.update()
    assert groups(lab) == [("copy", ["cat.jpg", "cat.gif"])]
    assert groups(lab, similar=True)[1:] == [("similar", ["cat.jpg", "film.gif"])]


def test_a_second_search_looks_at_no_pair_again(lab, cat, monkeypatch):
    lab.write("cat.png", encoded(cat, "PNG"))
    lab.write("dog.jpg", (PHOTOS / "dog.jpg").read_bytes())
    lab.update()
    expected = [("copy", ["cat.png", "cat.jpg"])]
    assert groups(lab) == expected

    def refuse(*_):
        raise AssertionError("a pair was looked at again")

    monkeypatch.setattr(looking, "screen", refuse)
    monkeypatch.setattr(looking, "look", refuse)
    assert groups(lab) == expected


def test_a_new_picture_is_looked_at_beside_what_is_known(lab, cat):
    lab.write("dog.jpg", (PHOTOS / "dog.jpg").read_bytes())
    lab.update()
    assert groups(lab) == []
    lab.write("cat.png", encoded(cat, "PNG"))
    lab.update()
    assert groups(lab) == [("copy", ["cat.png", "cat.jpg"])]


def test_without_its_cache_a_search_finds_the_same(lab, cat):
    lab.write("cat.png", encoded(cat, "PNG"))
    lab.update()
    (lab.gallery / COPY_CACHE_NAME).unlink()
    (lab.gallery / COPY_CACHE_NAME).mkdir()  # where no file can be made
    assert groups(lab) == [("copy", ["cat.png", "cat.jpg"])]


def test_what_is_gone_leaves_the_cache(lab, cat):
    lab.write("cat.png", encoded(cat, "PNG"))
    lab.update()
    groups(lab)
    size = sum(1 for _ in cached(lab))
    (lab.root / "cat.png").unlink()
    lab.update()
    groups(lab)
    assert sum(1 for _ in cached(lab)) == size - 1


def cached(lab):
    from imgsearch.gallery.copy_cache import CopyCache

    with CopyCache(lab.gallery) as cache:
        return cache.keys("sketch/2")


@pytest.mark.parametrize("with_cache", [True, False])
def test_a_picture_turned_on_a_ground_is_found_though_its_vector_is_far(lab, cat, with_cache):
    aslant = cat.rotate(37, Image.Resampling.BICUBIC, expand=True, fillcolor="#00f")
    lab.write("turned.png", encoded(aslant, "PNG"))
    lab.write("dog.jpg", (PHOTOS / "dog.jpg").read_bytes())
    lab.update()
    if not with_cache:
        (lab.gallery / COPY_CACHE_NAME).unlink()
        (lab.gallery / COPY_CACHE_NAME).mkdir()  # where no file can be made
    ((tier, names),) = groups(lab)
    assert tier == "edited"
    assert sorted(names) == ["cat.jpg", "turned.png"]


def test_a_file_that_cannot_be_read_any_more_is_no_copy(lab, cat):
    copy = lab.write("cat.png", encoded(cat, "PNG"))
    lab.update()
    (lab.gallery / COPY_CACHE_NAME).unlink()
    copy.unlink()
    assert groups(lab) == []


def test_only_files_of_a_folder_are_looked_at_when_asked(lab, cat):
    lab.write("new/cat.png", encoded(cat, "PNG"))
    shutil.copy(lab.root / "new" / "cat.png", lab.root / "new" / "again.png")
    lab.update()
    assert groups(lab, below=lab.root / "new") == [("identical", ["cat.png", "again.png"])]


def test_progress_is_told_by_stage(lab, cat):
    lab.write("cat.png", encoded(cat, "PNG"))
    lab.update()
    told = []
    with lab.reader() as store:
        find_groups(store, tell=lambda what, done, total: told.append((what, done, total)))
    assert told[0] == ("Reading pictures", 0, 2)
    assert told[-1] == ("Comparing pictures", 1, 1)

"""A flattened copy never stands for the file that it was made of."""

import cv2
import numpy as np
import pytest
from picturing import described, grouped
from PIL import Image

SIZE = (8, 8)


def saved(desk, name, picture, kind, **options):
    path = desk.root / name
    picture.save(path, kind, **options)
    return described(path, kind=kind)


def transparent(desk, *, alpha=(0, 255)):
    picture = Image.new("RGBA", SIZE, (255, 0, 0, alpha[1]))
    picture.putpixel((0, 0), (255, 0, 0, alpha[0]))
    return saved(desk, "rich.png", picture, "PNG")


def deep(desk):
    cv2.imwrite(str(desk.root / "rich.png"), np.full((8, 8, 3), 12345, np.uint16))
    return described(desk.root / "rich.png")


def deep_grey(desk):
    cv2.imwrite(str(desk.root / "rich.png"), np.full((8, 8), 12345, np.uint16))
    return described(desk.root / "rich.png")


def inked(desk):
    return saved(desk, "rich.jpg", Image.new("CMYK", SIZE), "JPEG")


def of_two(desk):
    picture, other = Image.new("RGB", SIZE), Image.new("RGB", SIZE, "red")
    picture.save(desk.root / "rich.jpg", "MPO", save_all=True, append_images=[other])
    return described(desk.root / "rich.jpg", kind="JPEG")


def with_film(desk):
    Image.new("RGB", SIZE).save(desk.root / "rich.jpg", "JPEG")
    with (desk.root / "rich.jpg").open("ab") as file:
        file.write(b"\0\0\0\x18ftypmp42" + bytes(12))
    return described(desk.root / "rich.jpg", kind="JPEG")


RICH = {
    "transparency": transparent,
    "more than 8 bits a channel": deep,
    "more than 8 bits": deep_grey,
    "printing inks": inked,
    "further pictures": of_two,
    "a film": with_film,
}


@pytest.mark.parametrize("what", RICH)
def test_a_file_that_holds_more_than_its_copy_stays(desk, what):
    flat = desk.picture("flat.png")

    proposal = desk.proposal(grouped(flat, RICH[what](desk), tier="pixels"))

    assert proposal.plan.entries == ()
    (skipped,) = proposal.skipped
    assert what in skipped.reason
    assert "flat.png has not" in skipped.reason


@pytest.mark.parametrize("what", RICH)
def test_the_flattened_copy_of_such_a_file_goes(desk, what):
    flat = desk.picture("flat.png")

    (entry,) = desk.plan(grouped(RICH[what](desk), flat)).entries

    assert entry.remove.path == flat.path


def test_an_alpha_channel_that_hides_nothing_is_no_loss(desk):
    opaque = transparent(desk, alpha=(255, 255))

    (entry,) = desk.plan(grouped(desk.picture("flat.png"), opaque)).entries

    assert entry.remove.path == opaque.path


def test_a_copy_that_cannot_be_read_any_more_stays(desk):
    junk = described(desk.beside("junk.png"))

    proposal = desk.proposal(grouped(desk.picture("flat.png"), junk))

    assert "junk.png cannot be read: it is not a picture" in proposal.skipped[0].reason

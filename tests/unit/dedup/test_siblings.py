"""The files that belong to a picture."""

import pytest

from imgsearch.dedup.siblings import Siblings


@pytest.fixture
def folder(tmp_path):
    def make(*names):
        for name in names:
            (tmp_path / name).touch()
        return tmp_path

    return make


@pytest.mark.parametrize(
    "name",
    [
        "IMG_1.CR2",
        "img_1.dng",
        "IMG_1.MOV",
        "IMG_1.mp4",
        "IMG_1.xmp",
        "IMG_1.AAE",
        "IMG_1.JPG.xmp",
        "IMG_1.JPG.json",
        "IMG_1.CR2.xmp",
    ],
)
def test_a_raw_file_a_film_and_a_side_car_belong_to_the_picture(folder, name):
    photos = folder("IMG_1.JPG", name)

    assert Siblings().of(photos / "IMG_1.JPG") == (photos / name,)


@pytest.mark.parametrize(
    "name",
    ["IMG_10.CR2", "IMG_2.xmp", "IMG_1.txt", "IMG_1.PNG", "IMG_1.PNG.xmp", "IMG_1.json", "IMG_1"],
)
def test_a_file_of_another_name_or_kind_does_not(folder, name):
    photos = folder("IMG_1.JPG", name)

    assert Siblings().of(photos / "IMG_1.JPG") == ()


def test_a_raw_file_is_no_sibling_of_itself(folder):
    photos = folder("IMG_1.DNG", "IMG_1.xmp")

    assert Siblings().of(photos / "IMG_1.DNG") == (photos / "IMG_1.xmp",)


def test_other_pictures_of_the_name_are_rivals_for_its_siblings(folder):
    photos = folder("IMG_1.HEIC", "IMG_1.JPG", "IMG_1.MOV", "IMG_1.CR2", "IMG_2.JPG")

    assert Siblings().rivals(photos / "IMG_1.HEIC") == (photos / "IMG_1.JPG",)
    assert Siblings().rivals(photos / "IMG_2.JPG") == ()


def test_a_folder_that_cannot_be_listed_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        Siblings().of(tmp_path / "gone" / "a.jpg")

"""Contact sheets: what they show, and what they never overwrite."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from imgsearch.errors import SheetError
from imgsearch.web.contact_sheet import Cell, Row, write_page, write_png


@pytest.fixture
def rows(lab):
    red, blue = lab.paint("red.png", "#f00", size=300), lab.paint("blue.png", "#00f", size=20)
    first = Row("a red one", (Cell(red, "query", "query"), Cell(blue, "0.5 blue", "wrong")))
    return [first, Row("alone", (Cell(lab.root / "gone.png", "gone", "right"),))]


def test_a_png_shows_each_picture_in_a_frame_of_its_mark(rows, tmp_path):
    write_png(tmp_path / "sheet.png", rows)

    colours = {
        tuple(pixel) for pixel in np.array(Image.open(tmp_path / "sheet.png")).reshape(-1, 3)
    }
    assert {(255, 0, 0), (0, 0, 255)} < colours  # the pictures
    assert {(0x34, 0x65, 0xA4), (0xCC, 0, 0), (0x4E, 0x9A, 0x06)} < colours  # the frames


def test_a_page_holds_its_pictures_and_loads_nothing(rows, tmp_path):
    write_page(tmp_path / "sheet.html", "worst", rows)

    page = (tmp_path / "sheet.html").read_text(encoding="utf-8")
    pictures = [
        Image.open(io.BytesIO(base64.b64decode(text)))
        for text in re.findall(r'src="data:image/jpeg;base64,([^"]*)"', page)
    ]
    assert [picture.size for picture in pictures] == [(160, 160), (20, 20)]
    assert re.findall(r'<figure class="(\w+)"', page) == ["query", "wrong", "right"]
    assert "no such file" in page
    assert not re.search("https?:|<script", page)


def test_on_a_page_a_row_without_a_title_goes_on_with_the_one_before(rows, tmp_path):
    first, alone = rows
    write_page(tmp_path / "sheet.html", "", [first, Row("", alone.cells), alone])

    page = (tmp_path / "sheet.html").read_text(encoding="utf-8")
    sections = page.split("<section>")[1:]
    assert [section.count("<figure") for section in sections] == [3, 1]


def test_names_are_text_and_never_markup(lab, tmp_path):
    path = lab.paint("x.png", "#f00")
    cell = Cell(path, "<b>\udce9\n</b>", "query")
    write_page(tmp_path / "sheet.html", "<i>", [Row('"&', (cell,))])
    write_png(tmp_path / "sheet.png", [Row('"&' * 500, (cell,))])

    page = (tmp_path / "sheet.html").read_text(encoding="utf-8")
    assert not re.search("<[bi]>", page)
    assert "&lt;b&gt;\ufffd\ufffd&lt;/b&gt;" in page


@pytest.mark.parametrize("write", [write_png, lambda path, rows: write_page(path, "", rows)])
def test_an_earlier_sheet_is_replaced_but_no_other_file(rows, tmp_path, write):
    write(tmp_path / "sheet", rows)
    write(tmp_path / "sheet", rows[:1])
    photo = tmp_path / "photo.png"
    Image.new("RGB", (9, 9)).save(photo)
    before = photo.read_bytes()

    with pytest.raises(SheetError, match=r"photo\.png: another file is there, which is left alone"):
        write(photo, rows)
    assert photo.read_bytes() == before
    with pytest.raises(SheetError, match="no such file or directory"):
        write(tmp_path / "nowhere" / "sheet", rows)

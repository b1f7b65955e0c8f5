"""What `imgsearch query` prints of filtered and combined questions, on real photos."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import subprocess

from PIL import Image


def test_a_filter_still_gives_as_many_hits_as_were_asked_for(imgsearch, photos, gallery):
    cat = (photos / "cat.jpg", "-k", 3, "--gallery", gallery)

    for filters in (("--in", photos / "copies"), ("--path", "copies/*")):
        lines = imgsearch("query", *cat, *filters).lines
        assert len(lines) == 3
        assert all("/copies/" in line for line in lines)


def test_a_line_of_json_for_each_hit(imgsearch, photos, gallery):
    answer = imgsearch("query", photos / "cat.jpg", "-k", 2, "--json-lines", "--gallery", gallery)

    first, second = map(json.loads, answer.lines)
    assert (first["rank"], first["path"]) == (1, str(photos / "cat.jpg"))
    assert (second["rank"], second["query"]) == (2, str(photos / "cat.jpg"))


def test_paths_end_with_a_nul(imgsearch, photos, gallery):
    answer = imgsearch("query", photos / "cat.jpg", "-k", 1, "--null", "--gallery", gallery)

    assert answer.out == bytes(photos / "cat.jpg") + b"\0"


def test_pictures_asked_together_have_one_answer(imgsearch, photos, gallery):
    asked = (photos / "cat.jpg", photos / "owl.jpg", "--together", "--gallery", gallery, "--json")

    [answer] = imgsearch("query", *asked).document["queries"]

    assert answer["query"] == str(photos / "cat.jpg")
    assert [part["path"] for part in answer["together"]] == [str(asked[0]), str(asked[1])]
    assert {hit["path"] for hit in answer["hits"][:2]} == {str(asked[0]), str(asked[1])}


def test_filters_that_nothing_passes_are_said_to_be_so(imgsearch, photos, gallery):
    answer = imgsearch("query", photos / "cat.jpg", "--camera", "none", "--gallery", gallery)

    assert (answer.code, answer.out) == (0, b"")
    assert "passes the filters" in answer.err


def test_the_hits_can_be_looked_at_on_a_page_and_in_a_png(imgsearch, photos, gallery, tmp_path):
    page, png = tmp_path / "hits.html", tmp_path / "hits.png"
    asked = (photos / "cat.jpg", "-k", 9, "--gallery", gallery, "--html", page, "--png", png)

    answer = imgsearch("query", *asked)

    assert (answer.code, answer.err) == (0, "")
    assert len(answer.lines) == 9
    text = page.read_text(encoding="utf-8")
    assert text.count("<img ") == 10  # the query and its hits
    assert "Content-Security-Policy" in text
    with Image.open(png) as sheet:  # eight cells of 176 across, two rows of 224 down
        assert sheet.size == (8 + 8 * 176, 8 + 2 * 224)


def test_a_sheet_replaces_no_other_file(imgsearch, photos, gallery, tmp_path):
    mine = tmp_path / "mine.png"
    mine.write_bytes(b"mine")

    answer = imgsearch("query", photos / "cat.jpg", "--gallery", gallery, "--png", mine)

    assert answer.code == 1
    assert "another file is there" in answer.err
    assert mine.read_bytes() == b"mine"


def test_hits_are_shown_below_their_lines_in_a_terminal(imgsearch, photos, gallery):
    asked = ("query", photos / "cat.jpg", "-k", 1, "--inline", "--gallery", gallery)
    ours, its = os.openpty()
    named = {**imgsearch.environment, "IMGSEARCH_PICTURES": "iterm"}
    with subprocess.Popen(imgsearch.argv(*asked), stdout=its, env=named) as process:
        os.close(its)
        shown = b""
        while not shown.endswith(b"\x07\r\n") and process.poll() is None:
            shown += os.read(ours, 65536)
    os.close(ours)

    line, _, picture = shown.partition(b"\r\n")
    payload = re.search(rb":([A-Za-z0-9+/=]+)\x07", picture)
    assert line == b"1.000\t" + bytes(photos / "cat.jpg")
    assert Image.open(io.BytesIO(base64.b64decode(payload[1]))).size == (360, 239)


def test_elsewhere_the_lines_are_all_there_is(imgsearch, photos, gallery):
    asked = (photos / "cat.jpg", "-k", 2, "--gallery", gallery)

    plain = imgsearch("query", *asked)

    assert imgsearch("query", *asked, "--inline", IMGSEARCH_PICTURES="kitty") == plain


def test_one_hit_stands_for_the_copies_of_a_picture(imgsearch, photos, gallery):
    asked = (photos / "dog.jpg", "-k", 2, "--group", "--json", "--gallery", gallery)

    first, second = imgsearch("query", *asked).document["queries"][0]["hits"]

    assert first["path"] == str(photos / "dog.jpg")
    assert [copy["path"] for copy in first["copies"]] == [str(photos / "copies/dog-turned.jpg")]
    assert (second["rank"], second["copies"]) == (2, [])

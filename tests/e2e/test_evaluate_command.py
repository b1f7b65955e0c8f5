"""`imgsearch evaluate` as a user runs it; no network is needed for it."""

import pytest

LABELS = "path,class\na.png,warm\nb.png,warm\nc.png,_distractor\nnowhere.png,warm\n"


@pytest.fixture
def labels(three):
    path = three.root / "labels.csv"
    path.write_text(LABELS, encoding="utf-8")
    return path


@pytest.fixture
def pairs(three):
    path = three.root / "pairs.csv"
    path.write_text("a,b,verdict\na.png,b.png,dup\na.png,c.png,notdup\n", encoding="utf-8")
    return path


def test_figures_come_as_json_with_what_was_left_out(imgsearch, three, labels):
    answer = imgsearch("evaluate", labels, "--gallery", three.gallery, "--json", "-k", 1)

    document = answer.document
    assert (document["queries"], document["labelled"], document["k"]) == (2, 3, 1)
    assert document["missing"] == {"count": 1, "first": str(three.root / "nowhere.png")}
    # b, yellow, is as near to c as to a; equal scores are ordered by id, and a comes first.
    assert document["metrics"]["mAP"] == {"value": 1, "low": 1, "high": 1}
    assert [one["class"] for one in document["classes"]] == ["warm"]
    assert document["worst"][0]["hits"][0]["relevant"] is True
    assert "left out 1 labelled picture that is not in the gallery" in answer.err


def test_figures_come_as_tables(imgsearch, three, labels):
    plain = imgsearch("evaluate", labels, "--gallery", three.gallery, "--quiet")
    markdown = imgsearch("evaluate", labels, "--gallery", three.gallery, "--markdown")

    assert plain.err == ""
    assert plain.lines[1].split() == ["mAP", "1.000", "1.000", "to", "1.000"]
    assert markdown.lines[:3] == [
        "| 2 queries | value | 95% interval |",
        "|---|--:|--:|",
        "| mAP | 1.000 | 1.000 to 1.000 |",
    ]


def test_the_worst_queries_are_drawn(imgsearch, three, labels, tmp_path):
    png, page = tmp_path / "worst.png", tmp_path / "worst.html"
    answer = imgsearch(
        "evaluate", labels, "--gallery", three.gallery, "--sheet", png, "--html", page
    )

    assert answer.code == 0
    assert png.read_bytes().startswith(b"\x89PNG")
    assert page.read_text(encoding="utf-8").count("<figure") == 6  # two queries, two hits each


def test_pairs_are_measured_by_their_cosine(imgsearch, three, pairs):
    document = imgsearch("evaluate", pairs, "--gallery", three.gallery, "--json").document

    assert (document["pairs"], document["copies"]) == (2, 1)
    assert document["metrics"]["micro_average_precision"]["value"] == 1
    assert document["metrics"]["recall_at_precision"]["score"] == pytest.approx(2**-0.5)


def test_what_cannot_be_measured_is_one_line(imgsearch, fails, three, labels, pairs, tmp_path):
    gallery = ("--gallery", three.gallery)
    assert "no such file" in fails("evaluate", tmp_path / "missing.csv", *gallery)
    assert "1 of its 4 pictures are" in fails("evaluate", labels, *gallery, "--strict")
    assert "left alone" in fails(
        "evaluate", labels, *gallery, "-q", "--sheet", three.root / "a.png"
    )
    sheet = imgsearch("evaluate", pairs, *gallery, "--sheet", tmp_path / "x.png")
    wrong = imgsearch("evaluate", labels, *gallery, "--confidence", "1")
    assert (sheet.code, wrong.code) == (2, 2)
    assert "Traceback" not in sheet.err + wrong.err

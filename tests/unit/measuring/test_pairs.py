"""A gallery measured by labelled pairs."""

import pytest

from imgsearch.errors import LabelsError
from imgsearch.evaluation.labels import read_labels
from imgsearch.evaluation.verdicts import PairTerms
from imgsearch.measuring.pairs import KindFigures, evaluate_pairs


@pytest.fixture
def evaluate(three):
    def run(*lines, terms=None, **options):
        path = three.root / "pairs.csv"
        path.write_text("\n".join(("a,b,verdict,kind", *lines)), encoding="utf-8")
        with three.reader() as store:
            return evaluate_pairs(store, read_labels(path), terms or PairTerms(), **options)

    return run


def test_pairs_are_told_apart_by_the_cosine(evaluate):
    # Red to yellow is 0.707, red to green 0, yellow to green 0.707.
    report = evaluate("a.png,b.png,dup,x", "c.png,b.png,notdup,y", "a.png,c.png,notdup,y")

    assert (report.pairs, report.copies, report.left_out) == (3, 1, 0)
    figures = report.figures
    assert figures.score == pytest.approx(2**-0.5)
    assert figures.micro_average_precision.value == 0.5
    assert (figures.precision.value, figures.recall.value) == (0.5, 1)
    assert (figures.recall_at_precision.value, figures.score_at_precision) == (0, None)
    assert report.kinds == (
        KindFigures("x", is_copy=True, pairs=1, called_copies=1),
        KindFigures("y", is_copy=False, pairs=2, called_copies=1),
    )


def test_a_score_may_be_named_from_which_pairs_are_called_copies(evaluate):
    report = evaluate("a.png,b.png,dup,", "a.png,c.png,notdup,", terms=PairTerms(min_score=0.9))

    assert (report.figures.precision.value, report.figures.recall.value) == (1, 0)


def test_pairs_of_pictures_that_are_not_there_are_left_out(evaluate, three):
    lines = ("a.png,b.png,dup,", "a.png,z.png,dup,", "y.png,z.png,notdup,")
    report = evaluate(*lines)

    assert (report.pairs, report.left_out) == (1, 2)
    assert report.missing == (three.root / "z.png", three.root / "y.png")
    with pytest.raises(LabelsError, match="2 of its 4 pictures are"):
        evaluate(*lines, strict=True)


def test_pairs_without_any_copy_are_refused(evaluate):
    with pytest.raises(LabelsError, match="both pictures of no pair of copies"):
        evaluate("a.png,b.png,notdup,", "a.png,z.png,dup,")

"""A gallery measured by labelled pictures."""

import numpy as np
import pytest

from imgsearch.errors import LabelsError
from imgsearch.evaluation.labels import read_labels
from imgsearch.evaluation.metrics import average_precision
from imgsearch.evaluation.retrieval import Terms
from imgsearch.measuring.retrieval import RetrievalOptions, evaluate_retrieval

# By hand, each cosine: reds and greens are close to their own kind.
COLOURS = {
    "red 1.png": "#f00",
    "red 2.png": "#f40",
    "green 1.png": "#0f0",
    "green 2.png": "#4f0",
    "yellow.png": "#ff0",
}


@pytest.fixture
def evaluate(lab):
    for name, colour in COLOURS.items():
        lab.paint(name, colour)
    lab.update()

    def run(*lines, header="path,class", **options):
        path = lab.root / "labels.csv"
        path.write_text("\n".join((header, *lines)), encoding="utf-8")
        with lab.reader() as store:
            return evaluate_retrieval(store, read_labels(path), RetrievalOptions(**options))

    return run


LABELS = ("red 1.png,r", "red 2.png,r", "green 1.png,g", "green 2.png,g", "yellow.png,_distractor")


def test_each_labelled_picture_is_asked_for_but_no_distractor(evaluate):
    report = evaluate(*LABELS, terms=Terms(k=1))

    assert (report.queries, report.labelled, report.never_relevant) == (4, 5, 1)
    assert (report.unlabelled, report.missing, report.without_answer) == (0, (), 0)
    assert report.figures["mAP"].value == 1
    assert report.figures["hit_rate_at_k"].value == 1
    assert [(one.name, one.queries) for one in report.classes] == [("g", 2), ("r", 2)]


@pytest.mark.parametrize("expand", [False, True])
def test_the_ranking_is_the_one_that_query_gives(expand, evaluate, lab):
    random = np.random.default_rng(3)
    for number in range(40):
        lab.paint(f"{number:02}.png", tuple(random.integers(1, 256, 3).tolist()))
    lab.update()
    names = [f"{number:02}.png" for number in range(40)]
    classes = dict(zip(names, random.integers(0, 4, 40).tolist(), strict=True))
    lines = [f"{name},{classes[name]}" for name in names]
    report = evaluate(*lines, unlabelled_are_wrong=True, expand=expand)

    precisions = []
    for name in names:
        hits = lab.search(lab.root / name, k=100, exclude_self=True, expand=expand)
        relevant = np.array([classes.get(hit.path.name) == classes[name] for hit in hits])
        precisions.append(average_precision(relevant, int(relevant.sum())))
    assert report.figures["mAP"].value == pytest.approx(np.mean(precisions))


def test_pictures_without_a_label_are_left_out_or_wrong(evaluate):
    # To orange, yellow is nearer than red is; both are nearer than green.
    two = ("red 2.png,warm", "red 1.png,warm")
    assert evaluate(*two).figures["mAP"].value == 1
    assert evaluate(*two).unlabelled == 3
    far = ("red 1.png,x", "green 1.png,x")
    assert evaluate(*far).figures["mAP"].value == 1
    assert evaluate(*far, unlabelled_are_wrong=True).figures["mAP"].value < 0.5


def test_a_column_chooses_the_queries(evaluate):
    lines = ("red 1.png,r,1", "red 2.png,r,0", "yellow.png,_distractor,1")
    report = evaluate(*lines, header="path,class,query")

    assert (report.queries, report.without_answer) == (1, 1)


def test_another_class_may_be_the_one_that_is_never_relevant(evaluate):
    report = evaluate("red 1.png,r", "red 2.png,r", "green 1.png,rest", never_relevant="rest")

    assert (report.queries, report.never_relevant) == (2, 1)


def test_pictures_that_are_not_in_the_gallery_are_left_out_and_named(evaluate, lab):
    lines = ("nowhere.png,r", *LABELS, "neither.png,g")
    report = evaluate(*lines)

    assert report.missing == (lab.root / "nowhere.png", lab.root / "neither.png")
    assert report.queries == 4
    with pytest.raises(LabelsError, match=r"2 of its 7 pictures are .* the first .*nowhere\.png"):
        evaluate(*lines, strict=True)


def test_labels_of_another_gallery_are_refused(evaluate):
    with pytest.raises(LabelsError, match=r"none of them is in the gallery .*first.*a\.png"):
        evaluate("a.png,r", "b.png,r")


def test_labels_without_any_answer_are_refused(evaluate):
    with pytest.raises(LabelsError, match="no picture has another of its class"):
        evaluate("red 1.png,r", "green 1.png,g")


def test_two_names_of_one_picture_may_not_contradict_each_other(evaluate, lab):
    (lab.root.parent / "link").symlink_to(lab.root)
    with pytest.raises(LabelsError, match="another name of a picture that it labels differently"):
        evaluate("red 1.png,r", f"{lab.root.parent}/link/red 1.png,g")


def test_the_worst_queries_are_shown_with_their_first_hits(evaluate, lab):
    report = evaluate("red 1.png,x", "green 1.png,x", "red 2.png,y", "green 2.png,y", worst=1)

    [worst] = report.worst  # of four that are as bad, the first in the order of the ids
    assert (worst.path, worst.class_name) == (lab.root / "green 1.png", "x")
    assert worst.average_precision == pytest.approx(1 / 3)
    assert [(hit.path.name, hit.class_name, hit.is_relevant) for hit in worst.hits] == [
        ("green 2.png", "y", False),
        ("red 2.png", "y", False),
        ("red 1.png", "x", True),
    ]
    assert worst.hits[0].score == pytest.approx(255 / np.hypot(255, 68), abs=1e-6)

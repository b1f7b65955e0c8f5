"""Files of labels: what they may say, and how they are refused."""

import pytest

from imgsearch.errors import LabelsError
from imgsearch.evaluation.labels import LabelledPair, LabelledPicture, read_labels


@pytest.fixture
def read(tmp_path):
    def write_and_read(*lines, encoding="utf-8"):
        path = tmp_path / "labels.csv"
        path.write_bytes("\r\n".join(lines).encode(encoding, "surrogateescape"))
        return read_labels(path)

    return write_and_read


def test_paths_are_relative_to_the_folder_of_the_file_or_absolute(read, tmp_path):
    labels = read("path,class", "cats/a.jpg,cat", "/elsewhere/b.jpg,dog", '"c, d.jpg",cat')

    assert labels.pictures == (
        LabelledPicture(tmp_path / "cats" / "a.jpg", "cat", None),
        LabelledPicture(type(tmp_path)("/elsewhere/b.jpg"), "dog", None),
        LabelledPicture(tmp_path / "c, d.jpg", "cat", None),
    )
    assert labels.pairs == ()


def test_a_column_says_which_pictures_are_queries(read):
    labels = read("query,path,note,class", "1,a,x,c", "0,b,,c", ",d,,c", "Yes,e,,c", "false,f,,c")

    assert [picture.is_query for picture in labels.pictures] == [True, False, False, True, False]


def test_a_pair_is_the_same_whichever_picture_comes_first(read, tmp_path):
    labels = read("a,b,kind,verdict", "y,x,crop,dup", "x,y,crop,dup", "x,z,,notdup")

    assert labels.pairs == (
        LabelledPair(tmp_path / "x", tmp_path / "y", is_copy=True, kind="crop"),
        LabelledPair(tmp_path / "x", tmp_path / "z", is_copy=False, kind=""),
    )


def test_a_mark_of_utf_8_and_names_that_are_none_are_read(read, tmp_path):
    labels = read("\ufeffpath,class", "caf\udce9.jpg,cat")

    assert labels.pictures[0].path == tmp_path / "caf\udce9.jpg"


def test_a_line_that_says_the_same_again_counts_once(read):
    assert len(read("path,class", "a,cat", "a,cat").pictures) == 1


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["name,class", "a,cat"], "has to name the columns path,class"),
        ([""], "has to name the columns"),
        (["path,class"], "no line below its header"),
        (["path,class", "a,cat", ",cat"], "line 3 has no path"),
        (["path,class", "a"], "line 2 has no class"),
        (["path,class", "a,cat", "a,dog"], "line 3 labels .*a in another way"),
        (["path,class,query", "a,cat,maybe"], "line 2 has 'maybe' as query"),
        (["path,class", '"a,cat'], "no CSV file"),
        (["path,class", "a\0b,cat"], "null byte|no CSV file"),
        (["a,b,verdict", "x,y,same"], "line 2 has the verdict 'same', which is neither dup"),
        (["a,b,verdict", "x,x,dup"], "line 2 pairs .*x with itself"),
        (["a,b,verdict", "x,y,dup", "y,x,notdup"], "line 3 contradicts a line before it"),
    ],
)
def test_labels_that_make_no_sense_are_refused_with_the_line(read, lines, reason):
    with pytest.raises(LabelsError, match=rf"labels\.csv: .*({reason})"):
        read(*lines)


def test_labels_that_cannot_be_read_are_refused_with_the_reason(tmp_path):
    with pytest.raises(LabelsError, match="no such file"):
        read_labels(tmp_path / "missing.csv")
    with pytest.raises(LabelsError, match="is a directory"):
        read_labels(tmp_path)

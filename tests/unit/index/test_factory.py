import subprocess
import sys

import pytest

from imgsearch.index.factory import create_index


def rows_of_nothing(ids):
    raise AssertionError("an empty index asks for no rows")


@pytest.mark.parametrize(("kind", "name"), [("faiss", "FaissIndex"), ("exact", "ExactIndex")])
def test_create_index_makes_an_empty_index_of_the_kind_asked_for(kind, name):
    index = create_index(kind, 5, rows_of_nothing)

    assert (type(index).__name__, index.dim, len(index)) == (name, 5, 0)


def test_create_index_refuses_an_unknown_kind():
    with pytest.raises(ValueError, match="'annoy'"):
        create_index("annoy", 5, rows_of_nothing)


@pytest.mark.parametrize(
    ("statements", "unwanted"),
    [
        ("import imgsearch.index.factory", ["faiss", "sklearn"]),
        ("import imgsearch.index.faiss_index", ["sklearn"]),
        ("import imgsearch.index.exact", ["faiss", "sklearn"]),
    ],
)
def test_a_module_loads_only_the_library_that_it_needs(statements, unwanted):
    script = f"import sys; {statements}; print([n for n in {unwanted} if n in sys.modules])"

    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert run.stdout.strip() == "[]"

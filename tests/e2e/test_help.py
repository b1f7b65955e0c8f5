"""Every command helps with an example, and starts without what it does not need."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_group

from imgsearch.cli import main
from imgsearch.cli.dupes import dupes

COMMANDS = [
    "index",
    "query",
    "serve",
    "compare",
    "evaluate",
    "calibrate",
    "check",
    "export",
    "info",
    "bench",
]
README = Path(__file__).parents[2] / "README.md"
DUPES = ["find", "explain", "plan", "apply", "undo", "ignore", "keep-all", "reviewed", "reopen"]
HEAVY = {
    "numpy",
    "PIL",
    "tensorflow",
    "keras",
    "openvino",
    "sklearn",
    "faiss",
    "cv2",
    "rich",
    "h5py",
    "onnx",
}


def heavy_modules_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        text=True,
        cwd=README.parent,
    )
    return HEAVY & set(done.stdout.split())


def test_help_lists_every_command(imgsearch):
    answer = imgsearch("--help")

    assert answer.code == 0
    listed = answer.out.decode().split("Commands:")[1].splitlines()
    assert [line.split()[0] for line in listed if line.startswith("  ")][
        : len(COMMANDS)
    ] == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_an_example_and_is_in_the_readme(imgsearch, command):
    answer = imgsearch(command, "--help")

    assert answer.code == 0
    assert f"Example: imgsearch {command}" in answer.out.decode()
    assert f"imgsearch {command}" in README.read_text(encoding="utf-8")


@pytest.mark.parametrize("listed", [main.app, dupes], ids=["imgsearch", "dupes"])
def test_commands_are_listed_by_the_first_sentence_of_their_own_help(listed):
    group = get_group(listed)
    assert sorted(group.listed) == sorted(DUPES if listed is dupes else [*COMMANDS, "dupes"])
    for name, each in group.listed.items():
        command = group.commands[name]
        assert command.name == name
        own = inspect.cleandoc(command.help).split("\n\n")[0].replace("\n", " ")
        assert each.summary == own


def test_the_help_of_dupes_lists_its_commands_and_loads_none(imgsearch):
    answer = imgsearch("dupes", "--help")

    listed = answer.out.decode().split("Commands:")[1].splitlines()
    assert [line.split()[0] for line in listed if line.startswith("  ")][: len(DUPES)] == DUPES
    assert heavy_modules_after("import imgsearch.cli.dupes") == set()


@pytest.mark.parametrize(
    ("typed", "meant"), [("quer", "query"), ("duped", "dupes"), ("sreve", "serve")]
)
def test_a_mistyped_command_is_guessed(imgsearch, typed, meant):
    answer = imgsearch(typed)

    assert answer.code == 2
    assert f"No such command '{typed}'. Did you mean '{meant}'?" in answer.err


@pytest.mark.parametrize(
    ("words", "place", "completed"),
    [
        ("imgsearch qu", 1, ["query"]),
        ("imgsearch dupes re", 2, ["reviewed", "reopen"]),
        ("imgsearch query --no", 2, ["--no-expand", "--not"]),
        ("imgsearch dupes plan --t", 3, ["--tier"]),
    ],
)
def test_the_shell_completes_commands_and_options(imgsearch, words, place, completed):
    answer = imgsearch(_IMGSEARCH_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(place))

    assert answer.lines == completed


def test_importing_the_package_loads_nothing_heavy():
    assert heavy_modules_after("import imgsearch") == set()


def test_importing_the_command_line_loads_nothing_heavy():
    assert heavy_modules_after("import imgsearch.cli.main") == set()


@pytest.mark.parametrize("command", [*COMMANDS, *(f"dupes_{name}" for name in ("find", "apply"))])
def test_importing_a_command_loads_no_network_and_no_index(command):
    loaded = heavy_modules_after(f"import imgsearch.cli.{command}")
    assert loaded <= {"numpy", "PIL"}


def test_the_version_is_the_packages(imgsearch):
    import imgsearch as package

    assert imgsearch("--version").lines == [f"imgsearch {package.__version__}"]

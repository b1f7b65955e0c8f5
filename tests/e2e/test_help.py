"""Every command helps with an example, and starts without what it does not need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

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
HEAVY = {"tensorflow", "keras", "openvino", "sklearn", "faiss", "cv2", "rich", "h5py", "onnx"}


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


def test_the_shell_completes_commands_and_options(imgsearch):
    answer = imgsearch(
        _IMGSEARCH_COMPLETE="complete_bash", COMP_WORDS="imgsearch qu", COMP_CWORD="1"
    )

    assert answer.lines == ["query"]


def test_importing_the_package_loads_nothing_heavy():
    assert heavy_modules_after("import imgsearch") == set()


def test_importing_the_command_line_loads_nothing_heavy():
    assert heavy_modules_after("import imgsearch.cli.main") == set()


def test_the_version_is_the_packages(imgsearch):
    import imgsearch as package

    assert imgsearch("--version").lines == [f"imgsearch {package.__version__}"]

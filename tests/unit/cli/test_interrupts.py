"""Ctrl-C is minded from the first moment on: next to nothing is loaded before."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[3]


def loaded_by(code: str) -> set[str]:
    """Return the modules that are there when a fresh Python has run this."""
    script = f"import sys; sys.path.insert(0, {str(CHECKOUT)!r}); {code}; print(*sys.modules)"
    command = [sys.executable, "-I", "-S", "-c", script]
    return set(subprocess.run(command, capture_output=True, check=True, text=True).stdout.split())


def test_only_what_python_needs_for_a_signal_is_loaded_before_ctrl_c_is_minded():
    needed = loaded_by("import __future__, collections.abc, contextlib, signal")
    minding = loaded_by("import imgsearch.__main__")

    assert {name for name in minding - needed if not name.startswith("imgsearch")} == set()
    assert "imgsearch.cli.main" not in minding

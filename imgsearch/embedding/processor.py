"""What the processor can multiply, as far as the operating system tells."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Final

_BYTE_INSTRUCTIONS: Final = frozenset({"amx_int8", "avx512_vnni", "avx_vnni"})
_BFLOAT_INSTRUCTIONS: Final = frozenset({"amx_bf16", "avx512_bf16"})


def processor_flags() -> frozenset[str]:
    """Return the processor's features as Linux lists them for x86; none elsewhere."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return frozenset()
    lines = [line.partition(":")[2] for line in text.splitlines() if line.startswith("flags")]
    return frozenset(lines[0].split()) if lines else frozenset()


def byte_instructions() -> frozenset[str]:
    """Return the instructions that multiply bytes without overflow: AMX's or VNNI's."""
    return processor_flags() & _BYTE_INSTRUCTIONS


def bfloat_instructions() -> frozenset[str]:
    """Return the instructions that multiply bfloat16 numbers."""
    return processor_flags() & _BFLOAT_INSTRUCTIONS


def is_x86() -> bool:
    """Return whether this is a 64-bit x86 processor."""
    return platform.machine().lower() in {"x86_64", "amd64"}

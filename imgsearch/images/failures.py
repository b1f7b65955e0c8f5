"""Turn whatever a decoder raises into an ImageReadError with a short, human reason."""

from __future__ import annotations

import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from PIL import Image

from imgsearch.errors import ImageReadError, ImgsearchError
from imgsearch.images.read import explain_os_error

# What Pillow's and libheif's decoders have been seen or documented to raise on hostile bytes.
# They are parsers written in Python for the most part, so that a false offset or length surfaces
# as whatever the next expression raises. Mistakes of ours would be reported as damaged files,
# which is why nothing but calls into decoders is wrapped.
DECODER_ERRORS: Final = (
    ArithmeticError,  # OverflowError, ZeroDivisionError
    AssertionError,
    AttributeError,
    BufferError,
    EOFError,
    Image.DecompressionBombError,
    LookupError,  # IndexError, KeyError
    MemoryError,
    OSError,  # with UnidentifiedImageError
    RuntimeError,  # with NotImplementedError and RecursionError
    struct.error,
    SyntaxError,  # how a Pillow plugin says that a file is not of its kind
    TypeError,
    ValueError,
    Warning,  # under `python -W error`
    zlib.error,
)

_EARLY_END_SIGNS: Final = ("truncated", "end of file", "premature", "unexpected end", "eof")
_LONGEST_DETAIL: Final = 100


@contextmanager
def decoding(name: str, kind: str) -> Iterator[None]:
    """Run a decoder: quietly, and with an `ImageReadError` as its only failure.

    Args:
        name: What the error calls the file.
        kind: The picture's format.
    """
    try:
        with _QUIET:
            yield
    except ImgsearchError:
        raise
    except DECODER_ERRORS as error:
        raise ImageReadError(name, _reason(error, kind)) from error


class _QuietPillow:
    """Keeps Pillow's warnings off stderr while any thread decodes.

    `warnings.catch_warnings` restores the filters of the thread that began first, and so must not
    be used by several threads at once. Here the first one in adds a filter for Pillow's own
    modules, and the last one out takes it away.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._filter: object = None

    def __enter__(self) -> None:
        with self._lock:
            self._users += 1
            if self._users == 1:
                warnings.filterwarnings("ignore", module=r"PIL\.")
                self._filter = warnings.filters[0]

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                # A host that restored its own filters meanwhile has removed ours already.
                with suppress(ValueError):
                    warnings.filters.remove(self._filter)  # type: ignore[attr-defined]


_QUIET: Final = _QuietPillow()


def _reason(error: BaseException, kind: str) -> str:
    if isinstance(error, MemoryError):
        return "there is not enough memory to decode it"
    if isinstance(error, Image.DecompressionBombError):
        return f"the {kind} data unpacks to more pixels than is safe to decode"
    if isinstance(error, OSError) and error.errno is not None and error.strerror:
        return explain_os_error(error)
    message = _first_line(error)
    if isinstance(error, EOFError) or any(sign in message.lower() for sign in _EARLY_END_SIGNS):
        return f"the {kind} data ends early"
    return f"the {kind} data is damaged" + (f" ({message})" if message else "")


def _first_line(error: BaseException) -> str:
    if isinstance(error, (LookupError, AttributeError, TypeError, AssertionError, RecursionError)):
        return ""  # about Pillow's insides, not about the file
    line = next(iter(str(error).splitlines()), "").strip()
    return line[:_LONGEST_DETAIL]

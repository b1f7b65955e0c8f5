import ctypes
import platform

import numpy as np
import pytest

from imgsearch.index.half_precision import widened

EVERY = np.arange(1 << 16, dtype=np.uint16).view(np.int16).reshape(-1, 64)


@pytest.fixture
def flushing():
    """Let this thread take subnormal numbers for 0, as libraries built for speed do."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        pytest.skip("sets a register of x86 through the C library of Linux")
    library = ctypes.CDLL(None)
    before, flushed = ctypes.create_string_buffer(32), ctypes.create_string_buffer(32)
    library.fegetenv(before)
    library.fegetenv(flushed)
    control = int.from_bytes(flushed[28:32], "little") | 1 << 15 | 1 << 6
    flushed[28:32] = control.to_bytes(4, "little")
    library.fesetenv(flushed)
    yield
    library.fesetenv(before)


def assert_every_finite_number_is_exact():
    expected = EVERY.view(np.float16).astype(np.float32)
    finite = np.isfinite(expected)

    numbers = widened(EVERY, np.full(EVERY.shape, 7, np.float32))

    # As bytes, in which the two zeros differ.
    assert numbers[finite].tobytes() == expected[finite].tobytes()
    return numbers[~finite]


def test_every_finite_number_is_widened_exactly():
    rest = assert_every_finite_number_is_exact()

    assert np.abs(rest).min() == 65_536


@pytest.mark.usefixtures("flushing")
def test_the_smallest_numbers_survive_a_thread_that_flushes_them():
    assert np.float32(2.0**-149) * np.float32(2.0**24) == 0

    assert_every_finite_number_is_exact()


def test_a_larger_buffer_is_used_in_part():
    buffer = np.zeros((5, 3), np.float32)

    rows = widened(np.ones((2, 3), np.float16).view(np.int16), buffer)

    assert rows.tolist() == [[1, 1, 1]] * 2
    assert np.shares_memory(rows, buffer)
    assert buffer[2:].tolist() == [[0, 0, 0]] * 3

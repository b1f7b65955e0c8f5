import threading
import time

import pytest

from imgsearch.images.budget import PixelBudget


def most_held_at_once(budget, sizes):
    """Hold each size in a thread of its own; return the most pixels that were held together."""
    lock = threading.Lock()
    held, most = 0, 0

    def hold(size):
        nonlocal held, most
        with budget.hold(size):
            with lock:
                held += size
                most = max(most, held)
            time.sleep(0.02)
            with lock:
                held -= size

    threads = [threading.Thread(target=hold, args=(size,)) for size in sizes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
        assert not thread.is_alive()
    return most


def test_small_pictures_are_held_side_by_side():
    assert most_held_at_once(PixelBudget(100), [10] * 5) > 10


def test_the_sum_stays_within_the_budget():
    assert most_held_at_once(PixelBudget(100), [40] * 6) <= 100


def test_a_picture_larger_than_the_budget_is_held_alone():
    assert most_held_at_once(PixelBudget(100), [500, 10, 500, 10]) == 500


def test_a_picture_that_failed_gives_its_pixels_back():
    budget = PixelBudget(100)

    with pytest.raises(OSError, match="broken"), budget.hold(100):
        raise OSError("broken")

    assert most_held_at_once(budget, [100]) == 100


def test_a_budget_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one pixel"):
        PixelBudget(0)

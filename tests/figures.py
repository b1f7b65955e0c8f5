"""What the tests tried: counted where it happens, summed over all processes, said at the end."""

from collections import Counter

_TRIED = Counter()


def tried(what, count=1):
    """Count something that a test did and that lost nothing, else the test would have failed."""
    _TRIED[what] += count


def take():
    """Return what was counted since the last call, as pairs of JSON's kind."""
    taken = sorted(_TRIED.items())
    _TRIED.clear()
    return taken


def summed(reports):
    """Add up what tests of any process reported: {what: count}, sorted."""
    sums = Counter()
    for report in reports:
        for name, value in report.user_properties:
            if name == "tried":
                what, count = value
                sums[what] += count
    return dict(sorted(sums.items()))

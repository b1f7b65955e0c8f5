"""Keep rules as people write them."""

import os

import pytest

from imgsearch.dedup.keep_config import KeepWishes, read_rulebook
from imgsearch.dedup.keepers import DEFAULT_ORDER
from imgsearch.errors import KeepRulesError


@pytest.fixture
def config(tmp_path):
    def write(text):
        path = tmp_path / "keep.toml"
        path.write_text(text)
        return path

    return write


def read(tmp_path, **wishes):
    return read_rulebook(KeepWishes(**wishes), tmp_path)


def test_without_a_word_the_defaults_hold(tmp_path):
    rulebook = read(tmp_path)

    assert rulebook.rules.order == DEFAULT_ORDER
    assert sorted(rulebook.tiers) == ["copy", "identical", "pixels"]


def test_rules_that_are_not_named_follow_those_that_are(tmp_path):
    order = read(tmp_path, keep=("oldest", "size")).rules.order

    assert order[:4] == ("oldest", "size", "resolution", "siblings")
    assert sorted(order) == sorted(DEFAULT_ORDER)


def test_the_command_line_replaces_order_and_tiers_and_adds_protection(tmp_path, config):
    config('keep = ["size"]\nnever-touch = ["*.tif"]\ntiers = ["identical", "edited"]')
    rulebook = read(tmp_path, keep=("oldest",), never_touch=("*.png",))

    assert rulebook.rules.order[0] == "oldest"
    assert rulebook.rules.is_protected(tmp_path / "a.tif")
    assert rulebook.rules.is_protected(tmp_path / "a.png")
    assert rulebook.tiers == {"identical", "edited"}
    assert read(tmp_path, tiers=("copy",)).tiers == {"copy"}


def test_paths_in_a_file_start_where_the_file_is(tmp_path, config):
    (tmp_path / "album").mkdir()
    config('keep-in = "album"')

    assert read(tmp_path).rules.keep_in.matches(tmp_path / "album" / "a.jpg")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("keep = [", "is no TOML file"),
        ("kept = []", "no setting 'kept'; there are keep, keep-in"),
        ("keep = 7", "keep has to be a list of texts"),
        ("keep = [7]", "keep has to be a list of texts"),
        ('keep = ["oldest", "oldest"]', "named twice"),
        ('keep = ["best"]', "best: there is no such rule; choose of resolution"),
        ('tiers = ["similar"]', "similar: nothing of this kind may go"),
        ('never-touch = ["absent"]', "never-touch absent: there is no such file"),
    ],
)
def test_a_file_that_makes_no_sense_is_named(tmp_path, config, text, reason):
    path = config(text)

    with pytest.raises(KeepRulesError, match=reason) as caught:
        read(tmp_path)
    assert str(path) in str(caught.value)


def test_bytes_that_are_no_text_are_no_file_of_rules(tmp_path, config):
    config("").write_bytes(b"\xff")

    with pytest.raises(KeepRulesError, match="is no TOML file"):
        read(tmp_path)


def endless(path):
    path.symlink_to("/dev/zero")


def dangling(path):
    path.symlink_to("not-mounted.toml")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (os.mkfifo, "it is not a regular file"),
        (os.mkdir, "it is a folder"),
        (endless, "it is not a regular file"),
        (dangling, "no such file"),
    ],
)
def test_what_is_no_plain_file_blocks_nobody_and_is_not_passed_over(tmp_path, make, reason):
    make(tmp_path / "keep.toml")

    with pytest.raises(KeepRulesError, match=rf"keep\.toml cannot be read: {reason}$"):
        read(tmp_path)

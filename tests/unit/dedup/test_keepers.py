"""Which of several copies stays, and the words for it."""

from dataclasses import replace
from pathlib import Path

import pytest
from picturing import described

from imgsearch.dedup.keepers import DEFAULT_ORDER, KeepRules
from imgsearch.dedup.patterns import parse_patterns
from imgsearch.errors import KeepRulesError


def picture(name="a.jpg", folder="/photos", **facts):
    return described(
        Path(folder) / name, content=b"", **{"kind": "JPEG", "size": (40, 30), **facts}
    )


PLAIN = {"size": (40, 30), "size_bytes": 100, "mtime_ns": 10**18}

DECIDING = [
    ({"size": (80, 60)}, {}, "larger: 80x60 against 40x30"),
    (
        {"taken": "2019-05-01T10:00:00", "camera": "Canon EOS", "exif_tags": 40},
        {"exif_tags": 50},
        "richer in EXIF: date, camera, 40 tags against 50 tags",
    ),
    ({"exif_tags": 3}, {}, "richer in EXIF: 3 tags against none"),
    ({"kind": "TIFF"}, {}, "in a better format: TIFF against JPEG"),
    ({"kind": "JPEG"}, {"kind": "WEBP"}, "in a better format: JPEG against WEBP"),
    ({"size_bytes": 1200}, {}, "a larger file: 1,200 against 100 bytes"),
    ({"mtime_ns": 0}, {}, "older: 1970-01-01 00:00:00 against 2001-09-09 01:46:40"),
]


@pytest.mark.parametrize(("better", "worse", "words"), DECIDING)
def test_the_better_picture_is_kept_and_the_words_say_why(better, worse, words):
    # The worse one has the shorter name, which the last rule would prefer.
    good = picture("good picture.jpg", **PLAIN | better)
    poor = picture("p.jpg", **PLAIN | worse)
    rules = KeepRules()

    assert rules.rank([poor, good]) == [good, poor]
    assert rules.reason(good, [poor, good]) == words
    assert rules.reason(poor, [good]) == f"kept although good picture.jpg is {words}"


def yields_to_hub(better, worse, *order):
    rest = tuple(name for name in DEFAULT_ORDER if name not in order)
    return KeepRules(order=(*order, *rest)).yields_to_hub(
        picture("better.jpg", **PLAIN | better), picture("worse.jpg", **PLAIN | worse)
    )


def test_only_what_hints_prefer_goes_for_a_picture_that_more_are_copies_of():
    assert yields_to_hub({"size_bytes": 250}, {})
    assert yields_to_hub({"mtime_ns": 0}, {})
    assert yields_to_hub({}, {})
    assert not yields_to_hub({"size_bytes": 350}, {})  # much more of it
    assert not yields_to_hub({"size": (80, 60)}, {})
    assert not yields_to_hub({"kind": "TIFF"}, {})


def test_what_the_user_put_first_is_no_hint():
    assert not yields_to_hub({"size_bytes": 250}, {}, "size")
    assert not yields_to_hub({"mtime_ns": 0}, {}, "oldest")
    assert yields_to_hub({"size_bytes": 250}, {}, "resolution")


def test_of_equals_the_shorter_name_is_kept_and_then_the_first_path():
    original, copy = picture("a.jpg", **PLAIN), picture("a (1).jpg", **PLAIN)
    assert KeepRules().rank([copy, original]) == [original, copy]
    assert KeepRules().reason(original, [copy]) == "of a shorter name: a.jpg against a (1).jpg"

    first, last = picture("a.jpg", "/a", **PLAIN), picture("a.jpg", "/b", **PLAIN)
    assert KeepRules().rank([last, first]) == [first, last]
    assert KeepRules().reason(first, [last]) == "equal; the first by path"


def test_a_file_that_is_hardly_larger_is_no_better():
    original, turned = picture("dog.jpg", **PLAIN), picture("dog-turned.jpg", **PLAIN)
    slightly = replace(turned, stamp=replace(turned.stamp, size_bytes=101))
    assert KeepRules().rank([slightly, original]) == [original, slightly]


def test_the_order_of_the_rules_decides():
    large_new = picture("new.jpg", **PLAIN | {"size": (80, 60), "mtime_ns": 2 * 10**18})
    small_old = picture("old.jpg", **PLAIN)

    assert KeepRules(("resolution", "oldest")).rank([small_old, large_new])[0] == large_new
    assert KeepRules(("oldest", "resolution")).rank([small_old, large_new])[0] == small_old


def test_files_of_one_minute_are_of_one_age():
    original = picture("red-rock.jpg", **PLAIN | {"mtime_ns": 60 * 10**9 + 7})
    copy = picture("red-rock (1).jpg", **PLAIN | {"mtime_ns": 60 * 10**9})

    assert KeepRules().rank([copy, original])[0] == original


def test_the_reason_names_the_best_of_the_others():
    best, second, third = (
        picture(f"{side}.jpg", **PLAIN | {"size": (side, 10)}) for side in (30, 20, 10)
    )

    assert KeepRules().reason(best, [third, second]) == "larger: 30x10 against 20x10"
    assert KeepRules().reason(best, []) == "the only one"


def test_a_rule_that_there_is_not_or_one_named_twice_is_refused():
    for order in (("sharpest",), ("size", "size")):
        with pytest.raises(ValueError, match="names a rule"):
            KeepRules(order)
    assert set(DEFAULT_ORDER) == set(KeepRules().order)


def patterns(*texts, base=Path("/photos")):
    return parse_patterns(texts, base, option="--never-touch")


def test_a_file_to_keep_comes_before_a_better_one(tmp_path):
    (tmp_path / "album").mkdir()
    rules = KeepRules(keep_in=patterns("album", base=tmp_path))
    small = picture("s.jpg", tmp_path / "album" / "2019", **PLAIN)
    large = picture("l.jpg", tmp_path, **PLAIN | {"size": (80, 60)})

    assert rules.rank([large, small]) == [small, large]
    assert rules.reason(small, [large]) == "under --keep-in"


def test_among_equals_a_protected_file_is_kept_so_that_the_other_may_go():
    rules = KeepRules(never_touch=patterns("*/backup/**"))
    safe = picture("a long name.jpg", "/backup", **PLAIN | {"mtime_ns": 2 * 10**18})
    loose = picture("a.jpg", "/photos", **PLAIN)
    better = picture("b.jpg", "/photos", **PLAIN | {"size": (80, 60)})
    rules = KeepRules(never_touch=patterns("/backup/**"))

    assert rules.rank([loose, safe, better]) == [better, safe, loose]
    assert rules.reason(safe, [loose]) == "protected by --never-touch"
    assert [rules.is_protected(one.path) for one in (safe, loose)] == [True, False]


@pytest.mark.parametrize(
    ("glob", "inside", "outside"),
    [
        ("*.tif", ["/photos/a.tif", "/x/y.tif/b.jpg"], ["/photos/a.tiff", "/photos/tif"]),
        ("edited-*", ["/photos/edited-1.jpg"], ["/photos/not-edited-1.jpg"]),
        ("album/*.jpg", ["/photos/album/a.jpg"], ["/photos/album/b/a.jpg", "/album/a.jpg"]),
        ("**/raw/*.jpg", ["/photos/raw/a.jpg", "/photos/x/y/raw/a.jpg"], ["/raw/a.jpg"]),
        ("20[12]?", ["/photos/201x/a.jpg"], ["/photos/203x/a.jpg"]),
        ("[!a]b", ["/photos/xb"], ["/photos/ab"]),
        ("/x/**", ["/x/y/z.jpg"], ["/photos/x/y.jpg"]),
        ("a.b*", ["/photos/a.b"], ["/photos/axb"]),
    ],
)
def test_a_glob_means_names_or_whole_paths_and_all_below(glob, inside, outside):
    found = patterns(glob)

    assert all(found.matches(Path(path)) for path in inside)
    assert not any(found.matches(Path(path)) for path in outside)


def test_a_folder_with_brackets_in_its_name_is_meant_as_it_is_written(tmp_path):
    (tmp_path / "Paris [2019]").mkdir()

    found = patterns("Paris [2019]", base=tmp_path)

    assert found.matches(tmp_path / "Paris [2019]" / "a.jpg")


def test_a_link_to_a_folder_protects_what_it_leads_to(tmp_path):
    (tmp_path / "true").mkdir()
    (tmp_path / "link").symlink_to("true")

    assert patterns("link", base=tmp_path).matches((tmp_path / "true").resolve() / "a.jpg")


@pytest.mark.parametrize("text", ["missing", "", "~nobody-of-this-name/photos"])
def test_a_folder_that_is_not_there_is_an_error_and_not_silently_unprotected(tmp_path, text):
    with pytest.raises(KeepRulesError, match="--never-touch"):
        patterns(text, base=tmp_path)


def test_a_picture_with_a_raw_file_beside_it_is_kept_rather_than_one_without(tmp_path):
    for name in ("IMG_1.JPG", "IMG_1.CR2", "copy.jpg"):
        (tmp_path / name).touch()
    shot = picture("IMG_1.JPG", tmp_path, **PLAIN)
    copy = picture("copy.jpg", tmp_path, **PLAIN | {"exif_tags": 9})

    assert KeepRules().rank([copy, shot]) == [shot, copy]
    assert KeepRules().reason(shot, [copy]) == "accompanied by IMG_1.CR2"


def test_a_name_that_is_no_utf8_is_told_as_text():
    odd = picture("\udcff.jpg", **PLAIN)
    long = picture("long name.jpg", **PLAIN)

    assert KeepRules().reason(odd, [long]) == "of a shorter name: \ufffd.jpg against long name.jpg"

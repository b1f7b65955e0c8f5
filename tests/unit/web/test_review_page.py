import base64
import hashlib
import html.parser
import io
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from imgsearch.dedup.plan import read_plan
from imgsearch.dedup.planning import PlanOptions, Skipped, make_plan
from imgsearch.dedup.records import Group, Member, Picture, Verdict
from imgsearch.errors import ReviewPageError
from imgsearch.gallery.records import FileStamp, ImageFacts
from imgsearch.web.plan_text import make_plan_text
from imgsearch.web.review import PlanText, write_review_page

MTIME = 1_600_000_000_123_456_789  # more than a JavaScript number can hold


def plan_text(protected=()):
    def entry(keep, member):
        if member.picture.path in protected:
            return Skipped(member.picture.path, "protected")
        return json.dumps(
            {"path": str(member.picture.path), "keep": str(keep.path), "mtime_ns": MTIME}
        )

    return PlanText("plan.json", '{"files": [', ",", "]}", entry)


def picture(path, size=(30, 20), kind="JPEG"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (200, 30, 30)).save(path, kind)
    return described(path, size, kind)


def described(path, size=(30, 20), kind="JPEG"):
    content = path.read_bytes()
    os.utime(path, ns=(MTIME, MTIME))
    stamp = FileStamp(1, path.name, len(content), MTIME)
    digest = hashlib.sha256(content).digest()
    return Picture(1, path, stamp, ImageFacts(digest, *size, kind))


def group_of(keep, *others, tier="copy", oversized=False):
    verdict = Verdict(tier, 0.99, "re-encoded")
    kept = Member(keep, Verdict(tier, 1.0, "most pixels"))
    return Group(tier, keep, (kept, *(Member(one, verdict) for one in others)), oversized)


class Blocks(html.parser.HTMLParser):
    """What a browser would find: the data blocks, the code, the policy and every address."""

    def __init__(self, text):
        super().__init__()
        self.groups, self.page, self.code, self.style, self.policy = [], None, "", "", ""
        self.addresses = []
        self._into = None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.addresses += [value for name, value in attributes if name in {"src", "href"}]
        if found.get("http-equiv") == "Content-Security-Policy":
            self.policy = found["content"]
        if tag in {"script", "style"}:
            self._into = found.get("class") or found.get("id") or tag

    def handle_endtag(self, _):
        self._into = None

    def handle_data(self, text):
        if self._into == "group":
            self.groups.append(json.loads(text))
        elif self._into == "page":
            self.page = json.loads(text)
        elif self._into == "script":
            self.code += text
        elif self._into == "style":
            self.style += text


def page_of(tmp_path, groups, plan=None, **options):
    out = tmp_path / "out.html"
    report = write_review_page(out, groups, plan or plan_text(), **options)
    return Blocks(out.read_text("utf-8")), report


def default_plan(page):
    chosen = [
        member["entry"] for group in page.groups for member in group["members"] if member["chosen"]
    ]
    plan = page.page["plan"]
    return json.loads(plan["before"] + plan["between"].join(chosen) + plan["after"])


def source_hash(text):
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_the_plan_of_an_untouched_page_removes_every_member_but_the_keeper(tmp_path):
    a, b, c = (picture(tmp_path / name) for name in ("a.jpg", "b.jpg", "c.jpg"))
    page, report = page_of(tmp_path, [group_of(a, b, c)])
    assert (report.groups, report.left_out) == (1, 0)
    assert default_plan(page) == {
        "files": [
            {"path": str(b.path), "keep": str(a.path), "mtime_ns": MTIME},
            {"path": str(c.path), "keep": str(a.path), "mtime_ns": MTIME},
        ]
    }


def test_another_file_can_be_kept_only_in_place_of_the_keeper_it_was_compared_with(tmp_path):
    a, b, c = (picture(tmp_path / name) for name in ("a.jpg", "b.jpg", "c.jpg"))
    page, _ = page_of(tmp_path, [group_of(a, b, c)])
    swaps = [member["swap"] for member in page.groups[0]["members"]]
    assert swaps[0] is None
    for swap, stays in zip(swaps[1:], (b, c), strict=True):
        entry = json.loads(swap)
        assert (entry["path"], entry["keep"]) == (str(a.path), str(stays.path))


def test_the_keeper_and_a_protected_file_cannot_be_chosen(tmp_path):
    a, b = picture(tmp_path / "a.jpg"), picture(tmp_path / "b.jpg")
    page, _ = page_of(tmp_path, [group_of(a, b)], plan_text(protected=[b.path]))
    keeper, protected = page.groups[0]["members"]
    assert keeper["entry"] is None
    assert protected["entry"] is None
    assert protected["locked"] == "protected"
    assert default_plan(page) == {"files": []}


def test_what_was_edited_can_be_chosen_and_is_not_chosen_beforehand(tmp_path):
    a, b = picture(tmp_path / "a.jpg"), picture(tmp_path / "b.jpg")
    page, _ = page_of(tmp_path, [group_of(a, b, tier="edited")])
    assert page.groups[0]["members"][1]["entry"] is not None
    assert default_plan(page) == {"files": []}


def test_the_plan_that_a_page_saves_is_one_that_apply_reads(tmp_path):
    a, b, c = (picture(tmp_path / "x" / name) for name in ("a.jpg", "b.jpg", "c.jpg"))
    (tmp_path / "x" / "c.CR2").write_bytes(b"raw")
    options = PlanOptions()
    page, _ = page_of(tmp_path, [group_of(a, b, c)], make_plan_text(tmp_path, options))
    chosen = [each["entry"] for each in page.groups[0]["members"] if each["chosen"]]
    pieces = page.page["plan"]
    saved = tmp_path / pieces["name"]
    saved.write_text(pieces["before"] + pieces["between"].join(chosen) + pieces["after"])

    plan = read_plan(saved)
    assert plan == make_plan(tmp_path, [group_of(a, b, c)], options).plan
    assert [entry.remove.path for entry in plan.entries] == [b.path]
    assert "c.CR2 belongs to it" in page.groups[0]["members"][2]["locked"]


def test_pictures_that_are_merely_similar_never_reach_a_plan(tmp_path):
    a, b = picture(tmp_path / "a.jpg"), picture(tmp_path / "b.jpg")
    page, _ = page_of(tmp_path, [group_of(a, b, tier="similar")])
    for member in page.groups[0]["members"]:
        assert (member["entry"], member["swap"], member["chosen"]) == (None, None, False)


def test_nothing_is_chosen_beforehand_in_an_oversized_group(tmp_path):
    a, b = picture(tmp_path / "a.jpg"), picture(tmp_path / "b.jpg")
    page, _ = page_of(tmp_path, [group_of(a, b, oversized=True)])
    assert page.groups[0]["members"][1]["entry"] is not None
    assert default_plan(page) == {"files": []}


@pytest.mark.parametrize("gone", [0, 1])
def test_a_pair_with_an_unreadable_file_is_shown_with_the_reason_and_cannot_be_chosen(
    tmp_path, gone
):
    pair = [picture(tmp_path / "a.jpg"), picture(tmp_path / "b.jpg", size=(40, 20))]
    path = pair[gone].path
    path.write_bytes(b"\xff\xd8\xff\xe0 nothing".ljust(path.stat().st_size, b"\0"))
    os.utime(path, ns=(MTIME, MTIME))
    page, _ = page_of(tmp_path, [group_of(*pair)])
    members = page.groups[0]["members"]
    assert members[gone]["thumb"] is None
    assert members[gone]["problem"]
    assert members[1 - gone]["problem"] is None
    assert [(member["entry"], member["swap"]) for member in members] == [(None, None)] * 2


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda path: path.unlink(), "No such file"),
        (lambda path: os.utime(path, ns=(MTIME, MTIME + 1)), "changed since it was indexed"),
    ],
)
def test_a_file_that_is_not_what_was_indexed_any_more_is_neither_shown_nor_chosen(
    tmp_path, change, reason
):
    a, b = picture(tmp_path / "a.jpg"), picture(tmp_path / "b.jpg", size=(40, 20))
    change(b.path)
    page, _ = page_of(tmp_path, [group_of(a, b)])
    member = page.groups[0]["members"][1]
    assert reason.lower() in member["problem"].lower()
    assert member["thumb"] is None
    assert default_plan(page) == {"files": []}


NAMES = [b'quote " and & <b>.jpg', b"line\nbreak.jpg", b"<!--<script>.jpg", b"100%#?.jpg"]


@pytest.mark.parametrize("name", [*NAMES, b"caf\xe9.jpg"])
def test_a_hostile_name_stays_text(tmp_path, name):
    folder = tmp_path / "<"  # with the next part: "</script>"
    path = Path(os.fsdecode(os.fsencode(folder / "script>") + b"/" + name))
    a, b = picture(tmp_path / "a.jpg"), picture(path)
    page, _ = page_of(tmp_path, [group_of(a, b)])
    member = page.groups[0]["members"][1]
    assert member["name"] == name.decode("utf-8", "replace")
    assert member["folder"].endswith("</script>")
    assert page.page is not None


def test_the_page_knows_which_names_are_of_one_file(tmp_path):
    a, b = picture(tmp_path / "a.jpg"), picture(tmp_path / "b.jpg")
    os.link(b.path, tmp_path / "c.jpg")
    c = replace(b, path=tmp_path / "c.jpg")

    page, _ = page_of(tmp_path, [group_of(a, b, c, tier="identical")])

    first, second, third = page.groups[0]["members"]
    assert first["file"] != second["file"] == third["file"]
    assert [member["links"] for member in (first, second, third)] == [1, 2, 2]


def test_an_original_is_reached_from_where_the_page_lies(tmp_path):
    a, b = picture(tmp_path / "a.jpg"), picture(tmp_path / "x #1" / "b%.jpg")
    page, _ = page_of(tmp_path, [group_of(a, b)])
    assert [member["url"] for member in page.groups[0]["members"]] == [
        "a.jpg",
        "x%20%231/b%25.jpg",
    ]


def test_the_page_names_no_server_and_its_policy_allows_only_its_own_code(tmp_path):
    a, b = picture(tmp_path / "a.jpg"), picture(tmp_path / "b.jpg")
    page, _ = page_of(tmp_path, [group_of(a, b)])
    assert page.addresses == []
    assert "http://" not in page.code + page.style
    assert "https://" not in page.code + page.style
    rules = dict(rule.strip().split(" ", 1) for rule in page.policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == f"'{source_hash(page.code)}'"
    assert rules["style-src"] == f"'{source_hash(page.style)}'"
    assert rules["img-src"] == "data: file:"


def shown(uri):
    head, content = uri.split(",", 1)
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(content)))


def test_files_of_equal_content_share_a_thumbnail_that_is_small_and_in_proportion(tmp_path):
    a, b = (picture(tmp_path / name, size=(1200, 600)) for name in ("a.jpg", "b.jpg"))
    page, _ = page_of(tmp_path, [group_of(a, b, tier="identical")])
    (thumb,) = page.groups[0]["thumbs"]
    assert shown(thumb).size == (240, 120)
    assert [member["thumb"] for member in page.groups[0]["members"]] == [0, 0]


def test_a_kind_that_browsers_do_not_show_comes_with_a_preview_and_no_address(tmp_path):
    a = picture(tmp_path / "a.jpg")
    b = picture(tmp_path / "b.tif", size=(1600, 800), kind="TIFF")
    page, _ = page_of(tmp_path, [group_of(a, b)])
    first, second = page.groups[0]["members"]
    assert first["preview"] is None
    assert second["url"] is None
    assert shown(second["preview"]).size == (800, 400)


def test_groups_beyond_the_largest_size_are_left_out_and_counted(tmp_path):
    a, b = picture(tmp_path / "a.jpg"), picture(tmp_path / "b.jpg")
    page, report = page_of(tmp_path, (group_of(a, b) for _ in range(5)), max_bytes=1)
    assert (report.groups, report.left_out) == (0, 5)
    assert "no room for 5 more" in page.page["left_out"]


def test_an_earlier_page_is_replaced(tmp_path):
    a, b = picture(tmp_path / "a.jpg"), picture(tmp_path / "b.jpg")
    page_of(tmp_path, [])
    page, _ = page_of(tmp_path, [group_of(a, b)])
    assert len(page.groups) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jpg", "b.jpg", "out.html"]


@pytest.mark.parametrize("content", [b"", b"<!doctype html>\n<p>my own page</p>"])
def test_a_file_that_is_no_review_page_is_left_alone(tmp_path, content):
    out = tmp_path / "out.html"
    out.write_bytes(content)
    with pytest.raises(ReviewPageError, match="another file is there"):
        write_review_page(out, [], plan_text())
    assert out.read_bytes() == content


def test_a_missing_folder_is_one_line(tmp_path):
    with pytest.raises(ReviewPageError, match="No such file or directory"):
        write_review_page(tmp_path / "no" / "out.html", [], plan_text())


def test_a_page_that_fails_half_way_leaves_the_earlier_one(tmp_path):
    page_of(tmp_path, [])
    before = (tmp_path / "out.html").read_bytes()

    def broken():
        yield group_of(picture(tmp_path / "a.jpg"), picture(tmp_path / "b.jpg"))
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        page_of(tmp_path, broken())
    assert (tmp_path / "out.html").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jpg", "b.jpg", "out.html"]

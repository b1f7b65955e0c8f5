"""Cleaning up from the command line: rules, a plan, carrying it out, taking it back, decisions."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from cleaning import tree
from typer.testing import CliRunner

from imgsearch.cli.main import app


@pytest.fixture
def in_process():
    """Run a command in this process, which has loaded everything before."""

    def run(*arguments):
        return CliRunner().invoke(app, [str(each) for each in arguments])

    return run


@pytest.fixture
def pair(lab):
    """Two files of the same bytes, each with a side-car, and a third picture."""
    first = lab.paint("original.png", "#f00")
    copy = lab.root / "copies" / "original (1).png"
    copy.parent.mkdir()
    shutil.copy2(first, copy)
    lab.touch(copy)
    for name in ("original.png.xmp", "copies/original (1).png.xmp"):
        lab.write(name, b"<xmp/>")
    lab.paint("other.png", "#0f0")
    lab.update()
    return first.resolve(), copy.resolve()


def test_a_plan_is_carried_out_and_undone(imgsearch, lab, pair, tmp_path):
    original, copy = pair
    before, plan = tree(lab.root), tmp_path / "plan.json"

    planned = imgsearch("dupes", "plan", "-o", plan, "--gallery", lab.gallery, "--json").document
    (entry,) = planned["entries"]
    assert (entry["keep"]["path"], entry["remove"]["path"]) == (str(original), str(copy))
    assert [each["path"] for each in entry["siblings"]] == [f"{copy}.xmp"]

    dry = imgsearch("dupes", "apply", plan, "--gallery", lab.gallery)
    assert f"would go to trash\t{copy}\t" in dry.out.decode()
    assert "nothing was changed" in dry.err
    assert tree(lab.root) == before

    quarantine = f"quarantine:{tmp_path / 'q'}"
    arguments = ("dupes", "apply", plan, "--yes", "--to", quarantine, "--gallery", lab.gallery)
    done = imgsearch(*arguments, "--json").document
    assert [each["path"] for each in done["removed"]] == [str(copy)]
    assert not copy.exists()
    assert imgsearch(*arguments, "--json").document["gone"][0]["path"] == str(copy)

    undone = imgsearch("dupes", "undo", "--gallery", lab.gallery, "--json").document
    assert sorted(each["path"] for each in undone["restored"]) == [str(copy), f"{copy}.xmp"]
    assert tree(lab.root) == before
    assert "nothing to undo" in imgsearch("dupes", "undo", "--gallery", lab.gallery).err


def test_the_next_command_is_said_as_a_shell_takes_it(in_process, lab, pair, tmp_path):
    plan = tmp_path / "my plan.json"

    planned = in_process("dupes", "plan", "-o", plan, "--gallery", lab.gallery)

    assert planned.stderr.endswith(f"imgsearch dupes apply '{plan}'\n")


def test_the_trash_of_the_desktop_takes_files_and_gives_them_back(imgsearch, lab, pair, tmp_path):
    before, plan = tree(lab.root), tmp_path / "plan.json"
    home = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "share")}
    imgsearch("dupes", "plan", "-o", plan, "--gallery", lab.gallery)

    applied = imgsearch("dupes", "apply", plan, "--yes", "--gallery", lab.gallery, **home)
    assert applied.lines[0].startswith(f"to trash\t{pair[1]}\tidentical: {pair[0]} stays")
    assert sorted(path.name for path in tmp_path.rglob("original (1)*")) == [
        "original (1).png",
        "original (1).png.trashinfo",
        "original (1).png.xmp",
        "original (1).png.xmp.trashinfo",
    ]
    assert imgsearch("dupes", "undo", "--gallery", lab.gallery, **home).code == 0
    assert tree(lab.root) == before


def test_keep_rules_come_from_the_command_line_and_from_a_file(
    in_process, lab, pair, tmp_path, monkeypatch
):
    def kept(*options):
        arguments = ("dupes", "--gallery", lab.gallery, "--json", *options)
        (group,) = json.loads(in_process(*arguments).stdout)["groups"]
        return Path(group["keep"]).name, group["members"][0]["reason"]

    monkeypatch.chdir(lab.root)
    original, copy = (path.name for path in pair)
    assert kept("--keep-in", "copies") == (copy, "kept: under --keep-in")
    assert kept("--keep", "shortest-name")[0] == original
    (lab.gallery / "keep.toml").write_text('keep-in = ["../copies"]\n')
    assert kept() == (copy, "kept: under --keep-in")
    empty = tmp_path / "empty.toml"
    empty.write_text("")
    assert kept("--config", empty, "--keep", "shortest-name")[0] == original


def test_decisions_close_a_group_until_they_are_taken_back(in_process, lab, pair):
    def document(*arguments):
        return json.loads(in_process(*arguments, "--gallery", lab.gallery, "--json").stdout)

    def groups():
        return len(document("dupes")["groups"])

    for decision in (["keep-all", pair[0]], ["reviewed", "--all"], ["ignore", *pair]):
        answer = document("dupes", *decision)
        assert answer["settled_groups"] + answer["ignored_pairs"] == 1
        assert groups() == 0
        document("dupes", "reopen", pair[1])
        assert groups() == 1


def test_a_name_that_is_no_utf_8_survives_plan_apply_and_undo(imgsearch, lab, pair, tmp_path):
    odd = Path(os.fsdecode(os.fsencode(lab.root.resolve()) + b"/caf\xe9\n.png"))
    pair[1].rename(odd)
    lab.update()
    before, plan = tree(lab.root), tmp_path / "plan.json"
    where = ("--gallery", lab.gallery)

    imgsearch("dupes", "plan", "-o", plan, "--keep-in", pair[0], *where)
    to = f"quarantine:{tmp_path / 'q'}"
    answer = imgsearch("dupes", "apply", plan, "--yes", "--to", to, *where)
    assert b"caf\xe9\\n.png\t" in answer.out
    assert not odd.exists()
    assert imgsearch("dupes", "undo", *where).out == b"back\t%b\n" % os.fsencode(odd).replace(
        b"\n", b"\\n"
    )
    assert tree(lab.root) == before


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["plan", "-o", "P", "--never-touch", "absent"], "there is no such file or folder"),
        (["plan", "-o", "P", "--config", "absent"], "cannot be read: no such file"),
        (["plan", "-o", "P/P"], "cannot be written"),
        (["apply", "absent.json"], "it cannot be read: no such file"),
        (["ignore", "absent", "gone"], "cannot read absent: no such file"),
        (["keep-all", "absent"], "cannot read absent: no such file"),
    ],
)
def test_what_makes_no_sense_is_one_line(in_process, lab, tmp_path, arguments, reason):
    lab.paint("a.png", "#f00")
    lab.update()
    arguments = [str(tmp_path / "no" / "P") if each == "P/P" else each for each in arguments]
    arguments = [str(tmp_path / "P") if each == "P" else each for each in arguments]

    answer = in_process("dupes", *arguments, "--gallery", lab.gallery)

    assert (answer.exit_code, answer.stdout) == (1, "")
    assert reason in answer.stderr
    assert len(answer.stderr.splitlines()) == 1
    assert not (tmp_path / "P").exists()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["apply", "plan.json", "--to", "bin"], "'bin'"),
        (["plan"], "-o"),
        (["ignore", "one"], "two files or more"),
        (["reviewed"], "--all"),
        (["--keep", "biggest"], "biggest: there is no such rule"),
        (["--keep", "oldest,oldest"], "a rule is named twice"),
        (["--keep", " , "], "no name is given"),
        (["plan", "-o", "P", "--keep", "biggest"], "biggest: there is no such rule"),
        (["plan", "-o", "P", "--tier", "similar"], "nothing of this kind may go"),
        (["plan", "-o", "P", "--tier", ""], "no name is given"),
    ],
)
def test_wrong_usage_is_two(in_process, arguments, reason, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = in_process("dupes", *arguments)

    assert (answer.exit_code, answer.stdout) == (2, "")
    assert reason in answer.stderr
    assert not (tmp_path / "P").exists()


def test_a_copy_of_two_names_is_two_files_to_go_and_frees_its_bytes_once(
    in_process, lab, pair, tmp_path
):
    os.link(pair[1], lab.root / "name.png")
    os.utime(lab.root / "name.png", ns=(pair[1].stat().st_mtime_ns,) * 2)
    lab.update()
    where = ("--gallery", lab.gallery, "--json")

    def planned(*options):
        answer = in_process("dupes", "plan", "-o", tmp_path / "P", "--keep-in", pair[0], *options)
        document = json.loads(answer.stdout)
        return len(document["entries"]), document["bytes"]

    side_car = len("<xmp/>")
    assert planned(*where) == (2, pair[1].stat().st_size + side_car)
    assert planned("--never-touch", lab.root / "name.png", *where) == (1, side_car)


def test_a_stale_entry_is_an_error_only_when_asked_for(in_process, lab, pair, tmp_path):
    plan = tmp_path / "plan.json"
    in_process("dupes", "plan", "-o", plan, "--gallery", lab.gallery)
    pair[0].write_bytes(b"changed")
    apply = ("dupes", "apply", plan, "--yes", "--gallery", lab.gallery)

    answer = in_process(*apply)
    assert answer.exit_code == 0
    assert answer.stdout.startswith(f"stays\t{pair[1]}\t{pair[0]} has changed")
    assert in_process(*apply, "--strict").exit_code == 1
    assert json.loads(in_process(*apply, "--json").stdout)["removed"] == []


def test_check_notes_a_clean_up_that_was_cut_off_and_reports_damage(
    in_process, lab, pair, tmp_path
):
    plan, where = tmp_path / "plan.json", ("--gallery", lab.gallery)
    to = f"quarantine:{tmp_path / 'q'}"
    in_process("dupes", "plan", "-o", plan, *where)
    in_process("dupes", "apply", plan, "--yes", "--to", to, *where)
    (journal,) = lab.gallery.glob("cleanup-*.journal")
    assert in_process("check", *where).stderr == ""

    journal.write_bytes(journal.read_bytes().rpartition(b"{")[0])  # the ending is cut off
    cut_off = in_process("check", *where)
    assert (cut_off.exit_code, "cleanup-0001 was cut off" in cut_off.stderr) == (0, True)

    journal.write_bytes(journal.read_bytes().replace(b"original", b"Original", 1))
    damaged = in_process("check", *where)
    assert (damaged.exit_code, "line 2 is damaged" in damaged.stderr) == (1, True)


@pytest.mark.weights
def test_the_sample_photos_are_cleaned_up_and_come_back(imgsearch, photos, gallery, tmp_path):
    own = tmp_path / "photos"
    shutil.copytree(photos, own)  # with the gallery in it
    before, plan = tree(own), tmp_path / "plan.json"
    assert gallery.is_relative_to(photos)

    planned = imgsearch("dupes", "plan", "-o", plan, "--json", cwd=own).document
    to = ("--to", f"quarantine:{tmp_path / 'q'}")
    applied = imgsearch("dupes", "apply", plan, "--yes", "--json", *to, cwd=own).document

    went = {each["path"] for each in applied["removed"]}
    assert went == {each["remove"]["path"] for each in planned["entries"]}
    assert "red-rock (1).jpg" in {Path(path).name for path in went}
    assert tree(own) == {name: was for name, was in before.items() if str(own / name) not in went}
    assert imgsearch("dupes", "undo", cwd=own).code == 0
    assert tree(own) == before

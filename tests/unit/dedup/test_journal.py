"""The journal of a clean-up: written before anything is done, read whatever became of it."""

from pathlib import Path

import pytest

from imgsearch.dedup.journal import create_journal, read_journals
from imgsearch.dedup.journal_lines import HandledFile, Heading
from imgsearch.errors import JournalError

HEADING = Heading("digest", "quarantine", Path("/quarantine/run"))


def handled(name):
    return HandledFile(
        Path("/photos") / name,
        Path("/quarantine") / name,
        10,
        1_600_000_000_123_456_789,
        33188,
        b"x",
    )


def announced(folder, *names):
    journal = create_journal(folder, HEADING)
    for name in names:
        journal.announce((handled(name),), Path("/photos/keep.jpg"))
    return journal


def read_names(folder):
    return [[step.files[0].path.name for step in one.steps] for one in read_journals(folder)]


def test_what_was_announced_is_read_again(tmp_path):
    journal = announced(tmp_path, "a.jpg", "b\n\udce9.jpg")
    journal.note(journal.steps[0], "done")

    (read,) = read_journals(tmp_path)

    assert (read.heading, read.steps) == (HEADING, journal.steps)
    assert read.settled == {1}
    assert (read.ending, read.undo_begun, read.damaged_lines) == (None, False, [])


def test_a_step_that_is_being_undone_is_not_settled(tmp_path):
    journal = announced(tmp_path, "a.jpg")
    journal.note(journal.steps[0], "done")
    journal.note(journal.steps[0], "undoing")

    (read,) = read_journals(tmp_path)

    assert (read.settled, read.undo_begun) == (set(), True)


def test_the_newest_journal_comes_first_and_numbers_are_not_used_again(tmp_path):
    announced(tmp_path, "a").finish("undone")
    announced(tmp_path, "b").finish("applied")
    announced(tmp_path, "c")

    assert read_names(tmp_path) == [["c"], ["b"]]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "cleanup-0001.undone",
        "cleanup-0002.journal",
        "cleanup-0003.journal",
    ]


@pytest.mark.parametrize("cut", [1, 10, 100])
def test_a_line_that_was_cut_off_announces_nothing_and_is_written_over(tmp_path, cut):
    path = announced(tmp_path, "a", "b").path
    path.write_bytes(path.read_bytes()[:-cut])

    (journal,) = read_journals(tmp_path)
    assert (read_names(tmp_path), journal.damaged_lines) == ([["a"]], [])

    journal.announce((handled("c"),), Path("/photos/keep.jpg"))
    assert read_names(tmp_path) == [["a", "c"]]


def test_a_journal_that_was_cut_off_in_its_first_line_is_none(tmp_path):
    path = announced(tmp_path).path
    path.write_bytes(path.read_bytes()[:-1])

    assert read_journals(tmp_path) == []


def test_every_damaged_line_is_named_and_the_others_are_read(tmp_path):
    path = announced(tmp_path, "a", "b", "c").path
    good = path.read_bytes()
    first = good.index(b"\n") + 1
    for place in range(first, len(good) - 1, 7):
        if good[place] == ord("\n"):
            continue  # without it, two lines are one
        content = bytearray(good)
        content[place] ^= 0x10
        path.write_bytes(content)

        (journal,) = read_journals(tmp_path)
        assert len(journal.damaged_lines) == 1
        assert len(journal.steps) == 2


def test_a_damaged_first_line_is_an_error_that_names_the_file(tmp_path):
    path = announced(tmp_path, "a").path
    path.write_bytes(b"0" + path.read_bytes()[1:])

    with pytest.raises(JournalError, match=r"cleanup-0001\.journal: its first line is damaged"):
        read_journals(tmp_path)


def test_a_disk_that_refuses_is_an_error_and_nothing_is_announced(tmp_path):
    journal = announced(tmp_path, "a")
    journal.path.unlink()

    with pytest.raises(JournalError, match="the disk refused"):
        journal.announce((handled("b"),), Path("/photos/keep.jpg"))
    assert len(journal.steps) == 1

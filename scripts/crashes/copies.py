"""Files to clean up while cleaners die: what they were, and whether all of it is still there."""

from __future__ import annotations

import hashlib
import os
import random
import stat
from collections import Counter
from pathlib import Path

from crashes.verdict import LossError
from imgsearch.dedup.plan import Plan
from imgsearch.dedup.planning import PlanOptions, make_plan
from imgsearch.dedup.records import Group, Member, Picture, Verdict
from imgsearch.gallery.records import FileStamp, ImageFacts
from imgsearch.gallery.roots import add_root
from imgsearch.gallery.store import open_for_writing

State = tuple[str, int, int]
"""A file's hash, time of modification and mode."""


class Copies:
    """Groups of files, made anew for each run; nothing in them has to be a picture.

    Args:
        folder: Where everything goes that a cleaner may touch.
        dice: Chooses contents, names, times and permissions.
        count: How many files to make, at least.
    """

    def __init__(self, folder: Path, dice: random.Random, count: int) -> None:
        self.folder = folder
        self.photos = folder / "photos"
        self.gallery = self.photos / ".imgsearch"
        self.quarantine = folder / "quarantine"
        self.trash = folder / "home" / ".local" / "share" / "Trash"
        self._dice = dice
        self._groups: list[Group] = []
        with open_for_writing(self.gallery) as store, store.catalog.transaction():
            add_root(store.catalog, self.photos)
        made = 0
        while made < count:
            made += self._make_group(len(self._groups))
        self.plan: Plan = make_plan(self.gallery, self._groups, PlanOptions()).plan
        self.original = self.tree()
        self._counts = Counter(state[0] for state in self.original.values())

    def tree(self) -> dict[Path, State]:
        """Return every file among the photos; the gallery's own are no photos."""
        found = {}
        for below, folders, names in os.walk(self.photos):
            folders[:] = [name for name in folders if name != self.gallery.name]
            for name in names:
                path = Path(below) / name
                facts = path.lstat()
                found[path] = (digest_of(path), facts.st_mtime_ns, facts.st_mode)
        return found

    def require_nothing_lost(self, *, linked: bool) -> None:
        """Look for every file's bytes, where it was or where removed files go.

        Args:
            linked: Whether copies are made hard links: then each name has to be there, always.

        Raises:
            LossError: If some are not there, or a file that stays is not as it was.
        """
        removed = {file.path for entry in self.plan.entries for file in entry.removals}
        now = self.tree()
        for path, state in self.original.items():
            if linked and now.get(path, ("",))[0] != state[0]:
                raise LossError(f"{path} has not its bytes any more")
            if path not in removed and now.get(path) != state:
                raise LossError(f"{path} was to stay, and is not as it was")
        files = {} if linked else self._distinct_files()
        for digest, count in {} if linked else self._counts.items():
            if files.get(digest, 0) < count:
                raise LossError(f"{count} files had the hash {digest}, {files.get(digest, 0)} have")

    def require_original(self) -> None:
        """Compare names, bytes, times and permissions with what there was.

        Raises:
            LossError: If a file differs, or there is one too many or too few.
        """
        now = self.tree()
        for path in now.keys() | self.original.keys():
            if now.get(path) != self.original.get(path):
                raise LossError(f"{path}: {now.get(path)}, but it was {self.original.get(path)}")
        left = [path for path in self.quarantine.rglob("*") if not path.is_dir()]
        if left:
            raise LossError(f"{left[0]} is left in quarantine")

    def require_applied(self, *, linked: bool) -> None:
        """Check that every entry of the plan was carried out, and nothing else was done.

        Raises:
            LossError: If not.
        """
        now, gone = self.tree(), set()
        for entry in self.plan.entries:
            if not linked:
                gone |= {file.path for file in entry.removals}
            elif entry.tier == "identical" and not entry.remove.path.samefile(entry.keep.path):
                raise LossError(f"{entry.remove.path} is not linked")
        if now.keys() != self.original.keys() - gone:
            odd = sorted(now.keys() ^ (self.original.keys() - gone))
            raise LossError(f"{odd[0]} is there and should not be, or the other way round")

    def _distinct_files(self) -> Counter[str]:
        """Count files, not names, by their hash."""
        seen: dict[tuple[int, int], str] = {}
        for place in (self.photos, self.quarantine, self.trash / "files"):
            for path in place.rglob("*"):
                facts = path.lstat()
                if stat.S_ISREG(facts.st_mode) and self.gallery not in path.parents:
                    seen[facts.st_dev, facts.st_ino] = digest_of(path)
        return Counter(seen.values())

    def _make_group(self, number: int) -> int:
        """Make a file that stays and some that go; return how many were made."""
        dice, made = self._dice, 2
        tier = dice.choice(["identical", "copy"])
        content = dice.randbytes(dice.randrange(1, 3000))
        raw = dice.randbytes(500)
        keep = self._write(f"{number % 97}/IMG_{number}.jpg", content)
        self._write(f"{number % 97}/IMG_{number}.CR2", raw)
        members = [Member(keep, Verdict(tier, 1.0, "kept"))]
        for place in range(dice.randrange(1, 4)):
            other = content if tier == "identical" else dice.randbytes(dice.randrange(1, 3000))
            name = f"copies {place}/{number % 13}/IMG_{number}" + dice.choice(["", "\n", "\udce9"])
            members.append(Member(self._write(f"{name}.jpg", other), Verdict(tier, 0.9, "copy")))
            made += 1
            for ending, its in ((".xmp", dice.randbytes(99)), (".CR2", raw)):
                if dice.random() < 0.15:
                    self._write(name + ending, its)
                    made += 1
        self._groups.append(Group(tier, keep, tuple(members), oversized=False))
        return made

    def _write(self, name: str, content: bytes) -> Picture:
        path = self.photos / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(self._dice.choice([0o644, 0o600, 0o755]))
        mtime_ns = self._dice.randrange(10**18, 17 * 10**17)
        os.utime(path, ns=(mtime_ns, mtime_ns))
        facts = ImageFacts(hashlib.sha256(content).digest(), 8, 8, "JPEG")
        return Picture(0, path, FileStamp(1, name, len(content), mtime_ns), facts)


def digest_of(path: Path) -> str:
    """Return the sha256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()

"""A folder of pictures and their copies, to be cleaned up in tests: by hand-made groups."""

import hashlib
import os
from pathlib import Path

from picturing import MTIME, described, grouped, painted

from imgsearch.dedup.apply import ApplyOptions, apply_plan
from imgsearch.dedup.destination import parse_destination
from imgsearch.dedup.planning import PlanOptions, make_plan
from imgsearch.dedup.undo import undo_cleanup
from imgsearch.gallery.roots import add_root
from imgsearch.gallery.store import open_for_writing


def tree(folder, *, leave_out=(".imgsearch",)):
    """Every file below a folder: {name: (bytes' hash, time, permissions)}; links as they are."""
    found = {}
    for below, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in leave_out]
        for name in names:
            path = Path(below) / name
            state = path.lstat()
            what = str(path.readlink()) if path.is_symlink() else digest(path)
            found[str(path.relative_to(folder))] = (what, state.st_mtime_ns, state.st_mode)
    return found


def digest(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


class Desk:
    """Pictures in `photos`, their gallery, and the groups that a test says they make."""

    def __init__(self, folder):
        self.root = folder.resolve() / "photos"
        self.gallery = self.root / ".imgsearch"
        self.quarantine = self.root.parent / "quarantine"
        self._clock = MTIME
        self.root.mkdir()
        with open_for_writing(self.gallery) as store, store.catalog.transaction():
            add_root(store.catalog, self.root)

    def picture(self, name, colour="#f00", **options):
        self._clock += 1_000_000_007
        return painted(self.root / name, colour, mtime_ns=self._clock, **options)

    def beside(self, name, content=b"anything"):
        """A file that is no picture."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self._clock += 1_000_000_007
        os.utime(path, ns=(self._clock, self._clock))
        return path

    def pair(self, keep="keep.png", copy="copy.png", **options):
        """A picture, a copy of it whose bytes differ, and the group of the two."""
        kept = self.picture(keep)
        other = self.picture(copy, text="differs")
        return kept, other, grouped(kept, other, **options)

    def twins(self, keep="keep.png", copy="copy.png"):
        """A picture, another of the same bytes, and the group of the two."""
        kept, other = self.picture(keep), self.picture(copy)
        return kept, other, grouped(kept, other, tier="identical")

    def proposal(self, *groups, **options):
        return make_plan(self.gallery, groups, PlanOptions(**options))

    def plan(self, *groups, **options):
        return self.proposal(*groups, **options).plan

    def destination(self, text):
        return parse_destination(text.replace("Q", str(self.quarantine)))

    def apply(self, plan, to="quarantine:Q", **options):
        return apply_plan(self.gallery, plan, ApplyOptions(self.destination(to), **options))

    def undo(self, **options):
        return undo_cleanup(self.gallery, **options)

    def tree(self):
        return tree(self.root)


def again(picture):
    """The same file as it is now."""
    return described(picture.path, size=(picture.facts.width, picture.facts.height))

"""How many bytes are free when files go: a file of several names counts once, with the last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DiskFile:
    """A file behind a name.

    Attributes:
        device: Where it lies.
        inode: Its number there.
        links: How many names it has.
        size_bytes: Its size.
    """

    device: int
    inode: int
    links: int
    size_bytes: int

    @classmethod
    def of(cls, path: Path) -> DiskFile:
        """Return the file of a name.

        Raises:
            OSError: If there is none.
        """
        state = path.lstat()
        return cls(state.st_dev, state.st_ino, state.st_nlink, state.st_size)


def files_behind(paths: Iterable[Path]) -> dict[Path, DiskFile]:
    """Return the file of each name that there is."""
    found = {}
    for path in paths:
        try:
            found[path] = DiskFile.of(path)
        except OSError:  # what is not there frees nothing
            continue
    return found


def freed_bytes(paths: Iterable[Path], files: Mapping[Path, DiskFile]) -> int:
    """Add up what removing some names would free.

    Args:
        paths: The names, each once.
        files: Their files, as they were before any name was removed.
    """
    going = Counter(files[path] for path in paths if path in files)
    return sum(file.size_bytes for file, names in going.items() if names >= file.links)

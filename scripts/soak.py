"""Kill and starve writers of a gallery over and over, and prove that nothing is ever lost.

    scripts/soak [--minutes M | --kills N] [--seed S]

Each trial changes some photos, lets a writer (`index`, `index --forget` or `check --repair`) die
at a named point or a random moment, or refuses it the disk, and looks at what is left: the gallery
opens, `check` is clean, no answer is wrong, at most one batch is lost, and the next run ends with
what the files say, and each fifth with what a fresh index holds. Figures go to stdout as JSON, the
log to stderr. Exits 1 at the first loss, and leaves its files there.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path

from crashes import verdict, writers
from crashes.photos import Photos, Vector, digest_of
from crashes.verdict import LossError

import imgsearch.gallery
from imgsearch.errors import GalleryError
from imgsearch.gallery.check import check_gallery
from imgsearch.gallery.store import open_for_reading

_LOG_EVERY_S = 30
_CASCADE = 0.25
"""How often a writer that was killed is killed again before one is let through."""
_FRESH_EVERY = 5
"""How many completed runs come to one that is compared with a fresh index, too."""


def main() -> int:
    wanted = arguments()
    folder = Path(tempfile.mkdtemp(prefix="imgsearch-soak-")).resolve()
    soak = Soak(folder, wanted.seed)
    deadline = time.monotonic() + 60 * wanted.minutes if wanted.minutes else float("inf")
    try:
        soak.run(wanted.kills, deadline)
    except (LossError, GalleryError, RuntimeError) as error:
        print(f"trial {soak.figures['trials']}: {soak.trial}: {error}", file=sys.stderr)
        print(f"seed {wanted.seed}; what is left is in {folder}", file=sys.stderr)
        soak.figures["losses"] += 1
    else:
        shutil.rmtree(folder)
    print(json.dumps(soak.summary(), indent=2))
    return 1 if soak.figures["losses"] else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/soak",
        description="Kill writers of a gallery, and prove that nothing is lost.",
    )
    parser.add_argument("--minutes", type=float, default=0, help="how long; 0: as many as --kills")
    parser.add_argument("--kills", type=int, default=sys.maxsize, help="stop after so many")
    parser.add_argument("--seed", type=int, default=1, help="chooses changes, points and moments")
    return parser.parse_args()


def named_points() -> list[str]:
    """Return every point that the gallery's code names, in the order of its modules."""
    folder = Path(imgsearch.gallery.__file__).parent
    sources = (path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.py")))
    return [name for text in sources for name in re.findall(r'\breached\("([^"]+)"\)', text)]


class Soak:
    """One run: photos, their gallery, and what has been tried on it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.dice = random.Random(seed)
        self.folder = folder
        self.gallery = folder / "gallery"
        self.photos = Photos(folder / "photos", self.dice)
        self.figures: Counter[str] = Counter(losses=0)
        self.kills_by_point: Counter[str] = Counter()
        self.trial = ""
        self._points = named_points()
        self._typical_s = 0.1
        self._made = False
        self._started = time.monotonic()

    def run(self, kills: int, deadline: float) -> None:
        """Go on until either end comes; leave at the first loss."""
        self._complete()
        logged = time.monotonic()
        while self.figures["kills"] < kills and time.monotonic() < deadline:
            self.figures["trials"] += 1
            self.photos.change(self.dice.randrange(1, 9))
            self.dice.choice(
                [self._kill_at_point, self._kill_at_moment, self._kill_at_point, self._refuse]
            )()
            if time.monotonic() > logged + _LOG_EVERY_S:
                logged = time.monotonic()
                print(json.dumps(self.summary()), file=sys.stderr, flush=True)

    def summary(self) -> dict[str, object]:
        """Return the figures so far."""
        return {
            **dict(sorted(self.figures.items())),
            "kills_by_point": dict(sorted(self.kills_by_point.items())),
            "points_never_killed_at": sorted(set(self._points) - set(self.kills_by_point)),
            "seconds": round(time.monotonic() - self._started, 1),
        }

    def _kill_at_point(self) -> None:
        """Kill at the point that was killed at least often so far."""
        point = min(self._points, key=lambda name: (self.kills_by_point[name], name))
        self._points.append(self._points.pop(self._points.index(point)))
        occurrence = self.dice.choice([1, 1, 1, 2, 3])
        self.trial = f"kill at {point}, occurrence {occurrence}"
        fault = writers.killed_at(point, occurrence)
        layer = point.partition(".")[0]
        if layer == "forget":
            self._forget(fault=fault, point=point)
        elif layer == "schema":
            self._unmake()
            self._update(fault=fault, point=point)
        elif layer not in {"update", "batch"} and self.dice.random() < 0.3:
            self.dice.choice([self._forget, self._repair])(fault=fault, point=point)
        else:
            self._update(fault=fault, point=point)

    def _kill_at_moment(self) -> None:
        after = self.dice.uniform(0.1, 1) * self._typical_s
        self.trial = f"kill after {1000 * after:.1f} ms"
        writer = self.dice.choice([self._update, self._update, self._forget, self._repair])
        writer(kill_after_s=after, point="a random moment")

    def _refuse(self) -> None:
        """Let a write fail: at a point, or truly, by a limit of the size of files."""
        if self.dice.random() < 0.1:
            self._unmake()
        kind = self.dice.choice(["point", "size"])
        if kind == "point":
            points = [
                name for name in self._points if name.startswith(("durable.", "transaction."))
            ]
            point, occurrence = self.dice.choice(points), self.dice.choice([1, 1, 2, 3])
            self.trial = f"refuse at {point}, occurrence {occurrence}"
            fault = writers.disk_refuses_at(point, occurrence, self.dice)
        else:
            size = self.dice.choice([0, 100, 300, 600, *(4096 * self.dice.randrange(1, 60),) * 6])
            self.trial = f"no file over {size} bytes"
            fault = partial(writers.files_limited, size)
        writer = self.dice.choice([self._update, self._update, self._update, self._forget])
        writer(fault=fault, point=f"write refused: {kind}")

    def _unmake(self) -> None:
        shutil.rmtree(self.gallery)
        self._made = False

    def _update(self, *, point: str, **fault: object) -> None:
        self._go(writers.update(self.gallery, self.photos.roots), point, fault)

    def _forget(self, *, point: str, **fault: object) -> None:
        """Take the second root out: all of its rows go at once, or none."""
        if not self._made:
            self._complete()
        root = self.photos.roots[1]
        before = {path for path in verdict.rows_of(self.gallery) if path.is_relative_to(root)}
        outcome = self._tried(writers.forget(self.gallery, root), point, fault)
        self._inspect()
        after = {path for path in verdict.rows_of(self.gallery) if path.is_relative_to(root)}
        if after not in (set(), before) or (after and outcome.end == "done"):
            raise LossError(f"of {len(before)} pictures of a forgotten root {len(after)} are left")
        self._complete()

    def _repair(self, *, point: str, **fault: object) -> None:
        """Damage vectors and the index file; let the repair die, then repair and go on."""
        self._damage()
        self._tried(writers.repair(self.gallery), point, fault)
        check_gallery(self.gallery, sample=3, k=3)  # it may find something, but not fail
        self._must_be_done(writers.run(writers.repair(self.gallery)))
        self._complete()

    def _damage(self) -> None:
        with sqlite3.connect(self.gallery / "catalog.sqlite") as connection:
            connection.execute(
                "UPDATE embeddings SET vector = zeroblob(12) WHERE image_id IN"
                " (SELECT image_id FROM embeddings ORDER BY image_id LIMIT 2)"
            )
        connection.close()
        for path in self.gallery.glob("index-*.faiss"):
            content = bytearray(path.read_bytes())
            content[self.dice.randrange(len(content))] ^= 1 << self.dice.randrange(8)
            path.write_bytes(content)

    def _go(self, action: writers.Action, point: str, fault: dict[str, object]) -> None:
        """Let an update die once or several times, look, and let one through."""
        work = self._to_embed()
        embedded, deaths = 0, 0
        while True:
            outcome = self._tried(action, point, fault)
            embedded += outcome.embedded
            deaths += outcome.end != "done"
            self._inspect()
            if outcome.end != "killed" or self.dice.random() > _CASCADE:
                break
        embedded += self._complete()
        if embedded > work + deaths * writers.BATCH:
            raise LossError(f"{embedded} pictures were embedded where {work} were new")

    def _tried(
        self, action: writers.Action, point: str, fault: dict[str, object]
    ) -> writers.Outcome:
        outcome = writers.run(action, **fault)
        if outcome.end == "killed":
            self.figures["kills"] += 1
            self.kills_by_point[point] += 1
        elif outcome.end == "refused":
            self.figures[point] += 1
            self.figures["writes refused"] += 1
            self._require_clear(outcome.message)
        return outcome

    def _require_clear(self, message: str) -> None:
        """Require one line that names the gallery and says what to do."""
        if "\n" in message or str(self.gallery) not in message or ";" not in message:
            raise LossError(f"an unclear error: {message!r}")

    def _inspect(self) -> None:
        verdict.inspect(self.gallery, self.photos, self.dice, may_be_unmade=not self._made)

    def _to_embed(self) -> int:
        """Count what an update may embed: the contents that are not in the rows of their paths.

        A content whose every row is of a file that has changed may be gone from the gallery when
        some of its new paths are read, and not yet when others are: each of them may embed it.
        """
        stored: dict[Path, bytes] = {}
        if self._made:
            with open_for_reading(self.gallery) as store:
                images = {image.image_id: image for image in store.catalog.iterate_images()}
                for image_id, path in store.paths(images).items():
                    stored[path] = images[image_id].facts.content_hash
        digests = {path: digest_of(path) for path in self.photos.truth()[0]}
        new = Counter(digest for path, digest in digests.items() if stored.get(path) != digest)
        kept = {digest for path, digest in stored.items() if digests.get(path) == digest}
        in_doubt = set(stored.values()) - kept
        return sum(times if digest in in_doubt else 1 for digest, times in new.items())

    def _complete(self) -> int:
        """Let an update through; return how many pictures it embedded.

        Raises:
            LossError: If the gallery is then not what the files say, or, each fifth time, not what
                a fresh one is.
        """
        outcome = self._must_be_done(writers.run(writers.update(self.gallery, self.photos.roots)))
        self._typical_s += 0.1 * (outcome.seconds - self._typical_s)
        truth, broken = self.photos.truth()
        rows = verdict.rows_of(self.gallery)
        verdict.require_same(rows, truth, broken)
        if outcome.failed != broken:
            raise LossError(f"listed as not readable: {outcome.failed}, but it is {broken}")
        if self.figures["runs completed"] % _FRESH_EVERY == 0:
            self._require_fresh(rows, broken)
        self.photos.changed &= broken  # a picture that was broken keeps the row that it had
        self._made = True
        self._inspect()
        self.figures["runs completed"] += 1
        return outcome.embedded

    def _require_fresh(self, rows: dict[Path, Vector], broken: set[Path]) -> None:
        fresh = self.folder / "fresh"
        self._must_be_done(writers.run(writers.update(fresh, self.photos.roots)))
        verdict.require_same(rows, verdict.rows_of(fresh), broken)
        shutil.rmtree(fresh)
        self.figures["runs compared with a fresh index"] += 1

    def _must_be_done(self, outcome: writers.Outcome) -> writers.Outcome:
        if outcome.end != "done":
            raise LossError(f"a run without a fault was {outcome.end}: {outcome.message}")
        return outcome


if __name__ == "__main__":
    sys.exit(main())

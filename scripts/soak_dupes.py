"""Kill `dupes apply` and `dupes undo` over and over, and prove that no byte is ever lost.

    scripts/soak_dupes [--files N] [--kills N | --minutes M] [--seed S]

Each trial lets some cleaners die, one after another, at named points or at random moments: into a
quarantine, the trash or hard links; on one file system, on two, on one without hard links. After
each death every byte is looked for. Then `apply` or `undo` goes through: the plan is done, or
names, bytes, times and permissions are what they were. Figures go to stdout as JSON. Exits 1 at the
first loss, and leaves its files there.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from crashes import cleaners, writers
from crashes.copies import Copies
from crashes.verdict import LossError

import imgsearch.dedup

_LOG_EVERY_S = 30
_DESTINATIONS = ("quarantine:Q", "trash", "hardlink")
# Where a point is reached at all: destination, file systems, and who gets there.
_WHERE = (
    (r"trash\.", ("trash", None, None)),
    (r"trash\.note", ("trash", None, "undo")),
    (r"moves\.(copied|copy)", ("quarantine:Q", "two file systems", None)),
    (r"moves\.copy_named", ("quarantine:Q", "two file systems", None)),
    (r"moves\.original", ("quarantine:Q", "two file systems", "apply")),
    (r"moves\.(ready|renamed)$", ("quarantine:Q", "one file system", "apply")),
    (r"moves\.(back|stored)", ("quarantine:Q", "one file system", "undo")),
    (r"moves\.renamed_back", ("quarantine:Q", "no hard links", "undo")),
    (r"moves\.link", ("hardlink", "one file system", "apply")),
    (r"moves\.own", ("hardlink", "one file system", "undo")),
    (r"undo\.second", ("quarantine:Q", "one file system", "undo")),
    (r"undo\.|journal\.retired", (None, None, "undo")),
    (r"apply\.|journal\.", (None, None, "apply")),
)


def main() -> int:
    wanted = arguments()
    folder = Path(tempfile.mkdtemp(prefix="imgsearch-soak-")).resolve()
    (folder / "home").mkdir()
    soak = Soak(folder, wanted.files, wanted.seed)
    deadline = time.monotonic() + 60 * wanted.minutes if wanted.minutes else float("inf")
    try:
        soak.run(wanted.kills, deadline)
    except (LossError, RuntimeError) as error:
        print(f"{soak.trial}: {error}", file=sys.stderr)
        print(f"seed {wanted.seed}; what is left is in {folder}", file=sys.stderr)
        soak.figures["losses"] += 1
    else:
        shutil.rmtree(folder)
    print(json.dumps(soak.summary(), indent=2))
    return 1 if soak.figures["losses"] else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/soak_dupes",
        description="Kill clean-ups of copies, and prove that nothing is lost.",
    )
    parser.add_argument("--files", type=int, default=10_000, help="how many files there are")
    parser.add_argument("--kills", type=int, default=sys.maxsize, help="stop after so many")
    parser.add_argument("--minutes", type=float, default=0, help="how long; 0: as many as --kills")
    parser.add_argument("--seed", type=int, default=1, help="chooses files, points and moments")
    return parser.parse_args()


def named_points() -> list[str]:
    """Return every point that the code of cleaning up names, in the order of its modules."""
    folder = Path(imgsearch.dedup.__file__).parent
    sources = (path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.py")))
    return [name for text in sources for name in re.findall(r'\breached\("([^"]+)"\)', text)]


class Soak:
    """One run: files, a plan, and what has been tried on them."""

    def __init__(self, folder: Path, count: int, seed: int) -> None:
        self.dice = random.Random(seed)
        self.copies = Copies(folder, self.dice, count)
        self.figures: Counter[str] = Counter(losses=0, files=len(self.copies.original))
        self.figures["files to go"] = sum(len(one.removals) for one in self.copies.plan.entries)
        self.kills_by_point: Counter[str] = Counter()
        self.trial = ""
        self._points = named_points()
        self._typical_s = {"apply": 0.0, "undo": 0.0}
        self._most_deaths = 3 + count // 500  # where a run takes long, let more of them die
        self._deadline_s = writers.DEADLINE_S + count / 10
        self._started = time.monotonic()

    def run(self, kills: int, deadline: float) -> None:
        """Go on until either end comes; leave at the first loss."""
        for destination in _DESTINATIONS:  # once without a fault, to know how long it takes
            self._to, self._world = destination, cleaners.WORLDS[0]
            self._through("apply")
            self._through("undo")
        logged = time.monotonic()
        while self.figures["kills"] < kills and time.monotonic() < deadline:
            self.figures["trials"] += 1
            self._try()
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

    def _try(self) -> None:
        """Let cleaners die one after another, then let what is left be finished."""
        point = min(self._points, key=lambda name: (self.kills_by_point[name], self.dice.random()))
        to, world, who = _where(point)
        self._to = to or self.dice.choice(_DESTINATIONS)
        self._world = world or self.dice.choice(
            cleaners.WORLDS[: 2 if self._to == "hardlink" else 3]
        )
        self.trial = f"{self._to}, {self._world}, {who or 'anyone'} at {point}"
        if who == "undo":
            self._through("apply")
        if point == "undo.second_dropped":
            self._die("undo", "moves.back")
        self._die(who or self._anyone(), point)
        for _ in range(self.dice.randrange(self._most_deaths)):
            self._die(self._anyone(), self.dice.choice([None, self.dice.choice(self._points)]))
        if self.dice.random() < 0.4:
            self._through("apply")
        self._through("undo")

    def _die(self, who: str, point: str | None) -> None:
        """Kill a cleaner at a point, or at a random moment, and look for every byte."""
        moment = None
        fault = None
        if point is None:
            moment = self.dice.uniform(0.02, 1) * self._typical_s[who]
        else:
            last = max(2, len(self.copies.plan.entries) // 3)
            fault = writers.killed_at(
                point, self.dice.choice([1, 1, 2, self.dice.randrange(1, last)])
            )
        outcome = writers.run(self._cleaner(who), fault, moment, deadline_s=self._deadline_s)
        self.trial += f"; {who} {outcome.end} at {point or 'a random moment'}"
        if outcome.end == "killed":
            self.figures["kills"] += 1
            self.figures[f"kills of {who}"] += 1
            self.kills_by_point[point or "a random moment"] += 1
        elif outcome.end != "done":
            raise LossError(outcome.message)
        self.copies.require_nothing_lost(linked=self._to == "hardlink")

    def _anyone(self) -> str:
        return self.dice.choice(["apply", "undo"])

    def _through(self, who: str) -> None:
        """Let a cleaner finish, and require what it is for."""
        outcome = writers.run(self._cleaner(who), deadline_s=self._deadline_s)
        self.trial += f"; {who} {outcome.end}"
        if outcome.end != "done":
            raise LossError(f"{who} without a fault was {outcome.end}: {outcome.message}")
        self._typical_s[who] = max(self._typical_s[who], outcome.seconds)
        self.figures[f"{who} completed"] += 1
        if who == "undo":
            self.copies.require_original()
        else:
            self.copies.require_applied(linked=self._to == "hardlink")
            self.copies.require_nothing_lost(linked=self._to == "hardlink")

    def _cleaner(self, who: str) -> writers.Action:
        if who == "apply":
            return cleaners.apply(self.copies, self._to, self._world)
        return cleaners.undo(self.copies, self._world)


def _where(point: str) -> tuple[str | None, str | None, str | None]:
    """Return the destination, the file systems and the cleaner that reach a point; None: any."""
    found = [place for pattern, place in _WHERE if re.match(pattern, point)]
    return found[-1] if point.startswith("trash.") else found[0]


if __name__ == "__main__":
    sys.exit(main())

"""The plan that the review page saves, so that `imgsearch dupes apply` reads it."""

from __future__ import annotations

from pathlib import Path

from imgsearch.dedup.plan import (
    AFTER_ENTRIES,
    BETWEEN_ENTRIES,
    PlanEntry,
    before_entries,
    entry_text,
)
from imgsearch.dedup.planning import PlanOptions, Skipped, plan_pair
from imgsearch.dedup.records import Member, Picture
from imgsearch.web.review import PlanText


def make_plan_text(gallery: Path, options: PlanOptions, *, name: str = "plan.json") -> PlanText:
    """Return a plan as text in pieces, which a page can put together.

    Args:
        gallery: The gallery's folder.
        options: What is protected, and what a person said is to stay. A page offers every tier
            of which a file may go: a person looks at each.
        name: What the saved file is called.
    """

    def entry(keep: Picture, member: Member) -> str | Skipped:
        planned = plan_pair(keep, member, options)
        return entry_text(planned) if isinstance(planned, PlanEntry) else planned

    before = before_entries(gallery.resolve())
    return PlanText(name, before, BETWEEN_ENTRIES, AFTER_ENTRIES, entry)

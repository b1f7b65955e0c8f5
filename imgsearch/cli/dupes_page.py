"""The review page of `imgsearch dupes --html`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from imgsearch.cli.output import print_error
from imgsearch.cli.progress import counting_bar
from imgsearch.dedup.planning import PlanOptions
from imgsearch.dedup.records import Group
from imgsearch.web.plan_text import make_plan_text
from imgsearch.web.review import write_review_page


def write_page(
    out: Path, gallery: Path, groups: Sequence[Group], options: PlanOptions, *, quiet: bool
) -> None:
    """Write a page that shows groups, and whose button saves a plan.

    Raises:
        ReviewPageError: If another file is in the way, or the disk refuses.
    """
    plan = make_plan_text(gallery, options)
    with counting_bar("Making the page", quiet=quiet) as bar:
        report = write_review_page(out, groups, plan, progress=lambda done: bar(done, len(groups)))
    if not quiet:
        left_out = f"; no room for {report.left_out:,} more" if report.left_out else ""
        print_error(f"{out} shows {report.groups:,} groups{left_out}; open it in a browser")

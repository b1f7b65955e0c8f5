"""Pictures, groups and files for the tests of cleaning up, made by hand."""

import hashlib
import os
from dataclasses import replace
from itertools import count

import numpy as np
from PIL import Image

from imgsearch.dedup.evidence import Evidence
from imgsearch.dedup.records import TIERS, Group, Member, Picture, Verdict
from imgsearch.gallery.records import FileStamp, ImageFacts

MTIME = 1_600_000_000_123_456_789

EXACT = Evidence(
    np.eye(3),
    framed=False,
    first_share=1.0,
    second_share=1.0,
    added=0.0,
    changed=0.0,
    unlike=0.0,
    toned=1.0,
    detail=0.5,
    slip=0.05,
    tracked=90,
    sought=100,
)
"""What a picture and its exact copy show, for tests to take something from."""

_ids = count(1)


def described(path, *, size=(8, 8), kind="PNG", content=None, **facts):
    """A picture as a gallery would know it; nothing need be there if `content` is given."""
    there = content is None
    content = path.read_bytes() if there else content
    mtime_ns = facts.pop("mtime_ns", path.stat().st_mtime_ns if there else MTIME)
    bytes_ = facts.pop("size_bytes", len(content))
    stamp = FileStamp(1, path.name, bytes_, mtime_ns)
    digest = hashlib.sha256(content).digest()
    return Picture(next(_ids), path, stamp, ImageFacts(digest, *size, kind, **facts))


def painted(path, colour="#f00", *, size=(8, 8), mtime_ns=MTIME, text=None):
    """Paint a picture; `text` makes its bytes differ and its pixels not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path, "PNG")
    if text is not None:
        path.write_bytes(path.read_bytes() + text.encode())
    os.utime(path, ns=(mtime_ns, mtime_ns))
    return described(path, size=size)


def grouped(keep, *others, tier="copy", score=0.99, tiers=None, oversized=False):
    """A group; `tiers` gives each of the others its own."""
    tiers = tiers or [tier] * len(others)
    members = [
        Member(other, Verdict(each, score, "re-encoded"))
        for other, each in zip(others, tiers, strict=True)
    ]
    weakest = max(tiers, key=TIERS.index)
    kept = Member(keep, Verdict(weakest, 1.0, "larger"))
    return Group(weakest, keep, (kept, *members), oversized)


def moved(picture, path):
    """The same content under another name."""
    return replace(picture, image_id=next(_ids), path=path)

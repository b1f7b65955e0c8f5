"""The pipeline: files in, prepared pictures out, read by several threads at once.

Order is kept and the look-ahead is bounded, so that memory depends on the number of threads and
never on the number of files.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeAlias, TypeVar

from imgsearch.errors import ImageReadError
from imgsearch.gallery.records import FileStamp, Reject
from imgsearch.images.budget import PixelBudget
from imgsearch.images.decode import require_picture
from imgsearch.images.discover import looks_like_image, sniff
from imgsearch.images.fingerprint import content_hash
from imgsearch.images.prepare import PreparedImage, prepare
from imgsearch.images.read import explain_os_error, load, unchanged
from imgsearch.images.thumbnail import THUMBNAIL_KIND, pack_thumbnail, serves_as_thumbnail
from imgsearch.types import Preprocessing

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

Look: TypeAlias = Callable[[bytes], Mapping[str, bytes]]
"""Looks at a thumbnail, and returns values to keep by kind."""


@dataclass(frozen=True, slots=True)
class LoadedImage:
    """A file that was read.

    Attributes:
        stamp: The file.
        content_hash: sha256 of its bytes.
        prepared: The network's input, or None where the content's embedding is known already.
        kept: For the cache of the search for copies, by kind: a thumbnail, if the network's input
            is one, and what was seen in it.
    """

    stamp: FileStamp
    content_hash: bytes
    prepared: PreparedImage | None
    kept: Mapping[str, bytes] = field(default_factory=dict)


class KnownContent:
    """Remembers which contents need no decoding: they are stored, or about to be."""

    def __init__(self, is_stored: Callable[[bytes], bool]) -> None:
        self._is_stored = is_stored
        self._under_way: set[bytes] = set()
        self._lock = threading.Lock()

    def claim(self, content_hash: bytes) -> bool:
        """Return whether the caller is the one who has to decode this content."""
        with self._lock:
            if content_hash in self._under_way or self._is_stored(content_hash):
                return False
            self._under_way.add(content_hash)
            return True

    def is_under_way(self, content_hash: bytes) -> bool:
        """Tell whether somebody decodes this content, or has, and it is not stored yet."""
        with self._lock:
            return content_hash in self._under_way

    def release(self, content_hash: bytes) -> None:
        """Forget a content: it is in the catalogue now, or could not be decoded."""
        with self._lock:
            self._under_way.discard(content_hash)


@dataclass(frozen=True, slots=True)
class FileLoader:
    """Reads one file; what the threads of the pipeline run.

    Attributes:
        roots: Where each root is.
        preprocessing: What the network wants to see.
        known: Which contents need no decoding.
        max_pixels: Pictures that declare more are refused.
        budget: What the threads may hold decoded, all together.
        look: What else is found out about a picture for the search for copies, of its thumbnail.
        stopped: Set when nobody wants the files any more; hashing a huge one then ends early.
    """

    roots: dict[int, Path]
    preprocessing: Preprocessing
    known: KnownContent
    max_pixels: int
    budget: PixelBudget = field(default_factory=PixelBudget)
    look: Look = lambda _thumbnail: {}
    stopped: threading.Event = field(default_factory=threading.Event)

    def load(self, stamp: FileStamp) -> LoadedImage | Reject:
        """Read, hash and, unless its content is known, decode a file."""
        return self._load(stamp, force=False)

    def load_anyway(self, stamp: FileStamp) -> LoadedImage | Reject:
        """Read, hash and decode a file whether or not its content is known."""
        return self._load(stamp, force=True)

    def _load(self, stamp: FileStamp, *, force: bool) -> LoadedImage | Reject:
        path = self.roots[stamp.root_id] / stamp.path
        try:
            source = load(path, name=stamp.path, require=partial(_require_picture, stamp.path))
            if isinstance(source, bytes):
                return self._digest(stamp, source, force=force)
            with unchanged(path, name=stamp.path):  # it is read twice, and must be the same
                return self._digest(stamp, source, force=force)
        except _NoPictureError:
            return Reject(stamp, "ignored", "not a picture")
        except ImageReadError as error:
            return Reject(stamp, "failed", error.reason)
        except OSError as error:
            return Reject(stamp, "failed", explain_os_error(error))

    def _digest(self, stamp: FileStamp, source: bytes | Path, *, force: bool) -> LoadedImage:
        digest = content_hash(source, name=stamp.path, stopped=self.stopped.is_set)
        if not force and not self.known.claim(digest):
            return LoadedImage(stamp, digest, None)
        return self._prepare(stamp, source, digest)

    def _prepare(self, stamp: FileStamp, source: bytes | Path, digest: bytes) -> LoadedImage:
        try:
            prepared = prepare(
                source,
                self.preprocessing,
                name=stamp.path,
                max_pixels=self.max_pixels,
                budget=self.budget,
            )
        except ImageReadError:
            self.known.release(digest)
            raise
        return LoadedImage(stamp, digest, prepared, self._kept(prepared))

    def _kept(self, prepared: PreparedImage) -> Mapping[str, bytes]:
        if not serves_as_thumbnail(self.preprocessing):
            return {}
        thumbnail = pack_thumbnail(prepared)
        return {THUMBNAIL_KIND: thumbnail, **self.look(thumbnail)}


def map_in_order(
    function: Callable[[_Item], _Result],
    items: Iterable[_Item],
    *,
    jobs: int,
    look_ahead: int,
    on_stop: Callable[[], object] = lambda: None,
) -> Generator[_Result, None, None]:
    """Apply a function in threads and yield its results in the order of the items.

    Args:
        function: Called in a thread for each item; what it raises is raised here.
        items: Consumed only as fast as the results are.
        jobs: Number of threads, at least 1.
        look_ahead: How many items may be under way or waiting to be consumed.
        on_stop: Called if it ends before the items do, before the threads are waited for.
    """
    pending: deque[Future[_Result]] = deque()
    executor = ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="imgsearch-decode")
    try:
        for item in items:
            pending.append(executor.submit(function, item))
            if len(pending) >= look_ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    except BaseException:
        on_stop()
        raise
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


class _NoPictureError(Exception):
    """A file is no picture, and does not claim to be one."""


def _require_picture(name: str, head: bytes) -> None:
    if not looks_like_image(name) and sniff(head) is None:
        raise _NoPictureError
    require_picture(head, name=name)

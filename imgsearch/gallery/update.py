"""The update: bring a gallery up to date with its folders, embedding only what is new."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from imgsearch.embedding.base import EmbedderMaker
from imgsearch.errors import ImageFolderError
from imgsearch.faultpoints import reached
from imgsearch.gallery.batch import BatchWriter
from imgsearch.gallery.catalog import Catalog
from imgsearch.gallery.copy_cache import CopyCache
from imgsearch.gallery.index_file import is_current, load_index, publish_index
from imgsearch.gallery.pipeline import FileLoader, KnownContent, Look, map_in_order
from imgsearch.gallery.records import RejectKind
from imgsearch.gallery.report import (
    FailedFile,
    Progress,
    ProgressCallback,
    UpdateOptions,
    UpdateReport,
)
from imgsearch.gallery.roots import Walk, add_roots, read_roots
from imgsearch.gallery.scan import Scan
from imgsearch.gallery.schema import connect_reader
from imgsearch.gallery.store import GalleryStore, open_for_writing, require_identity
from imgsearch.types import EmbedderIdentity


def update_gallery(
    folder: Path,
    roots: Sequence[Path],
    *,
    identity: EmbedderIdentity,
    make_embedder: EmbedderMaker,
    options: UpdateOptions | None = None,
    on_progress: ProgressCallback | None = None,
    look: Look = lambda _thumbnail: {},
) -> UpdateReport:
    """Bring the gallery in a folder up to date with these roots.

    Every batch is committed as it is finished: whatever stops the update, the next one goes on
    from there.

    Args:
        folder: The gallery's folder; made if it is not there.
        roots: Folders of photos. Other roots of the gallery are left as they are.
        identity: The embedder that the gallery is to be made with.
        make_embedder: Called once, and only if there is something to embed.
        options: How to go about it.
        on_progress: Told how far it has come.
        look: What is found out about a picture for the search for copies, besides its thumbnail.

    Raises:
        ImageFolderError: If a root is no folder that can be listed, or is empty though it had
            pictures; no picture is then added or removed.
        EmbedderMismatchError: If the gallery was made by another embedder.
        EmbedderError: If the embedder cannot be made.
        GalleryError: If the gallery cannot be opened or written, or is being written to.
    """
    started = time.monotonic()
    options, tell = options or UpdateOptions(), on_progress or _tell_nobody
    folders = [_require_folder(Path(root)) for root in roots]
    with open_for_writing(folder, wait_s=options.wait_s) as store:
        require_identity(store, identity)
        walks = _add_roots(store.catalog, folders)
        reached("update.roots_added")
        scan = _scan(store.catalog, walks, options, tell)
        reached("update.scanned")
        with _known_content(store.folder) as known, CopyCache(store.folder) as copy_cache:
            writer = BatchWriter(
                store.catalog, scan, known, identity, make_embedder, copy_cache=copy_cache
            )
            _read_files(scan, writer, _loader(writer, options, look), options, tell)
        reached("update.all_read")
        removed = _finish(store.catalog, scan, identity)
        reached("update.gone_removed")
        _publish(store, tell)
        reached("update.published")
        return _report(store.catalog, walks, scan, writer, removed, time.monotonic() - started)


def _tell_nobody(_progress: Progress) -> None:
    """Stand in for a progress callback."""


def _require_folder(root: Path) -> Path:
    """Return a root without symbolic links; an error now is better than an empty gallery."""
    try:
        folder = root.resolve(strict=True)
        next(folder.iterdir(), None)
    except FileNotFoundError:
        raise ImageFolderError(root, "there is no such folder") from None
    except NotADirectoryError:
        raise ImageFolderError(root, "it is a file; name the folder that it is in") from None
    except RuntimeError:  # Python before 3.13 on links that lead round in a circle
        raise ImageFolderError(root, os.strerror(errno.ELOOP).lower()) from None
    except OSError as error:
        raise ImageFolderError(root, (error.strerror or str(error)).lower()) from error
    return folder


def _add_roots(catalog: Catalog, folders: Iterable[Path]) -> list[Walk]:
    with catalog.transaction():
        return add_roots(catalog, folders)


def _scan(
    catalog: Catalog, walks: Iterable[Walk], options: UpdateOptions, tell: ProgressCallback
) -> Scan:
    scan = Scan(catalog)
    found = 0
    for walk in walks:
        for count in scan.walk(walk):
            found += count
            tell(Progress("scan", found, None))
    scan.compare(retry_failed=options.retry_failed, rehash=options.rehash)
    for walk, pictures in scan.emptied():
        _refuse_emptied(walk, pictures)
    return scan


def _refuse_emptied(walk: Walk, pictures: int) -> None:
    """Refuse a folder without a file that had pictures: mostly, its drive is not mounted."""
    command = "imgsearch index" if walk.prefix else "imgsearch index --forget"
    raise ImageFolderError(
        walk.root / walk.prefix,
        f"it is empty, but {pictures:,} of its pictures are indexed; is a drive not mounted?"
        f" If they are really gone: {command} {walk.root}",
    )


@contextmanager
def _known_content(folder: Path) -> Iterator[KnownContent]:
    """Answer, from the threads of the pipeline, whether a content is in the catalogue."""
    reader = Catalog(connect_reader(folder), folder)
    try:
        yield KnownContent(partial(_is_known, reader))
    finally:
        reader.close()


def _is_known(reader: Catalog, digest: bytes) -> bool:
    """Tell whether nothing of a content has to be read; its EXIF data may be, after a migration."""
    stored = reader.find_content(digest)
    return stored is not None and stored.facts.exif_read


def _loader(writer: BatchWriter, options: UpdateOptions, look: Look) -> FileLoader:
    return FileLoader(
        writer.roots, writer.preprocessing, writer.known, options.max_pixels, look=look
    )


def _read_files(
    scan: Scan,
    writer: BatchWriter,
    loader: FileLoader,
    options: UpdateOptions,
    tell: ProgressCallback,
) -> None:
    """Read what the scan found, and write it batch by batch."""
    total, done = scan.todo_count(), 0
    outcomes = map_in_order(
        loader.load,
        scan.todo(),
        jobs=options.threads,
        look_ahead=2 * options.batch_size + options.threads,
        on_stop=loader.stopped.set,
    )
    with closing(outcomes):
        for outcome in outcomes:
            writer.take(outcome)
            if writer.is_full(options.batch_size):
                writer.commit(loader)
            done += 1
            tell(Progress("embed", done, total))
    writer.commit(loader)


def _finish(catalog: Catalog, scan: Scan, identity: EmbedderIdentity) -> int:
    """Delete the rows whose files are gone; the walk was complete when this is called.

    And those that a repair left without a vector, and whose files can no longer be read: there is
    nothing to make one from, and no check would ever be clean again.
    """
    removed = 0
    with catalog.transaction():
        catalog.set_identity(identity)  # even without a picture it is a gallery of this kind
        scan.forget_gone_rejects()
        while ids := scan.gone():
            removed += catalog.remove_images(ids, catalog.next_generation())
            reached("update.rows_removed")
        if ids := catalog.unreadable_without_vector():
            catalog.remove_images(ids, catalog.next_generation())
    return removed


def _publish(store: GalleryStore, tell: ProgressCallback) -> None:
    if not is_current(store.catalog):
        count = store.catalog.image_count()
        tell(Progress("index", 0, count))
        publish_index(store.catalog, load_index(store.catalog, store.identity().dim))
        tell(Progress("index", count, count))


def _report(
    catalog: Catalog,
    walks: Sequence[Walk],
    scan: Scan,
    writer: BatchWriter,
    removed: int,
    seconds: float,
) -> UpdateReport:
    counts = writer.counts
    return UpdateReport(
        images=catalog.image_count(),
        added=counts.added,
        updated=counts.updated,
        moved=counts.moved,
        unchanged=scan.unchanged + counts.unchanged,
        removed=removed,
        failed=(*_unlisted(scan, writer.roots), *_rejects(catalog, walks, "failed")),
        ignored=_rejects(catalog, walks, "ignored"),
        seconds=seconds,
        images_per_second=counts.read / seconds if seconds > 0 else 0.0,
    )


def _unlisted(scan: Scan, roots: dict[int, Path]) -> list[FailedFile]:
    return [FailedFile(roots[root_id] / path, reason) for root_id, path, reason in scan.unlisted()]


def _rejects(catalog: Catalog, walks: Sequence[Walk], kind: RejectKind) -> tuple[FailedFile, ...]:
    roots = read_roots(catalog)
    root_ids = sorted({walk.root_id for walk in walks})
    return tuple(
        FailedFile(roots[reject.stamp.root_id] / reject.stamp.path, reject.reason)
        for reject in catalog.rejects(root_ids, kind)
        if any(walk.covers(reject.stamp.root_id, reject.stamp.path) for walk in walks)
    )

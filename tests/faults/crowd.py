"""Writers and readers of one gallery, all at once, in processes; a program that a test runs.

Every name has two colours of its own, so each process knows what any answer has to be. Prints one
JSON object: how often what happened.
"""

import hashlib
import io
import json
import os
import random
import re
import socket
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
from crashes.photos import COLOUR, ColourEmbedder
from PIL import Image

from imgsearch.errors import GalleryLockedError
from imgsearch.gallery.check import check_gallery
from imgsearch.gallery.report import UpdateOptions
from imgsearch.gallery.store import open_for_reading
from imgsearch.gallery.update import update_gallery

NAMES = [f"{number}.png" for number in range(40)]
HELD = re.compile(r"process (\d+) on (\S+) since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00 is writing")


def colours(name):
    digest = hashlib.sha256(name.encode()).digest()
    return [tuple(1 + value % 255 for value in digest[start : start + 3]) for start in (0, 3)]


def vectors(name):
    return [np.array(each) / np.linalg.norm(each) for each in colours(name)]


def is_of(vector, name):
    return any(np.allclose(vector, wanted, atol=1e-3) for wanted in vectors(name))


def change(photos, dice):
    """Paint, repaint or delete a picture, each time in one step and at another time."""
    path = photos / dice.choice(NAMES)
    if dice.random() < 0.3:
        path.unlink(missing_ok=True)
        return
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), dice.choice(colours(path.name))).save(stream, "PNG")
    temporary = photos / f".{os.getpid()}.tmp"
    temporary.write_bytes(stream.getvalue())
    temporary.replace(path)


def update(photos, gallery, wait_s):
    options = UpdateOptions(jobs=1, batch_size=4, wait_s=wait_s)
    return update_gallery(
        gallery,
        [photos],
        identity=COLOUR,
        make_embedder=lambda _identity: ColourEmbedder(),
        options=options,
    )


def write_patiently(photos, gallery, dice, counts):
    for _ in range(3):
        change(photos, dice)
    update(photos, gallery, wait_s=30)
    counts["updates that waited their turn"] += 1


def write_impatiently(photos, gallery, dice, counts):
    change(photos, dice)
    try:
        update(photos, gallery, wait_s=0)
    except GalleryLockedError as error:
        refusal = str(error)
    else:
        counts["updates at once"] += 1
        return
    found = HELD.search(refusal)
    assert found or "another process is writing to it; wait" in refusal, refusal
    assert not found or (found[2] == socket.gethostname() and int(found[1]) != os.getpid())
    counts["refusals that name the holder"] += found is not None
    time.sleep(0.01)


def read(reader, dice, counts):
    """Ask within one transaction; index and rows must be of one generation, and every hit true."""
    with reader.reading() as index:
        images = {image.image_id: image for image in reader.catalog.iterate_images()}
        generation = reader.catalog.generation()
        assert index.ids().tolist() == sorted(images)
        query = dice.choice(vectors(dice.choice(NAMES))).astype(np.float32)
        for answer in index.search(query[np.newaxis], 5):
            for image_id, score in zip(answer.ids.tolist(), answer.scores.tolist(), strict=True):
                name = images[image_id].stamp.path
                stored = reader.catalog.embedding(image_id, 3)
                assert is_of(stored, name), f"{name} has the vector of another picture"
                assert abs(float(stored @ query) - score) < 1e-4, f"{name} has a false score"
        assert reader.catalog.generation() == generation
    counts["questions"] += 1
    counts["generations seen"] += generation != counts["last generation"]
    assert generation >= counts["last generation"], "a reader went back in time"
    counts["last generation"] = generation


def repeat(step, seconds):
    """Run a step again and again in a child; return its pid and the pipe of its counts."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child:
        os.close(theirs)
        return child, ours
    counts, status = Counter(), 1
    try:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            step(counts)
        del counts["last generation"]
        os.write(theirs, json.dumps(counts).encode())
        status = 0
    finally:
        if status:
            sys.excepthook(*sys.exc_info())
        os._exit(status)


def read_anew(gallery, dice, counts):
    """Open, ask once, close."""
    with open_for_reading(gallery) as reader:
        read(reader, dice, counts)


def read_on(gallery, dice, counts):
    """Open once, and ask fifty times: the reader comes to see what was written since."""
    with open_for_reading(gallery) as reader:
        for _ in range(50):
            read(reader, dice, counts)


def main(folder, seconds):
    photos, gallery = folder / "photos", folder / "gallery"
    photos.mkdir()
    (photos / "notes.txt").write_text("no picture")
    dice = random.Random(1)
    for _ in range(60):
        change(photos, dice)
    update(photos, gallery, wait_s=0)
    steps = [
        lambda counts: write_patiently(photos, gallery, random.Random(os.urandom(4)), counts),
        lambda counts: write_patiently(photos, gallery, random.Random(os.urandom(4)), counts),
        lambda counts: write_impatiently(photos, gallery, random.Random(os.urandom(4)), counts),
        lambda counts: read_anew(gallery, random.Random(os.urandom(4)), counts),
        lambda counts: read_on(gallery, random.Random(os.urandom(4)), counts),
    ]
    total = Counter()
    for child, pipe in [repeat(step, seconds) for step in steps]:
        with os.fdopen(pipe, "rb") as stream:
            content = stream.read()
        _, status = os.waitpid(child, 0)
        assert status == 0, "a process failed"
        total.update(json.loads(content))
    update(photos, gallery, wait_s=0)
    assert check_gallery(gallery, sample=5, k=3).healthy
    sys.stdout.write(json.dumps(total) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))

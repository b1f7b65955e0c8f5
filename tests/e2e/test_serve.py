"""`imgsearch serve` as a user runs it."""

from __future__ import annotations

import json
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.weights


def _listen_to_ctrl_c() -> None:
    """Undo what a test run in the background hands down: there Ctrl-C is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def running(imgsearch: Any, *arguments: object) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        imgsearch.argv("serve", *arguments),
        env=imgsearch.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=_listen_to_ctrl_c,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def first_line(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().decode().strip()


def interrupt(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    return process.returncode, error.decode()


def test_it_answers_a_picture_and_ends_with_ctrl_c(imgsearch, photos: Path, gallery: Path):
    with running(imgsearch, "--gallery", gallery, "--port", 0) as process:
        url = first_line(process)
        # Two bytes more at its end: this content is not indexed, so the network is used.
        content = (photos / "cat.jpg").read_bytes() + b"\0\0"
        request = urllib.request.Request(f"{url}api/search?k=2", content, method="POST")
        with urllib.request.urlopen(request, timeout=120) as answer:
            hits = json.load(answer)["hits"]
        code, error = interrupt(process)

    assert [hit["name"] for hit in hits] == ["cat.jpg", "cat-reencoded.jpg"]
    assert code == 130
    assert error.splitlines() == [
        f"imgsearch: 58 photos of {gallery}; Ctrl-C ends it",
        "imgsearch: the page is closed",
    ]


def test_json_is_one_document_and_a_port_in_use_is_one_line(imgsearch, gallery: Path):
    with running(imgsearch, "--gallery", gallery, "--port", 0, "--json") as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, b"}\n")
        document = json.loads(b"".join(lines) + b"}")
        port = int(document["url"].rstrip("/").rpartition(":")[2])

        second = imgsearch("serve", "--gallery", gallery, "--port", port)

    assert (document["images"], document["gallery"]) == (58, str(gallery))
    assert (second.code, second.out) == (1, b"")
    assert second.err.splitlines() == [
        f"imgsearch: cannot serve at 127.0.0.1, port {port}: something else is using it;"
        " choose another with --port, or any with 0"
    ]

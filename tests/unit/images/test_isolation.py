"""Decoding in a process of its own: whatever happens there, this one goes on."""

import importlib
import io
import json
import os
import resource
import signal
import sys
import threading
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgsearch.errors import ImageReadError, ImageTooLargeError, UnsupportedImageError
from imgsearch.images import crop as crop_module
from imgsearch.images import isolation, worker
from imgsearch.images import prepare as prepare_module
from imgsearch.images.budget import PixelBudget
from imgsearch.images.crop import Crop, cut_out
from imgsearch.images.isolation import Job, Limits, Worker, WorkerPool
from imgsearch.images.prepare import prepare
from imgsearch.types import Preprocessing

OPTIONS = {"preprocessing": {"side": 8, "rendering": "faithful"}, "max_pixels": 10_000_000}


def picture(colour="#f00", *, kind="PNG", size=(8, 8)):
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, kind)
    return file.getvalue()


def job(source=None, **options):
    return Job("prepare", "a.png", source or picture(), OPTIONS | options)


@pytest.fixture
def pool():
    with closing(WorkerPool()) as pool:
        yield pool


def test_a_picture_comes_back_with_its_size_and_format(pool):
    fields = pool.run(job(picture("#00f", size=(9, 4))))

    assert (fields["width"], fields["height"], fields["format"]) == (9, 4, "PNG")
    assert fields["pixels"].shape == (8, 8, 3)
    assert fields["pixels"].reshape(-1, 3).tolist() == [[0, 0, 255]] * 64


def test_one_process_decodes_many_pictures(pool):
    pool.run(job())
    (worker,) = pool._idle

    for _ in range(3):
        pool.run(job())

    assert pool._idle == [worker]


def test_a_worker_that_crashes_is_the_pictures_fault_only_if_it_had_no_other_before(pool):
    pool.run(job())
    (worker,) = pool._idle
    worker._process.send_signal(signal.SIGSTOP)
    killer = threading.Timer(0.2, lambda: os.kill(worker._process.pid, signal.SIGKILL))
    killer.start()

    fields = pool.run(job())
    killer.join()

    assert fields["format"] == "PNG"
    assert not worker.is_alive
    assert worker not in pool._idle


def test_what_a_library_puts_before_other_modules_while_it_loads_is_not_for_a_worker(
    pool, monkeypatch, tmp_path
):
    (tmp_path / "typing.py").write_text("import the.middle.of.a.library")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])  # as OpenCV does with a folder

    assert pool.run(job())["format"] == "PNG"


def test_a_crash_is_named(pool):
    with closing(Worker(Limits())) as worker:
        os.kill(worker._process.pid, signal.SIGSEGV)

        with pytest.raises(ImageReadError) as caught:
            worker.run(job(), None)

    assert caught.value.reason == "the decoder crashed (SIGSEGV)"
    assert caught.value.path == "a.png"


def test_a_worker_that_the_system_kills_is_named(pool):
    with closing(Worker(Limits())) as worker:
        os.kill(worker._process.pid, signal.SIGKILL)

        with pytest.raises(ImageReadError, match="mostly for want of memory"):
            worker.run(job(), None)


def test_a_worker_that_ended_before_it_was_asked_is_named():
    with closing(Worker(Limits())) as worker:
        worker._process.kill()
        worker._process.wait()

        with pytest.raises(ImageReadError, match="the system killed its decoder"):
            worker.run(job(picture(kind="BMP", size=(300, 300))), None)


def test_a_picture_that_crashes_a_new_worker_is_listed(pool, monkeypatch):
    start = Worker.__init__

    def start_and_crash(self, limits):
        start(self, limits)
        os.kill(self._process.pid, signal.SIGSEGV)

    monkeypatch.setattr(Worker, "__init__", start_and_crash)

    with pytest.raises(ImageReadError, match="crashed"):
        pool.run(job())


def test_a_decoder_that_takes_too_long_is_stopped():
    slow = picture(size=(3000, 3000))
    with (
        closing(WorkerPool(Limits(time_s=0.001))) as pool,
        pytest.raises(ImageReadError, match="took longer than 0 s"),
    ):
        pool.run(job(slow))


def test_a_decoder_that_needs_too_much_memory_is_stopped():
    large = picture(size=(3000, 3000))
    with closing(WorkerPool(Limits(memory_bytes=24_000_000, pixel_bytes=1))) as pool:
        with pytest.raises(ImageReadError, match="needs more than 33 MB"):
            pool.run(job(large))  # 9 megapixels of 4 bytes are 36 MB; allowed are 24 + 9

        assert pool.run(job())["format"] == "PNG"


@pytest.mark.parametrize(
    ("source", "error"),
    [
        (b"not a picture", UnsupportedImageError),
        (picture(size=(4000, 4000)), ImageTooLargeError),
        (picture()[:40], ImageReadError),
    ],
)
def test_an_error_keeps_its_kind(pool, source, error):
    with pytest.raises(error) as caught:
        pool.run(job(source))

    assert type(caught.value) is error
    assert caught.value.path == "a.png"


def test_a_file_is_read_by_a_name_that_is_no_text(pool, tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9\n.png")
    path.write_bytes(picture())

    assert pool.run(Job("prepare", str(path), path, OPTIONS))["format"] == "PNG"


def test_a_picture_waits_for_its_turn(pool):
    budget, done = PixelBudget(100), threading.Event()

    def decode():
        pool.run(job(picture(size=(10, 8))), budget)
        done.set()

    thread = threading.Thread(target=decode)
    with budget.hold(50):
        thread.start()
        assert not done.wait(1)
    thread.join(20)

    assert done.is_set()


def test_a_worker_ends_with_the_process_that_started_it():
    worker = Worker(Limits())
    worker.run(job(), None)

    worker._process.stdin.close()

    assert worker._process.wait(10) == 0
    worker.close()


@pytest.mark.parametrize(("kind", "count"), [("JPEG", 0), ("PNG", 1), ("TIFF", 1), ("GIF", 1)])
def test_only_a_flawless_jpeg_is_decoded_in_this_process(pool, monkeypatch, kind, count):
    monkeypatch.setattr(prepare_module, "WORKERS", pool)

    prepare(picture(kind=kind), Preprocessing(8, "faithful"), name="a")

    assert len(pool._idle) == count


@pytest.mark.parametrize(("kind", "count"), [("JPEG", 0), ("PNG", 1)])
def test_a_part_of_a_picture_is_cut_out_where_the_picture_is_decoded(
    pool, monkeypatch, kind, count
):
    monkeypatch.setattr(crop_module, "WORKERS", pool)
    two = Image.new("RGB", (32, 16), "#f00")
    two.paste("#00f", (16, 0, 32, 16))
    file = io.BytesIO()
    two.save(file, kind)

    part = cut_out(file.getvalue(), Crop(0.5, 0, 0.5, 1), name="a", max_pixels=1000)

    cut = np.asarray(Image.open(io.BytesIO(part)))
    assert cut.shape == (16, 16, 3)
    assert np.abs(cut[:, 2:].astype(int) - (0, 0, 255)).max() < 8  # JPEG blurs the edge
    assert len(pool._idle) == count


def test_a_damaged_jpeg_is_decoded_elsewhere(pool, monkeypatch):
    monkeypatch.setattr(prepare_module, "WORKERS", pool)
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "JPEG")

    with pytest.raises(ImageReadError, match="ends early"):
        prepare(file.getvalue()[:2000], Preprocessing(8, "faithful"), name="a")

    assert len(pool._idle) == 1


def test_an_update_lists_what_its_decoder_did_not_survive_and_goes_on(lab, monkeypatch):
    monkeypatch.setattr(prepare_module, "WORKERS", WorkerPool(Limits(0.001)))
    lab.paint("big.png", "#f00", size=3000)
    Image.new("RGB", (8, 8), "#0f0").save(lab.root / "small.jpg")

    report = lab.update()

    assert report.added == 1
    assert report.failed[0].reason == "decoding it took longer than 0 s"


def test_a_picture_that_crashes_an_old_worker_and_a_new_one_is_listed(pool, monkeypatch):
    pool.run(job())
    send = Worker._send

    def crash_and_send(self, *parts):
        os.kill(self._process.pid, signal.SIGSEGV)
        send(self, *parts)

    monkeypatch.setattr(Worker, "_send", crash_and_send)

    with pytest.raises(ImageReadError, match=r"the decoder crashed \(SIGSEGV\)"):
        pool.run(job())
    assert pool._idle == []


def test_a_worker_whose_job_is_interrupted_gets_no_other(pool):
    class Interrupting:
        def hold(self, _pixels):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pool.run(job(), Interrupting())

    assert pool._idle == []
    assert pool.run(job())["format"] == "PNG"


def test_a_worker_that_answers_no_more_and_does_not_end_is_killed(monkeypatch):
    monkeypatch.setattr(isolation, "_EXIT_GRACE_S", 0.01)
    with closing(Worker(Limits())) as worker:
        worker._process.send_signal(signal.SIGSTOP)
        monkeypatch.setattr(worker, "_receive", lost)

        with pytest.raises(ImageReadError, match="the system killed its decoder"):
            worker.run(job(), None)


def lost():
    raise isolation._WorkerLostError


@pytest.mark.parametrize(("code", "name"), [(-11, "SIGSEGV"), (3, "code 3"), (-99, "code -99")])
def test_how_a_worker_ended_is_named(code, name):
    assert isolation._name_of(code).endswith(name)


def test_a_worker_answers_what_cannot_be_read_with_its_error(monkeypatch):
    monkeypatch.setattr(worker, "_limit_memory", lambda _bytes: None)
    monkeypatch.setattr(worker, "_write_no_core_dump", lambda: None)
    request = {"task": "prepare", "name": "a.png", "path": None, "size": 2, "options": OPTIONS}
    line = json.dumps(request | {"limits": asdict(Limits())}).encode() + b"\n"
    answers = io.BytesIO()

    worker.serve(io.BytesIO(line + b"no"), answers)

    assert json.loads(answers.getvalue())["error"] == "UnsupportedImageError"


def test_where_the_system_tells_no_size_of_a_process_memory_is_not_limited(monkeypatch):
    monkeypatch.setattr(worker, "Path", lambda _name: Path("/proc/nowhere"))
    limits = resource.getrlimit(resource.RLIMIT_DATA)

    worker._limit_memory(1_000)

    assert resource.getrlimit(resource.RLIMIT_DATA) == limits


def test_a_worker_of_a_system_without_limits_has_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "resource", None)
    try:
        assert importlib.reload(worker).resource is None
        worker._limit_memory(1_000)
        worker._write_no_core_dump()
    finally:
        monkeypatch.undo()
        importlib.reload(worker)

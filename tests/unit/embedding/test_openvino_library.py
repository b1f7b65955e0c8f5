"""OpenVINO beside what else goes on in the process."""

import subprocess
import sys

import pytest

from imgsearch.embedding import openvino_library
from imgsearch.embedding.openvino_library import openvino_core
from imgsearch.errors import EngineError

INTERRUPTED_AFTERWARDS = """
import signal
import numpy as np
from imgsearch.embedding.openvino_library import load_openvino
from imgsearch.embedding.vgg16_openvino import compile_for_processor

library = load_openvino()


def network():
    pixels = library.opset13.parameter([1, 3], np.float32)
    return library.Model([library.opset13.relu(pixels)], [pixels], "tiny")


first, second = (compile_for_processor(network(), "fp32") for _ in range(2))
del first
del second
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_ctrl_c_is_no_crash_after_several_networks_came_and_went():
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_AFTERWARDS], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (0, "interrupted\n")


def test_without_openvino_the_other_engine_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.setattr(openvino_library, "_core", openvino_library._core.__wrapped__)

    with pytest.raises(EngineError, match="use --engine tensorflow"):
        openvino_core()


def test_a_process_has_one_core():
    assert openvino_core() is openvino_core()

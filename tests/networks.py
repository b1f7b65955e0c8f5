"""Small ONNX networks, with weights from a seed, and cards for them."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CHANNELS = 6
CARD = {"name": "tiny", "size": 16, "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.25, 0.3]}


def constant(name, array):
    return numpy_helper.from_array(np.asarray(array), name)


def value(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def model_of(nodes, inputs, outputs, constants=()):
    graph = helper.make_graph(nodes, "network", inputs, outputs, list(constants))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model


def tiny_network(*, side=16, batch="n", extra_outputs=()):
    """Return a convolution, a ReLU and a global pool: pictures to CHANNELS numbers.

    Its outputs are the vector; of `map`, `tokens` and `squeezed` those that are asked for.
    """
    rng = np.random.default_rng(7)
    kernel = rng.normal(size=(CHANNELS, 3, 3, 3)).astype(np.float32)
    bias = rng.normal(size=CHANNELS).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["pixels", "kernel", "bias"], ["sums"], pads=[1] * 4),
        helper.make_node("Relu", ["sums"], ["map"]),
        helper.make_node("GlobalAveragePool", ["map"], ["squeezed"]),
        helper.make_node("Flatten", ["squeezed"], ["vector"]),
        helper.make_node("Reshape", ["map", "token_shape"], ["rows"]),
        helper.make_node("Transpose", ["rows"], ["tokens"], perm=[0, 2, 1]),
    ]
    shapes = {
        "vector": [batch, CHANNELS],
        "map": [batch, CHANNELS, side, side],
        "squeezed": [batch, CHANNELS, 1, 1],
        "tokens": [batch, None, CHANNELS],
    }
    outputs = [value(name, shapes[name]) for name in ("vector", *extra_outputs)]
    constants = [
        constant("kernel", kernel),
        constant("bias", bias),
        constant("token_shape", np.array([0, CHANNELS, -1], np.int64)),
    ]
    return model_of(nodes, [value("pixels", [batch, 3, side, side])], outputs, constants)


def write_model(folder, model, card=None, *, name="tiny"):
    """Write a model file and its card; return the path of the file."""
    path = folder / f"{name}.onnx"
    path.write_bytes(model.SerializeToString())
    write_card(path, CARD if card is None else card)
    return path


def write_card(path, card):
    lines = [f"{key} = {toml(entry)}" for key, entry in card.items()]
    path.with_suffix(".toml").write_text("\n".join(lines), encoding="utf-8")


def toml(entry):
    if isinstance(entry, bool):
        return str(entry).lower()
    return f'"{entry}"' if isinstance(entry, str) else repr(entry)

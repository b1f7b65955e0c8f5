"""The OpenVINO graph of a model file: from bytes of RGB pixels to the output its card names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from imgsearch.embedding.model_card import ModelCard
from imgsearch.embedding.model_output import Output, dim_of
from imgsearch.embedding.openvino_library import load_openvino, openvino_core
from imgsearch.embedding.vgg16_openvino import choose_precision, compile_for_processor
from imgsearch.errors import ModelFileError
from imgsearch.types import PixelBatch, Precision

if TYPE_CHECKING:
    import openvino as ov  # noqa: TID251 - the graph of the engine that wraps it

_ELSEWHERE: Final = b"\n\x08location\x12"
"""How ONNX spells that the weights of a tensor are in another file."""

_UNTELLING: Final = ("Exception from", "Check '", "FrontEnd API", "Model wasn't", "Summary")
"""How those lines of OpenVINO's messages begin that say nothing to a user."""

_PICTURE_RANK: Final = 4


@dataclass(frozen=True, slots=True)
class CompiledNetwork:
    """A network that is ready to run.

    Attributes:
        request: OpenVINO's handle of it; one caller at a time.
        dim: The length of the vectors that its output makes.
        one_at_a_time: Whether it takes a single picture only.
        precision: The arithmetic in use.
        path: Its file, for messages.
    """

    request: ov.InferRequest
    dim: int
    one_at_a_time: bool
    precision: Precision
    path: Path

    def infer(self, batch: PixelBatch) -> Output:
        """Return its output for a batch of pictures (n, side, side, 3), n first.

        Raises:
            ModelFileError: If it fails, or answers for another number of pictures.
        """
        with _understood(self.path, "it cannot be run"):
            self.request.infer([batch])
            output = np.array(self.request.get_output_tensor().data)
        if len(output) != len(batch):
            raise ModelFileError(
                self.path, f"it answers {len(output)} pictures where it was shown {len(batch)}"
            )
        return output


def measure_dim(content: bytes, card: ModelCard, path: Path) -> int:
    """Return the length of the vectors that a network makes, after checking that its card fits.

    Args:
        content: The ONNX file.
        card: What it is to be shown.
        path: Where the file is, for messages.

    Raises:
        EngineError: If OpenVINO cannot be loaded.
        ModelFileError: If it is no network that the card fits.
    """
    return _dim(_read(content, card, path), card, path)


def compile_network(
    content: bytes, card: ModelCard, path: Path, precision: Precision
) -> CompiledNetwork:
    """Compile a network for this processor; arguments and errors as of `measure_dim`."""
    chosen = choose_precision(precision)
    network = _read(content, card, path)
    dim = _dim(network, card, path)
    one_at_a_time = network.inputs[0].partial_shape[0].is_static
    with _understood(path, "it cannot be compiled"):
        shown = _shown_pixels(network, card)
        request = compile_for_processor(shown, chosen).create_infer_request()
    return CompiledNetwork(request, dim, one_at_a_time, chosen, path)


def _read(content: bytes, card: ModelCard, path: Path) -> ov.Model:
    """Read a network, cut down to the output wanted, with the size of its input settled."""
    if _ELSEWHERE in content:  # OpenVINO would look for it in the working directory
        reason = "its weights are in another file; save it as one file, with its weights inside"
        raise ModelFileError(path, reason)
    library = load_openvino()
    with _understood(path, "it is no ONNX network that OpenVINO reads"):
        whole = openvino_core().read_model(content)
    if len(whole.inputs) != 1:
        names = ", ".join(map(_name, whole.inputs))
        raise ModelFileError(path, f"it has the inputs {names}; export the part for pictures alone")
    network = library.Model([_wanted(whole, card, path)], whole.get_parameters())
    shape = _input_shape(network.inputs[0], card, path)
    with _understood(path, f"it does not take pictures of {card.preprocessing.side} pixels"):
        network.reshape(shape)
    return network


def _wanted(network: ov.Model, card: ModelCard, path: Path) -> Any:  # noqa: ANN401 - OpenVINO
    """Return what the card names, an output or a layer before it; or else the only output."""
    sources = [port.get_node().input_value(0) for port in network.outputs]
    if not card.output:
        if len(network.outputs) == 1:
            return sources[0]
        listed = ", ".join(map(_name, network.outputs))
        reason = f"it has the outputs {listed}; choose one in its card: output = ..."
        raise ModelFileError(path, reason)
    for port, source in zip(network.outputs, sources, strict=True):
        if card.output in _names(port):
            return source
    for node in network.get_ordered_ops():
        for port in node.outputs():
            if card.output in _names(port):
                return port
    listed = ", ".join(map(_name, network.outputs))
    raise ModelFileError(path, f"it has no output {card.output!r}, but {listed}")


def _input_shape(port: Any, card: ModelCard, path: Path) -> list[int]:  # noqa: ANN401 - OpenVINO
    """Return the shape of its input as it is to be: any number of pictures, or one at a time."""
    side = card.preprocessing.side
    wanted = [3, side, side] if card.layout == "NCHW" else [side, side, 3]
    shape = port.partial_shape
    if shape.rank.is_dynamic or len(shape) != _PICTURE_RANK:
        reason = f"its input {shape} is no batch of pictures, which has four axes"
        raise ModelFileError(path, reason)
    batch, *sizes = shape
    if not all(
        size.is_dynamic or size.get_length() == want
        for size, want in zip(sizes, wanted, strict=True)
    ):
        reason = f"its input is {shape}, but by its card ({card.layout}) it would be (n, "
        raise ModelFileError(path, f"{reason}{', '.join(map(str, wanted))})")
    if batch.is_static and batch.get_length() != 1:
        reason = f"it takes {batch.get_length()} pictures at a time; export it for one, or for any"
        raise ModelFileError(path, reason)
    return [1 if batch.is_static else -1, *wanted]


def _dim(network: ov.Model, card: ModelCard, path: Path) -> int:
    shape = network.outputs[0].partial_shape
    if shape.rank.is_dynamic or any(size.is_dynamic for size in list(shape)[1:]):
        raise ModelFileError(path, f"the shape of its output, {shape}, is not settled by its input")
    sizes = [-1, *(size.get_length() for size in list(shape)[1:])]
    try:
        return dim_of(sizes, card.pooling, card.output_layout)
    except ValueError as error:
        raise ModelFileError(path, f"{error}; set it in its card") from error


def _shown_pixels(network: ov.Model, card: ModelCard) -> ov.Model:
    """Put before a network what makes its input of bytes (n, side, side, 3), RGB."""
    library = load_openvino()
    builder = library.preprocess.PrePostProcessor(network)
    entry = builder.input()
    entry.tensor().set_element_type(library.Type.u8).set_layout(library.Layout("NHWC"))
    entry.model().set_layout(library.Layout(card.layout))
    steps = entry.preprocess().convert_element_type(library.Type.f32)
    if card.colour == "BGR":
        steps = steps.reverse_channels()
    steps.scale(card.scale).mean(list(card.mean)).scale(list(card.std))
    builder.output().tensor().set_element_type(library.Type.f32)
    return builder.build()


def _names(port: Any) -> set[str]:  # noqa: ANN401 - OpenVINO
    return set(port.get_names())


def _name(port: Any) -> str:  # noqa: ANN401 - OpenVINO
    return min(_names(port), default="(without a name)")


@contextmanager
def _understood(path: Path, what: str) -> Iterator[None]:
    """Say in a line what failed: of the many of an OpenVINO message, the first that tells it."""
    try:
        yield
    except (RuntimeError, ValueError, TypeError) as error:
        lines = [line.strip(" -") for line in str(error).splitlines()]
        telling = next((line for line in lines if line and not line.startswith(_UNTELLING)), "")
        raise ModelFileError(path, f"{what}: {telling[:200]}".rstrip(": ")) from error

"""The fast engine: VGG16 by OpenVINO on the processor, in float32, bfloat16 or int8."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from imgsearch.embedding import processor
from imgsearch.embedding.cache import cache_folder
from imgsearch.embedding.graph_file import read_graph, write_graph
from imgsearch.embedding.openvino_library import load_openvino, openvino_core
from imgsearch.embedding.pooling import pooling_of
from imgsearch.embedding.rounds import EmbedderInRounds
from imgsearch.embedding.vgg16 import (
    WEIGHTS_DIGEST,
)
from imgsearch.types import EmbedderIdentity, Embeddings, PixelBatch, Precision

if TYPE_CHECKING:
    import openvino as ov  # noqa: TID251  # this is the module that wraps it

    from imgsearch.embedding.weights import Vgg16Weights  # loaded only without a cached graph

_GRAPH_REVISION: Final = 2  # raise it whenever `build_features` or its ranges change
_BATCH_SIZE: Final = 8  # measured: one picture or 32 at a time, the speed is the same within 5 %
_logger = logging.getLogger(__name__)


class OpenvinoVgg16(EmbedderInRounds):
    """VGG16 by OpenVINO on the processor."""

    @classmethod
    def create(
        cls,
        identity: EmbedderIdentity,
        weights: Callable[[], Vgg16Weights],
        *,
        precision: Precision | None = None,
    ) -> OpenvinoVgg16:
        """Compile the network for this processor.

        Args:
            identity: What the vectors are to mean.
            weights: Loads the convolutions; called only if the cache does not hold the graph.
            precision: The arithmetic; None takes the fastest that the processor does well.

        Raises:
            EngineError: If OpenVINO cannot be loaded.
        """
        chosen = choose_precision(precision)
        model = _features(weights, chosen)
        side = identity.preprocessing.side
        # Sizes that differ cost nothing here: one graph of any size is as fast as one of each.
        height_width = [-1, -1] if identity.preprocessing.keeps_aspect else [side, side]
        model.reshape([-1, *height_width, 3])
        request = compile_for_processor(model, chosen).create_infer_request()
        pool = pooling_of(identity.pooling)

        def embed_round(batch: PixelBatch) -> Embeddings:
            request.infer([batch])
            return pool(request.get_output_tensor().data)

        return cls(identity, chosen, embed_round, batch_size=_BATCH_SIZE)


def choose_precision(wanted: Precision | None) -> Precision:
    """Return the precision to compute in; nothing is measured.

    int8 is taken where the processor multiplies bytes natively, else bf16 where it has that, else
    fp32. What was asked for and the processor does not have becomes fp32.

    Args:
        wanted: None for the fastest that the processor does well.
    """
    order: tuple[Precision, ...] = ("int8", "bf16") if wanted is None else (wanted,)
    for precision in order:
        if precision == "fp32" or _is_native(precision):
            return precision
    if wanted is not None:
        _logger.info("this processor has no native %s arithmetic: computing in fp32", wanted)
    return "fp32"


def explain_precision() -> str:
    """Return the fastest precision that the processor does well, and what it has for it."""
    chosen = choose_precision(None)
    if chosen == "fp32":
        return "fp32, as this processor has no instructions for int8 or bf16"
    names = processor.byte_instructions() if chosen == "int8" else processor.bfloat_instructions()
    return f"{chosen}, as this processor has {' and '.join(sorted(names)) or 'instructions for it'}"


def _is_native(precision: Precision) -> bool:
    return has_int8() if precision == "int8" else has_bf16()


def has_bf16() -> bool:
    """Return whether the processor multiplies bfloat16 numbers natively."""
    return "BF16" in _capabilities()


def has_int8() -> bool:
    """Return whether the processor multiplies bytes natively (AMX or VNNI).

    Without such instructions OpenVINO adds pairs of products in sixteen bits, which overflow.
    """
    if "INT8" not in _capabilities():
        return False
    if processor.processor_flags():
        return bool(processor.byte_instructions())
    # The flags cannot be read; every x86 processor with bfloat16 has VNNI too.
    return has_bf16() and processor.is_x86()


def _capabilities() -> list[str]:
    return list(openvino_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"))


def graph_file(precision: Precision) -> Path:
    """Return the place of the cached network graph; the one in floating point serves both."""
    kind = "int8" if precision == "int8" else "float"
    return cache_folder() / f"vgg16-{WEIGHTS_DIGEST[:8]}-{kind}-r{_GRAPH_REVISION}.graph"


def _features(weights: Callable[[], Vgg16Weights], precision: Precision) -> ov.Model:
    """Return the graph from pixels to the last feature map: the cached one, else a new one."""
    path = graph_file(precision)
    try:
        topology, constants = read_graph(path)
        # One that shares the memory would not outlive the array: a crash.
        copied = load_openvino().Tensor(constants)
        return openvino_core().read_model(model=topology, weights=copied)
    except FileNotFoundError:
        pass
    except (OSError, ValueError, RuntimeError) as error:
        _logger.warning("building the network again: %s", error)
    from imgsearch.embedding.vgg16_graph import build_features, read_ranges

    model = build_features(weights(), read_ranges() if precision == "int8" else None)
    _keep(model, path)
    return model


def _keep(model: ov.Model, path: Path) -> None:
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            load_openvino().save_model(model, folder / "vgg16.xml", compress_to_fp16=False)
            write_graph(
                path, (folder / "vgg16.xml").read_bytes(), (folder / "vgg16.bin").read_bytes()
            )
    except (OSError, RuntimeError) as error:
        _logger.info("cannot cache %s: %s", path, error)


def compile_for_processor(model: ov.Model, precision: Precision) -> ov.CompiledModel:
    """Compile for one caller that uses every core: LATENCY is one stream over all of them."""
    # What the integer graph does not compute in integers is little: any float will do there.
    floats = "f32" if precision == "fp32" or not has_bf16() else "bf16"
    hints = {"INFERENCE_PRECISION_HINT": floats, "PERFORMANCE_HINT": "LATENCY"}
    return openvino_core().compile_model(model, "CPU", hints)

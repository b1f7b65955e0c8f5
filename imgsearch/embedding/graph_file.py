"""A network graph in one file with a checksum, so that damage is noticed before it is used."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from imgsearch.embedding.cache import store

_MAGIC: Final = b"imgsearch graph\n"
_HEADER: Final = struct.Struct("<16sQQI28x")  # 64 bytes: what follows starts on a cache line
_ALIGNMENT: Final = 64


def write_graph(path: Path, topology: bytes, constants: bytes) -> bool:
    """Cache a graph.

    Args:
        path: The file to make or replace.
        topology: The graph as XML.
        constants: The arrays that it refers to.

    Returns:
        Whether the file could be written.
    """
    padded = topology + b" " * (-len(topology) % _ALIGNMENT)
    sizes = len(padded), len(constants)
    header = _HEADER.pack(_MAGIC, *sizes, _checksum(sizes, padded, constants))
    return store(path, lambda file: file.writelines([header, padded, constants]))


def read_graph(path: Path) -> tuple[bytes, npt.NDArray[np.uint8]]:
    """Read a graph back.

    Returns:
        Its topology as XML, and its arrays as bytes, shape (size,), uint8.

    Raises:
        OSError: If there is no such file.
        ValueError: If the file is damaged.
    """
    if not path.is_file():  # also a pipe in its place, which would block
        raise FileNotFoundError(path)
    content = np.fromfile(path, np.uint8)
    if content.size < _HEADER.size:
        raise ValueError(f"{path} is cut short")
    magic, topology_size, constants_size, wanted = _HEADER.unpack(content[: _HEADER.size].tobytes())
    if magic != _MAGIC or content.size != _HEADER.size + topology_size + constants_size:
        raise ValueError(f"{path} is no graph file, or is cut short")
    topology = content[_HEADER.size :][:topology_size].tobytes()
    constants = content[_HEADER.size + topology_size :]
    if _checksum((topology_size, constants_size), topology, constants.data) != wanted:
        raise ValueError(f"{path} is damaged")
    return topology, constants


def _checksum(sizes: tuple[int, int], topology: bytes, constants: bytes | memoryview) -> int:
    """CRC-32: accidents are what it must catch, and it takes 9 ms where SHA-256 takes 32."""
    return zlib.crc32(constants, zlib.crc32(topology, zlib.crc32(struct.pack("<QQ", *sizes))))

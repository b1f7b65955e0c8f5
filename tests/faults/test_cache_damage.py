"""The cached graph: no file that differs in a single bit is taken for the network."""

import pytest
from figures import tried

from imgsearch.embedding.graph_file import read_graph, write_graph


@pytest.fixture
def graph(tmp_path):
    path = tmp_path / "graph"
    assert write_graph(path, b"<net>" * 20, bytes(range(200)))
    return path


def test_every_flipped_bit_is_noticed_or_lies_in_the_padding(graph):
    sound, wanted = graph.read_bytes(), read_graph(graph)
    for at in range(len(sound)):
        for bit in range(8):
            content = bytearray(sound)
            content[at] ^= 1 << bit
            graph.write_bytes(content)
            if 36 <= at < 64:  # fills the header up
                found = read_graph(graph)
                assert (found[0], found[1].tolist()) == (wanted[0], wanted[1].tolist())
            else:
                with pytest.raises(ValueError, match=r"damaged|no graph file"):
                    read_graph(graph)
    tried("damaged places in caches", 8 * len(sound))


def test_every_cut_is_noticed(graph):
    sound = graph.read_bytes()
    for length in range(len(sound)):
        graph.write_bytes(sound[:length])
        with pytest.raises(ValueError, match="cut short"):
            read_graph(graph)
    tried("damaged places in caches", len(sound))

"""Pictures in terminals: what is sent, decoded back as a terminal would."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from imgsearch.cli.terminal_kinds import STYLES, picture_style
from imgsearch.cli.terminal_pictures import ROWS, encode


def noise(height, width):
    return np.random.default_rng(5).integers(0, 256, (height, width, 3), dtype=np.uint8)


def quarters(height=12, width=16):
    """Red, green, blue and white quarters."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2] = 255, 0, 0
    pixels[: height // 2, width // 2 :] = 0, 255, 0
    pixels[height // 2 :, : width // 2] = 0, 0, 255
    pixels[height // 2 :, width // 2 :] = 255, 255, 255
    return pixels


def from_png(content):
    return np.asarray(Image.open(io.BytesIO(content)))


def from_sixels(text):
    """Draw sixels as the manual of the VT340 has it; the colours' parts are percentages."""
    head, width, height, body = re.fullmatch(
        r'\x1bP([\d;]*)q"1;1;(\d+);(\d+)(.*)\x1b\\\n', text
    ).groups()
    assert head == "0;1;0"
    pixels = np.full((int(height), int(width), 3), -1)
    colours, colour, left, top = {}, None, 0, 0
    token = re.compile(r"#(\d+);2;(\d+);(\d+);(\d+)|#(\d+)|!(\d+)([?-~])|([?-~])|([$-])")
    end = 0
    for found in token.finditer(body):
        assert found.start() == end, "something else is in between"
        end = found.end()
        number, red, green, blue, chosen, count, repeated, single, move = found.groups()
        if number is not None:
            colours[number] = [int(red), int(green), int(blue)]
        elif chosen is not None:
            colour = colours[chosen]
        elif move is not None:
            left, top = 0, top + 6 * (move == "-")
        else:
            bits = ord(repeated or single) - 63
            end_of_run = left + int(count or 1)
            for row in range(6):
                if bits >> row & 1:
                    pixels[top + row, left:end_of_run] = colour
            left = end_of_run
    assert end == len(body)
    return pixels


def from_blocks(text, colour):
    """The two rows of colours of each line; the lower is None where the background is plain."""
    rows = []
    for line in text.splitlines():
        assert line.endswith("\x1b[0m")
        cells = re.findall(rf"\x1b\[38;{colour};(?:48;{colour}|(49))m\u2580", line)
        rows.append([cell[: len(cell) // 2] for cell in cells])
        rows.append([cell[len(cell) // 2 : -1] if not cell[-1] else None for cell in cells])
    return rows


@pytest.mark.parametrize("size", [(1, 1), (40, 60), (200, 300)])
def test_kitty_is_sent_the_very_pixels_in_pieces_that_it_takes(size):
    pixels = noise(*size)

    sent = encode(pixels, "kitty")

    commands = re.findall(rb"\x1b_G([^;]*);([^\x1b]*)\x1b\\", sent)
    assert b"".join(b"\x1b_G%b;%b\x1b\\" % each for each in commands) + b"\n" == sent
    keys = dict(key.split("=") for key in commands[0][0].decode().split(","))
    assert (keys["a"], keys["f"], keys["q"]) == ("T", "100", "2")
    assert all(len(payload) <= 4096 for _, payload in commands)
    assert [keys[-3:] for keys, _ in commands] == [b"m=1"] * (len(commands) - 1) + [b"m=0"]
    content = base64.b64decode(b"".join(payload for _, payload in commands), validate=True)
    assert np.array_equal(from_png(content), pixels)


def test_iterm_is_sent_the_very_pixels():
    pixels = noise(40, 60)

    sent = encode(pixels, "iterm")

    keys, payload = re.fullmatch(rb"\x1b\]1337;File=([^:]*):([^\x07]*)\x07\n", sent).groups()
    content = base64.b64decode(payload, validate=True)
    assert b"inline=1" in keys.split(b";")
    assert b"size=%d" % len(content) in keys.split(b";")
    assert np.array_equal(from_png(content), pixels)


@pytest.mark.parametrize(("size", "rows"), [((300, 400), 9), ((100, 400), 5), ((400, 30), 9)])
def test_a_picture_takes_few_lines_and_no_more_than_forty_columns(size, rows):
    pixels = noise(*size)

    assert f",r={rows},".encode() in encode(pixels, "kitty")
    assert f";height={rows};".encode() in encode(pixels, "iterm")


def test_sixels_draw_every_pixel_in_its_colour():
    drawn = from_sixels(encode(quarters(), "sixel").decode("ascii"))

    assert np.array_equal(drawn, quarters() // 255 * 100)


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (90, 180), (400, 100)])
def test_sixels_come_close_to_any_picture_of_any_size(size):
    height, width = np.array(size) if max(size) <= 180 else np.array(size) * 180 // max(size)
    rows, columns = np.mgrid[: size[0], : size[1]]
    slope = (255 * rows / size[0]).astype(np.uint8)
    pixels = np.stack([slope, 255 - slope, (255 * columns / size[1]).astype(np.uint8)], axis=-1)

    drawn = from_sixels(encode(pixels, "sixel").decode("ascii"))

    expected = np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BOX))
    assert drawn.shape == expected.shape
    assert drawn.min() >= 0  # no pixel was left out
    assert np.abs(drawn * 2.55 - expected).mean() < 8


def test_blocks_draw_two_rows_a_line_in_their_colours():
    lines = from_blocks(encode(quarters(4, 6), "blocks").decode(), r"2;(\d+);(\d+);(\d+)")

    drawn = [[tuple(map(int, cell)) for cell in row] for row in lines]
    assert drawn == [[tuple(cell) for cell in row] for row in quarters(4, 6).tolist()]


def test_the_last_of_an_odd_number_of_rows_is_on_the_plain_background():
    text = encode(np.full((3, 1, 3), 200, np.uint8), "blocks").decode()

    assert text.splitlines()[1] == "\x1b[38;2;200;200;200;49m\u2580\x1b[0m"


def test_blocks_in_few_colours_take_the_nearest_of_the_cube():
    lines = from_blocks(encode(quarters(2, 2), "blocks-256").decode(), r"5;(\d+)")

    # 16 + 36 red + 6 green + blue, each from 0 to 5
    assert [[int(cell[0]) for cell in row] for row in lines] == [[196, 46], [21, 231]]


@pytest.mark.parametrize("style", STYLES)
def test_a_large_picture_stays_small(style):
    text = encode(noise(360, 360), style)

    assert text.endswith(b"\n")
    assert style in ("kitty", "iterm", "sixel") or text.count(b"\n") == ROWS


@pytest.mark.parametrize(
    ("environment", "style"),
    [
        ({"TERM": "xterm-kitty", "KITTY_WINDOW_ID": "1"}, "kitty"),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, "kitty"),
        ({"TERM": "xterm-ghostty", "TERM_PROGRAM": "ghostty"}, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, "iterm"),
        ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"}, "iterm"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, "iterm"),
        ({"TERM": "foot"}, "sixel"),
        ({"TERM": "mlterm"}, "sixel"),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "blocks"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"}, "blocks-256"),
        ({"WT_SESSION": "x"}, "blocks"),
        ({"TERM": "dumb", "COLORTERM": "truecolor"}, None),
        ({"TERM": "vt100"}, None),
        ({}, None),
    ],
)
def test_a_terminal_is_known_by_its_environment(environment, style):
    assert picture_style(environment) == style


def test_a_terminal_started_from_kitty_is_not_kitty():
    environment = {"TERM": "xterm-256color", "TERM_PROGRAM": "vscode", "KITTY_WINDOW_ID": "1"}

    assert picture_style(environment) == "blocks-256"


def test_a_multiplexer_lets_no_graphics_through():
    inside = {"TERM": "tmux-256color", "TMUX": "x", "KITTY_WINDOW_ID": "1"}

    assert picture_style(inside) == "blocks-256"
    assert picture_style({**inside, "COLORTERM": "truecolor"}) == "blocks"


def test_no_color_leaves_no_blocks_but_graphics():
    assert picture_style({"TERM": "xterm-256color", "NO_COLOR": "1"}) is None
    assert picture_style({"TERM": "xterm-kitty", "NO_COLOR": "1"}) == "kitty"


def test_a_style_may_be_named():
    assert picture_style({"TERM": "xterm-kitty", "IMGSEARCH_PICTURES": "sixel"}) == "sixel"
    assert picture_style({"TERM": "xterm-kitty", "IMGSEARCH_PICTURES": "none"}) is None
    with pytest.raises(ValueError, match="choose one of kitty, iterm"):
        picture_style({"IMGSEARCH_PICTURES": "ansi"})

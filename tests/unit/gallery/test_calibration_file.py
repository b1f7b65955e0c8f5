"""The calibration's file: what is damaged or makes no sense is an error, never a probability."""

import json

import pytest
from conftest import COLOUR
from figures import tried

from imgsearch.errors import CalibrationError, GalleryWriteError
from imgsearch.evaluation.calibration import ProbabilityCurve
from imgsearch.gallery import calibration
from imgsearch.gallery.calibration import (
    CALIBRATION_NAME,
    Calibration,
    read_calibration,
    write_calibration,
)

FIGURES = {
    "images": 3,
    "target": 0.99,
    "score": 0.8,
    "recall": 0.9,
    "share": 0.5,
    "sample": 3,
    "copies": 30,
    "others": 300,
    "left_out": 0,
    "seed": 1,
}


def sound(scores=(0.1, 0.9), probabilities=(0.2, 0.99)):
    return Calibration(
        embedder=COLOUR, curve=ProbabilityCurve(tuple(scores), tuple(probabilities)), **FIGURES
    )


def test_no_flipped_bit_and_no_cut_is_taken_for_a_calibration(three):
    write_calibration(three.gallery, sound())
    path = three.gallery / CALIBRATION_NAME
    content = path.read_bytes()
    places = [(at, content[:at]) for at in range(len(content.rstrip()))]
    places += [
        (at, content[:at] + bytes([content[at] ^ 1 << at % 8]) + content[at + 1 :])
        for at in range(len(content))
    ]
    with three.reader() as store:
        for at, damaged in places:
            path.write_bytes(damaged)
            try:
                found = read_calibration(store)
            except CalibrationError:
                continue
            assert found == sound(), at  # white space may be of another kind
    tried("damaged places in caches", len(places))


@pytest.mark.parametrize(
    "curve", [([], []), ([0.1], [0.1, 0.2]), ([0.5, 0.1], [0, 1]), ([0.1, float("nan")], [0, 1])]
)
def test_a_curve_that_makes_no_sense_is_damage_whatever_its_checksum(three, curve):
    path = three.gallery / CALIBRATION_NAME
    document = calibration._document(sound()) | {"curve": curve}
    path.write_text(json.dumps(document | {"crc32": calibration._crc32(document)}))

    with three.reader() as store, pytest.raises(CalibrationError, match="it is damaged; run"):
        read_calibration(store)


def test_a_full_disk_leaves_the_old_calibration(three, monkeypatch):
    write_calibration(three.gallery, sound())

    def refuse(_path, _text):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(calibration, "_write_text", refuse)
    with pytest.raises(GalleryWriteError, match=r"calibration cannot be written \(No space left"):
        write_calibration(three.gallery, sound([0.3], [0.4]))

    with three.reader() as store:
        assert read_calibration(store) == sound()

import io

import numpy as np
import pytest
from PIL import Image

from imgsearch.evaluation.lookalikes import LOOKALIKES, make_lookalikes


def coarse_photo(seed):
    """Random patches, enlarged: another picture for each seed."""
    patches = np.random.default_rng(seed).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    return Image.fromarray(patches).resize((240, 180), Image.Resampling.BICUBIC)


def made(kind, seed=1):
    photos = [coarse_photo(number) for number in range(kind.photos)]
    return make_lookalikes(photos, kind, seed)


def values(copy):
    with Image.open(io.BytesIO(copy.content)) as image:
        return np.asarray(image.convert("RGB"), float)


@pytest.mark.parametrize("kind", LOOKALIKES.values(), ids=lambda kind: kind.name)
def test_a_kind_with_a_seed_makes_the_same_pictures_always(kind):
    assert made(kind) == made(kind)
    assert made(kind) != made(kind, seed=2)


@pytest.mark.parametrize("kind", LOOKALIKES.values(), ids=lambda kind: kind.name)
def test_no_two_of_them_are_the_same_picture(kind):
    pictures = [values(copy) for copy in made(kind)]
    assert len(pictures) >= 2
    for place, first in enumerate(pictures):
        for second in pictures[place + 1 :]:
            assert first.shape != second.shape or np.abs(first - second).mean() > 1


def test_only_the_subject_moves_before_a_camera_that_stands_still():
    first, second, _ = (values(copy) for copy in made(LOOKALIKES["video"]))
    change = np.abs(first - second).mean(axis=-1)
    blocks = change[:160, :240].reshape(8, 20, 12, 20).mean(axis=(1, 3))
    still = (blocks < 6).mean()
    assert 0.4 < still < 0.95
    assert blocks.max() > 15


def test_a_wide_view_is_cut_into_halves_that_share_a_little():
    left, right = (values(copy) for copy in made(LOOKALIKES["barely overlapping"]))
    assert left.shape[1] + right.shape[1] == pytest.approx(240 * 13 / 12, abs=2)


def test_too_few_photos_are_refused():
    with pytest.raises(ValueError, match="burst needs 2 photos, not 1"):
        make_lookalikes([coarse_photo(0)], LOOKALIKES["burst"], 1)

"""The vacuum level, on images whose level is known."""

from __future__ import annotations

import numpy as np
import pytest

from napari_snpore import TiltSeries, subtract_background
from napari_snpore.errors import InputError
from napari_snpore.tomography.preparation import vacuum_level


def bright_disc(level, noise, seed=0):
    y, x = np.mgrid[:96, :96]
    image = level + 20000.0 * (np.hypot(y - 48, x - 40) < 25)
    return image + np.random.default_rng(seed).normal(0, noise, image.shape)


@pytest.mark.parametrize(("level", "noise"), [(-31900, 4), (500, 30), (0, 300), (7.5, 0)])
def test_level_of_the_vacuum_beside_a_bright_disc(level, noise):
    assert vacuum_level(bright_disc(level, noise)) == pytest.approx(level, abs=0.3 * noise + 60)


def test_each_image_loses_its_own_level():
    levels = np.array([-31900.0, -31880.0, -31910.0])
    series = TiltSeries(
        np.stack([np.rint(bright_disc(v, 3, k)) for k, v in enumerate(levels)]).astype(np.int16),
        [0, 2, 4],
        1,
    )
    done = subtract_background(series)
    assert np.abs(np.median(done.images[:, :15], axis=(1, 2))).max() < 2
    assert done.images.dtype == np.float32
    assert done.images.max() == pytest.approx(20000, abs=50)
    assert done.history[-1].name == "subtract background"
    assert series.images.min() < -31000, "the input was changed"


def test_given_level_and_none():
    series = TiltSeries(np.full((3, 8, 8), 100, np.uint16), [0, 2, 4], 1)
    assert (subtract_background(series, 90).images == 10).all()
    assert subtract_background(series, "none") is series
    with pytest.raises(InputError, match="background is 'dark'"):
        subtract_background(series, "dark")


def test_nan_is_refused():
    images = np.zeros((3, 8, 8), np.float32)
    images[1, 2, 3] = np.nan
    with pytest.raises(InputError, match="NaN"):
        subtract_background(TiltSeries(images, [0, 2, 4], 1))

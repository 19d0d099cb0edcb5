"""Bright field recognised by where vacuum lies, and inverted; on images of a ball and of a rod whose
projections are known in closed form.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import napari_snpore
from napari_snpore.errors import InputError
from napari_snpore.history import ReadStep, ReconstructStep
from napari_snpore.study.aligned_images import aligned_images
from napari_snpore.study.recipe import PrepareSection
from napari_snpore.study.stages import PreparedAlignment, prepare
from napari_snpore.tomography.alignment import Alignment, align
from napari_snpore.tomography.contrast import (
    BRIGHT_FIELD_NOTE,
    contrast_note,
    invert_contrast,
    is_bright_field,
)
from napari_snpore.tomography.image_faults import image_faults
from napari_snpore.tomography.tilt_series import TiltSeries

ANGLES = np.arange(-60.0, 61.0, 10.0)
SIDE = 64


def thickness(shape):
    """Chords through a ball of radius 20 px, a rod along y of radius 20 px, or a film that fills the
    field and is thicker in the middle of it.
    """
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    if shape == "film":
        return np.stack(
            [(30 + 5 * np.cos(x / 9) * np.cos(y / 7)) / np.cos(np.radians(a)) for a in ANGLES]
        )
    square = 400 - x**2 - (y**2 if shape == "ball" else 0)
    one = 2 * np.sqrt(np.clip(square, 0, None))
    return np.stack([one] * len(ANGLES))


def counts(shape, *, bright, seed=0):
    """Images with Poisson noise: 20 + 5 t in dark field, 400 exp(−t / 40) in bright field."""
    t = thickness(shape)
    expected = 400 * np.exp(-t / 40) if bright else 20 + 5 * t
    images = np.random.default_rng(seed).poisson(expected).astype(np.uint16)
    return TiltSeries(images, ANGLES, 1.0)


@pytest.mark.parametrize("shape", ["ball", "rod"])
def test_bright_field_is_told_by_its_vacuum(shape):
    assert is_bright_field(counts(shape, bright=True))
    assert not is_bright_field(counts(shape, bright=False))


@pytest.mark.parametrize("bright", [True, False])
def test_a_film_without_vacuum_tells_nothing(bright):
    assert not is_bright_field(counts("film", bright=bright))


def test_a_film_without_vacuum_is_undecided_and_said_to_be():
    dark = contrast_note(counts("film", bright=False))
    assert "cannot be told from bright field" in dark
    assert "darker" not in dark
    bright = contrast_note(counts("film", bright=True))
    assert "grow darker as the tilt grows" in bright
    assert any("cannot be told" in note for note in align(counts("film", bright=True)).notes)


@pytest.mark.parametrize("shape", ["ball", "rod"])
def test_nothing_is_said_of_vacuum_that_is_dark_or_was_made_dark(shape):
    assert contrast_note(counts(shape, bright=False)) is None
    assert contrast_note(invert_contrast(counts(shape, bright=True))) is None
    assert contrast_note(counts(shape, bright=True)) == BRIGHT_FIELD_NOTE


def test_the_needle_is_dark_field():
    needle = Path(napari_snpore.__file__).parent / "data" / "needle" / "HAADF.dm3"
    series = napari_snpore.read_tilt_series(needle)
    assert contrast_note(series) is None
    assert image_faults(series).sentence is None


def test_a_hot_pixel_does_not_hide_bright_field():
    series = counts("ball", bright=True)
    series.images[:, 30, 40] = 65535
    assert is_bright_field(series)


def test_alignment_says_it_and_not_after_inversion():
    series = counts("ball", bright=True)
    assert BRIGHT_FIELD_NOTE in align(series).notes
    assert BRIGHT_FIELD_NOTE not in align(invert_contrast(series)).notes
    assert BRIGHT_FIELD_NOTE not in align(counts("ball", bright=False)).notes


def test_inverted_images_hold_the_loss_of_the_beam():
    images = np.full((3, 32, 32), 1000, np.uint16)
    images[:, 10:20, 10:20] = 300
    series = TiltSeries(images, [-10, 0, 10], 1.0)
    done = invert_contrast(series)
    np.testing.assert_array_equal(done.images[:, :10], 0)
    np.testing.assert_array_equal(done.images[:, 10:20, 10:20], 700)
    assert done.images.dtype == np.float32
    assert done.history[-1].name == "invert contrast"
    assert done.history[-1].parameters == {"level": 1000.0}
    assert series.images.max() == 1000, "the input was changed"


def test_a_hole_is_named():
    images = np.ones((3, 16, 16), np.float32)
    images[1, 2, 3] = np.nan
    with pytest.raises(InputError, match="Image 1 of the tilt series holds NaN"):
        invert_contrast(TiltSeries(images, [-10, 0, 10], 1.0))


@pytest.mark.parametrize("background", ["auto", 990.0])
def test_preparation_inverts_before_the_background(background):
    """A background in grey values of the file is that of the vacuum before it was inverted."""
    images = np.full((3, 32, 32), 990.0)
    images[:, 10:20, 10:20] = 300
    done = prepare(
        TiltSeries(images, [-10, 0, 10], 1.0), PrepareSection(invert=True, background=background)
    )
    np.testing.assert_allclose(done.images[:, :10], 0, atol=1e-3)
    np.testing.assert_allclose(done.images[:, 12:18, 12:18], 690, atol=1e-3)


def test_the_images_behind_a_volume_are_inverted_again():
    raw = replace(counts("ball", bright=True), history=(ReadStep("ball.mrc").step,))
    prepared = prepare(raw, PrepareSection(invert=True))
    made = ReconstructStep("tv", tilts=len(ANGLES)).step
    again = aligned_images(raw, (*prepared.history, made))
    np.testing.assert_array_equal(again.images, prepared.images)


def test_an_alignment_says_nothing_of_the_inverted_images():
    found = PreparedAlignment(
        Alignment(np.zeros((3, 2)), 0.0, 0.0, np.zeros(3)), PrepareSection(), 3
    )
    assert found.for_images(PrepareSection(invert=True)) is None
    assert found.for_images(PrepareSection()) is not None

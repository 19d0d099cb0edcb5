"""Hot pixels, dead and stuck lines, images that are there twice: said by each step, and repaired."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy import ndimage

import napari_snpore as snpore
from napari_snpore.errors import InputError
from napari_snpore.history import AlignStep, RepairPixelsStep, required_step
from napari_snpore.study.polishing import polish_segmented
from napari_snpore.tomography.bad_lines import bad_lines
from napari_snpore.tomography.bad_pixels import repair_pixels, without_far_pixels
from napari_snpore.tomography.image_faults import image_faults
from napari_snpore.tomography.tilt_inspection import inspect_tilts
from napari_snpore.tomography.tilt_series import TiltSeries

ANGLES = np.arange(-70.0, 71.0, 5.0)


@pytest.fixture(scope="module")
def images():
    """A rod with bright balls, blurred by 1 px, with counting and readout noise."""
    side = 40
    z, y, x = np.indices((side,) * 3) - (side - 1) / 2
    body = np.where(np.hypot(z, x) < 12, 100, 0).astype(np.float32)
    for place in ((4, -9, 5), (-6, 0, 3), (2, 8, -6), (0, -3, -5)):
        body[(z - place[0]) ** 2 + (y - place[1]) ** 2 + (x - place[2]) ** 2 < 8] = 1200
    clean = np.asarray(snpore.project(snpore.Volume(body, 1.0), ANGLES))
    blurred = ndimage.gaussian_filter(np.pad(clean, ((0, 0), (6, 6), (6, 6))), (0, 1, 1))
    rng = np.random.default_rng(3)
    noisy = rng.poisson(np.maximum(blurred, 0) * 0.2) / 0.2 + rng.normal(0, 20, blurred.shape)
    return noisy.astype(np.float32)


def hot(images):
    images[:, 20, 33] = 65535


def dead_column(images):
    images[:, :, 24] = 0


def dead_row(images):
    images[:, 21] = 0


def stuck_column(images):
    images[:, :, 24] = 65535


def bright_row(images):
    images[:, 17] += 900


FAULTS = {
    hot: "single pixels far outside",
    dead_column: r"dead or stuck columns \(24\)",
    dead_row: r"dead or stuck rows \(21\)",
    stuck_column: r"dead or stuck columns \(24\)",
    bright_row: r"dead or stuck rows \(17\)",
}


def series_with(images, fault):
    damaged = images.copy()
    fault(damaged)
    return TiltSeries(damaged, ANGLES, 1.0)


def test_sound_images_have_no_fault(images):
    series = TiltSeries(images, ANGLES, 1.0)
    assert image_faults(series).sentence is None
    assert required_step(repair_pixels(series).history, RepairPixelsStep).rows is None


@pytest.mark.parametrize(("fault", "words"), FAULTS.items())
def test_no_step_follows_a_fault_without_a_word(images, fault, words):
    series = series_with(images, fault)
    assert snpore.reconstruct(series, method="wbp").history[-1].parameters["note"]
    blur = snpore.find_blur(series)
    assert not blur.reliable
    for sentence in (image_faults(series).sentence, blur.reason):
        assert re.search(words, sentence)
        assert "repair_pixels" in sentence
    phases = snpore.Volume(np.ones((4, *images.shape[1:]), np.uint8), 1.0)
    left = polish_segmented(phases, series, blur_px=0.0).history[-1].parameters
    assert "repair_pixels" in left["note"]


@pytest.mark.parametrize("fault", FAULTS)
def test_the_repair_leaves_no_fault_and_no_trace(images, fault):
    repaired = repair_pixels(series_with(images, fault))
    assert image_faults(repaired).sentence is None
    # an edge of a ball changes by less than its height from one line to the next
    assert np.abs(repaired.images - images).max() < 4000
    assert np.median(np.abs(repaired.images - images)) == 0


def test_what_was_wrong_is_known_after_the_images_were_interpolated(images):
    series = series_with(images, dead_row)
    shifts = np.full((len(ANGLES), 2), 0.4)
    aligned = snpore.Alignment(shifts, 0.0, 0.0, np.zeros(len(ANGLES))).apply(series)
    made = required_step(aligned.history, AlignStep)
    assert "rows (21)" in made.image_faults
    assert image_faults(aligned).weighty
    assert not snpore.find_blur(aligned).reliable


def test_alignment_is_that_of_the_sound_images(images):
    series = series_with(images, stuck_column)
    found, sound = snpore.align(series), snpore.align(TiltSeries(images, ANGLES, 1.0))
    assert found.tilt_axis_angle_deg == pytest.approx(sound.tilt_axis_angle_deg, abs=1.5)
    assert any("columns (24)" in note and "left out" in note for note in found.notes)


def test_an_image_that_is_there_twice_is_named(images):
    twice = images.copy()
    twice[8] = twice[7]
    assert (
        "images 7 and 8 are the same"
        in image_faults(TiltSeries(twice, ANGLES, 1.0)).sentence.lower()
    )


@pytest.mark.parametrize("value", [0, 65535])
def test_a_blur_is_not_sought_with_an_image_of_one_value(images, value):
    flat = images.copy()
    flat[5] = value
    with pytest.raises(InputError, match="Image 5 of the tilt series has the same value"):
        snpore.find_blur(TiltSeries(flat, ANGLES, 1.0))


def test_images_clipped_below_the_largest_value_of_their_type_are_named(images):
    clipped = images.copy()
    clipped[4] = np.minimum(images[4], np.percentile(images[4], 95))
    reasons = inspect_tilts(TiltSeries(clipped, ANGLES, 1.0))["reason"]
    assert reasons[4] == "5 % of its pixels are saturated"
    assert (reasons.drop(4) == "").all()


def test_borders_and_wires_are_no_bad_lines():
    rng = np.random.default_rng(0)
    image = rng.normal(100, 5, (60, 60)).astype(np.float32)
    image[:6] = image[:, -4:] = 0  # what an alignment leaves
    image[30] += 400 * np.exp(-0.5)  # a wire 2.4 px wide (FWHM) along a row
    image[29] += 400 * np.exp(-0.125)
    image[28] += 400 * np.exp(-0.125)
    image[27] += 400 * np.exp(-0.5)
    clean, _ = without_far_pixels(image)
    assert not any(lines.any() for lines in bad_lines(image, clean))

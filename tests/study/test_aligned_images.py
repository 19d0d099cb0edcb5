"""Images behind a volume, made again from the raw series by its history."""

from __future__ import annotations

import numpy as np
import pytest

from napari_snpore.errors import InputError
from napari_snpore.history import HistoryStep, ReadStep, ReconstructStep
from napari_snpore.study.aligned_images import aligned_images, steps_to_images
from napari_snpore.study.recipe import PrepareSection
from napari_snpore.study.stages import prepare
from napari_snpore.tomography.alignment import Alignment
from napari_snpore.tomography.tilt_series import TiltSeries


@pytest.fixture
def raw():
    rng = np.random.default_rng(0)
    images = rng.poisson(50, (8, 24, 32)).astype(np.uint16)
    return TiltSeries(images, np.arange(8) * 5.0, 0.5, 90.0, (ReadStep("rod.mrc").step,))


@pytest.fixture
def aligned(raw):
    section = PrepareSection(
        leave_out=[2], repair_pixels=True, crop_px=(0, 24, 4, 28), bin=2, background=3.0
    )
    prepared = prepare(raw, section)
    shifts = np.random.default_rng(1).normal(0, 1, (7, 2))
    return Alignment(shifts, 88.0, 0.5, np.zeros(7)).apply(prepared)


def history_of(aligned):
    return (*aligned.history, ReconstructStep("tv", tilts=len(aligned.angles_deg)).step)


def test_the_same_images_come_out_again(raw, aligned):
    again = aligned_images(raw, history_of(aligned))
    np.testing.assert_array_equal(again.images, aligned.images)
    np.testing.assert_array_equal(again.angles_deg, aligned.angles_deg)
    assert again.pixel_size_nm == aligned.pixel_size_nm
    assert [step.name for step in again.history] == [step.name for step in aligned.history]


def test_aligned_images_themselves_need_no_step(aligned):
    assert steps_to_images(history_of(aligned), aligned.history) == ()
    assert aligned_images(aligned, history_of(aligned)) is aligned


def test_a_history_read_back_has_lists_for_tuples(raw, aligned):
    stored = tuple(
        HistoryStep(
            step.name,
            {k: list(v) if isinstance(v, tuple) else v for k, v in step.parameters.items()},
        )
        for step in history_of(aligned)
    )
    np.testing.assert_array_equal(aligned_images(raw, stored).images, aligned.images)


def test_another_series_is_refused(raw, aligned):
    other = TiltSeries(raw.images, raw.angles_deg, 0.5, 90.0, (ReadStep("tip.mrc").step,))
    with pytest.raises(InputError, match="not reconstructed from this tilt series"):
        aligned_images(other, history_of(aligned))
    few = TiltSeries(raw.images[:7], raw.angles_deg[:7], 0.5, 90.0, raw.history)
    made = (*raw.history, ReconstructStep("tv", tilts=8).step)
    with pytest.raises(InputError, match="from 8 tilts; this series has 7"):
        aligned_images(few, made)


def test_a_step_that_cannot_be_done_again_is_named(raw):
    history = (*raw.history, HistoryStep("denoise"), ReconstructStep("tv").step)
    with pytest.raises(InputError, match="step 'denoise'"):
        aligned_images(raw, history)


def test_a_volume_without_reconstruction_has_no_images(raw):
    assert steps_to_images(raw.history, raw.history) is None

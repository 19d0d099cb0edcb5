"""Quality numbers against closed forms and against a volume that explains its images exactly."""

import numpy as np
import pytest

from napari_snpore.errors import DisagreementError, InputError
from napari_snpore.history import ReconstructStep, SegmentStep
from napari_snpore.tomography.detector_blur import blur_images
from napari_snpore.tomography.projector import project
from napari_snpore.tomography.quality import (
    assess,
    crowther_nm,
    estimate_thickness,
    resolution_guide_of,
    wedge_elongation,
)
from napari_snpore.tomography.reconstruction import reconstruct
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.volume import Volume

ANGLES = np.arange(-68, 71, 2.0)


def fibre(n=96, radius=30, slices=4):
    z, x = np.mgrid[:n, :n] - (n - 1) / 2
    return np.repeat((np.hypot(z, x) < radius).astype(np.float32)[:, None], slices, axis=1)


@pytest.fixture(scope="module")
def truth():
    return Volume(fibre(), 0.5)


@pytest.fixture(scope="module")
def series(truth):
    return TiltSeries(project(truth, ANGLES), ANGLES, 0.5)


def test_published_values():
    assert wedge_elongation(69) == pytest.approx(1.33, abs=0.005)
    assert wedge_elongation(60) == pytest.approx(1.55, abs=0.005)
    assert wedge_elongation(90) == pytest.approx(1)
    assert crowther_nm(80, 2) == pytest.approx(80 * np.pi / 90)


def test_the_truth_leaves_no_residual(series, truth):
    quality = assess(series, truth)
    assert quality.residual < 1e-6
    assert max(quality.residual_per_tilt) < 1e-6
    assert len(quality.residual_per_tilt) == len(ANGLES)
    assert quality.gray_factor == pytest.approx(1, abs=1e-6)
    assert quality.tilt_range_deg == 138
    assert quality.tilt_step_deg == 2
    assert quality.wedge_elongation == pytest.approx(1.33, abs=0.005)
    assert quality.thickness_nm == pytest.approx(30, abs=0.6)  # 60 px of 0.5 nm
    assert quality.crowther_nm == pytest.approx(quality.thickness_nm * np.pi / 90)
    assert quality.mass_variation < 0.002


def test_one_wrong_tilt_shows(series, truth):
    images = series.images.copy()
    images[10] = np.roll(images[10], 8, axis=1)
    images[20] *= 1.5
    quality = assess(TiltSeries(images, ANGLES, 0.5), truth)
    assert set(np.argsort(quality.residual_per_tilt)[-2:]) == {10, 20}
    assert quality.mass_variation > 0.05


def test_a_scaled_volume_differs_by_its_factor_only(series, truth):
    quality = assess(series, Volume(truth.data * 4, 0.5))
    assert quality.gray_factor == pytest.approx(0.25)
    assert quality.residual < 1e-6


def test_an_empty_volume_explains_nothing(series, truth):
    assert assess(series, Volume(np.zeros_like(truth.data), 0.5)).residual == 1


def test_thickness_of_a_disc_with_background():
    images = project(fibre(radius=20), ANGLES) + 3
    assert estimate_thickness(TiltSeries(images, ANGLES, 2.0)) == pytest.approx(80, abs=2.5)


@pytest.mark.parametrize("angle", [0, -5, 91, float("nan")])
def test_impossible_tilts_are_refused(angle):
    with pytest.raises(InputError, match="max_tilt_deg"):
        wedge_elongation(angle)


def test_bad_input_is_refused(series, truth):
    with pytest.raises(InputError, match="whole reconstruction"):
        assess(series, Volume(truth.data[:, :2], 0.5))
    with pytest.raises(DisagreementError, match="must agree"):
        assess(series, Volume(truth.data, 0.6))
    with pytest.raises(InputError, match="thickness_nm is -1"):
        crowther_nm(-1, 2)


def test_the_history_of_a_volume_carries_its_resolution_guide(series, truth):
    """D of a cylinder of 30 nm at steps of 2°: 30 · π / 90 = 1.05 nm, in the history and in
    whatever reads it.
    """
    volume = reconstruct(series, iterations=3)
    guide = resolution_guide_of(volume.history)
    assert guide.thickness_nm == pytest.approx(30, abs=0.6)
    assert guide.crowther_nm == pytest.approx(1.05, abs=0.03)
    quality = assess(series, volume)
    assert (quality.thickness_nm, quality.crowther_nm) == (guide.thickness_nm, guide.crowther_nm)
    later = volume.after(SegmentStep((1.0,)), volume.data)
    assert resolution_guide_of(later.history) == guide
    assert resolution_guide_of(truth.history) is None


def test_projections_are_blurred_as_in_the_model(truth):
    images = blur_images(project(truth, ANGLES), 1.3)
    blurred = TiltSeries(images, ANGLES, 0.5)
    step = ReconstructStep("tv", blur_px=1.3, blur_from="user")
    assert assess(blurred, truth.after(step, truth.data)).residual < 1e-3
    assert assess(blurred, truth).residual > 0.02

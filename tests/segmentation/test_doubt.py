"""Thresholds that miss by tens of points say so, on volumes of total variation, SIRT and DART; the
default rule finds carbon there.
"""

from functools import cache

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.restoration import denoise_tv_chambolle

from napari_snpore.phantom.fibre import make_phantom
from napari_snpore.phantom.tilts import simulate_tilt_series
from napari_snpore.segmentation.calibration import calibrate_gray
from napari_snpore.segmentation.histogram import gray_histogram
from napari_snpore.segmentation.thresholds import suggest_thresholds
from napari_snpore.tomography.reconstruction import reconstruct

RULES = ["haadf", "multiotsu", "kmeans", "valley", "mixture", "minimum_error"]
FLATNESS = {"sharp": (0.35, 0.15, 0.08), "usual": (0.8, 0.6, 0.6), "flat": (1.0, 1.0, 1.5)}


@cache
def fibre(tin, kind):
    """Return (grey, phases, envelope): a fibre of levels 0, 1 and ``tin``, blurred, with noise,
    smoothed by scikit-image's total variation or reconstructed.
    """
    state = "pristine" if tin == 2 else "sodiated"
    made = make_phantom(state, shape=(80, 80, 80), seed=131, easy=tin == 2)
    if kind in ("sirt", "dart"):
        series = simulate_tilt_series(made, angles_deg=np.arange(-69, 70, 2), dose=1000, seed=131)
        return reconstruct(series, method=kind, threads=1).data, made.phases, made.envelope
    blur, noise, weight = FLATNESS[kind]
    scale = 0.3 if tin == 2 else 1.0
    truth = np.array([0, 0, 1, tin], np.float32)[made.phases]
    signal = np.sqrt(1 + gaussian_filter(truth, 2))
    rng = np.random.default_rng(131)
    rough = gaussian_filter(truth, blur) + scale * noise * signal * rng.standard_normal(truth.shape)
    flat = denoise_tv_chambolle(rough, weight=scale * weight, max_num_iter=60)
    return np.maximum(flat, 0).astype(np.float32), made.phases, made.envelope


def misses(tin, kind, method, *, inside=False):
    """Return by how many points pore and tin miss the truth, and the warning."""
    gray, phases, envelope = fibre(tin, kind)
    found = suggest_thresholds(
        gray_histogram(gray, mask=envelope if inside else None), method=method
    )
    t1, t2 = found.thresholds
    seen, true = gray[envelope], phases[envelope]
    pore = 100 * (np.mean(seen < t1) - np.mean(true == 1))
    tin_ = 100 * (np.mean(seen >= t2) - np.mean(true == 3))
    return pore, tin_, found.warning


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("kind", FLATNESS)
@pytest.mark.parametrize("tin", [2, 12])
def test_haadf_finds_the_levels_of_total_variation(tin, kind, inside):
    pore, tin_points, _ = misses(tin, kind, "haadf", inside=inside)
    assert abs(pore) < 8
    assert abs(tin_points) < 8


@pytest.mark.parametrize("inside", [False, True])
def test_haadf_finds_carbon_where_it_is_a_shoulder_and_says_that_it_guesses(inside):
    """SIRT at 12 times carbon: the only peak of the counts above the vacuum is tin, and half way to
    it would read 55 points too much pore.
    """
    pore, tin_points, warning = misses(12, "sirt", "haadf", inside=inside)
    assert abs(pore) < 14
    assert abs(tin_points) < 4
    assert warning is not None
    gray, phases, _ = fibre(12, "sirt")
    calibration = calibrate_gray(gray_histogram(gray))
    assert calibration.carbon == pytest.approx(float(np.median(gray[phases == 2])), rel=0.4)


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("kind", [*FLATNESS, "sirt", "dart"])
@pytest.mark.parametrize("tin", [2, 12])
def test_who_misses_by_tens_of_points_says_so(tin, kind, inside):
    for method in RULES:
        pore, tin_points, warning = misses(tin, kind, method, inside=inside)
        assert max(abs(pore), abs(tin_points)) < 10 or warning is not None, method


@pytest.mark.parametrize("method", ["haadf", "multiotsu", "kmeans"])
@pytest.mark.parametrize("kind", ["sharp", "usual"])
def test_no_false_alarm_at_low_contrast(kind, method):
    pore, _, warning = misses(2, kind, method)
    assert abs(pore) < 8
    assert warning is None


def test_the_disagreement_gives_both_numbers():
    """At 12 times carbon the class of least variance below tin holds vacuum and carbon."""
    _, _, warning = misses(12, "usual", "multiotsu")
    assert "Rules disagree" in warning
    assert "by the grey levels of the phases (t1 = " in warning


def test_drawn_floats_are_named_and_labels_are_not():
    drawn = np.repeat([0.0, 1.0, 12.0], [5000, 2000, 1000]).reshape(20, 20, 20)
    of_floats = suggest_thresholds(gray_histogram(drawn.astype(np.float32)))
    assert "holds only 3 different values" in of_floats.warning
    assert suggest_thresholds(gray_histogram(drawn.astype(np.uint8))).warning is None

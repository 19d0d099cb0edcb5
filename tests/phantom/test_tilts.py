from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_snpore.errors import InputError
from napari_snpore.phantom import Misalignment, make_phantom, simulate_tilt_series
from napari_snpore.phantom.tilts import misaligned
from napari_snpore.tomography.alignment import Alignment

ANGLES = np.arange(-60.0, 61, 15)


@pytest.fixture(scope="module")
def fibre():
    return make_phantom("pristine", shape=(56, 48, 56), spacing=0.3, seed=2)


@pytest.fixture(scope="module")
def clean(fibre):
    return simulate_tilt_series(fibre, angles_deg=ANGLES, dose=None, seed=0)


def blob(y, x, shape=(61, 81)):
    rows, columns = np.indices(shape)
    return np.exp(-(((rows - y) ** 2 + (columns - x) ** 2) / 8)).astype(np.float32)


def test_untilted_image_without_noise_is_the_sum_along_z(fibre, clean):
    np.testing.assert_allclose(clean.images[4], fibre.volume.data.sum(axis=0), rtol=1e-4, atol=1e-3)
    assert clean.images.dtype == np.float32
    assert clean.pixel_size_nm == 0.3
    assert clean.tilt_axis_angle_deg == 0
    np.testing.assert_array_equal(clean.angles_deg, ANGLES)


def test_dose_is_the_mean_count_over_the_shadow_of_the_fibre_at_tilt_0(fibre):
    series = simulate_tilt_series(fibre, angles_deg=[0.0], dose=200, seed=1)
    counts = series.images[0].astype(np.float64) * series.history[-1].parameters["counts_per_unit"]
    np.testing.assert_allclose(counts, np.round(counts), atol=0.01)
    shadow = fibre.envelope.any(axis=0)
    assert counts[shadow].mean() == pytest.approx(200, rel=0.01)
    assert counts[:, [0, -1]].max() == 0


def test_noise_is_that_of_counts(fibre, clean):
    series = simulate_tilt_series(fibre, angles_deg=ANGLES, dose=500, seed=1)
    gain = series.history[-1].parameters["counts_per_unit"]
    expected = clean.images.astype(np.float64) * gain
    inside = expected > 50
    deviation = (series.images * gain - expected)[inside] / np.sqrt(expected[inside])
    assert deviation.mean() == pytest.approx(0, abs=0.03)
    assert deviation.std() == pytest.approx(1, abs=0.03)


def test_noise_is_repeatable_and_changes_with_the_seed(fibre):
    first, again, other = (
        simulate_tilt_series(fibre, angles_deg=ANGLES, dose=500, seed=s).images for s in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize(
    ("angle", "place"),
    [
        # aligned blob at (4, 1) from the centre, offset 5: at (4, 6) along and across the axis;
        # shift (2, -3) is still to come
        (0.0, (4 - 2, 6 + 3)),
        (90.0, (-6 - 2, 4 + 3)),  # along = +x, across = -y
        (45.0, ((4 - 6) / 2**0.5 - 2, (4 + 6) / 2**0.5 + 3)),
    ],
)
def test_what_a_misalignment_does_to_a_point(angle, place):
    raw = misaligned(blob(30 + 4, 40 + 1)[None], Misalignment([(2, -3)], angle, 5.0))[0]
    assert raw.shape == ((81, 61) if angle == 90 else (61, 81))
    found = np.array(ndimage.center_of_mass(raw)) - [(n - 1) / 2 for n in raw.shape]
    np.testing.assert_allclose(found, place, atol=0.02)


@pytest.mark.parametrize(("angle", "offset"), [(0.0, 0.0), (6.5, 3.2), (-35.0, -2.0), (84.0, 4.0)])
def test_the_corrections_of_an_alignment_undo_it(fibre, clean, angle, offset):
    wrong = Misalignment.random(
        9, sd_px=2.5, seed=4, tilt_axis_angle_deg=angle, tilt_axis_offset_px=offset
    )
    raw = simulate_tilt_series(fibre, angles_deg=ANGLES, dose=None, misalignment=wrong, seed=0)
    assert raw.tilt_axis_angle_deg == pytest.approx(angle)
    right = Alignment(
        wrong.shifts_px, wrong.tilt_axis_angle_deg, wrong.tilt_axis_offset_px, np.zeros(9)
    ).apply(raw)
    assert right.images.shape == clean.images.shape
    inner = (slice(None), slice(18, -18), slice(18, -18))
    # what two interpolations of hardly blurred images cost is above the finest detail alone
    left, there = (
        ndimage.gaussian_filter(one, (0, 1, 1))[inner].std()
        for one in (right.images - clean.images, clean.images)
    )
    assert left < 0.02 * there


def test_fibre_goes_on_mirrored_beyond_the_cut_face(fibre, clean):
    down = Misalignment(np.full((9, 2), (-10.0, 0.0)))
    raw = simulate_tilt_series(
        fibre, angles_deg=ANGLES, dose=None, misalignment=down, seed=0
    ).images
    np.testing.assert_allclose(raw[:, 10:], clean.images[:, :-10], atol=0.01)
    np.testing.assert_allclose(raw[:, :10][:, ::-1], clean.images[:, :10], atol=0.01)


def test_random_misalignment():
    wrong = Misalignment.random(
        400, sd_px=3.0, seed=1, tilt_axis_angle_deg=100.0, tilt_axis_offset_px=2.0
    )
    np.testing.assert_allclose(wrong.shifts_px.std(axis=0), 3, rtol=0.1)
    np.testing.assert_array_equal(
        wrong.shifts_px, Misalignment.random(400, sd_px=3.0, seed=1).shifts_px
    )
    assert wrong.tilt_axis_angle_deg == 100.0, (
        "the direction is kept: -80° would be the mirror image"
    )
    assert wrong.tilt_axis_offset_px == 2


def test_bad_input_is_refused(fibre):
    with pytest.raises(InputError, match="dose is 0"):
        simulate_tilt_series(fibre, angles_deg=ANGLES, dose=0, seed=0)
    with pytest.raises(InputError, match="3 tilts"):
        simulate_tilt_series(
            fibre, angles_deg=ANGLES, dose=None, misalignment=Misalignment(np.zeros((3, 2))), seed=0
        )
    with pytest.raises(InputError, match="shifts_px"):
        Misalignment(np.zeros(3))
    with pytest.raises(InputError, match="sd_px"):
        Misalignment.random(3, sd_px=-1, seed=0)

"""The noise model against images whose noise is known, and the weights made from it."""

import numpy as np
import pytest
import scipy

from napari_snpore import make_phantom, simulate_tilt_series
from napari_snpore.errors import InputError, Stopped
from napari_snpore.history import SimulateTiltSeriesStep, last_step
from napari_snpore.tomography.alignment import Alignment
from napari_snpore.tomography.noise import NoiseModel, noise_level, noise_model
from napari_snpore.tomography.noise_interpolation import (
    cardinal_spline,
    interpolation_of,
    mask_answers,
)
from napari_snpore.tomography.noise_samples import TAPS, mask_answer
from napari_snpore.tomography.preparation import crop_series
from napari_snpore.tomography.row_slabs import RowSlab
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.tomography.weights import image_weights, least_power_of_slabs

TILTS, SIDE = 20, 128
ANGLES = np.linspace(-60, 60, TILTS)


def series(images):
    return TiltSeries(images, ANGLES[: len(images)], 1.0)


@pytest.fixture(scope="module")
def rod():
    """Projection of a smooth body: brightest in the middle, vacuum around it."""
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    body = 400 * np.maximum(1 - (np.hypot(y, x) / 45) ** 2, 0)
    return np.broadcast_to(body, (TILTS, SIDE, SIDE))


def measured(clean, *, gain=1.0, read=0.0, dark=0.0, seed=1):
    """Counts per grey unit, read noise and dark level in grey units."""
    rng = np.random.default_rng(seed)
    return rng.poisson(clean * gain) / gain + rng.normal(0, read, clean.shape) + dark


def aligned(images, *, shifts=None, angle=0.0, offset=0.0, seed=2):
    if shifts is None:
        shifts = np.random.default_rng(seed).uniform(-1, 1, (TILTS, 2))
    return Alignment(shifts, angle, offset, np.zeros(TILTS)).apply(series(images))


@pytest.mark.parametrize("gain", [0.05, 1.0, 4.0])
def test_counting_noise_alone(rod, gain):
    found = noise_model(series(measured(rod, gain=gain)))
    assert found.b == pytest.approx(1 / gain, rel=0.04)
    assert found.gain == pytest.approx(gain, rel=0.04)
    assert abs(found.a) < 0.002 * rod.max() / gain
    assert found.interpolation == 1


def test_counting_and_read_noise_on_a_gradient():
    ramp = np.broadcast_to(np.linspace(0, 60, SIDE), (TILTS, SIDE, SIDE))
    found = noise_model(series(measured(ramp, read=5.0)))
    assert found.b == pytest.approx(1, rel=0.06)
    assert found.a == pytest.approx(25, rel=0.06)


@pytest.mark.parametrize(("level", "read"), [(100, 5.0), (0, 3.0)])
def test_one_grey_value_gives_the_variance_there(level, read):
    found = noise_model(series(measured(np.full((TILTS, SIDE, SIDE), level), read=read)))
    assert found.variance(level) == pytest.approx(level + read**2, rel=0.04)
    assert found.b == 0
    assert found.gain == np.inf


@pytest.mark.parametrize("kind", [np.uint16, np.int32, np.float32])
def test_a_dark_level_left_in_the_images(rod, kind):
    images = np.round(measured(rod, dark=100)).astype(kind)
    found = noise_model(series(images))
    assert found.b == pytest.approx(1, rel=0.04)
    assert found.a == pytest.approx(-100, rel=0.04)
    assert found.variance(np.array([50.0, 100.0, 300.0])) == pytest.approx([0, 0, 200], abs=8)
    assert (found.variance([0.0, 50.0]) > 0).all()


def test_a_subtracted_background_leaves_values_below_zero(rod):
    images = measured(rod, read=4.0)
    assert images.min() < -10
    found = noise_model(series(images))
    assert found.b == pytest.approx(1, rel=0.04)
    assert found.a == pytest.approx(16, rel=0.08)


def test_hot_pixels_do_not_move_the_result(rod):
    images = measured(rod, read=4.0)
    before = noise_model(series(images)), noise_level(series(images))
    hot = images.copy()
    hot[3, 50, 60] *= 1000
    hot[:, 10, 10] = 1e5  # one pixel of the detector
    after = noise_model(series(hot)), noise_level(series(hot))
    assert after[0].a == pytest.approx(before[0].a, rel=0.01)
    assert after[0].b == pytest.approx(before[0].b, rel=0.01)
    assert after[1].sigma == pytest.approx(before[1].sigma, rel=0.01)


def test_hot_pixels_in_a_vacuum_without_a_count(rod):
    images = measured(rod)
    images[:, 5, 5] = 5e5
    assert noise_model(series(images)).b == pytest.approx(1, rel=0.04)


@pytest.mark.parametrize("value", [0.0, 7.0])
def test_no_noise(value):
    found = noise_model(series(np.full((3, 32, 32), value)))
    assert (found.a, found.b, found.gain) == (0, 0, np.inf)
    assert found.floor > 0
    assert np.isfinite(1 / found.variance(np.zeros(2, np.float32))).all()
    assert noise_level(series(np.full((3, 32, 32), value))).share == 0


def test_a_smooth_object_without_noise(rod):
    blurred = scipy.ndimage.gaussian_filter(rod, (0, 2, 2))
    found = noise_model(series(blurred))
    assert np.sqrt(found.variance(400.0)) < 1e-4 * 400


@pytest.mark.parametrize(
    "how",
    [
        {"shifts": np.full((TILTS, 2), 0.5)},
        {},
        {"angle": 4.0, "offset": 0.3},
        {"angle": 0.1},
        {"angle": 90.0, "offset": 5.3},
    ],
    ids=["half a pixel", "shifts", "turned", "turned a little", "quarter turn"],
)
def test_interpolated_images_have_the_raw_noise(rod, how):
    found = noise_model(aligned(measured(rod, read=4.0), **how))
    assert found.b == pytest.approx(1, rel=0.05)
    assert found.a == pytest.approx(16, rel=0.1)


@pytest.mark.parametrize("angle", [0.0, 4.0, 90.0])
def test_interpolation_is_the_mean_factor_of_white_noise(angle):
    noise = np.random.default_rng(3).normal(0, 1, (TILTS, SIDE, SIDE))
    moved = aligned(noise, angle=angle, offset=0.3)
    inner = moved.images[:, 12:-12, 12:-12]
    assert noise_model(moved).interpolation == pytest.approx(inner.var(), rel=0.01)


@pytest.mark.parametrize("angles", [(0.0, 0.0), (0.0, 0.1), (0.1, 0.1)])
def test_images_aligned_twice_have_the_raw_noise(rod, angles):
    moved = aligned(measured(rod), angle=angles[0])
    shifts = np.random.default_rng(4).uniform(-1, 1, (TILTS, 2))
    moved = Alignment(shifts, angles[1], 0.0, np.zeros(TILTS)).apply(moved)
    found = noise_model(moved)
    assert found.power(200.0) == pytest.approx(200, rel=0.1)
    once = noise_model(TiltSeries(moved.images, ANGLES, 1.0, history=moved.history[-1:]))
    assert once.power(200.0) < 0.6 * 200  # what the first one took away reads as less noise


def test_two_interpolations_take_away_what_simulated_noise_loses():
    noise = np.random.default_rng(3).normal(0, 1, (TILTS, SIDE, SIDE))
    moved = aligned(noise)
    moved = Alignment(np.full((TILTS, 2), 0.3), 0.0, 0.0, np.zeros(TILTS)).apply(moved)
    inner = moved.images[:, 12:-12, 12:-12]
    assert noise_model(moved).interpolation == pytest.approx(inner.var(), rel=0.01)


def test_a_crop_after_a_rotation(rod):
    moved = crop_series(aligned(measured(rod, read=4.0), angle=5.0), (10, 110), (12, 115))
    assert noise_model(moved).b == pytest.approx(1, rel=0.05)


def test_an_alignment_of_other_tilts_is_not_used(rod):
    moved = aligned(measured(rod))
    fewer = TiltSeries(moved.images[:5], ANGLES[:5], 1.0, history=moved.history)
    assert interpolation_of(fewer, TAPS).factor == 1


def test_the_cardinal_spline_is_that_of_scipy():
    pulse = np.zeros(41)
    pulse[20] = 1
    t = np.linspace(-4, 4, 33)
    expected = scipy.ndimage.map_coordinates(pulse, [20 + t], order=3, mode="mirror")
    assert cardinal_spline(t) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("angle", [0.0, 30.0])
def test_mask_answers_are_those_of_simulated_noise(angle):
    noise = np.random.default_rng(0).normal(size=(400, 41, 41))
    turn = np.deg2rad(angle)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    place = np.array([0.3, 0.2])
    middle = np.array([20.0, 20.0])
    answers = []
    for one in noise:
        moved = scipy.ndimage.affine_transform(
            one, matrix, middle + place - matrix @ [4, 4], (9, 9)
        )
        answers.append(mask_answer(moved.astype(np.float32), TAPS)[4, 4])
    found = mask_answers(place[None], matrix, TAPS)[0]
    assert found == pytest.approx(np.square(answers).mean(), rel=4 * np.sqrt(2 / 400))


@pytest.mark.parametrize("easy", [True, False])
@pytest.mark.parametrize("dose", [300, 1000, 10_000])
def test_the_gain_of_simulated_fibres(phantoms, easy, dose):
    made = simulate_tilt_series(
        phantoms[easy], angles_deg=np.arange(-69, 70, 6.0), dose=dose, seed=5
    )
    gain = last_step(made.history, SimulateTiltSeriesStep).counts_per_unit
    found = noise_model(made)
    assert found.b == pytest.approx(1 / gain, rel=0.05)
    assert abs(found.a) < 0.01 * found.b * made.images.mean()


@pytest.fixture(scope="module")
def phantoms():
    """Fibres of voxels as large as their blur (standard deviation), the default of a study."""
    return {
        easy: make_phantom("pristine", shape=(96,) * 3, spacing=0.15, seed=3, easy=easy)
        for easy in (True, False)
    }


def test_noise_level_is_of_one_estimate_with_the_model(rod):
    images = measured(rod, read=4.0)
    noise = images - rod
    found = noise_level(series(images))
    assert found.share == pytest.approx(np.linalg.norm(noise) / np.linalg.norm(images), rel=0.02)
    sigma = np.sqrt(np.average(np.square(noise), weights=rod))
    assert found.sigma == pytest.approx(sigma, rel=0.02)


def test_threads_make_no_difference(rod, monkeypatch):
    made = aligned(measured(rod), angle=3.0)
    found = []
    for count in "12":
        monkeypatch.setenv("SNPORE_THREADS", count)
        found.append(noise_model(made))
    assert found[0] == found[1]


class OneByOne:
    """Images on disk: only one at a time is given out."""

    ndim = 3

    def __init__(self, images):
        self.images, self.shape, self.dtype = images, images.shape, images.dtype

    def __getitem__(self, tilt):
        assert isinstance(tilt, int)
        return self.images[tilt]

    def __len__(self):
        return len(self.images)


def test_images_are_read_one_at_a_time(rod):
    images = measured(rod).astype(np.float32)
    lazy = series(OneByOne(images))
    found = noise_model(lazy)
    assert found == noise_model(series(images))
    assert np.array_equal(image_weights(lazy.images, found), image_weights(images, found))


def test_bad_input(rod):
    images = measured(rod)[:3]
    images[1, 2, 3] = np.nan
    with pytest.raises(InputError, match="Image 1 of the tilt series holds NaN"):
        noise_model(series(images))
    with pytest.raises(InputError, match="b is -1"):
        NoiseModel(0.0, -1.0, 1.0)
    with pytest.raises(InputError, match="interpolation is 0"):
        NoiseModel(0.0, 1.0, 1.0, interpolation=0.0)
    with pytest.raises(InputError, match="a is nan"):
        NoiseModel(np.nan, 1.0, 1.0)
    with pytest.raises(Stopped):
        noise_model(series(measured(rod)), should_stop=lambda: True)


def test_variance_and_power_by_hand():
    model = NoiseModel(2.0, 0.5, 2.0, interpolation=0.5, floor=0.1)
    gray = np.array([-4.0, 0.0, 8.0], np.float32)
    assert model.power(gray).tolist() == [2, 2, 6]
    assert model.variance(gray).tolist() == [1, 1, 3]
    assert model.variance(gray).dtype == np.float32
    assert NoiseModel(-4.0, 1.0, 1.0, floor=0.1).power([0.0, 6.0]).tolist() == [0.1, 2]


def test_weights_of_a_step_by_hand():
    """Object of 10 (power 12) beside vacuum (power 2 → at least half of 12); no smoothing."""
    images = np.zeros((2, 4, 6), np.float32)
    images[:, :, 3:] = 10
    model = NoiseModel(2.0, 1.0, 1.0)
    found = image_weights(images, model, smooth_px=0.0, floor=0.5)
    assert found[0, 0] == pytest.approx([1 / 6] * 3 + [1 / 12] * 3)
    assert image_weights(images, model, smooth_px=0.0)[0, 0, 0] == pytest.approx(1 / 2)


def test_weighted_noise_has_mean_square_one(rod):
    images = measured(rod, read=4.0)
    weights = image_weights(images, noise_model(series(images)))
    inside = rod > 40
    noise = images - rod
    assert (weights * np.square(noise))[inside].mean() == pytest.approx(1, rel=0.03)
    # and no pull towards dark pixels: the weighted mean is that of the object
    assert np.average(noise[inside], weights=weights[inside]) == pytest.approx(0, abs=0.1)


def test_rows_of_images_have_the_weights_of_the_whole(rod):
    images = measured(rod)
    noise = noise_model(series(images))
    slabs = [RowSlab(0, 40, 0, 60), RowSlab(40, 128, 20, 128)]
    least = least_power_of_slabs(slabs, images, noise, None, None)
    assert least_power_of_slabs(slabs[:1], images, noise, None, None) is None
    whole = image_weights(images, noise)
    rows = image_weights(images[:, 20:60], noise, least_power=least)
    assert np.array_equal(rows[:, 8:-8], whole[:, 28:52])  # the smoothing reaches 8 rows
    assert image_weights(images[:, :20], noise).max() != whole.max(), "those of vacuum alone"


def test_weights_of_vacuum_are_bounded(rod):
    images = measured(rod)
    weights = image_weights(images, noise_model(series(images)))
    mean_power = rod[rod > 20].mean()
    assert weights.max() == pytest.approx(20 / mean_power, rel=0.1)
    assert weights.dtype == np.float32


def test_weights_without_noise_are_one():
    assert (image_weights(np.ones((2, 8, 8)), NoiseModel(0.0, 0.0, np.inf)) == 1).all()


def test_weights_on_threads_and_bad_input(rod):
    images, model = measured(rod)[:4], NoiseModel(0.0, 1.0, 1.0)
    assert np.array_equal(
        image_weights(images, model, threads=1), image_weights(images, model, threads=2)
    )
    with pytest.raises(InputError, match="floor is 0"):
        image_weights(images, model, floor=0.0)
    with pytest.raises(InputError, match="smooth_px is -1"):
        image_weights(images, model, smooth_px=-1.0)
    with pytest.raises(InputError, match="needed"):
        image_weights(images[0], model)
    with pytest.raises(Stopped):
        image_weights(images, model, should_stop=lambda: True)

"""Fourier shell correlation against known spectra, a plain numpy reference, and what a wedge leaves
unmeasured.
"""

import numpy as np
import pytest

from napari_snpore.errors import InputError
from napari_snpore.tomography.even_odd import even_odd_correlation
from napari_snpore.tomography.projector import project
from napari_snpore.tomography.shell_correlation import (
    fourier_shell_correlation,
    half_bit,
    measured_directions,
    soft_cylinder,
)
from napari_snpore.tomography.tilt_series import TiltSeries

WEDGE = np.arange(-60, 61, 2.0)


def noise(seed, shape=(48, 48, 48)):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def reference(one, two, spacing):
    """Shells of the full complex transform, nothing left out."""
    spectra = [np.fft.fftn(data - data.mean()) for data in (one, two)]
    axes = np.meshgrid(
        *(np.fft.fftfreq(n, d) for n, d in zip(one.shape, spacing, strict=True)), indexing="ij"
    )
    width = 1 / min(n * d for n, d in zip(one.shape, spacing, strict=True))
    shell = np.floor(np.sqrt(sum(axis**2 for axis in axes)) / width + 0.5).astype(int)
    product, power, other = (
        np.bincount(shell.ravel(), values.ravel())
        for values in (
            (spectra[0] * spectra[1].conj()).real,
            abs(spectra[0]) ** 2,
            abs(spectra[1]) ** 2,
        )
    )
    return product[1:] / np.sqrt(power * other)[1:], np.bincount(shell.ravel())[1:] / 2


@pytest.mark.parametrize(
    ("shape", "spacing"), [((32, 32, 32), (1, 1, 1)), ((24, 31, 40), (0.5, 0.4, 0.3))]
)
def test_curve_is_that_of_a_plain_transform(shape, spacing):
    signal = noise(0, shape)
    one, two = signal + noise(1, shape), signal + 0.5 * noise(2, shape)
    found = fourier_shell_correlation(one, two, spacing=spacing, taper=False).table
    whole = found[found["direction"] == "all"]
    expected, count = reference(one, two, spacing)
    assert whole["correlation"].to_numpy() == pytest.approx(expected[: len(whole)], abs=1e-5)
    assert whole["coefficient_count"].to_numpy() == pytest.approx(count[: len(whole)])


def test_equal_volumes_agree_and_noise_does_not():
    same = fourier_shell_correlation(noise(0), noise(0), spacing=0.3)
    assert same.table["correlation"].dropna().to_numpy() == pytest.approx(1)
    assert same.outcome() == "not crossed"
    assert np.isnan(same.resolution_nm())
    assert same.finest_nm == pytest.approx(0.6)
    other = fourier_shell_correlation(noise(0), noise(1), spacing=0.3).table
    spread = other["correlation"] * np.sqrt(other["coefficient_count"])
    assert 0.7 < spread.std() < 1.8  # the taper leaves fewer independent ones than there are
    assert np.isnan(fourier_shell_correlation(noise(0), noise(1), spacing=0.3).resolution_nm())


def test_correlation_is_signal_over_signal_and_noise():
    z, y, x = (
        np.fft.fftfreq(64)[shape]
        for shape in (np.s_[:, None, None], np.s_[None, :, None], np.s_[None, None, :])
    )
    falloff = np.exp(-((z**2 + y**2 + x**2) / (2 * 0.12**2)) / 2)
    signal = np.fft.ifftn(np.fft.fftn(noise(0, (64,) * 3)) * falloff).real
    found = fourier_shell_correlation(
        signal + 0.3 * noise(1, (64,) * 3), signal + 0.3 * noise(2, (64,) * 3), spacing=1.0
    )
    whole = found.table[found.table["direction"] == "all"]
    power = np.exp(-(whole["frequency_per_nm"] ** 2) / (2 * 0.12**2))
    expected = power / (power + 0.09)
    assert np.abs(whole["correlation"] - expected)[3:].max() < 0.08
    # the half-bit curve tends to 0.1716 at many coefficients: signal to noise 0.2071
    frequency = 0.12 * np.sqrt(-2 * np.log(0.2071 * 0.09))
    assert found.resolution_nm() == pytest.approx(1 / frequency, rel=0.1)


def test_half_bit_curve_at_known_counts():
    assert half_bit(np.array([1.0, 100.0, 1e8])) == pytest.approx(
        [1.0, 0.3981 / 1.29812, 0.17167], abs=1e-3
    )


def turned(degrees):
    return np.sin(np.radians(degrees)), np.cos(np.radians(degrees))


@pytest.mark.parametrize("about", [0.0, 90.0, 180.0, -33.0])
def test_directions_between_tilts_and_half_a_step_beyond_are_measured(about):
    inside = about + np.linspace(-60.99, 60.99, 300)
    beyond = about + np.linspace(61.01, 118.99, 300)
    for sign in (0, 180):  # a direction and its opposite are one
        assert measured_directions(WEDGE + about, *turned(inside + sign)).all()
        assert not measured_directions(WEDGE + about, *turned(beyond + sign)).any()


def test_uneven_steps_leave_no_holes_but_missing_tilts_do():
    tilts = [0.0]
    while tilts[-1] < 70:  # steps that shrink with the cosine of the tilt
        tilts.append(
            tilts[-1]
            + np.rad2deg(np.arcsin(np.sin(np.radians(2.5)) * np.cos(np.radians(tilts[-1]))))
        )
    assert measured_directions(
        [-t for t in tilts[:0:-1]] + tilts, *turned(np.linspace(-70, 70, 999))
    ).all()
    left_out = np.delete(WEDGE, [20, 21])  # -20° and -18°
    assert measured_directions(left_out, *turned([-21.2, -16.8])).all()
    assert not measured_directions(left_out, *turned([-20.9, -19.0, -17.1])).any()


def test_axis_is_measured_by_every_tilt_and_a_whole_half_turn_leaves_nothing_out():
    assert measured_directions(WEDGE, 0.0, 0.0)
    assert measured_directions(np.arange(-90, 91, 2.0), *turned(np.linspace(0, 180, 500))).all()
    with pytest.raises(InputError, match="fewer than two"):
        measured_directions([0, 180], 1.0, 0.0)


def test_wedge_holds_no_data():
    narrow = fourier_shell_correlation(
        noise(0), noise(0), spacing=1.0, angles_deg=np.arange(-40, 41, 2.0)
    )
    rows = narrow.table.set_index("direction")
    assert rows.loc["z", "correlation"].isna().all()
    assert (rows.loc["z", "coefficient_count"] == 0).all()
    assert narrow.outcome("z") == "no data"
    assert np.isnan(narrow.resolution_nm("z"))
    assert rows.loc["x", "correlation"].notna().any()


def test_every_coefficient_is_counted_once():
    table = fourier_shell_correlation(noise(0), noise(1), spacing=1.0).table
    whole = table[table["direction"] == "all"]["coefficient_count"].sum()
    fz, fy, fx = np.meshgrid(*[np.fft.fftfreq(48)] * 3, indexing="ij")
    inside = (np.floor(np.sqrt(fz**2 + fy**2 + fx**2) * 48 + 0.5) <= 24).sum() - 1
    assert whole == inside / 2


def test_a_constant_behind_the_window_does_not_correlate():
    here, there = noise(0) + 1000, noise(1) - 1000
    table = fourier_shell_correlation(
        here, there, spacing=1.0, mask=soft_cylinder((48, 48), radius_px=12)
    ).table
    assert np.abs(table["correlation"])[table["coefficient_count"] > 300].max() < 0.35


def test_mask_leaves_out_noise_around_the_object():
    z, x = np.mgrid[:64, :64] - 31.5
    inside = (np.hypot(z, x) < 14)[:, None]
    signal = noise(0, (64, 64, 64)) * inside
    mask = soft_cylinder((64, 64), radius_px=16)
    one, two = signal + noise(1, (64, 64, 64)), signal + noise(2, (64, 64, 64))
    bare, masked = (
        fourier_shell_correlation(one, two, spacing=1.0, mask=m).table for m in (None, mask)
    )
    whole = (bare["direction"] == "all") & (bare["coefficient_count"] > 300)
    ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(6) + 0.5) / 6)  # a tenth of a side at each end
    side = np.concatenate([ramp, np.ones(52), ramp[::-1]])
    for found, weights in (
        (bare, np.ones((64, 64))),
        (masked, mask),
    ):  # power of the signal over that of both
        window = (np.outer(side, side) * weights) ** 2
        share = (window * inside[:, 0]).sum() / window.sum()
        assert found["correlation"][whole].mean() == pytest.approx(share / (1 + share), abs=0.03)


@pytest.mark.parametrize(
    "mask", [np.ones((48, 47)), np.zeros((48, 48)), np.full((48, 48, 48), np.nan)]
)
def test_masks_that_do_not_fit_are_refused(mask):
    with pytest.raises(InputError, match="mask"):
        fourier_shell_correlation(noise(0), noise(1), spacing=1.0, mask=mask)


def test_threads_make_no_difference():
    one, two = (
        fourier_shell_correlation(noise(0), noise(0) + noise(1), spacing=1.0, threads=t).table
        for t in (1, 2)
    )
    assert one.equals(two)


def series(counts=None):
    rng = np.random.default_rng(3)
    z, y, x = np.mgrid[:48, :40, :48] - np.array([23.5, 19.5, 23.5])[:, None, None, None]
    volume = (np.hypot(z, x) < 19).astype(np.float32)
    for _ in range(80):
        at = rng.uniform(-15, 15, 3)
        volume[
            (z - at[0]) ** 2 + (y - at[1]) ** 2 + (x - at[2]) ** 2 < rng.uniform(1.5, 4) ** 2
        ] = rng.choice([0, 6])
    images = project(volume, WEDGE)
    if counts:
        scale = counts / images[images > 1].mean()
        images = (rng.poisson(images * scale) / scale).astype(np.float32)
    return TiltSeries(images, WEDGE, 0.5)


def test_more_noise_means_less_resolution_and_wbp_stands_beside():
    clean, noisy = (even_odd_correlation(series(counts), iterations=20) for counts in (None, 2))
    assert list(clean.curves) == ["sirt", "wbp"]
    assert set(clean.table()["meaning"]) == {"consistency", "resolution"}
    assert clean.curves["wbp"].outcome() == "not crossed"  # the voxels are the limit: 1 nm
    assert noisy.curves["wbp"].resolution_nm() > 1.5 * clean.curves["wbp"].finest_nm
    assert list(even_odd_correlation(series(), method="wbp").curves) == ["wbp"]
    assert noisy.as_dict()["wbp"]["resolution_nm"]["all"] == noisy.curves["wbp"].resolution_nm()


@pytest.mark.parametrize(
    ("one", "two", "word"),
    [
        (np.zeros((8, 8, 8)), np.zeros((8, 8, 9)), "same shape"),
        (np.zeros((4, 8, 8)), np.zeros((4, 8, 8)), "at least 8"),
        (np.full((8, 8, 8), np.nan), np.zeros((8, 8, 8)), "NaN"),
    ],
)
def test_bad_volumes_are_refused(one, two, word):
    with pytest.raises(InputError, match=word):
        fourier_shell_correlation(one, two, spacing=1.0)


def test_too_few_tilts_are_refused():
    with pytest.raises(InputError, match="at least 6"):
        even_odd_correlation(TiltSeries(np.ones((4, 8, 8)), [-20, 0, 20, 40], 1.0))

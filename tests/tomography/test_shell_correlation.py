"""Fourier shell correlation against known spectra, a plain numpy reference, and what a wedge leaves unmeasured."""

import numpy as np
import pytest

from napari_snpore.errors import InputError
from napari_snpore.tomography.even_odd import even_odd_correlation
from napari_snpore.tomography.projector import project
from napari_snpore.tomography.shell_correlation import fourier_shell_correlation, half_bit, measured_directions
from napari_snpore.tomography.tilt_series import TiltSeries

WEDGE = np.arange(-60, 61, 2.0)


def noise(seed, shape=(48, 48, 48)):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def reference(one, two, spacing):
    """Shells of the full complex transform, nothing left out."""
    spectra = [np.fft.fftn(data - data.mean()) for data in (one, two)]
    axes = np.meshgrid(*(np.fft.fftfreq(n, d) for n, d in zip(one.shape, spacing, strict=True)), indexing="ij")
    width = 1 / min(n * d for n, d in zip(one.shape, spacing, strict=True))
    shell = np.floor(np.sqrt(sum(axis**2 for axis in axes)) / width + 0.5).astype(int)
    product, power, other = (
        np.bincount(shell.ravel(), values.ravel())
        for values in ((spectra[0] * spectra[1].conj()).real, abs(spectra[0]) ** 2, abs(spectra[1]) ** 2)
    )
    return product[1:] / np.sqrt(power * other)[1:], np.bincount(shell.ravel())[1:] / 2


@pytest.mark.parametrize(("shape", "spacing"), [((32, 32, 32), (1, 1, 1)), ((24, 31, 40), (0.5, 0.4, 0.3))])
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
    assert same.reaches_nyquist()
    assert same.resolution_nm() == pytest.approx(0.6)
    other = fourier_shell_correlation(noise(0), noise(1), spacing=0.3).table
    spread = other["correlation"] * np.sqrt(other["coefficient_count"])
    assert 0.7 < spread.std() < 1.8  # the taper leaves fewer independent ones than there are
    assert np.isnan(fourier_shell_correlation(noise(0), noise(1), spacing=0.3).resolution_nm())


def test_correlation_is_signal_over_signal_and_noise():
    z, y, x = (
        np.fft.fftfreq(64)[shape] for shape in (np.s_[:, None, None], np.s_[None, :, None], np.s_[None, None, :])
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
    assert half_bit(np.array([1.0, 100.0, 1e8])) == pytest.approx([1.0, 0.3981 / 1.29812, 0.17167], abs=1e-3)


def test_wedge_holds_no_data():
    # ±60°: directions of (kz, kx) beyond 60° from x are not measured
    measured = measured_directions(WEDGE)
    angle = (np.arange(len(measured)) + 0.5) * 180 / len(measured)
    away = np.minimum(angle, 180 - angle)
    assert measured[away < 60.5].all()
    assert not measured[away > 61.5].any()
    narrow = fourier_shell_correlation(noise(0), noise(0), spacing=1.0, angles_deg=np.arange(-40, 41, 2.0))
    rows = narrow.table.set_index("direction")
    assert rows.loc["z", "correlation"].isna().all()
    assert np.isnan(narrow.resolution_nm("z"))
    assert rows.loc["x", "correlation"].notna().any()


def test_every_coefficient_is_counted_once():
    table = fourier_shell_correlation(noise(0), noise(1), spacing=1.0).table
    whole = table[table["direction"] == "all"]["coefficient_count"].sum()
    fz, fy, fx = np.meshgrid(*[np.fft.fftfreq(48)] * 3, indexing="ij")
    inside = (np.floor(np.sqrt(fz**2 + fy**2 + fx**2) * 48 + 0.5) <= 24).sum() - 1
    assert whole == inside / 2


def test_threads_make_no_difference():
    one, two = (fourier_shell_correlation(noise(0), noise(0) + noise(1), spacing=1.0, threads=t).table for t in (1, 2))
    assert one.equals(two)


def series(counts=None):
    rng = np.random.default_rng(3)
    z, y, x = np.mgrid[:48, :40, :48] - np.array([23.5, 19.5, 23.5])[:, None, None, None]
    volume = (np.hypot(z, x) < 19).astype(np.float32)
    for _ in range(80):
        at = rng.uniform(-15, 15, 3)
        volume[(z - at[0]) ** 2 + (y - at[1]) ** 2 + (x - at[2]) ** 2 < rng.uniform(1.5, 4) ** 2] = rng.choice([0, 6])
    images = project(volume, WEDGE)
    if counts:
        scale = counts / images[images > 1].mean()
        images = (rng.poisson(images * scale) / scale).astype(np.float32)
    return TiltSeries(images, WEDGE, 0.5)


def test_more_noise_means_less_resolution_and_wbp_stands_beside():
    clean, noisy = (even_odd_correlation(series(counts), iterations=20) for counts in (None, 2))
    assert list(clean.curves) == ["sirt", "wbp"]
    assert set(clean.table()["meaning"]) == {"consistency", "resolution"}
    assert clean.curves["wbp"].resolution_nm() < noisy.curves["wbp"].resolution_nm()
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

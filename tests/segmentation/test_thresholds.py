"""Suggested thresholds on blurred bodies whose phases are known, and against scikit-image."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from skimage.filters import threshold_li, threshold_multiotsu

from napari_snpore.errors import InputError
from napari_snpore.segmentation.histogram import gray_histogram
from napari_snpore.segmentation.phases import PORE, TIN, segment
from napari_snpore.segmentation.thresholds import suggest_thresholds


def blurred_fibre(
    porosity, *, tin_share=0.15, tin=12.0, blur=1.3, noise=0.0, clipped=True, n=96, seed=0
):
    """Return (grey, phases, envelope): random pores in a cylinder, tin on their walls, a Gaussian
    blur, noise, vacuum around.
    """
    rng = np.random.default_rng(seed)
    z, _, x = np.meshgrid(*[np.arange(n) - n / 2] * 3, indexing="ij", sparse=True)
    body = np.broadcast_to(z**2 + x**2 < (0.32 * n) ** 2, (n, n, n))
    pores = gaussian_filter(rng.standard_normal(body.shape, np.float32), 2.5)
    wall = np.quantile(pores[body], porosity)
    clumps = gaussian_filter(rng.standard_normal(body.shape, np.float32), 2.0)
    solid = body & (pores >= wall)
    cluster = solid & (clumps > np.quantile(clumps[solid], 1 - tin_share / (1 - porosity)))
    phases = np.select([cluster, solid, body], [3, 2, 1], 0)
    gray = gaussian_filter(np.array([0, 0, 1, tin], np.float32)[phases], blur)
    gray += noise * rng.standard_normal(gray.shape, np.float32)
    return np.maximum(gray, 0) if clipped else gray, phases, body


def percent(gray, thresholds, body, phase=PORE):
    return 100 * np.mean(segment(gray, thresholds)[body] == phase)


@pytest.mark.parametrize("porosity", [0.2, 0.4])
@pytest.mark.parametrize(
    "options", [{}, {"noise": 0.1}, {"noise": 0.3}, {"blur": 1.0}, {"noise": 0.2, "clipped": False}]
)
def test_pores_beside_bright_tin_are_found_nearer_the_truth_than_by_multi_otsu(porosity, options):
    gray, _, body = blurred_fibre(porosity, **options)
    histogram = gray_histogram(gray)
    ours = percent(gray, suggest_thresholds(histogram).thresholds, body)
    otsu = percent(gray, suggest_thresholds(histogram, method="multiotsu").thresholds, body)
    assert abs(ours - 100 * porosity) < 15
    assert abs(ours - 100 * porosity) < 0.8 * abs(otsu - 100 * porosity)


@pytest.mark.parametrize("porosity", [0.1, 0.2, 0.4])
def test_without_much_noise_the_halo_is_corrected(porosity):
    gray, _, body = blurred_fibre(porosity, noise=0.05)
    suggestion = suggest_thresholds(gray_histogram(gray))
    assert percent(gray, suggestion.thresholds, body) == pytest.approx(100 * porosity, abs=9)
    assert percent(gray, suggestion.thresholds, body, TIN) == pytest.approx(15, abs=4)
    assert suggestion.thresholds[0] < 0.95


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_a_little_tin_leaves_the_mid_point_of_vacuum_and_carbon(noise):
    gray, _, body = blurred_fibre(0.3, tin_share=0.01, noise=noise)
    suggestion = suggest_thresholds(gray_histogram(gray))
    assert suggestion.thresholds[0] == pytest.approx(0.5, abs=0.06)
    assert percent(gray, suggestion.thresholds, body) == pytest.approx(30, abs=3)


def test_low_contrast_is_no_trap():
    """Grey 0, 1, 2: what was made for 12 must not fail on 2."""
    gray, _, body = blurred_fibre(0.4, tin=2.0, noise=0.05)
    t1, t2 = suggest_thresholds(gray_histogram(gray)).thresholds
    assert t1 == pytest.approx(0.5, abs=0.1)
    assert 1.0 < t2 < 1.6
    assert percent(gray, (t1, t2), body) == pytest.approx(40, abs=7)


@pytest.mark.parametrize(
    ("dtype", "scale", "offset"),
    [("uint8", 18, 3), ("uint16", 4000, 700), ("int16", 2000, -5000), ("float32", 1e-4, 0.5)],
)
def test_scale_and_offset_of_the_grey_values_do_not_matter(dtype, scale, offset):
    gray, _, _ = blurred_fibre(0.4, noise=0.1)
    plain = np.array(suggest_thresholds(gray_histogram(gray)).thresholds)
    moved = gray * scale + offset
    moved = np.round(moved).astype(dtype) if np.dtype(dtype).kind in "iu" else moved.astype(dtype)
    found = np.array(suggest_thresholds(gray_histogram(moved)).thresholds)
    np.testing.assert_allclose((found - offset) / scale, plain, rtol=0.06)


def needle(noise, *, clipped=False, radius=20):
    z, x = np.ogrid[-48:48, -48:48]
    section = gaussian_filter((z**2 + x**2 < radius**2).astype(np.float32) * 100, 1)
    gray = section[:, None] + np.random.default_rng(0).normal(0, noise, (96, 30, 96)).astype(
        np.float32
    )
    return np.maximum(gray, 0) if clipped else gray


@pytest.mark.parametrize("noise", [0, 4, 8, 15, 25])
@pytest.mark.parametrize("clipped", [False, True])
def test_the_edge_of_one_solid_material_lies_half_way(noise, clipped):
    suggestion = suggest_thresholds(gray_histogram(needle(noise, clipped=clipped)), phases=2)
    assert suggestion.thresholds == (pytest.approx(50, abs=5),)
    if noise < 10:
        assert suggestion.warning is None
        assert suggestion.separation > 0.8


def test_a_needle_that_fills_the_box():
    assert suggest_thresholds(gray_histogram(needle(6, radius=46)), phases=2).thresholds[
        0
    ] == pytest.approx(50, abs=5)


@pytest.mark.parametrize("method", ["haadf", "multiotsu", "minimum_error"])
@pytest.mark.parametrize("phases", [4, 5])
def test_four_and_five_materials_apart_are_told_apart(method, phases):
    levels = np.array([20, 50, 90, 150, 230])[:phases]
    truth = np.repeat(np.arange(phases), 12)[:, None, None] + np.zeros((1, 20, 20), int)
    gray = levels[truth] + np.random.default_rng(0).normal(0, 4, truth.shape)
    gray = np.round(gray).astype(np.uint8)
    suggestion = suggest_thresholds(gray_histogram(gray), phases=phases, method=method)
    assert np.mean(segment(gray, suggestion.thresholds) == truth + 1) > 0.99
    assert suggestion.warning is None
    assert suggestion.method == method


def variance_within(gray, labels):
    return sum(
        gray[labels == k].astype(float).var() * np.mean(labels == k) for k in np.unique(labels)
    )


@pytest.mark.parametrize("phases", [2, 3, 4])
def test_multi_otsu_is_scikit_images(phases):
    """Or better: scikit-image adds up in float32, and takes a neighbour where two splits are nearly
    as good.
    """
    gray = np.round(np.clip(blurred_fibre(0.3, tin=2.5, noise=0.2, n=48)[0] * 80, 0, 255)).astype(
        np.uint8
    )
    ours = suggest_thresholds(gray_histogram(gray), phases=phases, method="multiotsu").thresholds
    theirs = threshold_multiotsu(gray, classes=phases)
    np.testing.assert_allclose(ours, theirs + 0.5, atol=1)  # ours: v >= t, theirs: v > t
    best = variance_within(gray, np.digitize(gray, theirs, right=True))
    assert variance_within(gray, segment(gray, ours)) <= best * (1 + 1e-12)


def test_floats_that_hold_whole_numbers_are_no_comb_of_peaks():
    gray, _, _ = blurred_fibre(0.4, noise=0.1)
    whole = np.round(gray * 18)
    for method in ("haadf", "multiotsu"):
        of_integers = suggest_thresholds(
            gray_histogram(whole.astype(np.uint8)), method=method
        ).thresholds
        of_floats = suggest_thresholds(gray_histogram(whole), method=method).thresholds
        np.testing.assert_allclose(of_floats, of_integers, atol=2.5)


def test_li_is_scikit_images_within_a_grey_value():
    gray = np.round(np.clip(needle(20) + 60, 0, 255)).astype(np.uint8)
    ours = suggest_thresholds(gray_histogram(gray), phases=2, method="li").thresholds[0]
    assert ours == pytest.approx(threshold_li(gray, tolerance=0.01), abs=1)


def test_minimum_error_finds_where_two_normal_classes_are_equally_likely():
    """Equal shares of N(80, 10²) and N(150, 10²) meet at 115."""
    rng = np.random.default_rng(0)
    gray = (
        np.concatenate([rng.normal(80, 10, 40000), rng.normal(150, 10, 40000)])
        .astype(np.float32)
        .reshape(80, 100, 10)
    )
    assert suggest_thresholds(gray_histogram(gray), phases=2, method="minimum_error").thresholds[
        0
    ] == pytest.approx(115, abs=2)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_drawn_volumes_are_split_between_their_values(dtype):
    gray = np.repeat(np.array([0, 1, 12], dtype), [50, 30, 20]).reshape(10, 10, 1)
    t1, t2 = suggest_thresholds(gray_histogram(gray)).thresholds
    assert 0 < t1 < 1 < t2 < 12
    (only,) = suggest_thresholds(gray_histogram(np.minimum(gray, 1)), phases=2).thresholds
    assert 0 < only <= 1


def test_a_histogram_without_gap_is_said():
    gray = np.random.default_rng(0).exponential(1, (40, 40, 40)).astype(np.float32)
    for method in ("haadf", "multiotsu"):
        suggestion = suggest_thresholds(gray_histogram(gray), method=method)
        assert suggestion.warning is not None
        assert suggestion.warning.endswith(".")
        assert suggestion.separation < 0.3


def test_a_phase_that_is_not_there_is_said():
    suggestion = suggest_thresholds(gray_histogram(np.minimum(needle(0), 100)), phases=3)
    assert suggestion.warning is not None
    assert suggestion.thresholds[0] < suggestion.thresholds[1]


@settings(max_examples=40, deadline=None)
@given(
    counts=st.lists(st.integers(0, 10**6), min_size=5, max_size=300),
    phases=st.integers(2, 5),
    method=st.sampled_from(["haadf", "multiotsu", "minimum_error"]),
)
def test_any_histogram_gives_finite_thresholds(counts, phases, method):
    occupied = [k for k, count in enumerate(counts) if count]
    gray = (
        np.repeat(np.arange(len(counts)), np.minimum(counts, 50))
        .astype(np.uint16)
        .reshape(-1, 1, 1)
    )
    if len(occupied) < phases:
        return
    thresholds = suggest_thresholds(gray_histogram(gray), phases=phases, method=method).thresholds
    assert len(thresholds) == phases - 1
    assert np.isfinite(thresholds).all()
    assert (np.diff(thresholds) > 0).all()


def test_nonsense_is_refused_in_one_sentence():
    histogram = gray_histogram(np.arange(64, dtype=np.uint8).reshape(4, 4, 4))
    with pytest.raises(InputError, match="method is 'magic'"):
        suggest_thresholds(histogram, method="magic")
    for phases, method in ((1, "haadf"), (6, "haadf"), (3, "li")):
        with pytest.raises(InputError, match=f"phases is {phases}"):
            suggest_thresholds(histogram, phases=phases, method=method)
    with pytest.raises(InputError, match="fewer than 3 different"):
        suggest_thresholds(gray_histogram(np.zeros((3, 3, 3), np.uint8)))

"""Units of length in every usual spelling, and resolutions that nobody measured."""

from __future__ import annotations

import unicodedata

import pytest

from napari_snpore.files.units import in_nm, is_degree, real_sizes

INCH_NM = 25.4e6


@pytest.mark.parametrize(
    ("spellings", "nm"),
    [
        (["nm", "NM", " nm ", "[nm]", "(nm)", "n_m", "[n_m]", "n m", "nanometer", "Nanometres"], 1),
        (["\u00b5m", "\u03bcm", "um", "\\u00B5m", "\\u03bcm", "&micro;m", "&#181;m"], 1e3),
        (["micron", "Microns", "micrometer", "micrometres", "\u00c2\u00b5m", b"\xc2\xb5m"], 1e3),
        (["\u00c5", "\u212b", "A\u030a", "a\u030a", "\\u00C5", "&Aring;", "\u00c3\u2026"], 0.1),
        (["angstrom", "Angstroms", "\u00e5ngstr\u00f6m", "\u00c5ngstr\u00f6m", "Angstroem"], 0.1),
        (["pm", "picometer"], 1e-3),
        (["mm", "millimetre"], 1e6),
        (["cm", "centimeter"], 1e7),
        (["m", "meters", b"m"], 1e9),
    ],
)
def test_one_unit_in_many_spellings(spellings, nm):
    for unit in spellings:
        assert in_nm(2.0, unit) == pytest.approx(2 * nm), unit
        if isinstance(unit, str):
            decomposed = unicodedata.normalize("NFD", unit)
            assert in_nm(2.0, decomposed) == pytest.approx(2 * nm), unit


@pytest.mark.parametrize(
    "unit",
    ["pixel", "px", "", " ", None, "inch", "dpi", "1/nm", "nm^-1", "nm\u00b2", "s", "eV", "?"],
)
def test_other_units_count_as_none(unit):
    assert in_nm(2.0, unit) is None


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), "x", None, [1]])
def test_lengths_that_are_none(value):
    assert in_nm(value, "nm") is None


def test_degrees():
    assert all(is_degree(unit) for unit in ("deg", "Degrees", "[deg]", "\u00b0"))
    assert not is_degree("rad")


@pytest.mark.parametrize(
    "pixel_nm",
    [
        *(INCH_NM / dpi for dpi in (72, 96, 150, 300, 600, 1200)),
        *(1e7 / per_cm for per_cm in (28.35, 37.8, 118.11, 28, 38, 118, 72, 96, 300, 1, 10)),
        INCH_NM,
    ],
)
def test_resolutions_of_screens_and_printers_are_no_calibration(pixel_nm):
    pixel = (pixel_nm, pixel_nm)
    assert real_sizes((None, *pixel), (None, *pixel)) == (None, None, None)
    assert real_sizes((3.0, *pixel), (3.0, *pixel)) == (3.0, None, None)


@pytest.mark.parametrize("factor", [0.1, 1.0, 1e3, 1e6])
def test_one_of_a_unit_along_y_and_x_is_no_calibration(factor):
    ones, none = (1.0, 1.0, 1.0), (None, None, None)
    assert real_sizes((factor, factor, factor), ones) == none
    assert real_sizes((0.5 * factor, factor, factor), (0.5, 1.0, 1.0)) == (0.5 * factor, None, None)
    measured = (factor, 0.5 * factor, 0.5 * factor)
    assert real_sizes(measured, (1.0, 0.5, 0.5)) == measured


@pytest.mark.parametrize("pixel_nm", [0.05, 0.27, 1.7, 10.0, 398.0, 5e3])
def test_pixels_of_microscopes_are_kept(pixel_nm):
    sizes = (pixel_nm, pixel_nm, pixel_nm)
    assert real_sizes(sizes, sizes) == sizes

"""Axes: the names and units of a file decide on the order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_snpore.errors import FileFormatError
from napari_snpore.files.axes import Axis, order_of, parsed_array, why_no_images

PATH = Path("a.emd")


@pytest.mark.parametrize(
    ("axes", "order"),
    [
        ([Axis("z"), Axis("y"), Axis("x")], (0, 1, 2)),
        ([Axis("x"), Axis("y"), Axis("z")], (2, 1, 0)),
        ([Axis("y"), Axis("X"), Axis("z")], (2, 0, 1)),
        ([Axis("R_x"), Axis("R_y"), Axis(unit="[mrad]")], (2, 1, 0)),
        ([Axis(), Axis(), Axis(unit="deg")], (2, 0, 1)),
        ([Axis("x"), Axis("y"), Axis(unit="s")], (2, 1, 0)),
        ([Axis(unit="deg"), Axis(), Axis()], (0, 1, 2)),
        ([Axis("x"), Axis("x"), Axis("z")], (0, 1, 2)),
        ([Axis(), Axis(), Axis()], (0, 1, 2)),
        ([Axis("x"), Axis("y")], (1, 0)),
        ([Axis(), Axis()], (0, 1)),
    ],
)
def test_order(axes, order):
    assert order_of(axes) == order


def test_sizes_and_values_follow_their_axes():
    data = np.arange(24).reshape(2, 3, 4)
    axes = [Axis("x", "nm", 1.0), Axis("y", "Å", 20.0), Axis("z", "nm", 3.0)]
    parsed = parsed_array(data, axes, PATH)
    assert parsed.spacing_nm == pytest.approx((3, 2, 1))
    assert parsed.data[3, 2, 1] == data[1, 2, 3]


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ([Axis("x"), Axis("y"), Axis(unit="eV")], "spectra"),
        ([Axis("x"), Axis("y"), Axis("Wavelength", "nm", 0.1)], "spectra"),
        ([Axis(unit="deg"), Axis("x")], "lines instead of images"),
        ([Axis("x"), Axis(unit="1/nm"), Axis(unit="1/nm")], "diffraction patterns"),
        ([Axis()], "a spectrum or a profile"),
        ([Axis()] * 4, "an array of 4 axes"),
        ([Axis(unit="deg"), Axis(unit="nm"), Axis(unit="nm")], None),
        ([Axis(), Axis()], None),
    ],
)
def test_what_is_no_image(axes, words):
    assert why_no_images(axes) == words


@pytest.mark.parametrize(
    ("positions", "size"),
    [
        ([0, 7, 14, 21], 7),
        ([0, 7], 7),  # the first two of even steps
        ([21, 14, 7, 0], 7),
        (np.float32([1e4, 1e4 + 0.1, 1e4 + 0.2, 1e4 + 0.3]), 0.1),
        ([0, 7, 14], None),  # of another array
        ([5], None),
        ([0, np.nan, 14, 21], None),
        ([5, 5, 5, 5], None),
    ],
)
def test_positions_along_z(positions, size):
    axes = [Axis("z", "nm", positions=np.asarray(positions, np.float64)), Axis(), Axis()]
    found = parsed_array(np.zeros((4, 2, 3)), axes, PATH).spacing_nm[0]
    assert found == (None if size is None else pytest.approx(size, rel=0.01))


def test_uneven_steps_of_a_length_are_refused():
    axes = [Axis("z", "nm", positions=np.array([0.0, 5, 10, 19])), Axis(), Axis()]
    with pytest.raises(FileFormatError, match="uneven steps along z, from 5 to 9 nm"):
        parsed_array(np.zeros((4, 2, 3)), axes, PATH)


def test_uneven_angles_and_times_are_kept():
    values = np.array([-60.0, -10, 0, 45])
    tilts = parsed_array(
        np.zeros((4, 2, 3)), [Axis(unit="deg", positions=values), Axis(), Axis()], PATH
    )
    assert tilts.angles_deg == values.tolist()
    times = parsed_array(
        np.zeros((4, 2, 3)),
        [Axis(unit="min", positions=np.array([0.0, 1, 3, 4])), Axis(), Axis()],
        PATH,
    )
    assert times.times_s == [0, 60, 180, 240]
    assert times.first_axis_is_time


def test_a_step_without_a_unit_is_none():
    axes = [Axis("z", "", 3.0), Axis("y", "pixels", 1.0), Axis("x", "nm", None)]
    assert parsed_array(np.zeros((4, 2, 3)), axes, PATH).spacing_nm == (None, None, None)

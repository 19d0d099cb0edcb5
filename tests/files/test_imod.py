"""IMOD's .xf and .tlt: the transform does what its six numbers say, and comes back from its own
file.
"""

import numpy as np
import pytest
from scipy import ndimage

from napari_snpore.errors import FileFormatError
from napari_snpore.files import read_xf, write_tlt, write_xf
from napari_snpore.files.side_files import read_angles
from napari_snpore.tomography.alignment import Alignment
from napari_snpore.tomography.tilt_series import TiltSeries


def test_a_file_by_hand_moves_pixels_as_it_says(tmp_path):
    path = tmp_path / "a.xf"
    path.write_text("1.0 0.0 0.0 1.0 3.0 -2.0\n" * 3)
    image = np.zeros((32, 40), np.float32)
    image[10, 20] = 1
    moved = read_xf(path).apply(TiltSeries(np.stack([image] * 3), [0, 1, 2], 1.0)).images[0]
    assert np.unravel_index(moved.argmax(), moved.shape) == (8, 23)


@pytest.mark.parametrize("turn", [-60.0, -3.0, 12.0, 85.0])
def test_images_go_where_scipy_takes_them_with_the_same_matrix(tmp_path, turn):
    angle = np.deg2rad(turn)
    a = np.array(
        [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    )  # (x, y) as IMOD writes it
    shift = np.array([2.3, -1.7])
    path = tmp_path / "a.xf"
    path.write_text(
        f"{a[0, 0]:.7f} {a[0, 1]:.7f} {a[1, 0]:.7f} {a[1, 1]:.7f} {shift[0]} {shift[1]}\n" * 3
    )
    image = ndimage.gaussian_filter(np.random.default_rng(0).random((41, 41)), 2).astype(np.float32)
    moved = read_xf(path).apply(TiltSeries(np.stack([image] * 3), [0, 1, 2], 1.0)).images[0]
    back = np.linalg.inv(a)[::-1, ::-1]  # from aligned to raw, in (y, x)
    middle = np.array([20.0, 20.0])
    expected = ndimage.affine_transform(
        image, back, offset=middle - back @ (middle + shift[::-1]), mode="nearest"
    )
    assert moved[8:-8, 8:-8] == pytest.approx(expected[8:-8, 8:-8], abs=1e-4)


def test_an_alignment_comes_back_from_its_file(tmp_path):
    rng = np.random.default_rng(1)
    alignment = Alignment(rng.uniform(-9, 9, (5, 2)), -87.2, 2.4, np.zeros(5))
    found = read_xf(write_xf(tmp_path / "a.xf", alignment))
    series = TiltSeries(rng.random((5, 30, 40)), np.arange(5), 1.0)
    assert found.tilt_axis_angle_deg == pytest.approx(-87.2, abs=1e-4)
    assert found.apply(series).images == pytest.approx(alignment.apply(series).images, abs=0.02)


def test_angles_come_back(tmp_path):
    path = write_tlt(tmp_path / "a.tlt", [-60.25, 0.0, 59.5])
    assert read_angles(path).tolist() == [-60.25, 0.0, 59.5]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("1 0 0 1 0\n", "six numbers"),
        ("", "six numbers"),
        ("one 0 0 1 0 0\n", "six numbers"),
        ("1 0 0 1 0 0\n0.9962 -0.0872 0.0872 0.9962 0 0\n", "each by itself"),
        ("1.1 0 0 1.1 0 0\n", "each by itself"),
    ],
)
def test_what_cannot_be_taken_over_is_refused(tmp_path, text, word):
    path = tmp_path / "a.xf"
    path.write_text(text)
    with pytest.raises(FileFormatError, match=word):
        read_xf(path)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileFormatError, match="no file"):
        read_xf(tmp_path / "none.xf")

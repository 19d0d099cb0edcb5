"""The fast single plane: an exact transpose, close to Joseph's projector, and the same preview on
any number of threads.
"""

import numpy as np
import pytest

from napari_snpore.errors import InputError
from napari_snpore.tomography.alignment import Alignment
from napari_snpore.tomography.options import Dart
from napari_snpore.tomography.preview_plane import PreviewPlane
from napari_snpore.tomography.projector import Beam, project
from napari_snpore.tomography.reconstruction import reconstruct
from napari_snpore.tomography.slice_preview import SlicePreview
from napari_snpore.tomography.tilt_series import TiltSeries

WEDGE = np.arange(-69, 70, 2.0)


def plane(n, seed=0):
    rng = np.random.default_rng(seed)
    z, x = np.mgrid[:n, :n] - (n - 1) / 2
    image = (np.hypot(z, x) < 0.4 * n).astype(np.float32)
    for _ in range(40):
        center = rng.uniform(-0.3 * n, 0.3 * n, 2)
        image[np.hypot(z - center[0], x - center[1]) < rng.uniform(2, 8)] = rng.choice([0, 0, 6])
    return image[:, None]


def shadow(planes, image):
    flat, sinogram = planes.empty_image(), planes.empty_sinogram()
    planes.put_image(image, flat)
    planes.forward(flat, sinogram)
    beam = planes.beam
    return sinogram.reshape(-1, beam.bins)[
        : len(beam.angles_deg), beam.rim : beam.rim + beam.detector_px
    ]


@pytest.mark.parametrize("shape", [(96, 96), (40, 96), (97, 31)])
@pytest.mark.parametrize("angles", [WEDGE, np.arange(-180, 180, 7.5)], ids=["wedge", "round"])
def test_projections_are_those_of_joseph(shape, angles):
    image = np.ascontiguousarray(plane(128)[: shape[0], :, : shape[1]])
    expected = project(image, angles, detector_px=110)[:, 0]
    found = shadow(PreviewPlane(Beam(angles, shape, 110)), image)
    assert np.linalg.norm(found - expected) < 0.01 * np.linalg.norm(expected)


def test_backward_is_the_transpose_of_forward():
    rng = np.random.default_rng(1)
    planes = PreviewPlane(Beam(np.arange(-90, 90, 4.0), (50, 64), 70))
    image = rng.random((50, 1, 64), dtype=np.float32)
    rays, back = planes.empty_sinogram(), planes.empty_image()
    pixels = rays.reshape(-1, planes.beam.bins)[:45, planes.beam.rim : planes.beam.rim + 70]
    pixels[:] = rng.random(pixels.shape)
    planes.backward(rays, back, np.ones(50 * 64, np.float32))
    voxels = np.empty_like(image)
    planes.get_image(back, voxels, (0, 1))
    assert (shadow(planes, image).astype(float) * pixels).sum() == pytest.approx(
        (image.astype(float) * voxels).sum(), rel=1e-6
    )


@pytest.mark.parametrize(
    "options",
    [
        {"method": "sirt", "iterations": 20},
        {"method": "wbp"},
        {"method": "cgls", "iterations": 8},
        {"method": Dart(iterations=3, gray_levels=(0.0, 1.0, 6.0))},
    ],
    ids=["sirt", "wbp", "cgls", "dart"],
)
def test_preview_is_the_slice_that_reconstruct_makes(options):
    volume = np.concatenate([plane(128, seed) for seed in (0, 1)], axis=1)
    series = TiltSeries(project(volume, WEDGE), WEDGE, 0.5)
    full = reconstruct(series, **options).data[:, 1]
    found = SlicePreview(series).reconstruct(1, **options)
    limit = 0.1 if isinstance(options["method"], Dart) else 0.015
    assert np.linalg.norm(found.image - full) < limit * np.linalg.norm(full)
    left = project(full[:, None], WEDGE)[:, 0] - series.images[:, 1]
    if options["method"] != "wbp":
        assert found.residual == pytest.approx(
            np.linalg.norm(left) / np.linalg.norm(series.images[:, 1]), rel=0.1, abs=2e-3
        )


def test_preview_is_the_same_on_any_number_of_threads():
    series = TiltSeries(project(plane(64), WEDGE), WEDGE, 0.5)
    one, two = (SlicePreview(series, threads=t).reconstruct(0, iterations=5).image for t in (1, 2))
    assert np.array_equal(one, two)


@pytest.mark.parametrize("axis", [0.0, 5.0, 88.0])
def test_preview_of_a_raw_series_takes_the_row_that_the_alignment_makes(axis):
    rng = np.random.default_rng(2)
    raw = TiltSeries(
        rng.random((9, 40, 48), dtype=np.float32),
        np.linspace(-60, 60, 9),
        1.0,
        tilt_axis_angle_deg=axis,
    )
    alignment = Alignment(rng.uniform(-2, 2, (9, 2)), axis, 1.3, np.zeros(9))
    expected = alignment.apply(raw).images[:, 17]
    assert SlicePreview(raw, alignment).row(17) == pytest.approx(expected, abs=1e-5)


def test_row_outside_is_refused():
    series = TiltSeries(project(plane(32), WEDGE), WEDGE, 0.5)
    with pytest.raises(InputError, match="y is 1; the images have rows 0 to 0"):
        SlicePreview(series).reconstruct(1)

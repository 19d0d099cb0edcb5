"""Nothing is left to compile for the forms after their warm-up."""

from __future__ import annotations

import numpy as np
import pytest

import napari_snpore as snpore
from napari_snpore.errors import Stopped
from napari_snpore.segmentation import _kernels as segmentation_kernels
from napari_snpore.study.plane_preview import preview_plane
from napari_snpore.study.polishing import polish_segmented
from napari_snpore.study.recipe import PrepareSection, ReconstructSection
from napari_snpore.study.stages import Stages, unaligned
from napari_snpore.study.warm_up import warm_up_images, warm_up_phases
from napari_snpore.tomography import (
    _kernels,
    _shear_kernels,
    _variation_kernels,
    _warp_kernel,
)
from napari_snpore.tomography.discrete import _gram_kernels, _polish_kernels

IMAGE_KERNELS = (_kernels, _shear_kernels, _variation_kernels, _warp_kernel)
PHASE_KERNELS = (segmentation_kernels, _gram_kernels, _polish_kernels)


def compiled(modules):
    """Number of signatures of each kernel."""
    found = {}
    for module in modules:
        for name, function in vars(module).items():
            if hasattr(function, "signatures") and function.py_func.__module__ == module.__name__:
                found[f"{module.__name__}.{name}"] = len(function.signatures)
    return found


@pytest.fixture(scope="module")
def series():
    phantom = snpore.make_phantom("pristine", shape=(32, 70, 32), spacing=0.4, seed=3)
    return snpore.simulate_tilt_series(
        phantom, angles_deg=np.linspace(-66, 66, 12), dose=2000, seed=3
    )


def test_reconstruct_compiles_nothing_after_its_warm_up(series):
    warm_up_images()
    before = compiled(IMAGE_KERNELS)
    for module in IMAGE_KERNELS:
        assert any(count for name, count in before.items() if name.startswith(module.__name__))
    stages, preparation = Stages(series), PrepareSection()
    alignment = unaligned(stages.prepared(preparation))
    for quick in (True, False):
        preview_plane(stages, preparation, alignment, ReconstructSection(), 0.5, quick=quick)
    snpore.align(series)
    snpore.reconstruct(series, method=snpore.Tv(blur_px=0.6, iterations=45))
    assert compiled(IMAGE_KERNELS) == before


def test_threshold_compiles_nothing_after_its_warm_up(series):
    warm_up_phases()
    before = compiled(PHASE_KERNELS)
    volume = snpore.reconstruct(series, method=snpore.Tv(blur_px=0.6, iterations=45))
    snpore.gray_histogram(volume)
    found = snpore.projection_residual(series, volume, blur_px=0.6)
    thresholds = found.suggestion.thresholds
    envelope = snpore.make_envelope(volume, thresholds[0])
    snpore.gray_histogram(volume, mask=envelope.mask)
    polish_segmented(snpore.segment(volume, thresholds, envelope=envelope.mask), series)
    assert compiled(PHASE_KERNELS) == before


@pytest.mark.parametrize("warm_up", [warm_up_images, warm_up_phases])
def test_a_warm_up_stops_between_kernels(warm_up):
    with pytest.raises(Stopped):
        warm_up(lambda: True)

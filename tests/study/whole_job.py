"""Run by ``test_warm_up.py`` in a process of its own: all kernels are compiled by the warm-up, then
every step is done on all kinds of input. Prints the kernels that were compiled for it.
"""

from __future__ import annotations

import sys

import numpy as np

import napari_snpore as snpore
from napari_snpore.study.measuring import ObjectSource, measure_phases
from napari_snpore.study.plane_preview import preview_plane
from napari_snpore.study.polishing import polish_segmented
from napari_snpore.study.recipe import MeasureSection, PrepareSection, ReconstructSection
from napari_snpore.study.stages import Stages, unaligned
from napari_snpore.study.warm_up import warm_up

KINDS = "u1 i1 u2 i2 u4 i4 u8 i8 f2 f4 f8 >u2 >i2 >i4 >f4 >f8 ?".split()
SPACING = (0.4, 0.4, 0.4)


def compiled():
    """Signatures of all kernels of the package."""
    found = set()
    for name, module in list(sys.modules.items()):
        if name.startswith("napari_snpore") and "kernel" in name:
            for function in vars(module).values():
                if hasattr(function, "signatures"):
                    kernel = f"{function.py_func.__module__}.{function.py_func.__name__}"
                    found |= {(kernel, str(types)) for types in function.signatures}
    return found


def variants(array):
    """An array as a file may give it: as it is, read-only, in another order, not aligned."""
    yield array
    fixed = array.copy()
    fixed.flags.writeable = False
    yield fixed
    yield np.asfortranarray(array)
    odd = np.empty(array.nbytes + 1, np.uint8)[1:].view(array.dtype).reshape(array.shape)
    odd[...] = array
    yield odd


def gray_values(volume, mask):
    low, high = float(volume.min()), float(volume.max())
    scaled = (volume - low) / (high - low)
    for kind in map(np.dtype, KINDS):
        factor = 1 if kind.kind in "fb" else 100
        for data in variants((scaled * factor).astype(kind)):
            snpore.gray_histogram(data)
            snpore.gray_histogram(data, mask=mask)
            for thresholds in ((0.3 * factor, 0.6 * factor), (0.5 * factor,), (0.2, 0.4, 1e9)):
                snpore.segment(data, thresholds)
            labels = snpore.label_objects(scaled > 0.5)
            snpore.measure_objects(labels, spacing=SPACING, intensity=data, envelope=mask)


def labels_of_all_kinds(labels):
    for kind in ("u1", "u2", "u4", "i4", "i8", ">u4"):
        for data in variants(np.asarray(labels).astype(kind)):
            for convention in ("corners", "centers_plus_one"):
                snpore.measure_objects(data, spacing=SPACING, convention=convention)
            snpore.nearest_neighbors(data, spacing=SPACING)
            snpore.measure_objects(data, spacing=SPACING, directions=20)


def tilts(series):
    for kind in map(np.dtype, ("u1", "i2", "u2", "f8", ">f4")):
        for images in variants((50 * series.images / series.images.max()).astype(kind)):
            other = snpore.TiltSeries(images, series.angles_deg, 0.4)
            snpore.reconstruct(other, method=snpore.Sirt(iterations=2, stop="iterations"))


def images(series):
    tilts(series)
    snpore.align(snpore.subtract_background(series))
    stages, preparation = Stages(series), PrepareSection()
    alignment = unaligned(stages.prepared(preparation))
    for quick in (True, False):
        preview_plane(stages, preparation, alignment, ReconstructSection(), 0.5, quick=quick)
    snpore.find_blur(series)
    for method in (
        snpore.Wbp(),
        snpore.Cgls(iterations=3),
        snpore.Dart(iterations=2),
        snpore.Tv(blur_px=0.0, iterations=20),
    ):
        snpore.reconstruct(series, method=method)
    volume = snpore.reconstruct(series, method=snpore.Tv(blur_px=0.6, iterations=45))
    snpore.assess(series, volume)
    snpore.even_odd_correlation(series, method=snpore.Sirt(iterations=2, stop="iterations"))
    return volume


def phases_of(volume, series):
    found = snpore.projection_residual(series, volume, blur_px=0.6)
    thresholds = found.suggestion.thresholds
    envelope = snpore.make_envelope(volume, thresholds[0])
    phases = snpore.segment(volume, thresholds, envelope=envelope.mask)
    polished = polish_segmented(phases, series)
    clean, _ = snpore.clean_up(polished, majority_radius=1, fill=[2], specks=[(3, 5)])
    return clean, envelope


def main():
    warm_up()
    before = compiled()
    phantom = snpore.make_phantom("pristine", shape=(32, 70, 32), spacing=0.4, seed=3)
    series = snpore.simulate_tilt_series(
        phantom, angles_deg=np.linspace(-66, 66, 12), dose=2000, seed=3
    )
    volume = images(series)
    phases, envelope = phases_of(volume, series)
    section = MeasureSection(details=True)
    sources = [ObjectSource("Sn"), ObjectSource("pore"), ObjectSource("pore", 1.0)]
    measure_phases(phases, section, sources=sources, intensity=volume)
    snpore.local_thickness(phases == 3)
    snpore.effective_diffusivity(phases, direction="surface", core_nm=2.0)
    snpore.effective_diffusivity(phases, conductivities={1: 1.0, 2: 0.1}, tolerance=1e-9)
    inside = np.asarray(envelope.mask)
    gray_values(np.asarray(volume.data), inside)
    labels_of_all_kinds(snpore.label_objects(phases == 3).data)
    for name, types in sorted(compiled() - before):
        print(name, types)


if __name__ == "__main__":
    main()

"""The long steps that ``benchmarks/cancel.py`` stops, on a porous rod of any size."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from scipy import ndimage

import napari_snpore as snpore
from napari_snpore.figures.slice_stack import write_slice_images
from napari_snpore.files.movies import write_movie
from napari_snpore.measurement.networks import geodesic_tortuosity, phase_networks
from napari_snpore.segmentation.envelope import make_envelope, occlusion_field
from napari_snpore.tomography.bad_pixels import repair_pixels
from napari_snpore.tomography.discrete.blur_search import find_blur
from napari_snpore.tomography.discrete.polish import polish_phases
from napari_snpore.tomography.even_odd import even_odd_correlation
from napari_snpore.tomography.noise import noise_model
from napari_snpore.tomography.options import Cgls, Dart, Sirt, Tv
from napari_snpore.tomography.preparation import (
    bin_series,
    normalize_mass,
    subtract_background,
)
from napari_snpore.tomography.quality import assess
from napari_snpore.tomography.tilt_inspection import inspect_tilts
from napari_snpore.tomography.tilt_series import TiltSeries

VOXEL_NM = 0.15
LEVELS = (1.0, 4.0)  # carbon and tin
Work = Callable[..., object]
"""``work(progress=…, should_stop=…)``"""


class Inputs:
    """A rod along y with pores and bright clusters, its grey values and tilt series."""

    def __init__(self, size: int, tilts: int) -> None:
        self.size = size
        self.angles_deg = np.linspace(-70, 70, tilts)

    @functools.cached_property
    def phases(self) -> snpore.Volume:
        """0 exterior, 1 pore, 2 carbon, 3 tin."""
        rng = np.random.default_rng(0)
        half = (self.size - 1) / 2
        z, x = np.ogrid[-half : half + 1, -half : half + 1]
        rod = (np.hypot(z, x) < 0.42 * self.size)[:, None, :]
        noise = rng.normal(size=(self.size,) * 3).astype(np.float32)
        coarse = ndimage.gaussian_filter(noise, 3.0)
        low, high = np.quantile(coarse[::3, ::3, ::3], (0.25, 0.9))
        labels = np.where(coarse < low, 1, np.where(coarse > high, 3, 2)) * rod
        return snpore.Volume(labels.astype(np.uint8), (VOXEL_NM,) * 3)

    @functools.cached_property
    def gray(self) -> snpore.Volume:
        levels = np.array([0.0, 0.0, *LEVELS], np.float32)[self.phases.data]
        noise = np.random.default_rng(1).normal(0, 0.2, levels.shape).astype(np.float32)
        return snpore.Volume(levels + noise, (VOXEL_NM,) * 3)

    @functools.cached_property
    def series(self) -> TiltSeries:
        """Aligned images with noise."""
        levels = np.array([0.0, 0.0, *LEVELS], np.float32)[self.phases.data]
        images = snpore.project(levels, self.angles_deg)
        images += np.random.default_rng(2).normal(0, 1.0, images.shape).astype(np.float32)
        return TiltSeries(images, self.angles_deg, VOXEL_NM)

    @functools.cached_property
    def raw_series(self) -> TiltSeries:
        """The images moved by a few pixels, with the axis turned by two degrees."""
        rng = np.random.default_rng(3)
        images = np.stack(
            [
                ndimage.shift(
                    ndimage.rotate(image, 2.0, reshape=False, order=1),
                    move,
                    order=1,
                    mode="nearest",
                )
                for image, move in zip(
                    self.series.images, rng.uniform(-3, 3, (len(self.angles_deg), 2)), strict=True
                )
            ]
        )
        return TiltSeries(images, self.angles_deg, VOXEL_NM)

    @functools.cached_property
    def objects(self) -> snpore.Volume:
        return snpore.label_objects(self.phases == 3)

    @functools.cached_property
    def folder(self) -> Path:
        self._folder = tempfile.TemporaryDirectory()
        return Path(self._folder.name)


Step = Callable[[Inputs], Work]
STEPS: dict[str, Step] = {}


def step(name: str) -> Callable[[Step], Step]:
    """Give a step its name in the table."""

    def add(made: Step) -> Step:
        STEPS[name] = made
        return made

    return add


def _mask(inputs: Inputs, phase: int) -> np.ndarray:
    return inputs.phases.data == phase


def _on_series(function: Callable[..., Any], **options: Any) -> Step:
    return lambda inputs: functools.partial(function, inputs.series, **options)


def _on_gray(function: Callable[..., Any], *given: Any, **options: Any) -> Step:
    return lambda inputs: functools.partial(function, inputs.gray, *given, **options)


def _on_phases(function: Callable[..., Any], **options: Any) -> Step:
    return lambda inputs: functools.partial(function, inputs.phases, **options)


STEPS |= {
    "repair pixels": _on_series(repair_pixels),
    "subtract background": _on_series(subtract_background),
    "normalize mass": lambda inputs: functools.partial(
        normalize_mass, subtract_background(inputs.series)
    ),
    "bin": _on_series(bin_series, factor=2),
    "inspect tilts": _on_series(inspect_tilts),
    "noise of the images": _on_series(noise_model),
    "align": lambda inputs: functools.partial(snpore.align, inputs.raw_series),
    "reconstruct, wbp": _on_series(snpore.reconstruct, method="wbp"),
    "reconstruct, sirt": _on_series(
        snpore.reconstruct, method=Sirt(iterations=20, stop="iterations")
    ),
    "reconstruct, cgls": _on_series(snpore.reconstruct, method=Cgls(iterations=10)),
    "reconstruct, dart": _on_series(snpore.reconstruct, method=Dart(gray_levels=(0.0, *LEVELS))),
    "reconstruct, tv": _on_series(snpore.reconstruct, method=Tv(iterations=20, blur_px=1.0)),
    "find blur": _on_series(find_blur),
    "quality": lambda inputs: functools.partial(assess, inputs.series, inputs.gray),
    "even and odd tilts": _on_series(even_odd_correlation, iterations=10),
    "histogram": _on_gray(snpore.gray_histogram),
    "smooth, gaussian": _on_gray(snpore.smooth_volume, "gaussian", 2.0),
    "smooth, median": _on_gray(snpore.smooth_volume, "median", 2.0),
    "smooth, nl_means": _on_gray(snpore.smooth_volume, "nl_means"),
    "smooth, tv": _on_gray(snpore.smooth_volume, "tv"),
    "envelope": _on_gray(make_envelope, 0.6),
    "occlusion": _on_gray(occlusion_field, 0.6),
    "segment": _on_gray(snpore.segment_volume, (0.5, 2.5)),
    "thresholds by the images": lambda inputs: functools.partial(
        snpore.projection_residual, inputs.series, inputs.gray, blur_px=1.0
    ),
    "polish": lambda inputs: functools.partial(
        polish_phases, inputs.phases, inputs.series, levels=(0.0, 0.0, *LEVELS), blur_px=0.5
    ),
    "detection limit": lambda inputs: functools.partial(
        snpore.detection_limit,
        inputs.phases,
        inputs.series,
        lambda images, progress: inputs.phases,  # what it repeats is stopped by itself
        levels=(0.0, 0.0, *LEVELS),
        blur_px=0.5,
        noise=snpore.NoiseModel(1.0, 0.1, 10.0),
        residual_px=0.3,
    ),
    "digital twin": lambda inputs: functools.partial(
        snpore.digital_twin,
        inputs.phases,
        inputs.series,
        {("pore fraction, whole", "%"): 30.0},
        lambda images, progress: {("pore fraction, whole", "%"): 30.0},  # as above
        levels=(0.0, 0.0, *LEVELS),
        blur_px=0.5,
        noise=snpore.NoiseModel(1.0, 0.1, 10.0),
        residual_px=0.3,
        twins=5,
    ),
    "clean up": _on_phases(
        snpore.clean_up, specks=((3, 30), (1, 30)), fill=(2,), majority_radius=1
    ),
    "separate pores": lambda inputs: functools.partial(
        snpore.separate_objects, _mask(inputs, 1), spacing=VOXEL_NM, contrast_nm=0.3
    ),
    "objects": lambda inputs: functools.partial(
        snpore.measure_objects, inputs.objects, intensity=inputs.gray, envelope=_mask(inputs, 2)
    ),
    "dead pores": _on_phases(snpore.dead_pores, probe_radius_nm=0.3),
    "accessible pores": _on_phases(snpore.accessible_pores, radii_nm=(0.0, 0.15, 0.3)),
    "networks": _on_phases(phase_networks),
    "tortuosity": _on_phases(geodesic_tortuosity, core_nm=1.0),
    "diffusion": _on_phases(snpore.effective_diffusivity),
    "nearest neighbours": lambda inputs: functools.partial(
        snpore.nearest_neighbors, inputs.objects
    ),
    "two-point correlation": _on_phases(snpore.two_point_correlation),
    "fraction against cube size": _on_phases(snpore.cube_fractions),
    "contacts": lambda inputs: functools.partial(
        snpore.contact_areas, inputs.objects, inputs.phases, edge_width_nm=0.3
    ),
    "radial profile": _on_phases(snpore.radial_profile, shell_nm=1.0, cut_axes=(1,)),
    "slice fractions": _on_phases(snpore.slice_fractions, axis=1),
    "local thickness": lambda inputs: functools.partial(
        snpore.local_thickness, _mask(inputs, 2), spacing=VOXEL_NM
    ),
    "surface, scikit-image": _on_phases(
        snpore.surface_mesh, phase=3, library="scikit-image", max_triangles=20_000_000
    ),
    "surface, vtk": _on_phases(
        snpore.surface_mesh, phase=3, library="vtk", max_triangles=20_000_000
    ),
    "oblique slice": _on_gray(
        snpore.oblique_slice, center_nm=(5.0, 5.0, 5.0), tilt_deg=30.0, turn_deg=20.0
    ),
}


@step("phantom")
def _phantom(inputs: Inputs) -> Work:
    size = max(80, inputs.size)
    return functools.partial(snpore.make_phantom, "pristine", shape=(size,) * 3, spacing=VOXEL_NM)


@step("tilt series of a phantom")
def _tilts(inputs: Inputs) -> Work:
    size = max(80, inputs.size)
    phantom = snpore.make_phantom("pristine", shape=(size, 64, size), spacing=VOXEL_NM)
    misaligned = snpore.Misalignment(np.zeros((len(inputs.angles_deg), 2)), 5.0)
    return functools.partial(
        snpore.simulate_tilt_series,
        phantom,
        angles_deg=inputs.angles_deg,
        dose=1000.0,
        misalignment=misaligned,
        seed=0,
    )


@step("in situ diameter")
def _diameter(inputs: Inputs) -> Work:
    swelling = snpore.make_swelling_fibre(frames=min(inputs.size, 51))
    return functools.partial(snpore.fibre_diameter, swelling.series)


def _as_rgb(plane: np.ndarray) -> np.ndarray:
    return np.repeat(np.clip(plane * 50, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


@step("pictures of slices")
def _pictures(inputs: Inputs) -> Work:
    return functools.partial(
        write_slice_images, inputs.folder / "slices", inputs.gray, _as_rgb, overwrite=True
    )


@step("movie")
def _movie(inputs: Inputs) -> Work:
    def frames() -> Iterator[np.ndarray]:
        for plane in inputs.gray.data:
            yield _as_rgb(np.kron(plane, np.ones((4, 4))))

    return lambda progress, should_stop: write_movie(
        inputs.folder / "movie.gif", frames(), progress=progress, should_stop=should_stop
    )


@step("plate")
def _plate(inputs: Inputs) -> Work:
    from napari_snpore.figures.plate_drawing import draw_plate
    from napari_snpore.figures.plate_spec import PlateSpec

    spec = PlateSpec(
        ("grey", "phases", "gray_values"),
        volume=inputs.gray,
        phases=inputs.phases,
        thresholds=(0.5, 2.5),
    )

    def draw(progress: object, should_stop: object) -> None:
        draw_plate(spec, should_stop=should_stop).figure.canvas.draw()

    return draw


@step("opening of a compressed TIFF")
def _opening(inputs: Inputs) -> Work:
    from napari_snpore.viewer.open.steps import read_paths

    path = inputs.folder / f"{inputs.size}.tif"
    if not path.exists():
        tifffile.imwrite(
            path,
            inputs.gray.data,
            compression="zlib",
            imagej=False,
            metadata={"axes": "ZYX", "PhysicalSizeX": 0.15, "PhysicalSizeXUnit": "nm"},
            ome=True,
        )
    return functools.partial(read_paths, [path])


@step("saving of a window")
def _saving(inputs: Inputs) -> Work:
    from napari.components import ViewerModel

    from napari_snpore.viewer.shared.layers import add_layer, phases_data, volume_data
    from napari_snpore.viewer.window.gather import window_state
    from napari_snpore.viewer.window.save import write_window

    viewer = ViewerModel()
    add_layer(viewer, volume_data(inputs.gray, "rod"))
    add_layer(viewer, phases_data(inputs.phases, "rod · phases"))
    return functools.partial(write_window, window_state(viewer), inputs.folder / "window")

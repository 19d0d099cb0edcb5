"""Time of histogram, suggestion, labels, occlusion and dead pores relative to peers; own time and
memory for asv.

``python -m benchmarks.segmentation`` prints the ratios; ``python -m benchmarks.segmentation 512``
for volumes of that edge.
"""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter

from benchmarks.peers import ratio
from napari_snpore.compute import kernel, run_blocks
from napari_snpore.measurement.dead_pores import dead_pores
from napari_snpore.segmentation.histogram import gray_histogram
from napari_snpore.segmentation.occlusion import ambient_occlusion
from napari_snpore.segmentation.phases import segment
from napari_snpore.segmentation.rays import half_sphere
from napari_snpore.segmentation.thresholds import suggest_thresholds

DTYPES = ("uint8", "uint16", "float32")
RAY_LENGTH = {2: 20.0, 8: 60.0}  # above the widest pore mouth, voxels


def porous_cylinder(edge: int, sigma: float, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return (solid, body): smoothed noise of a width of ``sigma`` voxels at 40 % porosity in a
    cylinder along y."""
    noise = gaussian_filter(
        np.random.default_rng(seed).standard_normal((edge,) * 3, np.float32), sigma
    )
    z, _, x = np.meshgrid(*[np.arange(edge) - (edge - 1) / 2] * 3, indexing="ij", sparse=True)
    body = np.broadcast_to(z**2 + x**2 < (0.45 * edge) ** 2, noise.shape)
    return body & (noise > np.quantile(noise[body][::7], 0.4)), body


def gray_volume(edge: int, dtype: str) -> np.ndarray:
    """Return grey values of pore, carbon and a little tin, blurred, over the range of the dtype."""
    solid, body = porous_cylinder(edge, 2)
    tin = body & porous_cylinder(edge, 3, seed=1)[0] & ~porous_cylinder(edge, 2, seed=2)[0] & solid
    gray = gaussian_filter(solid.astype(np.float32) + 11 * tin, 1.0)
    if dtype == "float32":
        return gray
    return np.round(gray * (np.iinfo(dtype).max / float(gray.max()))).astype(dtype)


def phases_ours(gray: np.ndarray) -> np.ndarray:
    """Histogram, suggestion, labels."""
    return segment(gray, suggest_thresholds(gray_histogram(gray)).thresholds)


def phases_of_scikit_image(gray: np.ndarray) -> np.ndarray:
    """Threshold by scikit-image; 16-bit data in 256 bins, because multi-Otsu is impractical with
    65536.
    """
    from skimage.filters import threshold_multiotsu

    if gray.dtype == np.uint16:
        counts, edges = np.histogram(gray, 256)
        thresholds = threshold_multiotsu(hist=(counts, (edges[:-1] + edges[1:]) / 2), classes=3)
        return np.digitize(gray, thresholds).astype(np.uint8)
    return np.digitize(gray, threshold_multiotsu(gray, classes=3)).astype(np.uint8)


@kernel
def march(  # type: ignore[no-untyped-def]
    solid, points, offsets, hits
):
    """Count for each point the rays that meet solid; rays are offsets into a volume padded so that
    none leaves it."""
    for n in range(len(points)):
        place = points[n]
        for ray in range(len(offsets)):
            for offset in offsets[ray]:
                if solid[place + offset]:
                    hits[n] += 1
                    break


def marching(solid: np.ndarray, chosen: np.ndarray, ray_length: float) -> np.ndarray:
    """Occlusion of the chosen voxels by 128 rays, marched a voxel along their longest side a step,
    on all cores."""
    half = half_sphere(64)
    rays = np.concatenate([half, -half])
    steps = round(ray_length)
    padded = np.pad(solid, steps)
    along = rays / np.abs(rays).max(axis=1, keepdims=True)
    places = np.rint(np.arange(1, steps + 1)[None, :, None] * along[:, None, :]).astype(np.int64)
    # beyond the ray's length a step leads to the last place within it once more
    within = np.maximum(np.rint(ray_length * np.abs(rays).max(axis=1)).astype(int), 1)
    for ray, last in enumerate(within):
        places[ray, last:] = places[ray, last - 1]
    offsets = places @ np.array([padded.shape[1] * padded.shape[2], padded.shape[2], 1])
    points = np.flatnonzero(np.pad(chosen, steps))
    hits = np.zeros(len(points), np.int32)

    def block(part: slice) -> None:
        march(padded.ravel(), points[part], offsets, hits[part])

    run_blocks(block, [slice(start, start + 20000) for start in range(0, len(points), 20000)])
    return hits / len(rays)


def call(work: Callable[..., object], *arguments: object, **options: object) -> Callable[[], int]:
    """Return a call without arguments that returns 1, the number of volumes."""

    def run() -> int:
        work(*arguments, **options)
        return 1

    return run


def peak_bytes(work: Callable[[], object]) -> int:
    """Return the peak number of bytes allocated during a call; numpy reports arrays to
    tracemalloc.
    """
    work()
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


class PhasesAgainstScikitImage:
    """Time of histogram, suggestion and labels relative to ``threshold_multiotsu`` and
    ``np.digitize``.
    """

    params = (DTYPES, (256,))
    param_names = ("dtype", "edge")
    timeout = 900

    def setup(self, dtype: str, edge: int) -> None:
        self.gray = gray_volume(edge, dtype)

    def track_ratio(self, dtype: str, edge: int) -> float:
        return ratio(
            call(phases_ours, self.gray), call(phases_of_scikit_image, self.gray), rounds=3
        )

    track_ratio.unit = "ratio"

    def track_bytes_a_voxel(self, dtype: str, edge: int) -> float:
        return peak_bytes(lambda: phases_ours(self.gray)) / self.gray.size

    track_bytes_a_voxel.unit = "bytes"

    def time_phases(self, dtype: str, edge: int) -> None:
        phases_ours(self.gray)


class OcclusionAgainstMarching:
    """128 directions: sweeps for all voxels against rays marched from the pore voxels alone, and
    from every void voxel."""

    params = ((2, 8), ("pores", "void"), (128,))
    param_names = ("sigma", "marched from", "edge")
    timeout = 1800

    def setup(self, sigma: int, marched_from: str, edge: int) -> None:
        self.solid, body = porous_cylinder(edge, sigma)
        self.chosen = ~self.solid & body if marched_from == "pores" else ~self.solid

    def track_ratio(self, sigma: int, marched_from: str, edge: int) -> float:
        ours = call(ambient_occlusion, self.solid, spacing=1.0, ray_length_nm=RAY_LENGTH[sigma])
        return ratio(ours, call(marching, self.solid, self.chosen, RAY_LENGTH[sigma]), rounds=3)

    track_ratio.unit = "ratio"

    def track_bytes_a_voxel(self, sigma: int, marched_from: str, edge: int) -> float:
        work = call(ambient_occlusion, self.solid, spacing=1.0, ray_length_nm=RAY_LENGTH[sigma])
        return peak_bytes(work) / self.solid.size

    track_bytes_a_voxel.unit = "bytes"


class DeadPoresAgainstFillVoids:
    """Time of the table of three connectivities relative to one call of ``fill_voids``
    (6-connected).
    """

    params = (256,)
    param_names = ("edge",)
    timeout = 600

    def setup(self, edge: int) -> None:
        solid, body = porous_cylinder(edge, 2)
        self.phases = np.where(solid, 2, np.where(body, 1, 0)).astype(np.uint8)

    def track_ratio(self, edge: int) -> float:
        import fill_voids

        peer = call(lambda: fill_voids.fill(self.phases > 1))
        return ratio(call(dead_pores, self.phases, spacing=1.0, cut_axes=(1,)), peer, rounds=3)

    track_ratio.unit = "ratio"

    def time_dead_pores(self, edge: int) -> None:
        dead_pores(self.phases, spacing=1.0, cut_axes=(1,))


def main() -> None:
    """Print every ratio; above 1 the package is faster."""
    edge = int(sys.argv[1]) if len(sys.argv) > 1 else 256
    for dtype in DTYPES:
        phases = PhasesAgainstScikitImage()
        phases.setup(dtype, edge)
        value, held = phases.track_ratio(dtype, edge), phases.track_bytes_a_voxel(dtype, edge)
        sys.stdout.write(
            f"Phases of {edge}³ {dtype}: {value:.1f} x scikit-image, {held:.2f} bytes a voxel held\n"
        )
    for sigma, marched_from, size in (
        (2, "pores", 256),
        (8, "pores", 256),
        (2, "void", 128),
        (8, "void", 128),
    ):
        occlusion = OcclusionAgainstMarching()
        occlusion.setup(sigma, marched_from, size)
        value = occlusion.track_ratio(sigma, marched_from, size)
        held = occlusion.track_bytes_a_voxel(sigma, marched_from, size)
        sys.stdout.write(
            f"Occlusion of {size}³, pores of sigma {sigma}: {value:.1f} x rays marched from {marched_from}, "
            f"{held:.1f} bytes a voxel held\n"
        )
    dead = DeadPoresAgainstFillVoids()
    dead.setup(edge)
    sys.stdout.write(
        f"Dead pores, three connectivities, {edge}³: {dead.track_ratio(edge):.2f} x one fill_voids\n"
    )


if __name__ == "__main__":
    main()

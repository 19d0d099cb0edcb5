"""Time of objects and Feret diameters relative to SimpleITK and cc3d; own time and memory for asv.

``python -m benchmarks.measurement`` prints the ratios.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable

import cc3d
import numpy as np
from scipy import ndimage

from benchmarks.data import blobs_512, specks_512, with_a_pore_of_millions
from benchmarks.peers import ratio
from napari_snpore.measurement.feret import feret_diameters
from napari_snpore.measurement.objects import label_objects, measure_objects, separate_objects

EDGE = 256
KINDS = ("blobs", "specks", "network")


def objects_of(kind: str, edge: int = EDGE, *, seed: int = 0) -> np.ndarray:
    """Return labels of objects of hundreds of voxels, of a few voxels, or of one pore network in
    the whole volume."""
    rng = np.random.default_rng(seed)
    if kind == "specks":
        return label_objects(rng.random((edge, edge, edge)) < 0.004)
    noise = ndimage.gaussian_filter(rng.normal(size=(edge, edge, edge)).astype(np.float32), 3)
    share = 0.06 if kind == "blobs" else 0.4
    mask = noise > np.quantile(noise[::3, ::3, ::3], 1 - share)
    labels = label_objects(mask)
    if kind == "network":
        largest = np.bincount(labels.ravel())[1:].argmax() + 1
        return (labels == largest).astype(np.uint32)
    return labels


def simpleitk_table(labels: np.ndarray, *, perimeter: bool = True) -> int:
    """Compute shapes with the maximum Feret diameter (of voxel centres) by SimpleITK."""
    import SimpleITK as sitk

    table = sitk.LabelShapeStatisticsImageFilter()
    table.ComputeFeretDiameterOn()
    table.SetComputePerimeter(perimeter)
    table.Execute(sitk.GetImageFromArray(labels))
    return 1


def cc3d_table(labels: np.ndarray) -> int:
    """Compute counts, boxes and centroids by cc3d."""
    cc3d.statistics(labels)
    return 1


class ObjectsAgainstPeers:
    """Time of the whole table (exact length, width, breadth, hull, surface) relative to the smaller
    tables of peers."""

    params = (("simpleitk", "cc3d"), KINDS)
    param_names = ("peer", "kind")
    timeout = 1200

    def setup(self, peer: str, kind: str) -> None:
        if peer == "simpleitk" and importlib.util.find_spec("SimpleITK") is None:
            raise NotImplementedError("SimpleITK is not installed")
        if (peer, kind) == ("simpleitk", "network"):
            raise NotImplementedError(
                "SimpleITK compares all pairs of surface voxels, millions here"
            )

    def track_ratio(self, peer: str, kind: str) -> float:
        labels = objects_of(kind)
        call = simpleitk_table if peer == "simpleitk" else cc3d_table

        def ours() -> int:
            measure_objects(labels, spacing=0.15)
            return 1

        return ratio(ours, lambda: call(labels), rounds=3)

    track_ratio.unit = "ratio"


def sizes(labels: np.ndarray) -> Callable[[], int]:
    """Return a call that measures exact length, width and breadth."""

    def work() -> int:
        feret_diameters(labels, spacing=0.15)
        return 1

    return work


class LargeVolumes:
    """Time of exact length, width and breadth of 2,800 blobs in 512³ relative to peers, and its
    growth with the data."""

    timeout = 1800

    def setup_cache(self) -> np.ndarray:
        return blobs_512()

    def track_simpleitk_over_ours(self, labels: np.ndarray) -> float:
        return ratio(sizes(labels), lambda: simpleitk_table(labels, perimeter=False), rounds=3)

    def track_cc3d_over_ours(self, labels: np.ndarray) -> float:
        return ratio(sizes(labels), lambda: cc3d_table(labels), rounds=5)

    def track_all_columns_over_sizes(self, labels: np.ndarray) -> float:
        gray = np.random.default_rng(0).random(labels.shape, dtype=np.float32)
        rim = np.arange(labels.shape[0]) - (labels.shape[0] - 1) / 2
        round_envelope = rim[:, None] ** 2 + rim**2 < (0.45 * labels.shape[0]) ** 2
        envelope = np.ascontiguousarray(np.broadcast_to(round_envelope[:, None], labels.shape))

        def all_columns() -> int:
            measure_objects(labels, spacing=0.15, intensity=gray, envelope=envelope)
            return 1

        return ratio(sizes(labels), all_columns, rounds=5)

    def track_pore_of_millions_over_blobs(self, labels: np.ndarray) -> float:
        return ratio(sizes(labels), sizes(with_a_pore_of_millions(labels)), rounds=5)

    def track_100000_over_2500_objects(self, labels: np.ndarray) -> float:
        return ratio(sizes(specks_512(2_500)), sizes(specks_512(100_000)), rounds=5)

    def peakmem_sizes(self, labels: np.ndarray) -> None:
        sizes(labels)()


class Objects:
    """Own time and memory, for the history of one machine."""

    params = (KINDS,)
    param_names = ("kind",)

    def setup(self, kind: str) -> None:
        self.labels = objects_of(kind)
        measure_objects(self.labels[:16], spacing=0.15)

    def time_measure_objects(self, kind: str) -> None:
        measure_objects(self.labels, spacing=0.15)

    def peakmem_measure_objects(self, kind: str) -> None:
        measure_objects(self.labels, spacing=0.15)


class Separation:
    """Time of the separation of a pore network of 128³."""

    def setup(self) -> None:
        self.mask = objects_of("network", 128) > 0
        separate_objects(self.mask[:16], spacing=0.15, contrast_nm=0.1)

    def time_separate_objects(self) -> None:
        separate_objects(self.mask, spacing=0.15, contrast_nm=0.1)


def main() -> None:
    """Print every ratio; above 1 the package is faster than the peer."""
    bench = ObjectsAgainstPeers()
    for peer in bench.params[0]:
        for kind in bench.params[1]:
            try:
                bench.setup(peer, kind)
            except NotImplementedError as reason:
                sys.stdout.write(f"{kind}: {peer} left out ({reason})\n")
                continue
            sys.stdout.write(f"{kind}, {EDGE}³: {bench.track_ratio(peer, kind):.1f} x {peer}\n")
    large = LargeVolumes()
    labels = large.setup_cache()
    for name in sorted(name for name in dir(large) if name.startswith("track_")):
        words = name.removeprefix("track_").replace("_", " ")
        sys.stdout.write(
            f"512³, {labels.max()} blobs, time of {words}: {getattr(large, name)(labels):.2f}\n"
        )


if __name__ == "__main__":
    main()

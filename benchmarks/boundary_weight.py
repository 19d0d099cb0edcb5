"""Calibration of the boundary weight of polishing on shapes that no test of polishing uses.

Run it as ``python -m benchmarks.boundary_weight``; it prints one line per kind and size of shapes.

The boundary term of polishing is a Potts model: the probability of a label, given its neighbours,
goes with ``exp(β · weight of the neighbours that have it)``. The β of a given labelled volume is the
one of greatest pseudo-likelihood, the product of these probabilities over all voxels (Besag 1975,
doi 10.2307/2987782). It depends on the size of the objects in voxels and on nothing in the images.
"""

from __future__ import annotations

import itertools

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_snpore.tomography.discrete.input_checks import run_lengths
from napari_snpore.tomography.discrete.sweeps import PAIR_WEIGHTS

SIZE = 64
PORE_SHARE, BRIGHT_SHARE = 0.45, 0.15  # about those of the fibres

Labels = NDArray[np.uint8]


def pseudo_likelihood_weight(labels: Labels) -> float:
    """Return the boundary weight under which the labels 1..3 are most likely."""
    inner = (slice(1, -1),) * 3
    alike = np.zeros((3, *labels[inner].shape))
    for step in itertools.product((-1, 0, 1), repeat=3):
        if any(step):
            moved = labels[tuple(slice(1 + d, SIZE - 1 + d) for d in step)]
            for label in (1, 2, 3):
                alike[label - 1] += PAIR_WEIGHTS[sum(map(abs, step)) - 1] * (moved == label)
    own = np.take_along_axis(alike, labels[inner][None].astype(np.intp) - 1, 0)

    def unlikeliness(weight: float) -> float:
        return float(np.log(np.exp(weight * (alike - own)).sum(0)).mean())

    return float(scipy.optimize.minimize_scalar(unlikeliness, bounds=(0.01, 6)).x)


def field_cuts(smooth_voxels: float, rng: np.random.Generator) -> Labels:
    """Return labels cut from two Gaussian random fields: pores, carbon, bright parts of carbon."""
    fields = [
        scipy.ndimage.gaussian_filter(rng.normal(size=(SIZE,) * 3), smooth_voxels, mode="wrap")
        for _ in range(2)
    ]
    solid = fields[0] >= np.quantile(fields[0], PORE_SHARE)
    bright = solid & (
        fields[1] >= np.quantile(fields[1][solid], 1 - BRIGHT_SHARE / (1 - PORE_SHARE))
    )
    labels: Labels = np.uint8(1) + solid + bright
    return labels


def balls(radius_voxels: float, rng: np.random.Generator) -> Labels:
    """Return carbon with random balls, first of pore, then bright, radii spread by 30 %."""
    labels = np.full((SIZE,) * 3, 2, np.uint8)
    places = np.indices(labels.shape)
    for label, share in ((1, PORE_SHARE), (3, BRIGHT_SHARE)):
        while (labels == label).mean() < share:
            center = rng.random(3) * SIZE
            radius = radius_voxels * np.exp(0.3 * rng.normal())
            away = sum((places[axis] - center[axis]) ** 2 for axis in range(3))
            labels[away < radius**2] = label
    return labels


def main() -> None:
    """Print the weight of each kind and size of shapes."""
    rng = np.random.default_rng(3)
    for make, sizes in ((field_cuts, (1.5, 2.0, 3.0, 4.0)), (balls, (2.0, 3.0, 4.5, 6.0))):
        for size in sizes:
            labels = make(size, rng)
            across = run_lengths(labels)
            print(
                f"{make.__name__:10s} {size:4.1f}  runs {across[1]:4.1f} {across[3]:4.1f} voxels"
                f"  boundary weight {pseudo_likelihood_weight(labels):.2f}"
            )


if __name__ == "__main__":
    main()

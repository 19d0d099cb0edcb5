"""How far the envelope alone moves the pore fraction, by the length of its rays: the choice of the
default.

``python -m benchmarks.envelope_rays`` (some seconds a phantom): the solid of each phantom is the
planted one, so that nothing but the envelope is wrong. Rays are given as a share of the radius of
the solid (:func:`~napari_snpore.segmentation.envelope.solid_radius`); one row per share: mean and root
mean square of (found − true) pore fraction over the phantoms, the greatest, all in points, and CPU
seconds.

Seeds 1010 to 1015. They chose the default, and are among those of the calibration of intervals; no test
may have one of them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pandas as pd

from benchmarks.case_tables import FAMILIES, PhantomCase
from napari_snpore.phantom import Phantom
from napari_snpore.segmentation.body import largest_body
from napari_snpore.segmentation.envelope import solid_radius
from napari_snpore.segmentation.occlusion import fibre_envelope
from napari_snpore.segmentation.phases import PORE

SHARES = (0.4, 0.5, 0.7, 0.9, 1.0, 1.2)
SMALL, LARGE = (96, 48, 96), (176, 48, 176)


def phantoms() -> Iterator[Phantom]:
    """Yield 27 phantoms: three families, two contrasts, two thicknesses."""
    for seed in range(1010, 1016):
        contrast = "realistic" if seed % 2 else "sodiated"
        for family in FAMILIES:
            for shape in (SMALL, LARGE) if seed < 1013 else (SMALL,):
                yield PhantomCase(family, contrast, seed, shape, 1000.0).make()


def biases(phantom: Phantom) -> list[tuple[float, float]]:
    """Return the bias of the pore fraction in points, and CPU seconds, for each share."""
    solid, spacing = phantom.phases > PORE, phantom.volume.spacing
    true = 100 * np.count_nonzero(phantom.phases == PORE) / np.count_nonzero(phantom.envelope)
    radius, body = solid_radius(solid, spacing), largest_body(solid)
    found = []
    for share in SHARES:
        began = time.process_time()
        mask = fibre_envelope(body, spacing=spacing, ray_length_nm=share * radius, cut_axes=(1,))
        spent = time.process_time() - began
        pore = 100 * np.count_nonzero(mask & ~solid) / np.count_nonzero(mask)
        found.append((pore - true, spent))
    return found


def main() -> None:
    """Print the table."""
    found = np.array([biases(phantom) for phantom in phantoms()])
    bias, spent = found[..., 0], found[..., 1]
    table = {
        "ray_over_radius": SHARES,
        "mean": bias.mean(axis=0),
        "rms": np.sqrt((bias**2).mean(axis=0)),
        "greatest": np.abs(bias).max(axis=0),
        "cpu_s": spent.sum(axis=0),
    }
    print(f"{len(bias)} phantoms, points of pore fraction")
    print(pd.DataFrame(table).round(2).to_string(index=False))


if __name__ == "__main__":
    main()

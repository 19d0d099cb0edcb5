"""What is planted for a detection limit."""

from __future__ import annotations

import math
from dataclasses import dataclass

from napari_snpore.errors import InputError

CLUSTERS = 100
"""Planted of each diameter: a recall of 50 % is known to 10 points."""

RUNS = 2
"""Reconstructions that the clusters are spread over, at most."""


@dataclass(frozen=True)
class DetectionOptions:
    """What is planted.

    Parameters
    ----------
    diameters_nm : sequence of float, optional
        Default 1.5, 2, 2.5, 3, 4 and 6 voxels.
    clusters : int
        Spheres of each diameter, where the fibre has a place for them.
    runs : int
        Reconstructions that they are spread over, at most; one where all have a place at once.
    margin_nm : float, optional
        Least gap between the surface of a sphere and any other cluster; default the full
        width at half maximum of the blur, at least 1.5 voxels.
    seed : int
        Of places and noise.

    Raises
    ------
    InputError
        A number out of its range.
    """

    diameters_nm: tuple[float, ...] | None = None
    clusters: int = CLUSTERS
    runs: int = RUNS
    margin_nm: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.diameters_nm is not None:
            sizes = tuple(float(one) for one in self.diameters_nm)
            if not sizes or not all(math.isfinite(one) and one > 0 for one in sizes):
                raise InputError(
                    f"diameters_nm is {sizes}; at least one positive length in nm is needed."
                )
            object.__setattr__(self, "diameters_nm", tuple(sorted(set(sizes))))
        for name in ("clusters", "runs"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}; 1 or more is needed.")
        if self.margin_nm is not None and not (
            math.isfinite(self.margin_nm) and self.margin_nm >= 0
        ):
            raise InputError(f"margin_nm is {self.margin_nm}; 0 nm or more is needed.")

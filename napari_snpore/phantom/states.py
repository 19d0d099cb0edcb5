"""Target numbers of a phantom in each state, from Ma et al. (doi 10.1002/adma.202307151).

A target is planted into a phantom; it is never reported as a result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["pristine", "sodiated", "desodiated"]

Region = Literal["centre", "edge", "whole"]


@dataclass(frozen=True)
class PoreTarget:
    """Pore fraction of a region, or its difference to that of the region ``above``; shares of the
    envelope.
    """

    region: Region
    value: float
    above: Region | None = None


@dataclass(frozen=True)
class StateTargets:
    """Targets of one state; fractions are shares of the envelope.

    Parameters
    ----------
    pores : pair of PoreTarget
        Two, because the radial profile has two parameters. Where the source only states that the
        centre has fewer pores than the edge, the difference of the two cubes is our choice.
    tin_fraction : float
        Share of phase 3 in the whole fibre.
    short_share : float
        Share by number of clusters with a length below ``LENGTH_LIMIT_NM``.
    median_length_nm : float
        Median of the lognormal distribution of planned lengths, our choice: the source gives the
        range only.
    """

    pores: tuple[PoreTarget, PoreTarget]
    tin_fraction: float
    short_share: float
    median_length_nm: float


LENGTH_LIMIT_NM = 2.0
"""Clusters below this length are "short": the limit for which the source gives shares."""

SIZE_RANGE_NM = (0.25, 4.0)
"""Range of the lengths and widths of clusters in the source."""

SEALED_SHARE = 0.004
"""Sealed pores as a share of the pore volume: the source found fewer than 1 % dead pores."""

TARGETS: dict[State, StateTargets] = {
    "pristine": StateTargets(
        (PoreTarget("centre", 0.321), PoreTarget("edge", 0.476)), 0.15, 0.916, 1.35
    ),
    "sodiated": StateTargets(
        (PoreTarget("whole", 0.258), PoreTarget("edge", 0.08, above="centre")), 0.165, 0.756, 1.55
    ),
    "desodiated": StateTargets(
        (PoreTarget("whole", 0.309), PoreTarget("edge", 0.1, above="centre")), 0.15, 0.756, 1.5
    ),
}

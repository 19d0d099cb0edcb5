"""Threshold ensemble: how far the numbers move while thresholds, blur and envelope move within what
is known of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from napari_snpore.compute import Progress, ShouldStop, check_stop
from napari_snpore.errors import InputError
from napari_snpore.uncertainty.digital_twin import Numbers

Source = Literal["thresholds", "blur", "envelope"]
SOURCES: tuple[Source, ...] = get_args(Source)

OCCLUSION_RANGE = 0.02
"""The occlusion threshold of the envelope is uniform within so much of its value."""

RAY_RANGE = 0.2
"""The ray length is uniform within this share of its value."""

DRAWS = 25

_LEAST_SHARE = 0.8

_COVERS_95 = 1.96

Evaluate = Callable[[Sequence[float], float, float], Numbers]
"""Numbers at thresholds (grey units), an occlusion threshold and a ray length (nm)."""


@dataclass(frozen=True, eq=False)
class Choices:
    """What a segmentation used, and what it might have used as well.

    Parameters
    ----------
    thresholds : tuple of float
        Those used, grey units.
    allowed : array-like, float, shape (choice, 1 or 2)
        The first one or two thresholds, evenly spaced in their logarithm (or anyhow, where only one
        choice is known): each is as likely as any other.
    step : float
        Ratio of neighbours in ``allowed``; a draw lies within half of it around a choice. 1: at it.
    occlusion_threshold, ray_length_nm : float
        Of the envelope; nan where there is none.
    blur_sd_px : float
        Standard deviation of the blur that was found, px; 0 where it is not in doubt.
    per_px : mapping of (quantity, unit) to float
        Change of each number with the blur, per px.
    """

    thresholds: tuple[float, ...]
    allowed: ArrayLike = ()
    step: float = 1.0
    occlusion_threshold: float = math.nan
    ray_length_nm: float = math.nan
    blur_sd_px: float = 0.0
    per_px: Mapping[tuple[str, str], float] | None = None


def threshold_ensemble(
    evaluate: Evaluate,
    choices: Choices,
    *,
    draws: int = DRAWS,
    sources: Sequence[Source] = SOURCES,
    seed: int = 0,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> pd.DataFrame:
    """Return the change of each number in joint draws of all that a segmentation chose.

    Thresholds are drawn from the region that the images allow, the envelope's occlusion threshold
    and ray length uniformly around their values, the blur from a normal distribution.

    Parameters
    ----------
    evaluate : callable
        ``evaluate(thresholds, occlusion_threshold, ray_length_nm)``: the numbers of a segmentation.
    choices : Choices
    draws : int
        How many; 3 is a measurement that is done three times.
    sources : sequence of {"thresholds", "blur", "envelope"}
        What is drawn; what is left out stays as it was.
    seed : int
        The same draws for the same seed; those of one source do not depend on the others.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    DataFrame
        One row per draw and number: ``draw`` (0 as it was used, then 1 to ``draws``), ``t1_gray, t2_gray`` ..., ``blur_px``
        (change, px), ``occlusion_threshold, ray_length_nm, quantity, unit, change`` (in the unit).

    Raises
    ------
    InputError
        No draws, an unknown source, or what ``evaluate`` refuses at the values that were used.
    Stopped
        ``should_stop`` returned true.

    Notes
    -----
    A draw at which ``evaluate`` refuses (thresholds that leave a phase empty) gives no row: see
    :func:`ensemble_spread`, which counts them.
    """
    if draws < 1:
        raise InputError(f"draws is {draws}; 1 or more is needed.")
    for source in sources:
        if source not in SOURCES:
            raise InputError(f"source {source!r} is unknown; choose from {', '.join(SOURCES)}.")
    drawn = _drawn(choices, draws, sources, seed)
    plain = evaluate(choices.thresholds, choices.occlusion_threshold, choices.ray_length_nm)
    known = dict(choices.per_px or {})
    rows = []
    used = (choices.thresholds, 0.0, choices.occlusion_threshold, choices.ray_length_nm)
    for number, (thresholds, blur_px, occlusion, ray_nm) in enumerate([used, *drawn]):
        check_stop(should_stop)
        same = (
            thresholds == choices.thresholds
            and (occlusion, ray_nm) == (choices.occlusion_threshold, choices.ray_length_nm)
        ) or (thresholds == choices.thresholds and math.isnan(occlusion))
        try:
            found = plain if same else evaluate(thresholds, occlusion, ray_nm)
        except InputError:
            found = {}
        about: dict[str, object] = {"draw": number}
        about |= {f"t{k}_gray": value for k, value in enumerate(thresholds, 1)}
        about |= {"blur_px": blur_px, "occlusion_threshold": occlusion, "ray_length_nm": ray_nm}
        rows += [
            {
                **about,
                "quantity": key[0],
                "unit": key[1],
                "change": found[key] - value + blur_px * known.get(key, 0.0),
            }
            for key, value in plain.items()
            if key in found
        ]
        if progress is not None and number:
            progress(number, draws)
    return pd.DataFrame(rows)


def ensemble_spread(ensemble: pd.DataFrame) -> pd.DataFrame:
    """Return the spread of each number over the draws of an ensemble, together and by source.

    Parameters
    ----------
    ensemble : DataFrame
        Of :func:`threshold_ensemble`.

    Returns
    -------
    DataFrame
        One row per number and source (``together`` first, then each source that was drawn):
        ``quantity, unit, source, spread, n``. ``spread``: root mean square of the change from the
        value that was used, in the unit of the quantity, because draws need not scatter around it.
        That of a source is the part of the change that follows its own values in a straight line
        (least squares over all sources at once). All are nan where fewer than 80 % of the draws gave the
        number: what refuses the number would have moved it most. ``n``:
        draws that gave the number.
    """
    rows, draws = [], int(ensemble["draw"].max()) if len(ensemble) else 0
    for (quantity, unit), part in ensemble.groupby(["quantity", "unit"], sort=False):
        used, drawn = part[part["draw"] == 0].iloc[0], part[part["draw"] > 0]
        drawn = drawn[np.isfinite(drawn["change"])]
        spreads = {"together": _rms(drawn["change"].to_numpy(np.float64))}
        spreads |= _by_source(drawn, used)
        if len(drawn) < _LEAST_SHARE * draws:
            spreads = dict.fromkeys(spreads, math.nan)
        rows += [
            {"quantity": quantity, "unit": unit, "source": source, "spread": spread}
            | {"n": len(drawn)}
            for source, spread in spreads.items()
        ]
    return pd.DataFrame(rows, columns=["quantity", "unit", "source", "spread", "n"])


def as_three_times(ensemble: pd.DataFrame) -> pd.DataFrame:
    """Return mean and standard deviation of the change in the first three draws: what "measured
    three times" reports.

    It is no interval of 95 %: with three values that would be 4.3 standard deviations over √3.

    Returns
    -------
    DataFrame
        ``quantity, unit, mean, sd``, of the change, in the unit of the quantity.
    """
    first = ensemble[ensemble["draw"].between(1, 3)]
    found = first.groupby(["quantity", "unit"], sort=False)["change"].agg(["mean", "std"])
    return found.rename(columns={"std": "sd"}).reset_index()


def _drawn(
    choices: Choices, draws: int, sources: Sequence[Source], seed: int
) -> list[tuple[tuple[float, ...], float, float, float]]:
    streams = [np.random.default_rng(one) for one in np.random.SeedSequence(seed).spawn(3)]
    of_thresholds, of_blur, of_envelope = streams
    thresholds = [choices.thresholds] * draws
    if "thresholds" in sources:
        thresholds = [_thresholds(choices, of_thresholds) for _ in range(draws)]
    blur = np.zeros(draws)
    if "blur" in sources and choices.blur_sd_px > 0:
        blur = of_blur.normal(scale=choices.blur_sd_px, size=draws)
    moved = np.zeros((draws, 2))
    if "envelope" in sources:
        moved = of_envelope.uniform(-1, 1, (draws, 2))
    occlusion = choices.occlusion_threshold + OCCLUSION_RANGE * moved[:, 0]
    ray_nm = choices.ray_length_nm * (1 + RAY_RANGE * moved[:, 1])
    return list(zip(thresholds, blur.tolist(), occlusion.tolist(), ray_nm.tolist(), strict=True))


def _thresholds(choices: Choices, rng: np.random.Generator) -> tuple[float, ...]:
    """Draw thresholds from the region; those beyond its axes stay, and all of them still rise."""
    allowed = np.atleast_2d(np.asarray(choices.allowed, np.float64))
    if not allowed.size:
        return choices.thresholds
    axes = allowed.shape[1]
    for _ in range(100):
        at = allowed[rng.integers(len(allowed))]
        at = at * choices.step ** rng.uniform(-0.5, 0.5, axes)
        found = (*map(float, at), *choices.thresholds[axes:])
        if all(low < high for low, high in pairwise(found)):
            return found
    return choices.thresholds


def _rms(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(values**2))) if values.size else math.nan


def _by_source(part: pd.DataFrame, used: pd.Series) -> dict[str, float]:
    """Split changes into those that follow each source, by least squares without a constant: where
    nothing moved, nothing changed.
    """
    columns = {
        "thresholds": [name for name in map(str, part.columns) if name.endswith("_gray")],
        "blur": ["blur_px"],
        "envelope": ["occlusion_threshold", "ray_length_nm"],
    }
    moved: dict[str, NDArray[np.float64]] = {}
    for source, names in columns.items():
        values = part[names].to_numpy(np.float64) - used[names].to_numpy(np.float64)
        values = values[:, (np.abs(values) > 0).any(axis=0)]
        if values.shape[1]:
            moved[source] = values
    if not moved:
        return {}
    matrix = np.column_stack(list(moved.values()))
    if len(part) <= matrix.shape[1]:
        return dict.fromkeys(moved, math.nan)
    scale = np.abs(matrix).max(axis=0)
    factors = np.linalg.lstsq(matrix / scale, part["change"], rcond=None)[0] / scale
    found, at = {}, 0
    for source, values in moved.items():
        followed = values @ factors[at : at + values.shape[1]]
        found[source] = _rms(followed)
        at += values.shape[1]
    return found

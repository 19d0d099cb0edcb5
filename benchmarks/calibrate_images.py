"""Calibration of what the images decide: the blur search, and the thresholds that they allow.

``make calibrate-images``, or ``python -m benchmarks.calibrate_images``, adds one phantom after
another to ``benchmarks/calibrate_images.csv`` and prints what its settings stand on:

- blur found over blur given, by the boundary weight with which the search polishes its trials;
- how far above the least residual R the thresholds with the true fractions lie, as a share of it.

Phantoms of all families with seeds from 100 on: those that ``benchmarks/truth.py`` tests have seeds
below. Tilts are simulated by the model, so that the true blur is one number.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd

from benchmarks.calibrate_polish import BLUR_PX, FIRST_SEED
from benchmarks.case_tables import (
    ANGLES_DEG,
    CONTRASTS,
    FAMILIES,
    PhantomCase,
    has_case,
    read_rows,
    replace_case,
    shape_of,
)
from benchmarks.stopping import KEPT, stopped_in_a_sentence
from napari_snpore.phantom import Phantom, simulate_tilt_series
from napari_snpore.segmentation.projection_residual import projection_residual
from napari_snpore.tomography.discrete import blur_trials
from napari_snpore.tomography.discrete.blur_search import find_blur
from napari_snpore.tomography.noise import noise_model
from napari_snpore.tomography.options import Tv
from napari_snpore.tomography.reconstruction import reconstruct
from napari_snpore.volume import Volume

OUT = Path(__file__).with_suffix(".csv")
BOUNDARY_WEIGHTS = (0.3, 0.6, 1.0, 1.5, 2.0)


def case_rows(case: PhantomCase) -> Iterator[dict[str, Any]]:
    """Yield a row per boundary weight of the search, with the blur found, and one with the residual
    at the true fractions."""
    phantom = case.make()
    series = simulate_tilt_series(phantom, angles_deg=ANGLES_DEG, dose=case.dose, seed=case.seed)
    noise = noise_model(series)
    for weight in BOUNDARY_WEIGHTS:
        with patch.object(blur_trials, "_BOUNDARY_WEIGHT", weight):
            found = find_blur(series, noise=noise)
        yield {
            "boundary_weight": weight,
            "blur_ratio": found.sigma_px / BLUR_PX,
            "reliable": found.reliable,
            "reason": found.reason,
        }
    volume = reconstruct(series, method=Tv(blur_px=BLUR_PX))
    residual = projection_residual(series, volume, blur_px=BLUR_PX, noise=noise)
    at = residual.residual_at(true_thresholds(phantom, volume))
    yield {"boundary_weight": np.nan, "excess_percent": 100 * (at / residual.minimum - 1)}


def true_thresholds(phantom: Phantom, volume: Volume) -> tuple[float, ...]:
    """Return the thresholds at which a volume has the true fractions of the whole box."""
    counts = np.bincount(phantom.phases.ravel(), minlength=4)
    below = np.cumsum([counts[0] + counts[1], counts[2]]) / phantom.phases.size
    return tuple(np.quantile(volume.data, below).tolist())


def summary(table: pd.DataFrame) -> str:
    """Return what the table says, in two parts."""
    by_weight = table[table["boundary_weight"].notna()].groupby("boundary_weight")
    blur = by_weight["blur_ratio"].agg(["count", "median", "min", "max", "std"]).round(3)
    blur["not_reliable"] = by_weight["reliable"].agg(
        lambda values: int((~values.astype(bool)).sum())
    )
    excess = table["excess_percent"].dropna()
    limits = excess.quantile([0.05, 0.5, 0.95]).round(2).tolist()
    words = f"R at the true fractions over the least R: 5, 50, 95 %: {limits} % above it"
    return f"{blur}\n\n{words} ({len(excess)} volumes)"


def main() -> None:
    """Run the cases that the table does not have yet, and print the summary."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", default="128x48x128")
    parser.add_argument("--dose", type=float, default=1000.0)
    parser.add_argument("--seeds", type=int, default=1, help="per family and contrast, from 101 on")
    parser.add_argument("--families", default=",".join(FAMILIES))
    parser.add_argument("--contrasts", default=",".join(CONTRASTS))
    parser.add_argument("--output", type=Path, default=OUT)
    given = parser.parse_args()
    seeds = range(FIRST_SEED + 1, FIRST_SEED + 1 + given.seeds)
    plan = itertools.product(seeds, given.families.split(","), given.contrasts.split(","))
    for seed, family, contrast in plan:
        case = PhantomCase(family, contrast, seed, shape_of(given.shape), given.dose)
        if not has_case(read_rows(given.output), case.columns()):
            replace_case(given.output, case.columns(), list(case_rows(case)))
            print(f"{family} {contrast} {seed} done", flush=True)
    print(summary(read_rows(given.output)))


if __name__ == "__main__":
    with stopped_in_a_sentence(KEPT):
        main()

"""Calibration of polishing: boundary weight β and place of the first threshold.

``make calibrate-polish``, or ``python -m benchmarks.calibrate_polish``, adds one phantom after
another to ``benchmarks/calibrate_polish.csv`` and prints the table of medians.

Phantoms of all families with seeds from 100 on: those that ``benchmarks/truth.py`` tests have seeds
below, so that no test phantom chooses a setting. Blur and envelope are the true ones: what they
cost is no matter of β. Levels and the upper threshold are those of ``projection_residual``; the
first threshold lies at a share of the way from vacuum to carbon. Tilts are simulated by the model.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

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
from napari_snpore.measurement.objects import label_objects
from napari_snpore.phantom import Phantom, simulate_tilt_series
from napari_snpore.segmentation.phases import PORE_C_SN, TIN
from napari_snpore.segmentation.projection_residual import projection_residual
from napari_snpore.study.measuring import regional_fractions
from napari_snpore.tomography.discrete.polish import polish_phases
from napari_snpore.tomography.noise import noise_model
from napari_snpore.tomography.options import Tv
from napari_snpore.tomography.reconstruction import reconstruct
from napari_snpore.volume import Volume

OUT = Path(__file__).with_suffix(".csv")
BOUNDARY_WEIGHTS = (0.0, 0.15, 0.3, 0.6, 1.0)
FIRST_SHARES = (0.4, 0.45, 0.5)
FIRST_SEED = 100
"""Seeds below belong to the test phantoms."""

BLUR_PX = 1.0
"""True blur of the simulated tilts: 0.15 nm in voxels of 0.15 nm."""

ERRORS = ("wrong_percent", "bias_pore", "bias_pore_center", "bias_pore_edge", "bias_tin")


def case_rows(case: PhantomCase) -> Iterator[dict[str, Any]]:
    """Yield one row per share of the first threshold and boundary weight; ``boundary_weight`` nan
    is the volume before polishing."""
    phantom = case.make()
    series = simulate_tilt_series(phantom, angles_deg=ANGLES_DEG, dose=case.dose, seed=case.seed)
    volume = reconstruct(series, method=Tv(blur_px=BLUR_PX))
    noise = noise_model(series)
    found = projection_residual(series, volume, blur_px=BLUR_PX, noise=noise)
    true = _numbers(phantom, phantom.phases)
    if not found.levels:
        raise RuntimeError(f"No levels were found: {found.suggestion.warning}")
    levels = (0.0, *found.levels)
    for share in FIRST_SHARES:
        thresholds = (share * found.levels[1], *found.best[1:])
        start = (np.digitize(volume.data, thresholds) + 1).astype(np.uint8)
        start[~phantom.envelope] = 0
        phases = Volume(start, volume.spacing, volume.origin)
        place = {"first_share": share, "level_carbon": levels[2], "level_tin": levels[3]}
        yield place | {"boundary_weight": np.nan} | _errors(phantom, true, start)
        for weight in BOUNDARY_WEIGHTS:
            began = time.perf_counter()
            polished, fitted = polish_phases(
                phases,
                series,
                levels=levels,
                blur_px=BLUR_PX,
                noise=noise,
                boundary_weight=weight,
            )
            row = place | {"boundary_weight": weight} | _errors(phantom, true, polished.data)
            row |= {"level_carbon": fitted[2], "level_tin": fitted[3]}
            yield row | {"seconds": round(time.perf_counter() - began, 2)}


def _numbers(phantom: Phantom, phases: np.ndarray) -> dict[str, float]:
    boxes = {name: (center, size) for name, (center, size, _) in phantom.boxes.items()}
    volume = Volume(phases, phantom.volume.spacing, phantom.volume.origin)
    table = regional_fractions(volume, PORE_C_SN.names, boxes).set_index(["region", "phase"])
    percent = table["fraction_percent"]
    whole, *cubes = dict.fromkeys(table.index.get_level_values("region"))
    names = dict(zip(cubes, ("center", "edge"), strict=True))
    numbers = {"bias_pore": percent[whole, 1], "bias_tin": percent[whole, TIN]}
    numbers |= {f"bias_pore_{name}": percent[cube, 1] for cube, name in names.items()}
    return numbers | {
        "tin_count": float(label_objects(phases == TIN, connectivity=26).max()),
        "unlike_pairs": float(_unlike_pairs(phases)),
    }


def _unlike_pairs(phases: np.ndarray) -> int:
    """Return the number of unlike face neighbours inside the envelope: the roughness."""
    count = 0
    for axis in range(3):
        first = np.moveaxis(phases, axis, 0)[:-1]
        second = np.moveaxis(phases, axis, 0)[1:]
        count += np.count_nonzero((first != second) & (first > 0) & (second > 0))
    return count


def _errors(phantom: Phantom, true: dict[str, float], phases: np.ndarray) -> dict[str, float]:
    inside = phantom.envelope
    numbers = _numbers(phantom, phases)
    errors = {"wrong_percent": 100 * float((phases != phantom.phases)[inside].mean())}
    errors |= {name: numbers[name] - true[name] for name in numbers if name.startswith("bias")}
    for name in ("tin_count", "unlike_pairs"):
        errors[f"{name}_ratio"] = numbers[name] / true[name]
    return errors


def medians(table: pd.DataFrame) -> pd.DataFrame:
    """Return medians of the errors without sign, per contrast, share and weight."""
    rows = table.copy()
    rows[list(ERRORS)] = rows[list(ERRORS)].abs()
    keys = ["contrast", "first_share", "boundary_weight"]
    wanted = [*ERRORS, "tin_count_ratio", "unlike_pairs_ratio"]
    return rows.groupby(keys, dropna=False)[wanted].median().reset_index()


def main() -> None:
    """Run the cases that the table does not have yet, and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", default="96x40x96")
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
        if has_case(read_rows(given.output), case.columns()):
            continue
        began = time.perf_counter()
        rows = list(case_rows(case))
        replace_case(given.output, case.columns(), rows)
        print(f"{family} {contrast} {seed}: {time.perf_counter() - began:.0f} s", flush=True)
    print(medians(read_rows(given.output)).to_string(index=False, float_format="%.2f"))


if __name__ == "__main__":
    with stopped_in_a_sentence(KEPT):
        main()

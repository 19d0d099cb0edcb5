"""Whether a detection limit predicts what is found: phantoms with small clusters of their own.

Spheres are put into the fine grid of a phantom before its tilts are simulated (the simulator outside
the model), the phantom is measured blind, and what was found of its spheres is compared with what
``detection_limit`` predicts from the images, without knowing of them.
``benchmarks/planted_recall.csv``: one row per phantom and diameter. ``n_planted, found_planted,
merged_planted``: the phantom's own spheres. ``n, found, recall, ...``: the prediction.
``n_natural, found_natural, merged_natural``: the clusters of the phantom's state, by the diameter of
the sphere of their volume, which lie as close to each other as two voxels.

The blur is given (that of the simulator's probe, as the blur search finds it on phantoms of this kind):
in phantoms as small as these the search ends without an answer once many spheres are added, and
without a blur nothing is polished and there is no limit. Seeds from 300 on, with which no setting was
chosen.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import binomtest

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
from napari_snpore.history import PolishStep, last_step
from napari_snpore.measurement.labelling import label_objects, voxel_counts
from napari_snpore.phantom import Phantom, Recording, measured_series, simulate_measured_series
from napari_snpore.segmentation.phases import TIN
from napari_snpore.study.provenance import Record
from napari_snpore.study.recipe import (
    EnvelopeSection,
    PolishSection,
    PrepareSection,
    ThresholdSection,
)
from napari_snpore.study.run_context import RunContext
from napari_snpore.study.segmenting import find_phases
from napari_snpore.study.stages import prepare
from napari_snpore.tomography.noise import noise_model
from napari_snpore.tomography.options import Tv
from napari_snpore.tomography.reconstruction import reconstruct
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.uncertainty.detection_limit import detection_limit
from napari_snpore.uncertainty.detection_options import DetectionOptions
from napari_snpore.uncertainty.found_clusters import cluster_fates, holding_objects
from napari_snpore.uncertainty.planted_clusters import Places, PlantedClusters, sphere_cover
from napari_snpore.volume import Volume

TABLE = Path(__file__).parent / "planted_recall.csv"

DIAMETERS_NM = (0.225, 0.3, 0.375, 0.45, 0.6, 0.9)
"""1.5 to 6 voxels."""

MARGIN_NM = 0.35
"""Gap around the phantom's own spheres: that of the default for its probe."""

BLUR_PX = 1.0

REFINE = 3
_NOISE_SEED = 7


def own_spheres(phantom: Phantom, clusters: int) -> PlantedClusters:
    """Return the spheres of a phantom of its own, at places that its true phases leave."""
    voxel = phantom.spacing[2]
    places = Places(phantom.phases, TIN, voxel, MARGIN_NM)
    rng = np.random.default_rng([phantom.seed, 1])
    return places.plant([(one, clusters) for one in DIAMETERS_NM], rng)


def with_spheres(
    fine: NDArray[np.uint8], spheres: PlantedClusters, voxel_nm: float
) -> NDArray[np.uint8]:
    """Return a fine grid with spheres of Sn in it."""
    out = fine.copy()
    for center, diameter in zip(spheres.centers, spheres.diameters_nm, strict=True):
        box, share = sphere_cover((center + 0.5) * REFINE - 0.5, diameter / 2 / voxel_nm * REFINE)
        out[box][share >= 0.5] = TIN
    return out


def simulated(phantom: Phantom, spheres: PlantedClusters, dose: float) -> TiltSeries:
    """Return the tilts of a phantom with spheres, by the simulator outside the model."""
    plain = measured_series.fine_phases

    def fine(phases: NDArray[np.uint8], refine: int, **options: Any) -> NDArray[np.uint8]:
        return with_spheres(plain(phases, refine, **options), spheres, phantom.spacing[2])

    with patch.object(measured_series, "fine_phases", fine):
        return simulate_measured_series(
            phantom, angles_deg=ANGLES_DEG, dose=dose, refine=REFINE, seed=phantom.seed
        )


def phases_of(series: TiltSeries) -> Volume:
    """Return the phases of aligned images by the steps of a run, with its defaults."""
    return find_phases(
        reconstruct(series, method=Tv(blur_px=BLUR_PX)),
        ThresholdSection(),
        EnvelopeSection(),
        polish=PolishSection(),
        series=series,
        context=RunContext(Record("planted recall")),
    ).phases


def run_case(case: PhantomCase, clusters: int, runs: int) -> list[dict[str, Any]]:
    """Return the rows of one phantom."""
    phantom = case.make()
    spheres = own_spheres(phantom, clusters)
    series = prepare(simulated(phantom, spheres, case.dose), PrepareSection())
    noise = noise_model(series)
    polished = phases_of(series)
    step = last_step(polished.history, PolishStep)
    if step is None or step.note is not None:
        why = "not polished" if step is None else step.note
        return [{"diameter_nm": one, "error": why} for one in DIAMETERS_NM]
    after = np.asarray(polished.data) == TIN

    predicted = detection_limit(
        polished,
        series,
        lambda images, progress: phases_of(images),
        levels=step.levels,
        blur_px=BLUR_PX,
        noise=noise,
        residual_px=Recording().residual_px,
        options=DetectionOptions(DIAMETERS_NM, clusters, runs, seed=_NOISE_SEED),
    )
    own = cluster_fates(spheres, phantom.phases == TIN, after, voxel_nm=phantom.spacing[2])
    rows = predicted.to_dict("records")
    for row in rows:
        mine = own[own["diameter_nm"] == row["diameter_nm"]]
        good = mine[mine["found"]]
        row["n_planted"], row["found_planted"] = len(mine), len(good)
        row["merged_planted"] = int(mine["merged"].sum())
        row["length_bias_planted_nm"] = good["length_nm"].mean() - row["diameter_nm"]
        row["volume_bias_planted_percent"] = 100 * (
            good["volume_nm3"].mean() / (math.pi / 6 * row["diameter_nm"] ** 3) - 1
        )
    return _with_natural(rows, phantom, after)


def _with_natural(
    rows: list[dict[str, Any]], phantom: Phantom, after: NDArray[np.bool_]
) -> list[dict[str, Any]]:
    """Add what became of the clusters of the phantom's state."""
    known = np.asarray(label_objects(phantom.phases == TIN))
    count = int(known.max())
    holders, merged = holding_objects(known, np.asarray(label_objects(after)), range(1, count + 1))
    volumes = voxel_counts(known, count)[1:] * phantom.spacing[2] ** 3
    sizes = (6 / math.pi * volumes) ** (1 / 3)
    edges = np.sqrt(np.array(DIAMETERS_NM[1:]) * np.array(DIAMETERS_NM[:-1]))
    of_row = np.searchsorted(edges, sizes)
    for place, row in enumerate(rows):
        mine = of_row == place
        if place == len(rows) - 1:
            mine &= sizes < DIAMETERS_NM[-1] ** 2 / edges[-1]
        row["n_natural"] = int(mine.sum())
        row["found_natural"] = int((mine & (holders > 0) & ~merged).sum())
        row["merged_natural"] = int((mine & merged).sum())
    return rows


def pooled(rows: pd.DataFrame) -> pd.DataFrame:
    """Return predicted and found recall of each diameter, all phantoms of a contrast together."""
    counts = ["n", "found", "merged", "n_planted", "found_planted", "merged_planted"]
    table = rows.groupby(["contrast", "diameter_nm"])[counts].sum().astype(int)
    table["predicted_percent"] = 100 * table["found"] / table["n"]
    table["found_percent"] = 100 * table["found_planted"] / table["n_planted"]
    table["difference_points"] = table["predicted_percent"] - table["found_percent"]
    for name, (found, n) in {
        "predicted": ("found", "n"),
        "found": ("found_planted", "n_planted"),
    }.items():
        bounds = [
            binomtest(int(k), int(m)).proportion_ci(method="wilson") if m else (np.nan, np.nan)
            for k, m in zip(table[found], table[n], strict=True)
        ]
        table[f"{name}_low_95"] = [100 * low for low, _ in bounds]
        table[f"{name}_high_95"] = [100 * high for _, high in bounds]
    return table.reset_index()


def main() -> int:
    """Add phantoms to the table, and print what all of them say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[300, 301, 302, 303, 304])
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=["fibre"])
    parser.add_argument("--contrasts", nargs="+", choices=CONTRASTS, default=["realistic"])
    parser.add_argument("--shape", type=shape_of, default=(96, 64, 96))
    parser.add_argument("--dose", type=float, default=1000.0)
    parser.add_argument("--clusters", type=int, default=50)
    parser.add_argument("--runs", type=int, default=4)
    parser.add_argument("--table", type=Path, default=TABLE)
    given = parser.parse_args()
    for contrast in given.contrasts:
        for family in given.families:
            for seed in given.seeds:
                case = PhantomCase(family, contrast, seed, given.shape, given.dose)
                if has_case(read_rows(given.table), case.columns()):
                    continue
                rows = run_case(case, given.clusters, given.runs)
                replace_case(given.table, case.columns(), rows)
                print(pd.DataFrame(rows).to_string(), flush=True)
    print(pooled(read_rows(given.table)).round(1).to_string(index=False))
    return 0


if __name__ == "__main__":
    main()

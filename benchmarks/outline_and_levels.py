"""What the outline on the walls and levels that stay do on phantoms, each alone.

``python -m benchmarks.outline_and_levels`` measures 18 phantoms blind (all families, contrasts, and two
simulators; 96 × 48 × 96 voxels, 1,000 electrons) and fills its table in ``docs/errors.md``. The constants
of the outline, and that levels stay, were chosen on seeds from 3300 on; these phantoms have seeds from
3500 on.

Errors of the pore fraction, before the twin: with the envelope that was found, with the outline on the
walls, with the true outline; and with the true outline after polishing that fits the levels anew after
each sweep.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.blind_run import TruthCase, blind_run
from benchmarks.case_tables import CONTRASTS, FAMILIES, PhantomCase
from benchmarks.truth_report import fill_document
from napari_snpore.history import PolishStep, required_step
from napari_snpore.segmentation.outline import fibre_outline, with_outline
from napari_snpore.segmentation.phases import EXTERIOR, PORE
from napari_snpore.tomography.discrete.phase_levels import levels_of_phases
from napari_snpore.tomography.discrete.polish import polish_phases
from napari_snpore.tomography.noise import noise_model

DOCUMENT = Path(__file__).parent.parent / "docs" / "errors.md"
FIRST_SEED = 3500
SHAPE, DOSE = (96, 48, 96), 1000.0

COLUMNS = {
    "envelope": "envelope found",
    "outline": "outline on the walls",
    "true outline": "true outline",
    "fitted levels": "true outline, levels fitted anew",
    "misfit change": "misfit then, %",
}


def planned_cases(first_seed: int) -> list[TruthCase]:
    """Return the phantoms."""
    kinds = [
        (contrast, family, simulator)
        for contrast in CONTRASTS
        for family in FAMILIES
        for simulator in ("model", "measured")
    ]
    return [
        TruthCase(simulator, PhantomCase(family, contrast, first_seed + number, SHAPE, DOSE))
        for number, (contrast, family, simulator) in enumerate(kinds)
    ]


def errors_of(case: TruthCase) -> dict[str, float] | None:
    """Return the errors of one phantom in points, and the change of its misfit; None where its phases
    were not polished.
    """
    run = blind_run(case)
    if not run.is_polished:
        return None
    truth, found = run.phantom.phases, run.segmentation.phases.data
    body = truth > EXTERIOR
    inside = fibre_outline(found, 1)
    before = run.segmentation.before_polishing
    series = run.tomogram.aligned
    assert inside is not None, "all phantoms are fibres along y"
    assert before is not None, "they are polished"
    assert series is not None, "from images"
    noise, blur_px = noise_model(series), run.blur_px
    levels = levels_of_phases(before, series, blur_px=blur_px, noise=noise)
    fitted, _ = polish_phases(
        before, series, levels=levels, blur_px=blur_px, noise=noise, fit_levels=True
    )
    misfits = [
        required_step(phases.history, PolishStep).residual_after or np.nan
        for phases in (run.segmentation.phases, fitted)
    ]
    true = _pore_percent(truth)
    return {
        "envelope": _pore_percent(found) - true,
        "outline": _pore_percent(with_outline(found, inside)) - true,
        "true outline": _pore_percent(with_outline(found, body)) - true,
        "fitted levels": _pore_percent(with_outline(fitted.data, body)) - true,
        "misfit change": 100 * (misfits[1] / misfits[0] - 1),
    }


def _pore_percent(phases: NDArray[np.integer]) -> float:
    return 100 * np.count_nonzero(phases == PORE) / np.count_nonzero(phases)


def table(rows: pd.DataFrame) -> str:
    """Return root mean squares for each contrast as Markdown; of the misfit the median change."""
    lines = [
        f"| contrast | phantoms | {' | '.join(COLUMNS.values())} |",
        f"| --- | ---: |{' ---: |' * len(COLUMNS)}",
    ]
    for contrast, part in rows.groupby("contrast", sort=False):
        errors = part[[*COLUMNS]].drop(columns="misfit change")
        cells = [f"{value:.2f}" for value in np.sqrt((errors**2).mean())]
        cells.append(f"{part['misfit change'].median():+.1f}".replace("-", "−"))
        lines.append(f"| {contrast} | {len(part)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure all phantoms, print each, and fill the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    given = parser.parse_args()
    cases, rows = planned_cases(given.first_seed), []
    with ProcessPoolExecutor(given.processes) as pool:
        for case, found in zip(cases, pool.map(errors_of, cases), strict=True):
            print(case.columns(), found, flush=True)
            if found is not None:
                rows.append(case.columns() | found)
    words = table(pd.DataFrame(rows))
    print(words)
    if given.first_seed == FIRST_SEED:
        fill_document(DOCUMENT, {"outline and levels": words})


if __name__ == "__main__":
    main()

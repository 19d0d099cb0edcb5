"""Makes the finished runs of the sample *Three states, a study*: the fibres of ``sample_volumes/``
by simulated tilts, through all steps of ``snpore run``.

``python scripts/make_three_states.py FOLDER`` writes whole runs into FOLDER, one per state, and what
the sample needs of them into ``napari_snpore/data/three_states/``.
"""

from __future__ import annotations

import gzip
import shutil
import sys
from pathlib import Path

import numpy as np

from napari_snpore.files import read_volume, write_volume
from napari_snpore.phantom import make_phantom, simulate_tilt_series
from napari_snpore.study.demo import ANGLES_DEG, DOSE
from napari_snpore.study.phantom_files import write_tilts
from napari_snpore.study.pipeline import run_study
from napari_snpore.study.recipe import (
    AlignSection,
    EnvelopeSection,
    InputSection,
    MeasureSection,
    OutputSection,
    Recipe,
)

STATES = ("pristine", "sodiated", "desodiated")
SHAPE, SPACING_NM, SEED = (88, 64, 88), 0.3, 1
"""As in sample_volumes/README.md."""

KEPT = (
    "record.json",
    "recipe.toml",
    "summary.txt",
    "tables/numbers.csv",
    "tables/objects_Sn.csv",
    "tables/objects_pore.csv",
    "tables/shells.csv",
    "tables/fractions.csv",
    "tables/fractions_by_slice.csv",
    "tables/dead_pores.csv",
    "tables/threshold_sensitivity.csv",
)
"""Files of a run that a comparison reads."""

SAMPLE = Path(__file__).parents[1] / "napari_snpore" / "data" / "three_states"


def main(folder: Path) -> None:
    """Make the runs and copy what is kept of them."""
    for state in STATES:
        run = folder / state
        if not (run / "record.json").exists():
            make_run(state, folder)
        for name in KEPT:
            (SAMPLE / state / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(run / name, SAMPLE / state / name)
        keep_phases(run / "volumes" / "phases.tif", SAMPLE / state / "phases.nrrd")


def keep_phases(source: Path, place: Path) -> None:
    """Write phases with their history as NRRD, compressed to a tenth."""
    place.unlink(missing_ok=True)
    write_volume(place, read_volume(source))
    head, _, voxels = place.read_bytes().partition(b"\n\n")
    head = head.replace(b"encoding: raw", b"encoding: gzip")
    place.write_bytes(head + b"\n\n" + gzip.compress(voxels, 9, mtime=0))


def make_run(state: str, folder: Path) -> None:
    """Simulate the tilts of one state and run them."""
    phantom = make_phantom(state, shape=SHAPE, spacing=SPACING_NM, seed=SEED)  # type: ignore[arg-type]
    series = simulate_tilt_series(phantom, angles_deg=np.asarray(ANGLES_DEG), dose=DOSE, seed=SEED)
    folder.mkdir(parents=True, exist_ok=True)
    tilts = write_tilts(folder / f"{state}_tilts.tif", series)
    recipe = Recipe(
        name=state,
        seed=SEED,
        input=InputSection(tilt_series=tilts.name),
        align=AlignSection(enabled=False),
        envelope=EnvelopeSection(ray_length_nm=6.0),
        measure=MeasureSection(phases=["pore", "Sn"]),
        output=OutputSection(figures=[]),
    )
    print(run_study(recipe, folder / state).summary)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""The sample "three states": finished runs of the study of known truth, which ship with the package.

They are those of ``snpore demo --study`` without grey volumes and labels of objects
(``scripts/study_sample.py``): all that a comparison reads, and the phases to look at.
"""

from __future__ import annotations

import zipfile
from importlib.resources import files
from pathlib import Path

from napari_snpore.files.atomic import making
from napari_snpore.outputs.own_files import RECORD
from napari_snpore.study.states.study_recipe import Study, study_of_runs

STATES = ("pristine", "sodiated", "desodiated")
TITLE = "Three states, as phantoms"


def sample_study(folder: str | Path) -> Study:
    """Return the study of the sample's finished runs, which are written into a folder.

    Parameters
    ----------
    folder : path
        A new folder; one that holds the sample already is left as it is.

    Returns
    -------
    Study
        For :func:`~napari_snpore.study.states.comparing.compare_study`; the runs of each state are
        its ``fibres``.

    Raises
    ------
    OutputError
        A folder that cannot be written.
    """
    folder = Path(folder).expanduser()
    if not all((folder / state / RECORD).is_file() for state in STATES):
        source = files("napari_snpore") / "data" / "three_states" / "runs.zip"
        with (
            making(folder, reading=True) as work,
            source.open("rb") as file,
            zipfile.ZipFile(file) as archive,
        ):
            archive.extractall(work.new(work.target.name))
            work.move_in(work.target.name)
    return study_of_runs({state: [folder / state] for state in STATES}, title=TITLE)

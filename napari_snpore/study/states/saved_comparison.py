"""A comparison written into a folder by itself, without the runs that it compares."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_snpore.comparison.compare import Comparison
from napari_snpore.outputs.own_files import RECORD
from napari_snpore.outputs.places import resolved
from napari_snpore.study.provenance import Record, sha256
from napari_snpore.study.recipe import relative_path
from napari_snpore.study.states.comparing import TABLES
from napari_snpore.study.states.comparison_summary import summary_text
from napari_snpore.study.states.study_folder import SUMMARY, study_folder, write_study


def save_comparison(
    folder: str | Path,
    comparison: Comparison,
    *,
    runs: Mapping[tuple[str, str], Path] | None = None,
) -> Path:
    """Write ``states.csv``, ``differences.csv``, ``distributions.csv``, ``summary.txt`` and the
    record ``comparison.json``, as ``snpore compare`` does.

    Parameters
    ----------
    folder : path
        A new or empty folder, or one with an earlier comparison.
    comparison : Comparison
    runs : mapping of (state, fibre) to path, optional
        Folders of the runs that were compared; fibres without one were compared from a window, and
        the record says so. A folder with a comparison whose runs are all there can be opened again.

    Raises
    ------
    OutputError
        The folder holds something else, or cannot be written.
    """
    out = Path(folder).expanduser()
    out.mkdir(parents=True, exist_ok=True)
    record = Record("compare", parameters={"states": list(comparison.names)}, seed=comparison.seed)
    record.results = {
        "fibres": _entries(comparison, runs or {}, out),
        "notes": list(comparison.notes),
    }
    tables = dict(
        zip(
            TABLES,
            (comparison.states, comparison.differences, comparison.distributions),
            strict=True,
        )
    )
    with study_folder(out, TABLES) as work:
        write_study(
            work,
            out,
            record=record,
            tables=tables,
            texts={SUMMARY: summary_text(comparison)},
            figures=[],
        )
    return out


def _entries(
    comparison: Comparison, runs: Mapping[tuple[str, str], Path], out: Path
) -> list[dict[str, Any]]:
    found = []
    for state, fibres in comparison.results.items():
        for fibre in fibres:
            run = runs.get((state, fibre.name))
            own = None if run is None else run / RECORD
            found.append(
                {
                    "state": state,
                    "fibre": fibre.name,
                    "folder": None if run is None else relative_path(str(run), resolved(out)),
                    "from": "window" if run is None else "run",
                    "record_sha256": sha256(own) if own is not None and own.is_file() else None,
                }
            )
    return found

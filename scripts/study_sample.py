"""Make the sample "three states": finished runs of ``snpore demo --study``, without grey volumes and
labels of objects, in one file that ships with the package.

``python scripts/study_sample.py demo_study/results``
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

TARGET = Path(__file__).parents[1] / "napari_snpore" / "data" / "three_states" / "runs.zip"
KEPT = ("record.json", "recipe.toml", "summary.txt", "volumes/phases.tif")
LEFT_OUT = ("projection_residual.csv",)
_DATE = (2000, 1, 1, 0, 0, 0)  # the same bytes whenever it is made


def main(results: Path) -> None:
    """Write the runs of a study into :data:`TARGET`."""
    records = sorted(results.glob("*/*/record.json"))
    if not records:
        sys.exit(f"{results} holds no runs; the folder results of a finished study is needed.")
    TARGET.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(TARGET, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for record in records:
            run = record.parent
            files = [run / name for name in KEPT]
            files += [one for one in (run / "tables").glob("*.csv") if one.name not in LEFT_OUT]
            for path in sorted(files):
                name = f"{run.parent.name}/{path.relative_to(run).as_posix()}"
                entry = zipfile.ZipInfo(name, _DATE)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, path.read_bytes())
    print(f"{TARGET}: {TARGET.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

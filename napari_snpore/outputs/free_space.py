"""Whether a disk has the space for what is going to be written, asked before work starts."""

from __future__ import annotations

import shutil
from pathlib import Path

from napari_snpore.errors import OutputError
from napari_snpore.memory import size_text


def check_free_space(place: Path, size: float, what: str) -> None:
    """Refuse what needs more space than the disk has.

    Parameters
    ----------
    place : Path
        File or folder that will be written; it need not be there.
    size : float
        Bytes.
    what : str
        What needs them, as the subject of a sentence.

    Raises
    ------
    OutputError
        One sentence with both numbers.
    """
    place = place.absolute()
    folder = next((one for one in (place, *place.parents) if one.is_dir()), None)
    if folder is None:
        return
    free = shutil.disk_usage(folder).free
    if free < size:
        raise OutputError(
            f"{what} needs {size_text(size)} of disk space, and {size_text(free)} are free in {folder}."
        )

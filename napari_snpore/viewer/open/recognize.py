"""Which paths this plugin reads, decided from names and headers only, quickly enough for the GUI
thread.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from napari_snpore.files.formats import format_of, is_damaged, is_image_folder, plane_count
from napari_snpore.files.image_input import is_series_folder
from napari_snpore.files.mdoc import MDOC
from napari_snpore.viewer.open.run_layers import find_runs
from napari_snpore.viewer.window.manifest import find_window


def is_read_here(path: str | Path) -> bool:
    """Return whether this plugin reads a path by itself; see :func:`are_read_here`."""
    return are_read_here([path])[0]


def are_read_here(paths: Sequence[str | Path]) -> list[bool]:
    """Return for each path whether this plugin reads it.

    Read are saved windows, finished runs, folders of one image per file, and files of the
    registered formats. Of the formats that napari reads as well, only stacks are read, and single
    images that are enough for a series. A damaged file is read too where no other reader can read it
    either: the error then says what is wrong with it.
    """
    places = [Path(path) for path in paths]
    planes = [0 if _is_plain_folder(place) else plane_count(place) for place in places]
    single = Counter(
        _group(place) for place, count in zip(places, planes, strict=True) if count == 1
    )
    found = []
    for place, count in zip(places, planes, strict=True):
        if _is_plain_folder(place):
            found.append(bool(find_window(place) or find_runs(place) or is_series_folder(place)))
        elif find_window(place) is not None or (place.suffix.lower() == MDOC and place.is_file()):
            found.append(True)
        else:
            one = format_of(place)
            together = one is not None and single[_group(place)] >= one.fewest_single_images > 0
            found.append(count > 1 or (count == 1 and together) or is_damaged(place))
    return found


def _group(place: Path) -> tuple[Path, str]:
    return place.parent, place.suffix.lower()


def _is_plain_folder(place: Path) -> bool:
    return place.is_dir() and not is_image_folder(place)

"""Choice of one image among several in a container: by its name, or by what is wanted and how far
it is the picture of a specimen.

Detectors, data sets and volumes of one file are offered by name. In files of one image each the
same name is taken from every file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from napari_snpore.errors import FileFormatError, InputError
from napari_snpore.files.parsed_file import Kind, ParsedFile

Wanted = Kind | Literal["image"]
"""What the caller wants of a file: a kind of stack, or a single image."""

_DETECTORS = tuple(
    re.compile(rf"(?<![a-z])(?:{words})(?![a-z])", re.IGNORECASE)
    for words in ("HAADF", r"A?DF\d*", r"ABF\d*", r"BF\d*", "Ceta|Falcon|Flucam|BM|EF|CCD")
)
"""Names of detectors, in the order in which their images are taken."""

_NAMED_IN_SENTENCES = 6
_LONGEST_NAME = 40


@dataclass(frozen=True, eq=False)
class Candidate:
    """One image, stack or volume of a container.

    Parameters
    ----------
    name : str
    kind : str
        What it is by its header.
    read : callable
        ``read()`` returns it parsed.
    rank : int
        The lowest is taken first among equals.
    unfit : str
        Why it is no grey image or stack, as words after "holds"; empty where it is one.
    is_derived : bool
        Whether it was computed from others, such as an element map; taken last.
    """

    name: str
    kind: Wanted
    read: Callable[[], ParsedFile]
    rank: int = 0
    unfit: str = ""
    is_derived: bool = False


def chosen(
    path: Path,
    candidates: Sequence[Candidate],
    *,
    image: str | None,
    wanted: Wanted | None,
    channels: bool = False,
) -> ParsedFile:
    """Return one candidate, with its name and those of the others that could be taken.

    Parameters
    ----------
    path : Path
        For sentences.
    candidates : sequence of Candidate
        At least one.
    image : str, optional
        Name that the caller asks for.
    wanted : str, optional
        What the caller needs; candidates of this kind come first, then stacks.
    channels : bool
        Whether names are those of detectors, which must not differ within one series.

    Raises
    ------
    InputError
        No candidate has the name.
    FileFormatError
        None, or not that of the name, is a grey image or a stack.
    """
    fit = sorted(
        (one for one in candidates if not one.unfit), key=lambda one: _preference(one, wanted)
    )
    if image is not None:
        found = next((one for one in candidates if one.name == image), None)
        if found is None:
            raise InputError(
                f"{path} holds no image {image!r}; it holds {listed(fit or candidates)}."
            )
        if found.unfit:
            raise FileFormatError(f"{path}: {image} holds {found.unfit}; grey values are needed.")
    elif not fit:
        raise FileFormatError(f"{path} holds {candidates[0].unfit}; grey images are needed.")
    else:
        found = fit[0]
    parsed = found.read()
    others = tuple(one.name for one in fit if one is not found)
    notes = (f"image {found.name!r} was taken; also there: {listed(others)}",) if others else ()
    return replace(
        parsed,
        image=found.name,
        other_images=others,
        image_is_channel=channels,
        notes=(*parsed.notes, *notes),
    )


def check_only_image(path: Path, image: str | None) -> None:
    """Refuse a name where a file holds one image without a name."""
    if image is not None:
        raise InputError(f"{path} holds one image without a name; leave out image={image!r}.")


def common_image(paths: Sequence[Path], files: Sequence[ParsedFile]) -> str | None:
    """Return the name to be taken from every file of a series; None where each has the right one.

    Raises
    ------
    FileFormatError
        No name is in all files.
    """
    named = [(path, _names(file)) for path, file in zip(paths, files, strict=True) if _names(file)]
    if len({names[0] for _, names in named}) < 2:
        return None
    if not any(file.other_images or file.image_is_channel for file in files):
        # one image a file is often named as the file is: only detectors must not differ
        places = {detector_place(names[0]) for _, names in named} - {len(_DETECTORS)}
        if len(places) < 2:
            return None
    path, first = named[0]
    shared = [name for name in first if all(name in names for _, names in named)]
    if not shared:
        place = detector_place(first[0])
        apart = [one for one in named if not set(first) & set(one[1])] or named[-1:]
        odd = next((one for one in apart if detector_place(one[1][0]) != place), apart[0])
        raise FileFormatError(
            f"{path.name} holds {listed(first)}, {odd[0].name} holds {listed(odd[1])}: "
            f"no image is in all {len(files)} files; give files of one detector."
        )
    return shared[0]


def detector_place(name: str) -> int:
    """Return the place of a detector by its name: the dark field whose signal grows with mass
    first, then the bright field, then cameras and all others.

    Examples
    --------
    >>> [detector_place(name) for name in ("HAADF", "DF4-A", "stem/BF", "Ceta", "EDS")]
    [0, 1, 3, 4, 5]
    """
    word = name.rpartition("/")[2]
    return next((k for k, words in enumerate(_DETECTORS) if words.search(word)), len(_DETECTORS))


def distinct(names: Iterable[str]) -> list[str]:
    """Return names with a number behind each that came before.

    Examples
    --------
    >>> distinct(["HAADF", "BF", "HAADF"])
    ['HAADF', 'BF', 'HAADF (2)']
    """
    counts: dict[str, int] = {}
    found: list[str] = []
    for name in names:
        counts[name] = counts.get(name, 0) + 1
        found.append(name if counts[name] == 1 else f"{name} ({counts[name]})")
    return found


def listed(names: Iterable[str | Candidate]) -> str:
    """Return names for a sentence: the first few, shortened, and how many more there are."""
    words = [one.name if isinstance(one, Candidate) else one for one in names]
    shown = [
        word if len(word) <= _LONGEST_NAME else f"…{word[1 - _LONGEST_NAME :]}"
        for word in (" ".join(word.split()) for word in words[:_NAMED_IN_SENTENCES])
    ]
    more = len(words) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _names(file: ParsedFile) -> list[str]:
    return [name for name in (file.image, *file.other_images) if name is not None]


def _preference(one: Candidate, wanted: Wanted | None) -> tuple[bool, bool, bool, int]:
    return (
        one.is_derived,
        wanted is not None and one.kind != wanted,
        one.kind == "image",
        one.rank,
    )

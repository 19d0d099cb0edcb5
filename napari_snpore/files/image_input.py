"""Image files that belong together, each parsed once, and what they hold: tilt series, images in
time or volume.

A series is one stack, or several files of one image each: a list of files, or the files of a
folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

from napari_snpore.errors import (
    DisagreementError,
    FileFormatError,
    InputError,
    MissingAnglesError,
)
from napari_snpore.files.choice import Wanted, common_image
from napari_snpore.files.formats import format_of, is_image_folder, parse, suffix_of
from napari_snpore.files.guarded_reading import checked_path, guarded
from napari_snpore.files.image_stack import MANY_FILES, StoredImage
from napari_snpore.files.mdoc import (
    MDOC,
    Mdoc,
    described_images,
    frame_angles,
    read_mdoc,
    series_of_frames,
)
from napari_snpore.files.parsed_file import KINDS, Kind, ParsedFile
from napari_snpore.files.scale import resolve_angles, resolve_pixel_size
from napari_snpore.files.side_files import SideFile, side_files
from napari_snpore.history import ReadStep

_LARGEST_RATIO = 1.01
"""Pixels count as square where their edges along y and x differ by at most 1 %."""

_SERIES_KINDS: tuple[Kind, ...] = ("tilt series", "images in time")


@dataclass(frozen=True, eq=False)
class ImageInput:
    """One stack or volume, or several files of one image each.

    Parameters
    ----------
    paths : sequence of Path
        Files in the order of their images.
    files : sequence of ParsedFile
        Their contents, in the same order.
    mdoc : Path, optional
        The ``.mdoc`` that names the files, where it is known.
    notes : sequence of str
        What was left out of a folder, for the history.
    """

    paths: tuple[Path, ...]
    files: tuple[ParsedFile, ...]
    mdoc: Path | None = None
    notes: tuple[str, ...] = ()

    @property
    def one_image_per_file(self) -> bool:
        """Whether the images are spread over files: several files, or one file of a single image in
        such a format.
        """
        if len(self.files) > 1:
            return True
        one = format_of(self.paths[0])
        return self.files[0].data.ndim == 2 and one is not None and one.fewest_single_images > 0

    @property
    def name(self) -> str:
        """The file, or the folder and the number of files, for sentences."""
        if len(self.paths) == 1:
            return str(self.paths[0])
        return f"{self.paths[0].parent} ({len(self.paths)} files)"

    @property
    def image_count(self) -> int:
        """Number of images or planes."""
        return len(self.files) if len(self.files) > 1 else self.files[0].image_count

    def read_step(self, *more: str | None, order: Iterable[int] | None = None) -> ReadStep:
        """Return the step of a history: the files, in another order if one is given, and the notes
        of the reader, such as which of several images was taken; ``more`` are added to them.
        """
        added = (note for note in more if note is not None)
        notes = (*self.notes, *self.files[0].notes, *added) or None
        if len(self.files) == 1 and order is None:
            return ReadStep(self.paths[0].name, notes=notes)
        numbers = range(len(self.paths)) if order is None else order
        return ReadStep(files=tuple(self.paths[number].name for number in numbers), notes=notes)

    def _beside(self, of: Literal["angles", "size"]) -> Sequence[SideFile]:
        """Return the side files of a stack that can give angles or a size, or the ``.mdoc`` that
        names several files; none for a single image.
        """
        if len(self.paths) == 1:
            return [] if self.one_image_per_file else side_files(self.paths[0], of=of)
        found = self._mdoc_of_files
        if found is None:
            return []
        return [SideFile(found.path, found.stack_angles_deg, found.pixel_size_nm)]

    @cached_property
    def _mdoc_of_files(self) -> Mdoc | None:
        return frame_angles(self.paths, None if self.mdoc is None else read_mdoc(self.mdoc))

    def angle_sources(self) -> list[tuple[str, Sequence[float] | None]]:
        """Return each source of tilt angles by name, with its angles (degrees) or None.

        Raises
        ------
        FileFormatError
            A side file is damaged.
        """
        first: tuple[str, Sequence[float] | None] = ("the file", self.files[0].angles_deg)
        if self.one_image_per_file:
            own = [file.angles_deg[0] if file.angles_deg else None for file in self.files]
            known = [float(angle) for angle in own if angle is not None]
            first = ("the files", known if len(known) == len(own) else None)
        return [first, *((side.path.name, side.angles_deg) for side in self._beside("angles"))]

    def pixel_size_sources(self, *, beside: bool = True) -> list[tuple[str, float | None]]:
        """Return each source of the pixel size by name, with its size (nm) or None; without side
        files where ``beside`` is false.

        Raises
        ------
        FileFormatError
            A side file is damaged, or the pixels of a file are not square.
        """
        if self.one_image_per_file:
            both = zip(self.paths, self.files, strict=True)
            own = [(path.name, _square_pixel(file, path)) for path, file in both]
        else:
            own = [("the file", _square_pixel(self.files[0], self.paths[0]))]
        sides = self._beside("size") if beside else []
        return [*own, *((side.path.name, side.pixel_size_nm) for side in sides)]

    def images(self) -> list[ParsedFile]:
        """Return the parsed files of one image each, all of shape (y, x).

        Raises
        ------
        FileFormatError
            A file holds more than one image, or the images differ in size.
        """
        found: list[ParsedFile] = []
        for path, file in zip(self.paths, self.files, strict=True):
            one = (
                replace(file, data=file.data[0])
                if file.is_single_image and file.data.ndim == 3
                else file
            )
            if one.data.ndim == 3:
                raise FileFormatError(
                    f"{path} holds {one.data.shape[0]} images; one image a file is needed: align and "
                    "sum the frames of a tilt first, or open a stack by itself."
                )
            if one.data.ndim != 2:
                shape = tuple(one.data.shape)
                raise FileFormatError(
                    f"{path} holds an array of shape {shape}; one image a file is needed."
                )
            if found and one.data.shape != found[0].data.shape:
                first = self.paths[0].name
                raise FileFormatError(
                    f"{path} is {one.data.shape} px large, {first} is {found[0].data.shape}."
                )
            found.append(one)
        return found


@dataclass(frozen=True)
class Contents:
    """What an input holds according to its files.

    Parameters
    ----------
    kind : {"tilt series", "images in time", "volume"}
        What it most likely is.
    kinds : sequence of str
        What it can be opened as.
    lacks_angles : bool
        Whether it is a tilt series whose angles no file gives.
    lacks_size : bool
        Whether no file gives the voxel or pixel size.
    has_other_images : bool
        Whether the files hold other images that could be meant.
    """

    kind: Kind
    kinds: tuple[Kind, ...]
    lacks_angles: bool = False
    lacks_size: bool = False
    has_other_images: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether the input can be opened without a question."""
        return not (self.lacks_angles or self.lacks_size or self.has_other_images)


def parse_input(
    path: str | Path | Sequence[str | Path], *, image: str | None = None, kind: Kind | None = None
) -> ImageInput:
    """Parse one file, several files of one image each, or the files of a folder; each file once.

    Parameters
    ----------
    path : path or sequence of paths
        A list keeps its order; files of a folder are put in the order of the numbers in their
        names. A ``.mdoc`` file stands for the image file, or the files of one image each, that it
        describes; beside them in a folder it says which images are the series.
    image : str, optional
        Which image of files that hold several; else one is chosen, the same in every file.
    kind : str, optional
        What is needed of one file that holds several images.

    Raises
    ------
    MissingFileError
        There is no such file or folder.
    InputError
        A file has no image of that name.
    FileFormatError
        A file is damaged or of an unknown format, or a folder holds no file that is read.
    """
    mdoc, notes = None, tuple[str, ...]()
    if isinstance(path, (str, Path)):
        one = existing_path(path)
        if one.is_dir() and not is_image_folder(one):
            paths, mdoc, notes = _images_in(one)
        else:
            paths = _described(one)
            mdoc = one if one.suffix.lower() == MDOC and len(paths) > 1 else None
    elif len(path) == 0:
        raise InputError("path is an empty list; at least one file is needed.")
    else:
        paths = [place for one in path for place in _described(existing_path(one))]
    wanted: Wanted | None = kind if len(paths) == 1 else "image"
    files = [_parsed(one, image, wanted, len(paths)) for one in paths]
    return replace(_joined(paths, files), mdoc=mdoc, notes=notes)


def _parsed(path: Path, image: str | None, wanted: Wanted | None, count: int) -> ParsedFile:
    """Return the content of one of ``count`` files; of many, the image is read again later."""
    file = parse(path, image=image, wanted=wanted)
    if count < MANY_FILES or not file.is_single_image:
        return file
    name = file.image if file.image is not None else image
    return replace(file, data=StoredImage(path, file.data.shape, file.data.dtype, name))


def _described(path: Path) -> list[Path]:
    with guarded(path):
        return described_images(path)


def with_image(source: ImageInput, image: str) -> ImageInput:
    """Return the same files with another image of each; errors as in :func:`parse_input`."""
    files = tuple(_parsed(path, image, None, len(source.paths)) for path in source.paths)
    return replace(source, files=files)


def _joined(paths: Sequence[Path], files: Sequence[ParsedFile]) -> ImageInput:
    """Return parsed files as one input, with the same image of each; those with another are parsed
    again.
    """
    name = common_image(paths, files)
    if name is not None:
        files = [
            file if file.image in (name, None) else _parsed(path, name, None, len(paths))
            for path, file in zip(paths, files, strict=True)
        ]
    said = next((file.notes for file in files if file.notes), ())
    if said and not files[0].notes:  # the history of a series has the notes of its first file
        files = [replace(files[0], notes=said), *files[1:]]
    return ImageInput(tuple(paths), tuple(files))


def contents_of(source: ImageInput) -> Contents:
    """Return what an input holds, from its parsed files, its side files and the conventions of its
    suffix.

    A stack is a tilt series where it has angles, images in time where its first axis is time, else
    a volume, unless its suffix is used for tilt series only. Several files are the slices of a
    volume where all of them state the thickness of a slice and none an angle.

    Raises
    ------
    FileFormatError
        A side file is damaged, or the pixels of a series are not square.
    """
    found = _contents_of_image(source)
    return replace(found, has_other_images=bool(source.files[0].other_images))


def _contents_of_image(source: ImageInput) -> Contents:
    one = format_of(source.paths[0])
    angles = [angles for _, angles in source.angle_sources() if angles is not None]
    if source.one_image_per_file:
        if len(source.files) > 1 and not angles and not lacks_size(source, "volume"):
            return Contents("volume", KINDS)
        kinds = KINDS if len(source.files) > 1 else _SERIES_KINDS
        return Contents("tilt series", kinds, not angles, lacks_size(source, "tilt series"))
    parsed = source.files[0]
    usual = None if one is None else one.usual_kinds.get(suffix_of(source.paths[0]))
    kinds = KINDS if one is None else one.kinds
    if parsed.data.ndim != 3:
        return Contents("volume", kinds)  # refused by the reader, with its shape
    matching = any(len(values) == source.image_count for values in angles)
    if matching or (angles and usual != "volume"):
        return Contents("tilt series", kinds, not matching, lacks_size(source, "tilt series"))
    if parsed.first_axis_is_time and parsed.times_s is not None:
        return Contents("images in time", kinds, lacks_size=lacks_size(source, "images in time"))
    if usual == "tilt series":
        return Contents(
            "tilt series", kinds, lacks_angles=True, lacks_size=lacks_size(source, "tilt series")
        )
    return Contents("volume", kinds, lacks_size=lacks_size(source, "volume"))


def lacks_size(source: ImageInput, kind: Kind) -> bool:
    """Return whether no file gives the size that a kind needs: all three axes of a volume, the
    pixel size of images.
    """
    if kind == "volume":
        return any(None in file.spacing_nm for file in source.files)
    return all(size is None for _, size in source.pixel_size_sources())


def angles_agree(source: ImageInput) -> bool:
    """Return whether the files of a tilt series give its angles without contradicting each other."""
    try:
        resolve_angles(None, source.angle_sources(), count=source.image_count, name=source.name)
    except (DisagreementError, MissingAnglesError):
        return False
    return True


def pixel_size_of(source: ImageInput, given: float | None) -> tuple[float, str | None]:
    """Return the pixel size (nm) of the caller, or that on which the files agree, and a note; errors
    as in :func:`~napari_snpore.files.scale.resolve_pixel_size`. Side files that cannot be read do
    not matter to a caller who gives the size.
    """
    try:
        sources = source.pixel_size_sources()
    except FileFormatError:
        if given is None:
            raise
        sources = source.pixel_size_sources(beside=False)
    return resolve_pixel_size(given, sources, name=source.name, notes=source.files[0].notes)


def grouped_inputs(inputs: Sequence[ImageInput]) -> list[ImageInput]:
    """Return inputs of one file each, with files of one image each joined into series.

    Files belong to one series if they lie in one folder, have one suffix, and are at least as many
    as their format needs; their images are put in the order of the numbers in their names. All
    other inputs stay as they are, and so do images that no detector took all of.
    """
    groups: dict[object, list[ImageInput]] = {}
    for number, source in enumerate(inputs):
        path = source.paths[0]
        is_image = len(source.files) == 1 and source.files[0].is_single_image
        groups.setdefault((path.parent, path.suffix.lower()) if is_image else number, []).append(
            source
        )
    found: list[ImageInput] = []
    for group in groups.values():
        one = format_of(group[0].paths[0])
        if one is None or len(group) == 1 or not 0 < one.fewest_single_images <= len(group):
            found += group
            continue
        ordered = sorted(group, key=lambda source: number_in_name(source.paths[0]))
        paths = [source.paths[0] for source in ordered]
        try:
            found.append(_joined(paths, [source.files[0] for source in ordered]))
        except FileFormatError:  # images of different detectors are no series
            found += group
    return found


def is_series_folder(folder: Path) -> bool:
    """Return whether a folder may hold one image per file: three files or more, all of one suffix
    that allows it.

    Only names are read.
    """
    suffixes = [file.suffix.lower() for file in folder.iterdir() if _can_be_one_of_many(file)]
    return len(suffixes) >= 3 and len(set(suffixes)) == 1


def existing_path(path: str | Path) -> Path:
    """Return a path with ``~`` expanded; refuse one that does not exist or cannot be opened."""
    return checked_path(path)


def number_in_name(path: str | Path) -> list[tuple[int, str]]:
    """Return a sort key that puts ``frame2`` before ``frame10``."""
    parts = re.split(r"(\d+)", Path(path).name.lower())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _can_be_one_of_many(path: Path) -> bool:
    """Return whether a name can be that of one image of a series; hidden files, which macOS puts
    beside others, cannot.
    """
    one = format_of(path)
    return one is not None and one.fewest_single_images > 0 and not path.name.startswith(".")


def _images_in(folder: Path) -> tuple[list[Path], Path | None, tuple[str, ...]]:
    """Return the images of a folder, the ``.mdoc`` that names them where there is one, and what was
    left out: the images that it names are the series, whatever else lies beside them.
    """
    with guarded(folder):
        every = sorted(file for file in folder.iterdir() if format_of(file) is not None)
        inside = [file for file in every if _can_be_one_of_many(file)] or every
        content = series_of_frames(folder)
    if content is None:
        if not inside:
            raise FileFormatError(f"The folder {folder} holds no file that is read.")
        return sorted(inside, key=number_in_name), None, ()
    named = content.image_paths()
    paths = [place for place in named if place is not None]
    notes = []
    if len(paths) < len(named):
        notes.append(f"{content.path.name} names {len(named)} images, {len(paths)} are there")
    if len(paths) < len(inside):
        others = len(inside) - len(paths)
        notes.append(f"{others} files that {content.path.name} does not name were left out")
    return paths, content.path, tuple(notes)


def _square_pixel(parsed: ParsedFile, path: Path) -> float | None:
    """Return the pixel size (nm) of images whose pixels are square; refuse others."""
    _, y, x = parsed.spacing_nm
    if y is not None and x is not None and max(y, x) > _LARGEST_RATIO * min(y, x):
        raise FileFormatError(
            f"{path} has pixels of {y:.6g} × {x:.6g} nm (y, x); square pixels are needed."
        )
    return x if x is not None else y

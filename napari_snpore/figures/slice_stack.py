"""All slices of a volume as pictures, one contrast for all: numbered files, or frames of a
movie.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from napari_snpore.compute import Progress, ShouldStop, check_stop
from napari_snpore.errors import InputError, OutputError
from napari_snpore.figures.cuts import Cut, cut, plane_named
from napari_snpore.figures.numbers import length, round_length
from napari_snpore.figures.save import recipe_text
from napari_snpore.files.atomic import making
from napari_snpore.volume import Volume

_LEAST_PX = 300
"""A smaller slice has its voxels repeated, so that the writing can be read."""

Coloring = Callable[[NDArray[Any]], NDArray[np.uint8]]
"""Values (row, column) to colours, uint8 (row, column, 3 or 4)."""


def slice_images(
    volume: Volume, coloring: Coloring, *, plane: str = "XZ", labels: bool = True
) -> Iterator[NDArray[np.uint8]]:
    """Yield every slice of a volume across one axis as RGB.

    Parameters
    ----------
    volume : Volume
        Grey values or labels; of lazy data one slice at a time is read.
    coloring : callable
        Values of one slice to colours; see :meth:`~napari_snpore.figures.panels.SlicePanel.image`.
    plane : {"XY", "XZ", "YZ"}
        Which slices. Voxels that are not square on it are repeated so that the picture has the
        shape of the slice.
    labels : bool
        Write the place in nm and a scale bar on each; a slice too slender for them gets a black
        margin.

    Yields
    ------
    array, uint8, shape (height, width, 3)
        Transparent colours lie on light grey.

    Raises
    ------
    InputError
        An unknown plane.
    """
    chosen = plane_named(plane)
    return _images(volume, coloring, chosen, labels)


def write_slice_images(
    folder: str | Path,
    volume: Volume,
    coloring: Coloring,
    *,
    plane: str = "XZ",
    stem: str = "slice",
    labels: bool = True,
    recipe: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> list[Path]:
    """Write every slice as a numbered PNG, ``slice_0001.png`` first; the recipe is in each.

    All are written into a hidden folder first: the folder holds the whole stack or what it held
    before.

    Parameters
    ----------
    folder : str or Path
        Made where it is missing; must be empty unless ``overwrite``.
    volume, colouring, plane, labels
        As in :func:`slice_images`.
    stem : str
        First part of the names.
    recipe : mapping, optional
        How the pictures were made; ``plane`` and ``position_nm`` are added.
    overwrite : bool
        Replace the numbered pictures of this stem, however many there are; other files stay.
    progress, should_stop : callable, optional
        Called with the number written; called before each. An exception of ``progress`` ends the
        writing too.

    Raises
    ------
    InputError
        The folder holds something already, a picture to replace is a link, or an unknown plane.
    Stopped
        On request; nothing was kept.
    OutputError
        A place that cannot be written.
    """
    folder, chosen = Path(folder), plane_named(plane)
    if not overwrite and folder.is_dir() and any(folder.iterdir()):
        raise InputError(
            f"{folder} holds files already; choose another folder, or overwrite the pictures in it."
        )
    count = volume.shape[chosen.normal]
    digits = max(4, len(str(count)))
    names = [f"{stem}_{index + 1:0{digits}d}.png" for index in range(count)]
    with making(folder / names[0]) as work:
        for index, image in enumerate(_images(volume, coloring, chosen, labels)):
            check_stop(should_stop)
            place = volume.origin[chosen.normal] + index * volume.spacing[chosen.normal]
            chunk = PngInfo()
            chunk.add_itxt(
                "Recipe",
                recipe_text({**(recipe or {}), "plane": chosen.name, "position_nm": place}),
            )
            Image.fromarray(image).save(work.new(names[index]), format="PNG", pnginfo=chunk)
            if progress is not None:
                progress(index + 1, count)
        _check_links(folder, names)
        work.move_in(*names)
        _remove_longer(folder, names, stem)
    return [folder / name for name in names]


def _check_links(folder: Path, names: list[str]) -> None:
    """Refuse to put a picture in the place of a link."""
    links = [name for name in names if (folder / name).is_symlink()]
    if links:
        raise OutputError(f"{folder / links[0]} is a link; move it away, or choose another folder.")


def _remove_longer(folder: Path, names: list[str], stem: str) -> None:
    """Remove the pictures that an earlier, longer stack of the same stem left; those of other
    programs stay.
    """
    numbered = re.compile(rf"{re.escape(stem)}_\d{{4,}}\.png")
    for found in list(folder.iterdir()):
        if (
            numbered.fullmatch(found.name)
            and found.name not in set(names)
            and not found.is_symlink()
            and _has_recipe(found)
        ):
            found.unlink()


def _has_recipe(path: Path) -> bool:
    """Return whether a PNG holds the recipe that this program writes into each."""
    try:
        with Image.open(path, formats=["PNG"]) as image:
            return "Recipe" in getattr(image, "text", {})
    except (OSError, SyntaxError, ValueError):
        return False


def _images(
    volume: Volume, coloring: Coloring, plane: Any, labels: bool
) -> Iterator[NDArray[np.uint8]]:
    voxel = [0, 0, 0]
    for index in range(volume.shape[plane.normal]):
        voxel[plane.normal] = index
        piece = cut(volume, plane, (voxel[0], voxel[1], voxel[2]))
        picture = _square(_opaque(coloring(piece.values)), volume, plane)
        yield _lettered(picture, piece) if labels else picture


def _opaque(colors: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Put colours that let the ground through on light grey."""
    if colors.shape[2] == 3:
        return colors
    share = colors[..., 3:].astype(np.float32) / 255
    mixed: NDArray[np.uint8] = np.rint(colors[..., :3] * share + 225 * (1 - share)).astype(np.uint8)
    return mixed


def _square(picture: NDArray[np.uint8], volume: Volume, plane: Any) -> NDArray[np.uint8]:
    """Repeat rows and columns until a pixel is as high as wide (a part of a voxel's edge), and
    small slices can be read.
    """
    steps = volume.spacing[plane.down], volume.spacing[plane.right]
    sides = [
        count * step / min(steps) for count, step in zip(picture.shape[:2], steps, strict=True)
    ]
    times = max(1, -(-_LEAST_PX // round(max(sides))))
    rows, columns = (
        ((np.arange(round(side * times)) + 0.5) * count / round(side * times)).astype(np.intp)
        for side, count in zip(sides, picture.shape[:2], strict=True)
    )
    return np.ascontiguousarray(picture[rows][:, columns])


def _lettered(picture: NDArray[np.uint8], piece: Cut) -> NDArray[np.uint8]:
    """Write place and scale bar, white on black plates."""
    height, width = picture.shape[:2]
    size = max(11, height // 28) if height < 4 * width else 11
    font = ImageFont.load_default(size)
    words = piece.place
    nm_per_pixel = piece.size_nm[1] / width
    bar_nm = round_length(width / 4 * nm_per_pixel)
    bar = round(bar_nm / nm_per_pixel)
    widest = max(font.getlength("0" * len(words)), font.getlength(length(bar_nm)), bar)
    margin = max(0, round(widest) + 2 * size - width), max(0, 6 * size - height)
    picture = np.pad(picture, ((0, margin[1]), (0, margin[0]), (0, 0)))
    height = picture.shape[0]
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    _plate(draw, (size // 2, size // 2), words, font)
    left, top = size // 2, height - 3 * size
    box = draw.textbbox((0, 0), length(bar_nm), font=font)
    wide = max(bar, round(box[2] - box[0]))
    draw.rectangle((left, top, left + wide + size, height - size // 2), fill="black")
    draw.text((left + size // 2, top + size // 4), length(bar_nm), fill="white", font=font)
    draw.rectangle(
        (left + size // 2, height - size - size // 4, left + size // 2 + bar - 1, height - size),
        fill="white",
    )
    return np.asarray(image)


def _plate(draw: ImageDraw.ImageDraw, place: tuple[int, int], words: str, font: Any) -> None:
    box = draw.textbbox(place, words, font=font)
    draw.rectangle((box[0] - 3, box[1] - 3, box[2] + 3, box[3] + 3), fill="black")
    draw.text(place, words, fill="white", font=font)

"""Movie files: H.264 for slides (``.mp4``) or GIF, written atomically, with the recipe of the movie
in the metadata.

MP4 needs the ffmpeg of imageio-ffmpeg; GIF needs only Pillow and is always possible.
"""

from __future__ import annotations

import importlib
import io
import json
import math
import operator
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from napari_snpore.compute import Progress, ShouldStop, check_stop
from napari_snpore.errors import FileFormatError, InputError, OutputError
from napari_snpore.files.atomic import atomic_path
from napari_snpore.files.guarded_reading import checked_path, guarded
from napari_snpore.memory import check_memory

Frame = NDArray[np.uint8]
"""RGB, shape (height, width, 3)."""

_Writer = Callable[[Path, Path, Iterator[Frame], float, str | None, ShouldStop | None], None]

SUFFIXES = (".mp4", ".gif")
_GIF_FASTEST = 50  # frames a second: the delay is a whole number of 1/100 s, and players slow 1/100 s down to 1/10 s
_MP4_RECIPE_LONGEST = (
    24_000  # characters; it travels on ffmpeg's command line, which Windows ends at 32,767
)
_HELD_BY_GIF = 1.1  # bytes per pixel: Pillow keeps all frames, in their palettes, to the end
_FRAME_BYTES = 30.0  # per pixel, of the frame that is worked on
_LOOKED_AT = 50  # frames
_QUALITY = 7  # imageio-ffmpeg's scale, x264's CRF 15: thin lines and letters show no blocks
# Without a matrix that is both used and named, players guess one from the height of the picture and
# colours shift.
_COLOR = (
    "scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int,"
    "setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709"
)


def write_movie(
    path: str | Path,
    frames: Iterable[Frame],
    *,
    frames_per_second: float = 15,
    recipe: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Path:
    """Write frames as a movie, atomically; an existing movie is replaced.

    Parameters
    ----------
    path : path
        ``.mp4``: H.264 in yuv420p, which PowerPoint, Keynote, QuickTime and browsers play; an odd
        size gets one more row or column, a copy of the last. ``.gif``: loops; more than 256 colours
        in a frame are merged, greys are kept exactly.
    frames : iterable of uint8 arrays, shape (height, width, 3)
        RGB, all of one shape; read one at a time. A generator is closed at the end, also after an
        error.
    frames_per_second : float
        Above 0; at most 50 for GIF.
    recipe : mapping, optional
        How the movie was made, as JSON values; read back by :func:`recipe_of_movie`.
    progress : callable, optional
        ``progress(done, total)`` after each frame; the total is ``len(frames)``, or ``done`` where
        there is none.
    should_stop : callable, optional
        Called before each frame; True raises :class:`~napari_snpore.errors.Stopped`, and no file
        remains.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        An unknown suffix, no frames, a frame of another shape or type, a speed or recipe that the
        format cannot hold, or an MP4 without imageio-ffmpeg.
    OutputError
        The file cannot be written, or ffmpeg failed.

    Examples
    --------
    >>> import numpy as np
    >>> brighter = (np.full((48, 64, 3), 8 * step, np.uint8) for step in range(30))
    >>> write_movie("brighter.gif", brighter)  # doctest: +SKIP
    """
    path = Path(path)
    try:
        write = _writer(path, frames_per_second)
        text = None if recipe is None else _recipe_text(recipe)
        held = _HELD_BY_GIF if path.suffix.lower() == ".gif" else 0.0
        checked = _checked(frames, held, progress, should_stop)
        with atomic_path(path) as part:
            write(path, part, checked, frames_per_second, text, should_stop)
    finally:
        if isinstance(frames, Generator):
            frames.close()
    return path


def recipe_of_movie(path: str | Path) -> dict[str, Any] | None:
    """Return the recipe in the metadata of a movie, or None; needs no ffmpeg.

    Raises
    ------
    FileFormatError
        The file is not there, or neither an MP4 nor a GIF.
    """
    path = checked_path(path)
    try:
        with guarded(path):
            if path.suffix.lower() == ".gif":
                with Image.open(path, formats=["GIF"]) as image:
                    comment = image.info.get("comment")
            else:
                comment = _mp4_comment(path)
    except (OSError, UnidentifiedImageError, ValueError) as problem:
        raise FileFormatError(
            f"{path} cannot be read as a movie; an .mp4 or .gif file is needed."
        ) from problem
    try:
        found = None if comment is None else json.loads(comment)
    except ValueError:  # a comment of another program
        return None
    return found if isinstance(found, dict) else None


def _writer(path: Path, frames_per_second: float) -> _Writer:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(
            f"{path} has a suffix that a movie is not written with; these are: {' '.join(SUFFIXES)}."
        )
    if not (math.isfinite(frames_per_second) and frames_per_second > 0):
        raise InputError(f"frames_per_second is {frames_per_second}; a number above 0 is needed.")
    if suffix == ".gif":
        if frames_per_second > _GIF_FASTEST:
            raise InputError(
                f"frames_per_second is {frames_per_second}; a GIF shows at most {_GIF_FASTEST}, an MP4 more."
            )
        return _write_gif
    _ffmpeg(path)  # refused before the first frame is made
    return _write_mp4


def _checked(
    frames: Iterable[Frame],
    held: float,
    progress: Progress | None,
    should_stop: ShouldStop | None,
) -> Iterator[Frame]:
    """Yield the frames with progress; refuse a frame of another shape or dtype, and a movie that
    needs more memory than may be used: ``held`` bytes per pixel of every frame.
    """
    total = operator.length_hint(frames, 0)
    shape = None
    done = 0
    check_stop(should_stop)
    for frame in frames:
        frame = np.asarray(frame)
        if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or 0 in frame.shape:
            raise InputError(
                f"Frame {done} of the movie is {frame.dtype} of shape {frame.shape}; uint8 of shape (height, width, 3) is needed."
            )
        if shape is not None and frame.shape != shape:
            raise InputError(
                f"Frame {done} of the movie has {_size(frame.shape)} pixels, the first has {_size(shape)}; all have to be alike."
            )
        if done % _LOOKED_AT == 0 and (not total or not done):
            # of a movie whose length is not known, as many frames as follow until the next look
            more = total or _LOOKED_AT
            check_memory(
                f"A movie of {total or done + more} frames of {_size(frame.shape)} pixels",
                (held * more + _FRAME_BYTES) * frame.shape[0] * frame.shape[1],
                advice="write an MP4" if held else "",
            )
        shape = frame.shape
        yield np.ascontiguousarray(frame)
        done += 1
        if progress is not None:
            progress(done, max(total, done))
        check_stop(should_stop)
    if not done:
        raise InputError("The movie has no frames; at least one is needed.")


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} × {shape[0]}"


def _recipe_text(recipe: Mapping[str, Any]) -> str:
    try:
        return json.dumps(
            recipe, sort_keys=True, allow_nan=False, default=_plain
        )  # ASCII: GIF names no encoding
    except (TypeError, ValueError) as problem:
        raise InputError(
            f"recipe cannot be written as JSON ({problem}); plain numbers, texts and lists are needed."
        ) from None


def _plain(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no JSON value")


def _ffmpeg(path: Path) -> Any:
    """Return the module imageio_ffmpeg; refuse an installation without ffmpeg."""
    try:
        ffmpeg = importlib.import_module("imageio_ffmpeg")
        ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError):
        raise InputError(
            f"{path} needs imageio-ffmpeg, which is not installed; pip install 'napari-snpore[movie]' brings it, "
            "and a .gif works without it."
        ) from None
    return ffmpeg


def _write_mp4(
    path: Path,
    part: Path,
    frames: Iterator[Frame],
    frames_per_second: float,
    recipe: str | None,
    should_stop: ShouldStop | None,
) -> None:
    ffmpeg = _ffmpeg(path)
    if recipe is not None and len(recipe) > _MP4_RECIPE_LONGEST:
        raise InputError(
            f"recipe has {len(recipe)} characters; an MP4 takes at most {_MP4_RECIPE_LONGEST}, a GIF any number."
        )
    about = () if recipe is None else ("-metadata", f"comment={recipe}")
    first = next(frames)
    height, width = (side + side % 2 for side in first.shape[:2])
    pad = ((0, height - first.shape[0]), (0, width - first.shape[1]), (0, 0))
    place = os.path.abspath(part)  # ffmpeg would take "a:b.mp4" for an address
    encoder = ffmpeg.write_frames(
        place,
        (width, height),
        fps=Fraction(frames_per_second).limit_denominator(1000),
        quality=_QUALITY,
        macro_block_size=2,
        ffmpeg_log_level="fatal",
        output_params=["-vf", _COLOR, "-movflags", "+faststart", *about],
    )
    written = 0
    try:
        encoder.send(None)
        frame: Frame | None = first
        while frame is not None:
            try:
                encoder.send(np.pad(frame, pad, mode="edge"))
            except OSError:
                raise OutputError(
                    f"{path} cannot be written: ffmpeg stopped at frame {written}."
                ) from None
            written += 1
            frame = next(frames, None)
    finally:
        encoder.close()
    # imageio-ffmpeg does not report ffmpeg's exit status: a full disk is detected by counting the
    # frames written
    try:
        readable = int(ffmpeg.count_frames_and_secs(place)[0])
    except (OSError, RuntimeError):
        readable = 0
    if readable != written:
        raise OutputError(
            f"{path} cannot be written: ffmpeg kept {readable} of {written} frames; is the disk full?"
        )


class _WatchedFile(io.RawIOBase):
    """A file whose writing a stop ends: Pillow encodes all frames at the end, without asking."""

    def __init__(self, file: BinaryIO, should_stop: ShouldStop | None) -> None:
        self._file, self._should_stop = file, should_stop

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        check_stop(self._should_stop)
        return self._file.write(data)


def _write_gif(
    path: Path,
    part: Path,
    frames: Iterator[Frame],
    frames_per_second: float,
    recipe: str | None,
    should_stop: ShouldStop | None,
) -> None:
    images = _paletted(frames, frames_per_second)
    about = {} if recipe is None else {"comment": recipe.encode("ascii")}
    with part.open("wb") as file:
        next(images).save(
            cast("BinaryIO", _WatchedFile(file, should_stop)),
            format="GIF",
            save_all=True,
            append_images=images,
            loop=0,
            **about,
        )


def _paletted(frames: Iterator[Frame], frames_per_second: float) -> Iterator[Image.Image]:
    """Yield the frames in 256 colours, each with its duration in ms, rounded to 10 ms so that the
    total is right.
    """
    for number, frame in enumerate(frames):
        image = _in_palette(frame)
        start, end = (round(100 * count / frames_per_second) for count in (number, number + 1))
        image.info["duration"] = 10 * (end - start)
        yield image


def _in_palette(frame: Frame) -> Image.Image:
    """Return a frame with a palette: greys and up to 256 colours exactly, more by median cut
    without (flickering) dither.
    """
    if (frame == frame[..., :1]).all():
        return Image.fromarray(np.ascontiguousarray(frame[..., 0])).convert("P")
    image = Image.fromarray(frame)
    colors = image.getcolors(256)
    if colors is None:
        return image.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    palette = np.array(sorted(color for _, color in colors), dtype=np.uint8)
    index = np.searchsorted(_packed(palette), _packed(frame)).astype(np.uint8)
    image = Image.fromarray(index).convert("P")
    image.putpalette(palette.tobytes())
    return image


def _packed(colors: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Return each color as one number, sorted like its red, green and blue."""
    wide = colors.astype(np.uint32)
    packed: NDArray[np.uint32] = wide @ np.array([65_536, 256, 1], np.uint32)
    return packed


def _mp4_comment(path: Path) -> bytes | None:
    """Return the comment of an MP4: moov / udta / meta / ilst / ©cmt / data."""
    with path.open("rb") as file:
        size = path.stat().st_size
        boxes = _boxes(file, 0, size)
        if next(boxes, (b"",))[0] != b"ftyp":
            raise ValueError("no MP4")
        start, end = 0, size
        for name, header in (
            (b"moov", 0),
            (b"udta", 0),
            (b"meta", 4),
            (b"ilst", 0),
            (b"\xa9cmt", 0),
            (b"data", 8),
        ):
            inside = next(
                ((first, last) for found, first, last in _boxes(file, start, end) if found == name),
                None,
            )
            if inside is None:
                if name == b"moov":
                    raise ValueError("no MP4, or half of one")
                return None
            start, end = inside[0] + header, inside[1]
        file.seek(start)
        return file.read(end - start)


def _boxes(file: Any, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and end (byte offsets) of the content of each MP4 box between two
    offsets.
    """
    while start + 8 <= end:
        file.seek(start)
        header = file.read(16)
        size, content = int.from_bytes(header[:4], "big"), start + 8
        if size == 1:  # the size did not fit into 32 bits
            size, content = int.from_bytes(header[8:16], "big"), start + 16
        last = end if size == 0 else start + size
        if not content <= last <= end:
            raise ValueError("a box runs past its end")
        yield header[4:8], content, last
        start = last

"""Faults of the detector in the images of a series: what they are, how much they weigh, and what to
do about them.

Alignment and noise are measured without them. A reconstruction, the search for the blur and
polishing compare every pixel with a model and would follow them, so that each says what it was given.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_snpore.compute import ShouldStop, run_blocks
from napari_snpore.history import AlignStep, last_step
from napari_snpore.tomography.bad_lines import bad_lines, fill_lines
from napari_snpore.tomography.bad_pixels import without_far_pixels
from napari_snpore.tomography.tilt_series import TiltSeries

WEIGHTY = 0.02
"""Share of the images' norm from which faults decide on what is fitted: noise leaves some percent."""

_HOW = "repair_pixels (Prepare, --repair-pixels) takes them out"


@dataclass(frozen=True)
class ImageFaults:
    """Faults in the images of a series.

    Attributes
    ----------
    sentence : str or None
        What there is and what to do about it; None where there is nothing.
    share : float
        Norm of what the faults add to the images over the norm of the images, 0 to 1.
    """

    sentence: str | None = None
    share: float = 0.0

    @property
    def weighty(self) -> bool:
        """Whether the faults decide on what is fitted to the images."""
        return self.share > WEIGHTY


@dataclass(frozen=True)
class _OfImage:
    pixels: int
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    checksum: int
    excess: float
    norm: float


def image_faults(series: TiltSeries, *, should_stop: ShouldStop | None = None) -> ImageFaults:
    """Return the single pixels, rows and columns of the detector that are far off, and images that
    are there twice.

    Of aligned images those that the alignment found before it interpolated, which spreads them.
    """
    aligned = last_step(series.history, AlignStep)
    if aligned is not None:
        return ImageFaults(aligned.image_faults, aligned.image_faults_share or 0.0)

    def look(tilt: int) -> _OfImage:
        raw = np.asarray(series.images[tilt])
        checksum = zlib.crc32(np.ascontiguousarray(raw).data)
        if not np.isfinite(raw).all():  # refused by whoever computes with it
            return _OfImage(0, (), (), checksum, 0.0, 0.0)
        clean, pixels = without_far_pixels(raw)
        lines = bad_lines(raw, clean)
        level = float(raw.min()) if raw.dtype.itemsize > 2 and raw.dtype != np.float32 else 0.0
        values = np.subtract(
            raw, level, dtype=np.float64
        )  # far pixels are taken out less a constant
        if pixels or any(line.any() for line in lines):
            clean = clean.copy()
            fill_lines(clean, lines)
        excess, norm = np.square(values - clean).sum(), np.square(values).sum()
        rows, columns = (tuple(int(k) for k in np.flatnonzero(line)) for line in lines)
        return _OfImage(pixels, rows, columns, checksum, float(excess), float(norm))

    found = run_blocks(look, range(len(series.angles_deg)), should_stop=should_stop)
    parts = [*_pixel_words(found), *_line_words(found)]
    words = []
    if parts:
        words.append(f"{' and '.join(parts)}: {_HOW}")
    twice = _twice(series, found)
    if twice is not None:
        words.append(f"images {twice[0]} and {twice[1]} are the same: leave one out")
    norm = sum(one.norm for one in found)
    share = (sum(one.excess for one in found) / norm) ** 0.5 if norm > 0 else 0.0
    if not words:
        return ImageFaults()
    text = "; ".join(words)
    return ImageFaults(f"{text[0].upper()}{text[1:]}.", share)


def _pixel_words(found: Sequence[_OfImage]) -> list[str]:
    counts = [one.pixels for one in found]
    if not any(counts):
        return []
    images = sum(count > 0 for count in counts)
    return [
        f"{images} of {len(counts)} images hold single pixels far outside all other grey values "
        f"(up to {max(counts)} an image)"
    ]


def _line_words(found: Sequence[_OfImage]) -> list[str]:
    words = []
    for name in ("rows", "columns"):
        lines = sorted({line for one in found for line in getattr(one, name)})
        if not lines:
            continue
        images = sum(bool(getattr(one, name)) for one in found)
        shown = ", ".join(str(line) for line in lines[:3]) + (", …" if len(lines) > 3 else "")
        words.append(f"{images} of {len(found)} images hold dead or stuck {name} ({shown})")
    return words


def _twice(series: TiltSeries, found: Sequence[_OfImage]) -> tuple[int, int] | None:
    """Return the first two images that are the same, at different angles."""
    first: dict[int, int] = {}
    for tilt, one in enumerate(found):
        other = first.setdefault(one.checksum, tilt)
        if other != tilt and series.angles_deg[other] != series.angles_deg[tilt]:
            image = np.asarray(series.images[tilt])
            if np.ptp(image) > 0 and np.array_equal(image, np.asarray(series.images[other])):
                return other, tilt
    return None

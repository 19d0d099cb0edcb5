"""A tilt series as a movie: the images in the order of their angles, one contrast for all, the
angle written on each.

Needs no window; contrast, gamma and colours are those of the layer where they are given.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from napari_snpore.errors import InputError
from napari_snpore.gray_limits import gray_limits
from napari_snpore.tomography.tilt_series import TiltSeries

_LARGEST, _SMALLEST = (
    1200,
    300,
)  # pixels of the longer side: slides show no more, and letters need some
_MINUS = "\N{MINUS SIGN}"
_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)


def tilt_frames(
    series: TiltSeries,
    *,
    contrast_limits: tuple[float, float] | None = None,
    colors: NDArray[np.uint8] | None = None,
    labels: bool = True,
) -> Iterator[NDArray[np.uint8]]:
    """Yield the images of a tilt series in order of angle as RGB; one image is held at a time.

    Images of more than 1200 pixels a side are averaged over whole blocks of pixels, so nothing is
    interpolated and noise falls; images of fewer than 300 have their pixels repeated.

    Parameters
    ----------
    series : TiltSeries
        Any dtype.
    contrast_limits : (float, float), optional
        Grey values shown black and white, in all images; by default such that 0.1 % of all pixels
        lie outside at either end.
    colors : array, uint8, shape (256, 3), optional
        RGB from the lower limit to the upper one, gamma included; by default black to white.
    labels : bool
        Write the tilt angle (degrees) in the upper left corner.

    Yields
    ------
    array, uint8, shape (height, width, 3)
        Values that are not finite have the first colour.

    Raises
    ------
    InputError
        Limits that are not two finite numbers, the lower first, or colours of another shape or
        type.
    """
    if contrast_limits is None:
        limits = _contrast(series)
    else:
        ends = [float(limit) for limit in contrast_limits]
        if len(ends) != 2 or not np.isfinite(ends).all() or ends[0] >= ends[1]:
            raise InputError(
                f"contrast_limits is {contrast_limits}; two finite numbers are needed, the lower first."
            )
        limits = ends[0], ends[1]
    if colors is None:
        colors = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    if colors.shape != (256, 3) or colors.dtype != np.uint8:
        raise InputError(
            f"colours is {colors.dtype} of shape {colors.shape}; uint8 of shape (256, 3) is needed."
        )
    return _frames(series, limits, colors, labels)


def _frames(
    series: TiltSeries, limits: tuple[float, float], colors: NDArray[np.uint8], labels: bool
) -> Iterator[NDArray[np.uint8]]:
    low, high = limits
    for number in np.argsort(series.angles_deg, kind="stable"):
        image = _fitted(np.asarray(series.images[number], dtype=np.float32))
        # round, so that uint8 data between 0 and 255 pass unchanged
        gray = np.rint(
            255 * np.clip(np.nan_to_num((image - low) / (high - low), nan=0.0), 0, 1)
        ).astype(np.uint8)
        picture = colors[gray]
        yield _labelled(picture, series.angles_deg[number]) if labels else picture


def _contrast(series: TiltSeries) -> tuple[float, float]:
    """Return limits from every k-th pixel of every image, some 100,000 an image at most."""
    _, height, width = series.shape
    step = max(math.isqrt(height * width // 100_000), 1)
    return gray_limits(image[::step, ::step] for image in series.images)


def _fitted(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return an image averaged or repeated by a whole factor; pixels left over at the far edges are
    dropped.
    """
    longest = max(image.shape)
    block = math.ceil(longest / _LARGEST)
    if block > 1:
        height, width = (max(side // block, 1) for side in image.shape)
        rows, columns = (
            min(block, side) for side in image.shape
        )  # a strip may be narrower than a block
        cut = image[: height * rows, : width * columns]
        means: NDArray[np.float32] = cut.reshape(height, rows, width, columns).mean(
            axis=(1, 3), dtype=np.float32
        )
        return means
    again = math.ceil(_SMALLEST / longest)
    return image.repeat(again, axis=0).repeat(again, axis=1)


def _labelled(image: NDArray[np.uint8], degrees: float) -> NDArray[np.uint8]:
    """Return the image with its angle: white on a dark rim, which shows on carbon, tin and vacuum
    alike.
    """
    # Where the figures and the tables have their wording; here, because it brings matplotlib in
    from napari_snpore.figures.tilts import angle_text

    text = angle_text(float(degrees))
    picture = Image.fromarray(image)
    draw = ImageDraw.Draw(picture)
    letter = max(round(max(image.shape[:2]) / 24), 16)
    font = ImageFont.load_default(letter)
    rim = max(letter // 10, 1)
    left, baseline = letter // 2, letter // 2 + letter
    # Pillow's own font has no minus sign, and a hyphen is half as long: a bar as wide as a digit's
    # column takes its place
    if text.startswith(_MINUS):
        box = draw.textbbox((left, baseline), "+", font=font, anchor="ls")
        middle, half = (box[1] + box[3]) / 2, max(letter / 24, 0.5)
        bearing = round((box[2] - box[0]) / 10)
        bar = (box[0] + bearing, round(middle - half), box[2] - bearing, round(middle + half))
        draw.rectangle((bar[0] - rim, bar[1] - rim, bar[2] + rim, bar[3] + rim), fill=_BLACK)
        draw.rectangle(bar, fill=_WHITE)
        left, text = left + round(font.getlength("+")), text[1:]
    draw.text(
        (left, baseline),
        text,
        font=font,
        fill=_WHITE,
        stroke_width=rim,
        stroke_fill=_BLACK,
        anchor="ls",
    )
    return np.asarray(picture)

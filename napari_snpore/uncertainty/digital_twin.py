"""Digital twin: how far the steps of a run move the numbers of a fibre that is known.

The phases that were found are taken for a fibre. Its images are simulated, go through the same steps,
and the change of each number is the bias of these steps on a fibre like this one (a parametric
bootstrap). The twin has to be as smooth as the fibre: that of phases by thresholds alone, rougher
than the truth, makes numbers worse; polished phases are needed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from napari_snpore.compute import Progress, ShouldStop, share_of
from napari_snpore.errors import InputError
from napari_snpore.memory import NotEnoughMemoryError
from napari_snpore.tomography.noise import NoiseModel
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.uncertainty.twin_images import twin_images
from napari_snpore.volume import Volume

Numbers = Mapping[tuple[str, str], float]
"""Values by quantity and unit."""

Repeat = Callable[[TiltSeries, Progress | None], Numbers]
"""The steps to repeat: aligned images in, numbers out."""

_SHARE_OF_IMAGES = 0.05
"""Share of the work of one twin that its images take."""


def digital_twin(
    phases: Volume,
    series: TiltSeries,
    numbers: Numbers,
    repeat: Repeat,
    *,
    levels: Sequence[float],
    blur_px: float,
    noise: NoiseModel,
    residual_px: float = 0.0,
    twins: int = 1,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> pd.DataFrame:
    """Return what the steps of a run add to each number of a fibre that is as the phases say.

    Parameters
    ----------
    phases : Volume of integers, shape (z, y, x)
        0 exterior, 1..N phases; polished.
    series : TiltSeries
        The aligned images behind them.
    numbers : mapping of (quantity, unit) to float
        What the run found, on these phases.
    repeat : callable
        ``repeat(twin, progress)``: the same steps on the images of a twin, which start at the
        aligned series; returns the same numbers. An :class:`~napari_snpore.errors.InputError` is a
        twin that failed.
    levels, blur_px, noise, residual_px
        See :func:`~napari_snpore.uncertainty.twin_images.twin_images`.
    twins : int
        How many; they differ in noise and shifts.
    seed : int
        Of the first twin; each one has its own.
    threads : int, optional
        The images are the same bit for bit.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    DataFrame
        One row per number: ``quantity, unit, twin_bias, sd, n, failed, reason``. ``twin_bias``: mean
        over the twins of (twin − value), in the unit of the quantity; nan if any twin failed, as the
        mean over successes is no mean over twins, and where the run has no such number. ``sd``:
        standard deviation over the twins, nan for one. ``n``: twins that gave the number.
        ``failed``: twins that did not, ``reason`` a sentence that says why the first of them did
        not; empty where none failed.

    Raises
    ------
    InputError
        No twin asked for, or what :func:`~napari_snpore.uncertainty.twin_images.twin_images`
        refuses.
    NotEnoughMemoryError
        The steps need more memory than there is.
    Stopped
        ``should_stop`` returned true.
    """
    if twins < 1:
        raise InputError(f"twins is {twins}; 1 or more is needed.")
    found: list[Numbers | InputError] = []
    for index in range(twins):
        start, end = index / twins, (index + 1) / twins
        middle = start + _SHARE_OF_IMAGES * (end - start)
        images = twin_images(
            phases,
            series,
            levels=levels,
            blur_px=blur_px,
            noise=noise,
            residual_px=residual_px,
            seed=seed + index,
            threads=threads,
            should_stop=should_stop,
        )
        report = share_of(progress, start, middle)
        if report is not None:
            report(1, 1)
        try:
            found.append(repeat(images, share_of(progress, middle, end)))
        except NotEnoughMemoryError:
            raise  # says nothing of the fibre
        except InputError as error:
            found.append(error)
    return pd.DataFrame([_row(key, value, found) for key, value in numbers.items()])


def _row(
    key: tuple[str, str], value: float, found: Sequence[Numbers | InputError]
) -> dict[str, object]:
    given = [one for one in found if not isinstance(one, InputError)]
    changes = [one.get(key, math.nan) - value for one in given]
    good = [change for change in changes if math.isfinite(change)]
    reasons = [str(one) for one in found if isinstance(one, InputError)]
    if math.isfinite(value) and len(good) < len(given):
        reasons.append(f"A twin gave no {key[0]}.")
    # a number that the run itself could not give fails with no twin
    failed = len(found) - (len(good) if math.isfinite(value) else len(given))
    return {
        "quantity": key[0],
        "unit": key[1],
        "twin_bias": math.nan if failed or not good else float(np.mean(good)),
        "sd": float(np.std(good, ddof=1)) if len(good) > 1 and not failed else math.nan,
        "n": len(good),
        "failed": failed,
        "reason": reasons[0] if failed else "",
    }

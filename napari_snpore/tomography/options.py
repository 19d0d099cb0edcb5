"""The options of each reconstruction method, one frozen dataclass per method.

``reconstruct(series, method="sirt")`` takes the defaults; ``reconstruct(series, method=Sirt(...))``
takes options. The sections ``[reconstruct.sirt]`` to ``[reconstruct.dart]`` of a recipe, the
command line and the window build the same dataclasses, so that an option means the same everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal, get_args

import numpy as np

from napari_snpore.errors import InputError
from napari_snpore.tomography.detector_blur import check_blur_px
from napari_snpore.tomography.gray_levels import MOST_LEVELS, checked_levels
from napari_snpore.tomography.projector import checked_count

Method = Literal["sirt", "wbp", "cgls", "tv", "dart"]
Stop = Literal["iterations", "noise"]
Filter = Literal["ram-lak", "shepp-logan", "cosine", "hamming", "hann"]


@dataclass(frozen=True, kw_only=True)
class Wbp:
    """Weighted backprojection: linear and without iterations; noise and streaks stay in.

    Parameters
    ----------
    filter : {"ram-lak", "shepp-logan", "cosine", "hamming", "hann"}
        The ramp (default), or the ramp times a window that lowers noise and resolution.

    References
    ----------
    Kak and Slaney, Principles of Computerized Tomographic Imaging, chapter 3
    (doi 10.1137/1.9780898719277).
    """

    name: ClassVar[Method] = "wbp"
    filter: Filter = "ram-lak"

    def __post_init__(self) -> None:
        check_choice("filter", self.filter, Filter)


@dataclass(frozen=True, kw_only=True)
class Stoppable:
    """The options that :class:`Sirt` and :class:`Cgls` share: both can stop at the noise level.

    Both are semi-convergent: at first they come nearer to the object, then they reproduce the
    noise.
    """

    usual: ClassVar[int]
    most: ClassVar[int]
    iterations: int | None = None
    stop: Stop = "iterations"
    nonnegative: bool = True

    def __post_init__(self) -> None:
        if self.iterations is not None:
            object.__setattr__(self, "iterations", checked_count("iterations", self.iterations))
        check_choice("stop", self.stop, Stop)

    @property
    def limit(self) -> int:
        """The number of iterations, or the most that are allowed where the noise stops them."""
        usual = self.most if self.stop == "noise" else self.usual
        return usual if self.iterations is None else self.iterations


@dataclass(frozen=True, kw_only=True)
class Sirt(Stoppable):
    """Simultaneous iterative reconstruction: robust, the usual choice.

    Parameters
    ----------
    iterations : int, optional
        Default 50. With ``stop="noise"`` the most that are allowed, default 200.
    stop : {"iterations", "noise"}
        Stop after ``iterations``, or as soon as the residual on 16 slices has fallen to the noise
        level of the images (:func:`~napari_snpore.tomography.noise.noise_level`).
    nonnegative : bool
        Keep voxels at 0 or above at every iteration.

    References
    ----------
    Gilbert, J. Theor. Biol. 36 (1972) 105 (doi 10.1016/0022-5193(72)90180-4).

    Examples
    --------
    >>> Sirt(stop="noise").limit, Sirt().limit, Sirt(iterations=30).limit
    (200, 50, 30)
    """

    name: ClassVar[Method] = "sirt"
    usual: ClassVar[int] = 50
    most: ClassVar[int] = 200


@dataclass(frozen=True, kw_only=True)
class Cgls(Stoppable):
    """Conjugate gradients on the least squares: as SIRT in a third of the iterations.

    Parameters
    ----------
    iterations : int, optional
        Default 20. With ``stop="noise"`` the most that are allowed, default 60.
    stop : {"iterations", "noise"}
        As in :class:`Sirt`. Noise comes back sooner than with SIRT.
    nonnegative : bool
        Keep voxels at 0 or above at every iteration.

    References
    ----------
    Hestenes and Stiefel, J. Res. Natl. Bur. Stand. 49 (1952) 409 (doi 10.6028/jres.049.044).
    """

    name: ClassVar[Method] = "cgls"
    usual: ClassVar[int] = 20
    most: ClassVar[int] = 60


@dataclass(frozen=True, kw_only=True)
class Tv:
    """Least squares with total variation in three dimensions: flat phases with sharp edges.

    The blur of the images is part of the model, so that edges come out sharper than in the images;
    dark pixels, which have less noise, weigh more.

    Parameters
    ----------
    iterations : int
        Most iterations, default 300; fewer where the volume has converged.
    weight : float or "auto", optional
        λ in grey units; more is smoother. Default from the data: 0.25 σ √tilts with σ the noise of
        the object in the images, times the squares that the volume leaves of the images over those
        that noise leaves (1 to 3); at least half of the mean grey value along the brightest ray.
        ``"auto"``: λ and iterations that predict held-out tilts best, where they do so better than
        the default beyond the error, else the default
        (:mod:`~napari_snpore.tomography.held_out_weight`).
    blur_px : float or "auto"
        Standard deviation (px) of the Gaussian blur of the images; 0: none. Default: found in the
        images (:func:`~napari_snpore.tomography.discrete.blur_search.find_blur`); where it cannot
        be found none is used, and the history says why.
    reweight : bool
        Lower λ at the edges of the last solution every few iterations, so that thin walls and small
        pores keep their grey value. False: the convex problem.
    tolerance : float
        Converged: the mean change of a voxel in one iteration as a share of its mean value.
    nonnegative : bool
        Keep voxels at 0 or above.

    References
    ----------
    Chambolle and Pock, J. Math. Imaging Vis. 40 (2011) 120 (doi 10.1007/s10851-010-0251-1).
    Candès, Wakin and Boyd, J. Fourier Anal. Appl. 14 (2008) 877 (doi 10.1007/s00041-008-9045-x).
    """

    name: ClassVar[Method] = "tv"
    iterations: int = 300
    weight: float | Literal["auto"] | None = None
    blur_px: float | Literal["auto"] = "auto"
    reweight: bool = True
    tolerance: float = 1e-3
    nonnegative: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "iterations", checked_count("iterations", self.iterations))
        if self.weight not in (None, "auto"):
            check_weight(self.weight)
        if self.blur_px != "auto":
            check_blur_px(self.blur_px)
            object.__setattr__(self, "blur_px", float(self.blur_px))
        if not (math.isfinite(self.tolerance) and self.tolerance >= 0):
            raise InputError(
                f"tolerance is {self.tolerance}; a share of the grey value, 0 or more, is needed."
            )


@dataclass(frozen=True, kw_only=True)
class Dart:
    """Discrete algebraic reconstruction: each phase has one grey value.

    Parameters
    ----------
    iterations : int
        How often the classes are drawn; default 20.
    gray_levels : int or sequence of float
        The grey values of the phases, vacuum first, rising; or how many to find in the data
        (default 3, 2 to 6 are possible).
    seed : int
        Seed of the random choice of free voxels: the same seed gives the same volume bit for bit.

    References
    ----------
    Batenburg and Sijbers, IEEE Trans. Image Process. 20 (2011) 2542
    (doi 10.1109/TIP.2011.2131661).
    """

    name: ClassVar[Method] = "dart"
    iterations: int = 20
    gray_levels: int | tuple[float, ...] = 3
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "iterations", checked_count("iterations", self.iterations))
        levels: Any = self.gray_levels
        if isinstance(levels, int):
            if not 2 <= levels <= MOST_LEVELS:
                raise InputError(
                    f"gray_levels is {levels}; 2 to {MOST_LEVELS} levels, or their values, are needed."
                )
            return
        checked_levels(levels)
        object.__setattr__(self, "gray_levels", tuple(float(level) for level in levels))


Planned = Wbp | Sirt | Cgls | Dart
"""The options of the methods that solve plane by plane."""

Options = Planned | Tv
"""The options of any method."""

METHODS: dict[Method, type[Options]] = {
    "sirt": Sirt,
    "wbp": Wbp,
    "cgls": Cgls,
    "tv": Tv,
    "dart": Dart,
}


def options_of(method: Method | Options, iterations: int | None = None) -> Options:
    """Return the options that a method's name or its dataclass means.

    Parameters
    ----------
    method : str or dataclass
        A name takes the defaults.
    iterations : int, optional
        Beside a name only.

    Raises
    ------
    InputError
        An unknown method, iterations below 1, for WBP, or beside a dataclass.

    Examples
    --------
    >>> options_of("tv", 80)
    Tv(iterations=80, weight=None, blur_px='auto', reweight=True, tolerance=0.001, nonnegative=True)
    """
    if isinstance(method, str):
        check_choice("method", method, Method)
        if iterations is None:
            return METHODS[method]()
        check_names(method, ["iterations"])
        return METHODS[method](iterations=iterations)  # type: ignore[call-arg]
    if not isinstance(method, Options):
        raise InputError(
            f"method is {method!r}; one of {', '.join(get_args(Method))} or its options are needed."
        )
    if iterations is not None:
        raise InputError(
            f"iterations is given beside {type(method).__name__}(...); set {type(method).__name__}(iterations=...)."
        )
    return method


def check_weight(weight: Any) -> None:
    """Refuse a weight λ of TV that is not a number of grey units, 0 or more."""
    if not (isinstance(weight, (int, float, np.number)) and math.isfinite(weight) and weight >= 0):
        raise InputError(
            f"weight is {weight!r}; 'auto' or a number of grey units, 0 or more, is needed."
        )


def check_names(method: Method, names: Sequence[str]) -> None:
    """Refuse options that a method does not take, and say which method takes them.

    Raises
    ------
    InputError
        The sentence names the first such option.
    """
    taken = option_names(method)
    for name in names:
        if name not in taken:
            owners = [other for other in METHODS if name in option_names(other)]
            of = f"is an option of {', '.join(owners)}" if owners else "is not an option"
            raise InputError(f"{name} {of}; {method} takes {', '.join(taken)}.")


def option_names(method: Method) -> tuple[str, ...]:
    """Return the names of a method's options."""
    return tuple(field.name for field in fields(METHODS[method]))


def check_choice(name: str, value: Any, choices: Any) -> None:
    """Refuse a value that is none of the words of a ``Literal``."""
    if value not in get_args(choices):
        raise InputError(f"{name} is {value!r}; one of {', '.join(get_args(choices))} is needed.")

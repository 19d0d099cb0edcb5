"""Does restoration by learning help beside the TV of today?

``python -m benchmarks learned`` (with ``pip install jax optax``) adds one case after another to
``benchmarks/learned.csv``: one row per case and volume. A case is a phantom (family, seed), a seed of
the noise, a size and a dose; its volumes are those of :data:`VOLUMES`. What is there already is not run
again.

Error: root mean square of the difference to the grey values *before* the blur, inside the true
envelope, over their own root mean square. Wrong voxels: at the thresholds half way between the true
levels, the same for all volumes; *at best*: at those with the fewest, which nobody knows. Wedge:
the same error over the Fourier components that no tilt measures. Held out: mean weighted squares left
of the tilts of the test (1: noise), of volumes that were made without them.
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.case_tables import ANGLES_DEG, PhantomCase, has_case, read_rows, replace_case
from benchmarks.learned_network import jax_modules
from benchmarks.learned_training import TrainingSettings, Views, train
from benchmarks.stopping import KEPT, stopped_in_a_sentence
from napari_snpore.errors import MissingExtraError
from napari_snpore.history import ReconstructStep, required_step
from napari_snpore.phantom import Phantom, simulate_tilt_series
from napari_snpore.tomography.held_out import TiltSplit, mean_squares, paired_gain
from napari_snpore.tomography.noise import noise_model
from napari_snpore.tomography.options import Tv
from napari_snpore.tomography.reconstruction import reconstruct
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.tomography.weights import image_weights

Floats = NDArray[np.float32]

TABLE = Path(__file__).parent / "learned.csv"

FIRST_SEED = 3000
"""Of the phantoms: beyond those of the calibration and of the blind test."""

VOLUMES = (
    "TV",
    "TV auto",
    "TV, no test tilts",
    "learned",
    "learned, no test tilts",
    "learned, mean of halves",
)
"""Of all tilts, and of those that are not for the test; *auto*: λ by held-out tilts; *learned*: the
network applied to TV of all tilts, of those not for the test, and to TV of each half for training,
whose mean is taken."""

FAMILIES = ("fibre", "field")
DOSES = (100.0, 1000.0, 10_000.0)


@dataclass(frozen=True)
class LearnedCase:
    """One phantom, its tilts, and how long the network is trained."""

    phantom: PhantomCase
    noise_seed: int
    epochs: float

    def columns(self) -> dict[str, Any]:
        """Return the case as columns of the table."""
        own = {"noise_seed": self.noise_seed, "epochs": self.epochs}
        return self.phantom.columns() | own


def planned_cases(
    size: int,
    doses: tuple[float, ...],
    phantoms: int,
    noise_seeds: int,
    epochs: float,
    families: tuple[str, ...] = FAMILIES,
) -> list[LearnedCase]:
    """Return the cases of one size: the first phantom of each family at all doses comes first."""
    cases = []
    order = itertools.product(range(noise_seeds), range(phantoms), families, doses)
    for noise, number, family, dose in order:
        phantom = PhantomCase(family, "realistic", FIRST_SEED + number, (size,) * 3, dose)
        cases.append(LearnedCase(phantom, noise, epochs))
    return cases


def run_case(case: LearnedCase) -> list[dict[str, Any]]:
    """Make the volumes of a case; return one row for each."""
    phantom = case.phantom.make()
    seed = case.phantom.seed + 1000 * case.noise_seed
    series = simulate_tilt_series(phantom, angles_deg=ANGLES_DEG, dose=case.phantom.dose, seed=seed)
    split = TiltSplit.of(series.angles_deg, case.noise_seed)
    noise = noise_model(series)
    weights = image_weights(series.images, noise)
    began = time.process_time()
    full = reconstruct(series, method=Tv())
    rows = [_row("TV", full.data, phantom, time.process_time() - began)]
    blur_px = required_step(full.history, ReconstructStep).blur_px or 0.0
    views = Views(
        np.asarray(series.images, np.float32),
        weights / weights.mean(),
        np.asarray(series.angles_deg),
        blur_px,
    )

    def held_out(volume: Floats) -> NDArray[np.float64]:
        test = views.of(split.test)
        rest = test.rest(volume, slice(None))
        return mean_squares(rest + test.images, test.images, weights[list(split.test)])

    def tv(tilts: tuple[int, ...], **options: Any) -> Floats:
        part = _of_tilts(series, tilts)
        volume: Floats = reconstruct(part, method=Tv(blur_px=blur_px, **options)).data
        return volume

    began = time.process_time()
    auto = reconstruct(series, method=Tv(blur_px=blur_px, weight="auto"))
    rows.append(_row("TV auto", auto.data, phantom, time.process_time() - began))
    choice = required_step(auto.history, ReconstructStep).held_out
    assert choice is not None
    rows[-1] |= {"difference": choice.difference, "error_95": choice.error_95}
    rows[-1] |= {"gain": choice.gain, "factor": choice.factor}
    seen = tuple(sorted(split.training + split.validation))
    usual = tv(seen)
    of_usual = held_out(usual)
    rows.append(_row("TV, no test tilts", usual, phantom) | {"held_out": of_usual.mean()})
    began = time.process_time()
    halves = split.training[0::2], split.training[1::2]
    inputs = tv(halves[0]), tv(halves[1])
    network = train(
        inputs,
        (views.of(halves[0]), views.of(halves[1])),
        tv(split.training),
        views.of(split.validation),
        TrainingSettings(epochs=case.epochs, seed=case.noise_seed),
    )
    seconds = time.process_time() - began
    best = min(network.curve[1:], key=lambda point: point[1])[0] / network.curve[-1][0]
    mean = (network.apply(inputs[0]) + network.apply(inputs[1])) / 2
    for name, volume in (
        ("learned, no test tilts", network.apply(usual)),
        ("learned, mean of halves", mean),
    ):
        squares = held_out(volume)
        gain = paired_gain(squares, of_usual)
        rows.append(_row(name, volume, phantom, seconds))
        rows[-1] |= {"held_out": squares.mean(), "difference": gain.difference}
        rows[-1] |= {"error_95": gain.error_95, "gain": gain.gains, "stopped_at": best}
    rows.append(_row("learned", network.apply(full.data), phantom, seconds))
    return [
        {name: _short(value) for name, value in (row | {"blur_px": blur_px}).items()}
        for row in rows
    ]


def _short(value: Any) -> Any:
    return float(f"{value:.5g}") if isinstance(value, float) else value


def _of_tilts(series: TiltSeries, tilts: tuple[int, ...]) -> TiltSeries:
    chosen = list(tilts)
    return replace(series, images=series.images[chosen], angles_deg=series.angles_deg[chosen])


def _row(name: str, volume: Floats, phantom: Phantom, cpu_s: float = math.nan) -> dict[str, Any]:
    levels = phantom.gray_levels
    truth = np.array(levels, np.float32)[phantom.phases]
    inside, phases = phantom.envelope, phantom.phases
    cuts = (levels[2] / 2, (levels[2] + levels[3]) / 2)
    found = np.digitize(volume, cuts)[inside] + 1
    true = phases[inside]
    rest = np.where(inside, volume - truth, 0)
    return {
        "volume": name,
        "error": float(np.linalg.norm(rest) / np.linalg.norm(truth[inside])),
        "wrong_percent": 100 * float((found != true).mean()),
        "wrong_at_best_percent": 100 * fewest_wrong(volume[inside], true),
        "pore_bias_points": 100 * float((found == 1).mean() - (true == 1).mean()),
        "sn_bias_points": 100 * float((found == 3).mean() - (true == 3).mean()),
        "carbon_level": float(np.median(volume[phases == 2])) / levels[2],
        "wedge_error": wedge_error(rest, np.where(inside, truth, 0)),
        "cpu_s": round(cpu_s, 1),
    }


def fewest_wrong(gray: Floats, phases: NDArray[np.uint8]) -> float:
    """Return the least share of voxels that two thresholds put into another phase than theirs.

    The upper one is chosen first, between the brightest phase and the others.

    Examples
    --------
    >>> fewest_wrong(np.float32([0, 1, 2, 3, 9]), np.uint8([1, 1, 2, 1, 3]))
    0.2
    """
    bright = _fewest(gray[phases < 3], gray[phases == 3])
    dark = _fewest(gray[phases == 1], gray[phases == 2])
    return float((np.digitize(gray, sorted((dark, bright))) + 1 != phases).mean())


def _fewest(below: Floats, above: Floats) -> float:
    """Return the cut with the fewest of ``below`` at or above it and of ``above`` below it."""
    cuts = np.unique(np.quantile(np.concatenate([below, above]), np.linspace(0, 1, 1001)))
    wrong = len(below) - np.searchsorted(np.sort(below), cuts)
    wrong += np.searchsorted(np.sort(above), cuts)
    return float(cuts[np.argmin(wrong)])


def wedge_error(rest: Floats, truth: Floats) -> float:
    """Return the share of the truth's norm, over the Fourier components that no tilt measures, that is
    wrong: those steeper than the steepest tilt.
    """
    depth, _, width = truth.shape
    z, x = np.meshgrid(np.fft.fftfreq(depth), np.fft.rfftfreq(width), indexing="ij")
    steepest = math.tan(math.radians(float(np.abs(ANGLES_DEG).max())))
    inside = (np.abs(z) > steepest * np.abs(x))[:, None, :]
    parts = (np.abs(np.fft.rfftn(one, axes=(1, 0, 2))) ** 2 for one in (rest, truth))
    wrong, whole = (float(part[np.broadcast_to(inside, part.shape)].sum()) for part in parts)
    return math.sqrt(wrong / whole)


def in_short(rows: list[dict[str, Any]]) -> str:
    """Return error and wrong voxels of each volume of a case."""
    return "; ".join(
        f"{row['volume']} {row['error']:.3f} {row['wrong_percent']:.1f} %" for row in rows
    )


def main() -> None:
    """Run what is not there yet, one case after another."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=128, help="voxels along each side")
    parser.add_argument("--dose", type=float, nargs="+", default=list(DOSES))
    parser.add_argument("--phantoms", type=int, default=3, help="of each family")
    parser.add_argument("--family", nargs="+", default=list(FAMILIES), choices=FAMILIES)
    parser.add_argument("--noise-seeds", type=int, default=2)
    parser.add_argument("--epochs", type=float, default=20.0)
    parser.add_argument("--cases", type=int, help="most cases to take of the plan")
    parser.add_argument("--output", type=Path, default=TABLE)
    given = parser.parse_args()
    try:
        jax_modules()  # before the hours of the first case
    except MissingExtraError as error:
        sys.exit(str(error))
    cases = planned_cases(
        given.size,
        tuple(given.dose),
        given.phantoms,
        given.noise_seeds,
        given.epochs,
        tuple(given.family),
    )[: given.cases]
    for number, case in enumerate(cases, 1):
        columns = case.columns()
        if has_case(read_rows(given.output), columns):
            continue
        rows = run_case(case)
        replace_case(given.output, columns, rows)
        print(f"{number}/{len(cases)} {columns}: {in_short(rows)}", flush=True)


if __name__ == "__main__":
    with stopped_in_a_sentence(KEPT):
        main()

"""Entries of File > Open Sample: simulated phantoms, and the measured tilt series of a needle in
the package.
"""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import Any, Literal

from napari_snpore.history import PlantedPhasesStep
from napari_snpore.viewer.shared.layers import (
    SEPARATOR,
    LayerData,
    phases_data,
    series_data,
    volume_data,
)

SEED = 7
"""Seed of the phantoms in the menu, which makes the same fibre as ``snpore demo``."""

State = Literal["pristine", "sodiated", "desodiated"]


def pristine() -> list[LayerData]:
    """Return a phantom fibre before the first charge, with its true phases."""
    return phantom_layers("pristine")


def sodiated() -> list[LayerData]:
    """Return a phantom fibre after sodium uptake, with its true phases."""
    return phantom_layers("sodiated")


def desodiated() -> list[LayerData]:
    """Return a phantom fibre after sodium release, with its true phases."""
    return phantom_layers("desodiated")


def needle() -> list[LayerData]:
    """Return a measured HAADF tilt series of a needle."""
    from napari_snpore.files import read_tilt_series
    from napari_snpore.viewer.shared.worker import run_alive

    with as_file(files("napari_snpore") / "data" / "needle" / "HAADF.dm3") as path:
        series = run_alive("Open the needle", lambda *_: read_tilt_series(path))
    return [series_data(series, "needle")]


def swelling() -> list[LayerData]:
    """Return simulated images in time of a fibre during sodium uptake."""
    from napari_snpore.phantom import make_swelling_fibre
    from napari_snpore.viewer.in_situ.layers import frames_data
    from napari_snpore.viewer.shared.worker import run_alive

    made = run_alive(
        "Simulate the series",
        lambda progress, should_stop: make_swelling_fibre(
            seed=SEED, progress=progress, should_stop=should_stop
        ),
    )
    return [frames_data(made.series, "swelling fibre")]


def phantom_layers(state: State, *, seed: int = SEED, **options: Any) -> list[LayerData]:
    """Return grey volume and true phases (hidden) of a small phantom; ``options`` are those of
    ``make_phantom``.
    """
    from napari_snpore.phantom import make_phantom
    from napari_snpore.viewer.shared.worker import run_alive
    from napari_snpore.volume import Volume

    phantom = run_alive(
        f"Make the {state} phantom",
        lambda progress, should_stop: make_phantom(
            state, seed=seed, progress=progress, should_stop=should_stop, **options
        ),
    )
    gray = phantom.volume
    truth = Volume(
        phantom.phases, gray.spacing, gray.origin, (*gray.history, PlantedPhasesStep().step)
    )
    return [
        phases_data(truth, f"{state}{SEPARATOR}true phases", visible=False),
        volume_data(gray, state),  # last, so that it becomes the active layer
    ]

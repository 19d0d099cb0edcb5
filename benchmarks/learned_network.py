"""The network: a U-Net of three levels on (z, x) planes, with the neighbouring planes as channels.

Parameters are a flat list of (kernel, bias), NHWC and HWIO. The last layer starts at zero and is
added to the middle plane of the input, so that an untrained network returns its input.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.errors import MissingExtraError

Floats = NDArray[np.float32]

PLANES = 5
"""Planes that the network sees at once: blur and clusters reach two planes to each side."""

MULTIPLE = 4
"""Both sides of a plane are padded to a multiple of this: two levels halve them."""

_LEAK = 0.1
"""Slope of the leaky rectifier below 0."""


def jax_modules() -> tuple[Any, Any, Any]:
    """Return ``jax``, ``jax.numpy`` and ``optax``.

    Raises
    ------
    MissingExtraError
        One of them is not installed.
    """
    try:
        import jax
        import jax.numpy
        import optax
    except ImportError:
        raise MissingExtraError(
            "Restoration by learning needs JAX and optax; install them with pip install jax optax."
        ) from None
    return jax, jax.numpy, optax


def layer_sizes(features: int) -> list[tuple[int, int]]:
    """Return channels in and out of each 3 × 3 convolution, in the order of the parameters.

    Examples
    --------
    >>> layer_sizes(16)[:3], len(layer_sizes(16))
    ([(5, 16), (16, 16), (16, 32)], 10)
    """
    f = features
    down = [(PLANES, f), (f, f), (f, 2 * f), (2 * f, 2 * f), (2 * f, 4 * f), (4 * f, 4 * f)]
    return [*down, (6 * f, 2 * f), (2 * f, 2 * f), (3 * f, f), (f, f)]


def first_parameters(features: int, seed: int) -> list[tuple[Floats, Floats]]:
    """Return seeded parameters (He's normal distribution); those of the last layer are 0."""
    rng = np.random.default_rng(seed)
    parameters = [
        (
            (rng.normal(size=(3, 3, ins, outs)) * np.sqrt(2 / (9 * ins))).astype(np.float32),
            np.zeros(outs, np.float32),
        )
        for ins, outs in layer_sizes(features)
    ]
    last = (np.zeros((1, 1, features, 1), np.float32), np.zeros(1, np.float32))
    return [*parameters, last]


def forward(parameters: Any, planes: Any) -> Any:
    """Return the restored planes (plane, z, x) of a stack (plane, z, x, channel), z and x multiples of
    4; to be compiled by JAX.
    """
    jax, jnp, _ = jax_modules()

    def convolve(values: Any, layer: Any) -> Any:
        kernel, bias = layer
        axes = ("NHWC", "HWIO", "NHWC")
        return (
            jax.lax.conv_general_dilated(values, kernel, (1, 1), "SAME", dimension_numbers=axes)
            + bias
        )

    def twice(values: Any, number: int) -> Any:
        for layer in parameters[number : number + 2]:
            values = jax.nn.leaky_relu(convolve(values, layer), _LEAK)
        return values

    def halved(values: Any) -> Any:
        count, z, x, channels = values.shape
        return values.reshape(count, z // 2, 2, x // 2, 2, channels).max((2, 4))

    def doubled(values: Any) -> Any:
        return jnp.repeat(jnp.repeat(values, 2, 1), 2, 2)

    full = twice(planes, 0)
    half = twice(halved(full), 2)
    quarter = twice(halved(half), 4)
    half = twice(jnp.concatenate([half, doubled(quarter)], -1), 6)
    full = twice(jnp.concatenate([full, doubled(half)], -1), 8)
    change = convolve(full, parameters[10])
    middle = planes[..., PLANES // 2]
    # grey values are amounts of matter, not below 0; a smooth bend would lift the vacuum
    return jnp.maximum(change[..., 0] + middle, 0)


def stacked_planes(volume: Floats, rows: NDArray[np.intp]) -> Floats:
    """Return planes at some rows with their neighbours as channels, (row, z, x, channel); beyond the
    ends the volume is mirrored, z and x are padded with 0 to multiples of 4.
    """
    depth, slices, width = volume.shape
    reach = PLANES // 2
    places = np.abs(rows[:, None] + np.arange(-reach, reach + 1))
    places = np.where(places >= slices, 2 * slices - 2 - places, places)
    planes = volume[:, np.clip(places, 0, slices - 1)].transpose(1, 0, 3, 2)
    pad = [(0, 0), (0, -depth % MULTIPLE), (0, -width % MULTIPLE), (0, 0)]
    return np.ascontiguousarray(np.pad(planes, pad), np.float32)

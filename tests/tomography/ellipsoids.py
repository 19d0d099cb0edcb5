"""Tilt series of ellipsoids in closed form, misaligned in a known way: truth that no code of the
package made.

The chord of the ellipsoid ``(r − c)ᵀ A (r − c) <= 1`` along a ray is the root of a quadratic. Each
raw pixel is traced to axis coordinates through the corrections in the order of the definitions:
shift, rotation by −φ, offset.
"""

import numpy as np


def rod(radius, direction, length=1e4, center=(0.0, 0.0, 0.0), density=1.0):
    axis = np.array(direction, float) / np.linalg.norm(direction)
    matrix = np.eye(3) / radius**2 + np.outer(axis, axis) * (1 / length**2 - 1 / radius**2)
    return np.array(center, float), matrix, density


def blob(center, half_axes, density=1.0):
    return np.array(center, float), np.diag(1 / np.array(half_axes, float) ** 2), density


def fibre(size, seed):
    """A slightly oblique fibre that leaves the field at both ends, with dense clusters in it."""
    rng = np.random.default_rng(seed)
    lean = np.array([0.06, 1.0, -0.08])
    bodies = [rod(0.18 * size, lean, center=(2.0, 0.0, -3.0))]
    for _ in range(50):
        z, y, x = rng.uniform(-1, 1, 3) * (0.12 * size, 0.7 * size, 0.12 * size)
        bodies.append(
            blob(bodies[0][0] + lean * y + (z, 0, x), rng.uniform(0.015, 0.04, 3) * size, 8.0)
        )
    return bodies


def particle(size, seed):
    """A lump of ellipsoids in the middle of the field."""
    rng = np.random.default_rng(seed)
    return [
        blob(
            rng.uniform(-0.18, 0.18, 3) * size,
            rng.uniform(0.04, 0.11, 3) * size,
            rng.uniform(0.5, 2),
        )
        for _ in range(14)
    ]


def axis_vectors(phi):
    angle = np.deg2rad(phi)
    return np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])


def tilt_images(bodies, angles_deg, shape, *, shifts=None, phi=0.0, offset=0.0):
    """Return raw images (tilt, y, x) that ``shifts``, φ and ``offset`` would align."""
    ny, nx = shape
    along, across = axis_vectors(phi)
    shifts = np.zeros((len(angles_deg), 2)) if shifts is None else shifts
    images = np.zeros((len(angles_deg), ny, nx))
    for image, angle, (dy, dx) in zip(images, np.deg2rad(angles_deg), shifts, strict=True):
        y = (np.arange(ny) - (ny - 1) / 2 + dy)[:, None]
        x = (np.arange(nx) - (nx - 1) / 2 + dx)[None, :]
        u = y * along[0] + x * along[1]
        v = y * across[0] + x * across[1] - offset
        points = np.stack([v * np.sin(angle), u, v * np.cos(angle)], axis=-1)  # (z, y, x)
        ray = np.array([np.cos(angle), 0.0, -np.sin(angle)])
        for center, matrix, density in bodies:
            r = points - center
            steep = ray @ matrix @ ray
            half = r @ (matrix @ ray)
            rest = np.einsum("...i,ij,...j->...", r, matrix, r) - 1
            image += density * 2 * np.sqrt(np.maximum(half**2 - steep * rest, 0)) / steep
    return images


def without_gauge(values, angles_deg):
    """Return values less their part in 1, cosθ, sinθ, and the constant of that part."""
    angles = np.deg2rad(angles_deg)
    terms = np.stack([np.ones_like(angles), np.cos(angles), np.sin(angles)], axis=1)
    factors = np.linalg.lstsq(terms, values, rcond=None)[0]
    return values - terms @ factors, factors[0]

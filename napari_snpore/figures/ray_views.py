"""Pictures of phases in three dimensions by ray casting in numpy: no window, no OpenGL.

One ray per pixel goes through the labels in parallel projection. The last phase is opaque and lit;
other solid phases are translucent, with their surfaces lit; the first phase (pore, void) and the
exterior are left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from napari_snpore.compute import ShouldStop, check_stop
from napari_snpore.volume import Triple

MOST_VOXELS = 192
"""Longest side (voxels) that rays go through; of longer ones every second, third, ... voxel is drawn."""

_STEP = 0.7  # of the smallest voxel edge: rays miss no voxel that they cross by more than that
_SMOOTH = 1.0  # voxels: normals of stairs of voxels would show the stairs
_AMBIENT = 0.5
_SURFACE = 0.45  # opacity where a ray enters a translucent phase
_INSIDE = 0.05  # opacity per voxel within it
_OPAQUE = 0.98
_COMPACT = 24  # steps after which rays that have ended are dropped

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Scene:
    """Solid phases of a volume, ready to be seen from several sides.

    Attributes
    ----------
    labels : uint8, shape (z, y, x)
        Cropped to the solid, with a margin of empty voxels.
    solid, last : float32, same shape
        Smoothed masks of all solid and of the last phase, whose slopes are the normals.
    spacing : (float, float, float)
        Of ``labels``, nm.
    stride : int
        Voxels of the original per voxel of ``labels``.
    colors : float32, shape (phases + 1, 3)
        Of the labels, 0 to 1.
    count : int
        Number of phases; the label of the last.
    """

    labels: NDArray[np.uint8]
    solid: Floats
    last: Floats
    spacing: Triple
    stride: int
    colors: Floats
    count: int

    @property
    def size_nm(self) -> Triple:
        """Edges of the cropped box."""
        z, y, x = (n * s for n, s in zip(self.labels.shape, self.spacing, strict=True))
        return z, y, x


@dataclass(frozen=True)
class Camera:
    """Direction of a view: turned about the fibre (y), and raised to look down on it."""

    turn_deg: float
    raise_deg: float = 20.0

    @property
    def axes(self) -> NDArray[np.float64]:
        """Unit vectors (z, y, x) of depth, down and right on the picture, one per row."""
        turn, up = math.radians(self.turn_deg), math.radians(self.raise_deg)
        depth = np.array([math.cos(turn), 0.0, -math.sin(turn)])
        down = np.array([0.0, 1.0, 0.0])
        right = np.array([math.sin(turn), 0.0, math.cos(turn)])
        return np.stack(
            [
                math.cos(up) * depth + math.sin(up) * down,
                math.cos(up) * down - math.sin(up) * depth,
                right,
            ]
        )

    def extent_nm(self, size_nm: Triple) -> tuple[float, float]:
        """Return (down, right) of the picture that holds a box of a size."""
        return tuple(  # type: ignore[return-value]
            float(np.abs(axis * np.asarray(size_nm)).sum()) for axis in self.axes[1:]
        )


def scene_of(labels: NDArray[np.integer], spacing: Triple, colors: Sequence[str]) -> Scene | None:
    """Return what is drawn of phase labels; None where there is nothing solid.

    Parameters
    ----------
    labels : integer array, shape (z, y, x)
        0 exterior, 1..N phases; the first counts as void where there are two or more.
    spacing : (float, float, float)
        nm.
    colors : sequence of str
        Of the phases 1..N.
    """
    stride = stride_of(labels.shape)
    thin = np.asarray(labels[::stride, ::stride, ::stride]).astype(np.uint8)
    first_solid = 2 if len(colors) > 1 else 1
    solid = thin >= first_solid
    if not solid.any():
        return None
    box = scipy.ndimage.find_objects(solid.astype(np.uint8))[0]
    cut = np.pad(np.where(solid, thin, 0)[box], 2)
    z, y, x = (stride * step for step in spacing)
    table = np.array([(1.0, 1.0, 1.0), *(to_rgb(color[:7]) for color in colors)], np.float32)
    return Scene(
        cut, _smooth(cut > 0), _smooth(cut == len(colors)), (z, y, x), stride, table, len(colors)
    )


def stride_of(shape: Sequence[int]) -> int:
    """Return every how many voxels are drawn of a volume of a shape."""
    return max(1, math.ceil(max(shape) / MOST_VOXELS))


def _smooth(mask: NDArray[np.bool_]) -> Floats:
    found: Floats = scipy.ndimage.gaussian_filter(mask.astype(np.float32), _SMOOTH, mode="constant")
    return found


def ray_view(
    scene: Scene,
    camera: Camera,
    *,
    extent_nm: tuple[float, float],
    pixel_nm: float,
    should_stop: ShouldStop | None = None,
) -> NDArray[np.uint8]:
    """Return one picture of a scene on white, uint8 (row, column, 3).

    Parameters
    ----------
    scene : Scene
    camera : Camera
    extent_nm : (float, float)
        Height and width of the picture; the scene lies in its middle.
    pixel_nm : float
        Edge of a pixel.
    should_stop : callable, optional
        See :mod:`napari_snpore.compute`.
    """
    rows, columns = (max(1, round(side / pixel_nm)) for side in extent_nm)
    depth, down, right = camera.axes / np.asarray(scene.spacing)  # voxels per nm along each axis
    middle = (np.asarray(scene.labels.shape) - 1) / 2
    v = (np.arange(rows) - (rows - 1) / 2) * pixel_nm
    u = (np.arange(columns) - (columns - 1) / 2) * pixel_nm
    start = (
        middle[:, None, None] + down[:, None, None] * v[:, None] + right[:, None, None] * u
    ).reshape(3, -1)
    reach = float(np.linalg.norm(scene.size_nm)) / 2
    step = _STEP * min(scene.spacing)
    light = _light(camera)
    distances = np.arange(-reach, reach, step)
    rays = _Rays(start.astype(np.float32), *_within(scene, start, depth, distances))
    for k, distance in enumerate(distances):
        check_stop(should_stop)
        rays.advance(k, scene, (depth * distance).astype(np.float32), light)
        if k % _COMPACT == 0:
            rays.drop_ended(k)
    return rays.picture(rows, columns)


def _within(
    scene: Scene, start: NDArray[np.float64], depth: NDArray[np.float64], distances: Any
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the first and the last step at which each ray may be in the box, one more on either side
    for what rounding moves.
    """
    with np.errstate(divide="ignore", invalid="ignore"):  # rays along a face
        far = np.asarray(scene.labels.shape)[:, None] - 1.0
        ends = [(side - start) / depth[:, None] for side in (0.0, far)]
    ends = [np.nan_to_num(end, nan=-np.inf if k == 0 else np.inf) for k, end in enumerate(ends)]
    enter, leave = np.minimum(*ends).max(axis=0), np.maximum(*ends).min(axis=0)
    first = np.searchsorted(distances, enter) - 2
    return first, np.searchsorted(distances, leave) + 1


def _light(camera: Camera) -> Floats:
    """Return the direction towards the light (z, y, x): from the camera, the upper left."""
    depth, down, right = camera.axes
    towards = -depth - 0.6 * down - 0.4 * right
    found: Floats = (towards / np.linalg.norm(towards)).astype(np.float32)
    return found


class _Rays:
    """Rays of one picture: where they start, what they gathered, and which have not ended."""

    def __init__(self, start: Floats, first: Any, last: Any) -> None:
        self.start, self.first, self.last = start, first, last
        self.color = np.zeros((start.shape[1], 3), np.float32)
        self.through = np.ones(start.shape[1], np.float32)  # share of light that still passes
        self.active = np.flatnonzero(first <= last)
        self.before = np.zeros(start.shape[1], np.uint8)

    def advance(self, k: int, scene: Scene, offset: Floats, light: Floats) -> None:
        """Look up the voxels at step ``k`` and add what they show, front to back."""
        rays = self.active[(self.first[self.active] <= k) & (k <= self.last[self.active])]
        z, y, x = (
            np.rint(self.start[axis, rays] + offset[axis]).astype(np.intp) for axis in range(3)
        )
        depth, height, width = scene.labels.shape
        inside = (z > 0) & (z < depth - 1) & (y > 0) & (y < height - 1) & (x > 0) & (x < width - 1)
        rays, flat = rays[inside], ((z * height + y) * width + x)[inside]
        if not len(rays):
            return
        label = scene.labels.ravel()[flat]
        entered = (label > 0) & (label != self.before[rays])
        self.before[rays] = label
        shown = label > 0
        rays, flat, label, entered = rays[shown], flat[shown], label[shown], entered[shown]
        if not len(rays):
            return
        last = label == scene.count
        opacity = np.where(last, 1.0, np.where(entered, _SURFACE, _INSIDE)).astype(np.float32)
        lit = np.full(len(rays), (1 + _AMBIENT) / 2, np.float32)
        for field, which in ((scene.last, last), (scene.solid, ~last & entered)):
            lit[which] = _lit(field, flat[which], scene, light)
        share = self.through[rays] * opacity
        self.color[rays] += share[:, None] * lit[:, None] * scene.colors[label]
        self.through[rays] -= share

    def drop_ended(self, k: int) -> None:
        """Leave out rays that have left the box, and those that nothing behind can change."""
        open_ = self.through[self.active] > 1 - _OPAQUE
        self.active = self.active[open_ & (self.last[self.active] > k)]

    def picture(self, rows: int, columns: int) -> NDArray[np.uint8]:
        """Return what was gathered, on white."""
        values = np.clip(self.color + self.through[:, None], 0, 1).reshape(rows, columns, 3)
        found: NDArray[np.uint8] = np.rint(255 * values).astype(np.uint8)
        return found


def _lit(field: Floats, flat: NDArray[np.int64], scene: Scene, light: Floats) -> Floats:
    """Return how bright surfaces are: by the angle between the slope of a smoothed mask and the light."""
    values = field.ravel()
    strides = (field.shape[1] * field.shape[2], field.shape[2], 1)
    slope = np.stack(
        [
            (values[flat - stride] - values[flat + stride]) / np.float32(edge)
            for stride, edge in zip(strides, scene.spacing, strict=True)
        ]
    )
    length = np.sqrt((slope**2).sum(axis=0))
    along = (slope * light[:, None]).sum(axis=0) / np.maximum(length, np.float32(1e-6))
    found: Floats = np.float32(_AMBIENT) + np.float32(1 - _AMBIENT) * np.maximum(along, 0)
    return found

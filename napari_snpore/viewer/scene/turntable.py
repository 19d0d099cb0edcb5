"""The 3D scene on a turntable: one screenshot per step about a fixed axis; the camera is restored
at the end.

Both directions of the camera (where it looks, what is up) are turned about the axis. Counting up
one Euler angle instead would turn about an axis of the screen or of nothing at all, and the object
would wobble.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Literal, get_args

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from napari_snpore.errors import InputError, Stopped
from napari_snpore.viewer.canvas.canvas_picture import canvas_picture
from napari_snpore.viewer.canvas.tool_layers import TOOL_KINDS, without_tools
from napari_snpore.viewer.shared.layers import kind_of

TurnAxis = Literal["z", "y", "x", "vertical on screen"]
"""An axis of the volume, or what points up on the screen when the movie starts."""

_VOLUME_AXES = ("z", "y", "x")


def turntable_frames(
    viewer: Any,
    *,
    frames: int = 72,
    degrees: float = 360,
    axis: TurnAxis = "y",
    size: tuple[int, int] | None = None,
    scale: float = 1,
) -> Iterator[NDArray[np.uint8]]:
    """Yield pictures of the 3D scene while it turns; for the GUI thread, one step a frame.

    The axis runs through the centre of the view. The camera is put back when the frames end, and
    when the generator is closed or fails on the way; a movement of the mouse meanwhile is not
    filmed.

    Parameters
    ----------
    viewer : napari.Viewer
        With a window, showing 3D.
    frames : int
        Number of pictures.
    degrees : float
        How far it turns. A multiple of 360 leaves out the last picture, which is the first again,
        so that a loop runs on evenly; otherwise the last picture is at ``degrees``. Above 0 the
        near side goes to the right (seen with the axis upright).
    axis : {"z", "y", "x", "vertical on screen"}
        What it turns about.
    size : (height, width), optional
        Pixels of a picture; by default those of the canvas. What the canvas shows stays in the
        picture.
    scale : float
        Pixels for one of ``size``.

    Yields
    ------
    array, uint8, shape (height, width, 3)
        RGB.

    Raises
    ------
    InputError
        There is no window, it does not show 3D, the axis is not among those shown, or a number that
        cannot be used; on the way, a layer that was filmed is removed.
    Stopped
        The window was closed on the way.
    """
    turns = turn_angles(frames, degrees)
    if not (np.isfinite(scale) and scale > 0):
        raise InputError(f"scale is {scale}; a number above 0 is needed.")
    if size is not None and (len(size) != 2 or min(size) < 1):
        raise InputError(f"size is {size}; a height and a width in pixels are needed.")
    if not _has_window(viewer):
        raise InputError("A turntable needs a napari window that is open.")
    _check_3d(viewer)
    return _frames(viewer, turns, _axis_direction(viewer, axis), size, scale)


def turn_angles(frames: int, degrees: float) -> NDArray[np.float64]:
    """Return the angle (degrees) of each frame; a full turn leaves out its end, which is its start.

    Raises
    ------
    InputError
        No frames, or an angle that is not finite.
    """
    if int(frames) != frames or frames < 1:
        raise InputError(f"frames is {frames}; a whole number, 1 or more, is needed.")
    if not np.isfinite(degrees):
        raise InputError(f"degrees is {degrees}; a finite number is needed.")
    return np.linspace(0.0, degrees, int(frames), endpoint=degrees % 360 != 0)


def turned(
    view: ArrayLike,
    up: ArrayLike,
    axis: ArrayLike,
    degrees: float,
    *,
    handedness: Literal["right", "left"] = "right",
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where the camera looks and what is up when the scene has turned about an axis.

    Parameters
    ----------
    view, up : array-like, shape (3,)
        Directions of the camera, (z, y, x).
    axis : array-like, shape (3,)
        Direction that keeps its place on the screen, (z, y, x).
    degrees : float
        Above 0 the near side goes to the right, seen such that the axis (whichever end is nearer to
        ``up``) points up.
    handedness : {"right", "left"}
        ``camera.handedness``; a left-handed scene is shown in a mirror.

    Returns
    -------
    view, up : array, shape (3,)
        Directions of the camera, each as long as before.
    """
    view, up = np.asarray(view, dtype=np.float64), np.asarray(up, dtype=np.float64)
    direction = np.asarray(axis, dtype=np.float64)
    direction = direction / np.linalg.norm(direction)
    if direction @ up < -1e-9:
        direction = -direction
    # the camera goes round the other way than the scene; view × up points right where the scene is
    # right-handed
    sense = -1.0 if str(handedness) == "right" else 1.0
    rotation = scipy.spatial.transform.Rotation.from_rotvec(sense * np.radians(degrees) * direction)
    return rotation.apply(view), rotation.apply(up)


def _frames(
    viewer: Any,
    turns: NDArray[np.float64],
    axis: NDArray[np.float64],
    size: tuple[int, int] | None,
    scale: float,
) -> Iterator[NDArray[np.uint8]]:
    camera = viewer.scene.camera
    angles, zoom, center = camera.angles, camera.zoom, camera.center
    view, up = camera.view_direction, camera.up_direction
    handedness: Literal["right", "left"] = "right" if str(camera.handedness) == "right" else "left"
    shape = zoomed = None
    filmed = [
        layer for layer in viewer.layers if layer.visible and kind_of(layer) not in TOOL_KINDS
    ]
    tools = ExitStack()
    try:
        tools.enter_context(without_tools(viewer))
        for turn in turns:
            if not _has_window(viewer):
                raise Stopped("The window was closed; nothing of the movie was kept.")
            _check_3d(viewer)
            _check_there(viewer, filmed)
            camera.center = center
            camera.zoom = zoom
            camera.set_view_direction(
                *map(tuple, turned(view, up, axis, turn, handedness=handedness))
            )
            if shape is None:
                shot = canvas_picture(viewer)
                shape = _target(shot.shape, size, scale)
                # napari keeps pixels per nm, so a larger picture would show more empty space, not
                # more detail
                zoomed = zoom * min(shape[0] / shot.shape[0], shape[1] / shot.shape[1])
                picture = shot if shot.shape[:2] == shape else None
            else:
                picture = canvas_picture(viewer) if size is None and scale == 1 else None
            if (
                picture is None or picture.shape[:2] != shape
            ):  # also where a dock has changed the canvas meanwhile
                camera.zoom = zoomed
                picture = canvas_picture(viewer, shape)
                camera.zoom = zoom
            yield picture
    finally:
        tools.close()
        camera.angles, camera.zoom, camera.center = angles, zoom, center


def _has_window(viewer: Any) -> bool:
    try:
        viewer.window.geometry()
    except (AttributeError, RuntimeError):  # napari deletes what a closed window was made of
        return False
    return True


def _check_3d(viewer: Any) -> None:
    if viewer.dims.ndisplay != 3:
        raise InputError(
            "The scene is shown in 2D; a turntable needs it in 3D (the cube below the layer list)."
        )


def _check_there(viewer: Any, filmed: list[Any]) -> None:
    for layer in filmed:
        if layer not in viewer.layers:
            raise InputError(
                f"The layer '{layer.name}' was removed while it was filmed; nothing of the movie was kept."
            )


def _axis_direction(viewer: Any, axis: str) -> NDArray[np.float64]:
    """Return an axis as a direction among the three dimensions shown."""
    if axis not in get_args(TurnAxis):
        raise InputError(f"axis is {axis!r}; one of {', '.join(get_args(TurnAxis))} is needed.")
    if axis not in _VOLUME_AXES:
        return np.array(viewer.scene.camera.up_direction, dtype=np.float64)
    shown = tuple(viewer.dims.displayed)
    number = viewer.dims.ndim - 3 + _VOLUME_AXES.index(axis)
    if number not in shown:
        raise InputError(f"axis is {axis!r}, which is not among the three axes shown.")
    direction: NDArray[np.float64] = np.eye(3)[shown.index(number)]
    return direction


def _target(
    shot_shape: tuple[int, ...], size: tuple[int, int] | None, scale: float
) -> tuple[int, int]:
    height, width = shot_shape[:2] if size is None else size
    return max(round(height * scale), 1), max(round(width * scale), 1)

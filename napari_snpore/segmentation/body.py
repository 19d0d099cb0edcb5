"""Largest connected piece of a solid, without the specks that noise and the missing wedge leave
around it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.blocks import Block, BlockShape, grid_of
from napari_snpore.compute import ShouldStop
from napari_snpore.engines import run_on_blocks
from napari_snpore.segmentation.components import find_components, piece_counts, pieces_of


def largest_body(
    solid: Any,
    *,
    out: Any = None,
    block_shape: BlockShape | None = None,
    should_stop: ShouldStop | None = None,
) -> Any:
    """Return the greatest 6-connected piece of a solid; an empty solid stays empty.

    Specks in vacuum shadow the void between them and the body, so that ambient occlusion would
    count it as pore. Six neighbours, not 26: specks that share only an edge or a corner with the
    body are left out too.

    Parameters
    ----------
    solid : array, bool, shape (z, y, x)
        True where there is material; read block by block.
    out : array of booleans, same shape, optional
        Written by ``out[block] = body``. Default: a new numpy array.
    block_shape : (int, int, int), optional
        See :func:`~napari_snpore.blocks.grid_of`; the body does not depend on it.
    should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    array, bool, shape (z, y, x)
        Of pieces of the same size the one that comes first in the array.
    """
    grid = grid_of(solid, block_shape)
    body: Any = np.empty(solid.shape, np.bool_) if out is None else out

    def label(block: Block) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        inside = np.asarray(solid[block])
        labels = pieces_of(inside, 6)
        return labels, piece_counts(labels, inside)

    found, counts = find_components(grid, label, 6, arrays=[solid], should_stop=should_stop)
    sizes = found.total(counts)
    sizes[0] = 0
    greatest = int(np.argmax(sizes))

    def write(item: tuple[Block, NDArray[np.uint32]]) -> None:
        block, numbers = item
        inside = np.asarray(solid[block])
        chosen = numbers == greatest
        chosen[0] = False
        if not chosen[1:].all():  # in most blocks all solid is body
            inside = chosen[pieces_of(inside, 6)]
        body[block] = inside

    items = zip(grid.blocks, found.numbers, strict=True)
    run_on_blocks(write, items, arrays=[solid, body], should_stop=should_stop)
    return body

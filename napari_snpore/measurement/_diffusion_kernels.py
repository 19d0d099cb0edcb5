"""Kernels of steady diffusion on a network of voxels: the equations, their coarsening, and the sweeps
of a multigrid solver.

A network is a sparse matrix by rows: the neighbours of node ``i`` and the conductances to them lie at
``starts[i]`` to ``starts[i + 1]`` of ``neighbors`` and ``weights``; ``diagonal`` is the sum of its
conductances, those to nodes of fixed concentration included. Nodes are in the order of the volume, so
that blocks of nodes are slabs; a block writes only its own nodes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import kernel

FLOAT = NDArray[np.float64]
SMALL = NDArray[np.float32]
INTS = NDArray[np.int32]
LONGS = NDArray[np.int64]

CLOSED, SOURCE, SINK = 0, 254, 255
"""Kinds of voxels that are no node: closed, of concentration 1, of concentration 0."""


@kernel
def count_neighbors(
    kinds: NDArray[np.uint8], number: INTS, steps: LONGS, degrees: LONGS, first: int, last: int
) -> None:
    """Count the neighbours of each node among the voxels ``first`` to ``last``.

    Parameters
    ----------
    kinds : uint8, flat, of a volume with a rim
        Kind of each voxel; 1 to 253 are nodes.
    number : int32, flat
        Number of each node.
    steps : int64, shape (6,)
        Distance in the flat array of the neighbours −z, −y, −x, +x, +y, +z.
    degrees : int64, shape (nodes,)
        Receives the number of neighbours that are nodes.
    """
    for voxel in range(first, last):
        if kinds[voxel] == 0 or kinds[voxel] >= 254:
            continue
        count = 0
        for k in range(6):
            kind = kinds[voxel + steps[k]]
            if kind != 0 and kind < 254:
                count += 1
        degrees[number[voxel]] = count


@kernel
def fill_rows(
    kinds: NDArray[np.uint8],
    number: INTS,
    steps: LONGS,
    table: FLOAT,
    starts: LONGS,
    neighbors: INTS,
    weights: SMALL,
    ends: SMALL,
    first: int,
    last: int,
) -> None:
    """Write the rows of the nodes among the voxels ``first`` to ``last``.

    Parameters
    ----------
    table : float64, shape (3, kinds, kinds)
        Conductance of a face across z, y and x between two kinds; row and column 0: from a node's
        centre to a face of fixed concentration.
    ends : float32, shape (2, nodes)
        Receives the conductance to concentration 1 and to concentration 0.
    """
    for voxel in range(first, last):
        own = kinds[voxel]
        if own == 0 or own >= 254:
            continue
        node = number[voxel]
        place = starts[node]
        for k in range(6):
            near = voxel + steps[k]
            kind = kinds[near]
            axis = k if k < 3 else 5 - k
            if kind >= 254:
                ends[kind - 254, node] += table[axis, own, 0]
            elif kind != 0:
                neighbors[place] = number[near]
                weights[place] = table[axis, own, kind]
                place += 1


@kernel
def sum_rows(starts: LONGS, weights: SMALL, diagonal: FLOAT, first: int, last: int) -> None:
    """Add the conductances of each row to the diagonal."""
    for node in range(first, last):
        total = diagonal[node]
        for k in range(starts[node], starts[node + 1]):
            total += weights[k]
        diagonal[node] = total


@kernel
def pair_nodes(
    starts: LONGS,
    neighbors: INTS,
    weights: SMALL,
    coarse: INTS,
    pairs: INTS,
    first: int,
    last: int,
    count: int,
) -> int:
    """Join each node with the free neighbour of largest conductance; return the number of pairs.

    ``coarse`` (−1 where free) receives the number of each node's pair, ``pairs`` its two nodes,
    −1 in place of the second of a node that stays alone.
    """
    for node in range(first, last):
        if coarse[node] >= 0:
            continue
        best, most = -1, np.float32(0.0)
        for k in range(starts[node], starts[node + 1]):
            near = neighbors[k]
            if coarse[near] < 0 and weights[k] > most:
                best, most = near, weights[k]
        coarse[node] = count
        pairs[count, 0] = node
        pairs[count, 1] = best
        if best >= 0:
            coarse[best] = count
        count += 1
    return count


@kernel
def merge_rows(
    starts: LONGS,
    neighbors: INTS,
    weights: SMALL,
    coarse: INTS,
    pairs: INTS,
    where: LONGS,
    new_starts: LONGS,
    new_neighbors: INTS,
    new_weights: SMALL,
    first: int,
    last: int,
) -> None:
    """Write the rows of the pairs ``first`` to ``last``: conductances between two pairs add up.

    ``where`` (−1 at first) says for each pair where it last got an entry.
    """
    place = new_starts[first]
    for pair in range(first, last):
        begin = place
        for member in range(2):
            node = pairs[pair, member]
            if node < 0:
                continue
            for k in range(starts[node], starts[node + 1]):
                near = coarse[neighbors[k]]
                if near == pair:
                    continue
                if where[near] < begin:
                    where[near] = place
                    new_neighbors[place] = near
                    new_weights[place] = weights[k]
                    place += 1
                else:
                    new_weights[where[near]] += weights[k]
        new_starts[pair + 1] = place


@kernel
def sweep_forward(
    starts: LONGS,
    neighbors: INTS,
    weights: SMALL,
    diagonal: FLOAT,
    right: FLOAT,
    x: FLOAT,
    first: int,
    last: int,
) -> None:
    """Gauss-Seidel from zero within the block: each node balances those before it."""
    for node in range(first, last):
        total = right[node]
        for k in range(starts[node], starts[node + 1]):
            near = neighbors[k]
            if first <= near < node:
                total += weights[k] * x[near]
        x[node] = total / diagonal[node]


@kernel
def sweep_backward(
    starts: LONGS,
    neighbors: INTS,
    weights: SMALL,
    diagonal: FLOAT,
    residual: FLOAT,
    x: FLOAT,
    first: int,
    last: int,
) -> None:
    """The transpose of :func:`sweep_forward`, added to ``x``; the residual becomes the correction."""
    for node in range(last - 1, first - 1, -1):
        total = residual[node]
        for k in range(starts[node], starts[node + 1]):
            near = neighbors[k]
            if node < near < last:
                total += weights[k] * residual[near]
        residual[node] = total / diagonal[node]
        x[node] += residual[node]


@kernel
def subtract_product(
    starts: LONGS,
    neighbors: INTS,
    weights: SMALL,
    diagonal: FLOAT,
    right: FLOAT,
    x: FLOAT,
    out: FLOAT,
    first: int,
    last: int,
) -> None:
    """``out = right − A x``."""
    for node in range(first, last):
        total = right[node] - diagonal[node] * x[node]
        for k in range(starts[node], starts[node + 1]):
            total += weights[k] * x[neighbors[k]]
        out[node] = total


@kernel
def product(
    starts: LONGS,
    neighbors: INTS,
    weights: SMALL,
    diagonal: FLOAT,
    x: FLOAT,
    out: FLOAT,
    first: int,
    last: int,
) -> float:
    """``out = A x``; return ``x · A x`` of the block."""
    energy = 0.0
    for node in range(first, last):
        total = diagonal[node] * x[node]
        for k in range(starts[node], starts[node + 1]):
            total -= weights[k] * x[neighbors[k]]
        out[node] = total
        energy += total * x[node]
    return energy


@kernel
def inner(a: FLOAT, b: FLOAT, first: int, last: int) -> float:
    """Return ``a · b`` of the block."""
    total = 0.0
    for node in range(first, last):
        total += a[node] * b[node]
    return total


@kernel
def add_scaled(a: FLOAT, b: FLOAT, factor: float, first: int, last: int) -> None:
    """``a += factor b``."""
    for node in range(first, last):
        a[node] += factor * b[node]


@kernel
def scale_and_add(a: FLOAT, b: FLOAT, factor: float, first: int, last: int) -> None:
    """``a = b + factor a``."""
    for node in range(first, last):
        a[node] = b[node] + factor * a[node]


@kernel
def restrict_sums(coarse: INTS, fine: FLOAT, out: FLOAT) -> None:
    """Add the value of each node to its coarse node."""
    for node in range(len(coarse)):
        out[coarse[node]] += fine[node]


@kernel
def add_from_coarse(coarse: INTS, values: FLOAT, x: FLOAT, first: int, last: int) -> None:
    """Add to each node the value of its coarse node."""
    for node in range(first, last):
        x[node] += values[coarse[node]]

"""Multigrid solver for the concentrations in a network of voxels.

Strategy. Conjugate gradients, preconditioned by one cycle over ever coarser networks. A coarse node is
a connected group of up to eight nodes: three times in a row, each node is joined with the neighbour of
largest conductance (pairwise aggregation, Notay 2010, Electron. Trans. Numer. Anal. 37, 123-146). Two
pores on both sides of a thin wall therefore never share a coarse node, as they would in blocks of the
grid. Coarse problems are solved by two steps of conjugate gradients each (K-cycle, Notay and Vassilevski
2008, doi 10.1002/nla.542), which keeps the number of iterations nearly the same at any size.

Blocks of nodes are the same on any number of threads, and sums over blocks are added in their order: the
same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from napari_snpore.compute import ShouldStop, check_stop, run_blocks
from napari_snpore.measurement._diffusion_kernels import (
    FLOAT,
    INTS,
    LONGS,
    SMALL,
    add_from_coarse,
    add_scaled,
    inner,
    merge_rows,
    pair_nodes,
    product,
    restrict_sums,
    scale_and_add,
    subtract_product,
    sum_rows,
    sweep_backward,
    sweep_forward,
)

_BLOCK = 1 << 17
"""Nodes of a block: some milliseconds of a sweep."""

_COARSEST = 400
"""Nodes of the coarsest network, which is solved directly."""

_PAIRINGS = 3
"""Pairings from one network to the next: groups of up to eight nodes."""

_LEAST_COARSENING = 0.8
"""A network that keeps more than this share of its nodes is the coarsest."""

_ENOUGH = 0.25
"""Residual over right-hand side after the first of the two steps on a coarse network from which the
second is left out."""

MOST_ITERATIONS = 500


@dataclass(frozen=True, eq=False)
class Network:
    """One network as a sparse matrix by rows; see :mod:`napari_snpore.measurement._diffusion_kernels`.

    ``coarse`` is the number of each node's group in the next network, None in the coarsest.
    """

    starts: LONGS
    neighbors: INTS
    weights: SMALL
    diagonal: FLOAT
    coarse: INTS | None = None
    factor: Any = field(default=None)

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return len(self.diagonal)

    @property
    def rows(self) -> tuple[LONGS, INTS, SMALL, FLOAT]:
        """The matrix, as kernels take it."""
        return self.starts, self.neighbors, self.weights, self.diagonal


def _blocks(nodes: int) -> list[tuple[int, int]]:
    return [(first, min(first + _BLOCK, nodes)) for first in range(0, nodes, _BLOCK)]


def _each(nodes: int, work: Callable[[int, int], Any], should_stop: ShouldStop | None) -> list[Any]:
    """Call ``work(first, last)`` on every block: in threads, a single one in this thread."""
    blocks = _blocks(nodes)
    if len(blocks) == 1:
        return [work(*blocks[0])]
    return run_blocks(lambda block: work(*block), blocks, should_stop=should_stop)


def _total(parts: list[Any]) -> float:
    return float(sum(parts, 0.0))


def _paired(fine: Network, ends: FLOAT, should_stop: ShouldStop | None) -> tuple[Network, FLOAT]:
    """Return the network of the pairs of a network, and the conductance of each to fixed ends."""
    nodes = fine.nodes
    coarse = np.full(nodes, -1, np.int32)
    pairs = np.empty((nodes, 2), np.int32)
    count = 0
    for first, last in _blocks(nodes):
        check_stop(should_stop)
        count = pair_nodes(
            fine.starts, fine.neighbors, fine.weights, coarse, pairs, first, last, count
        )
    where = np.full(count, -1, np.int64)
    starts = np.zeros(count + 1, np.int64)
    neighbors = np.empty(len(fine.neighbors), np.int32)
    weights = np.empty(len(fine.neighbors), np.float32)
    for first, last in _blocks(count):
        check_stop(should_stop)
        merge_rows(
            *(fine.starts, fine.neighbors, fine.weights, coarse, pairs, where),
            *(starts, neighbors, weights, first, last),
        )
    own = np.zeros(count)
    restrict_sums(coarse, ends, own)
    entries = int(starts[-1])
    made = Network(starts, neighbors[:entries].copy(), weights[:entries].copy(), own.copy(), coarse)
    return made, own


def with_diagonal(network: Network, should_stop: ShouldStop | None) -> Network:
    """Add the conductances of its rows to the diagonal of a network, in place."""
    _each(
        network.nodes,
        lambda first, last: sum_rows(
            network.starts, network.weights, network.diagonal, first, last
        ),
        should_stop,
    )
    return network


def coarser_networks(finest: Network, ends: FLOAT, should_stop: ShouldStop | None) -> list[Network]:
    """Return a network and ever coarser ones.

    Parameters
    ----------
    finest : Network
        With its diagonal.
    ends : float64, shape (nodes,)
        Conductance of each node to fixed concentrations.
    """
    networks = [finest]
    while networks[-1].nodes > _COARSEST:
        current, own = networks[-1], ends
        groups: INTS = np.arange(current.nodes, dtype=np.int32)
        made = current
        for _ in range(_PAIRINGS):
            made, own = _paired(made, own, should_stop)
            assert made.coarse is not None
            groups = made.coarse[groups]
        if made.nodes > _LEAST_COARSENING * current.nodes:
            break
        ends = own
        networks[-1] = Network(*current.rows, groups)
        made = Network(made.starts, made.neighbors, made.weights, made.diagonal)
        networks.append(with_diagonal(made, should_stop))
    networks[-1] = _factored(networks[-1])
    return networks


def _factored(network: Network) -> Network:
    """Return the coarsest network with the factors of its matrix."""
    from scipy.sparse import csc_array, csr_array, diags_array
    from scipy.sparse.linalg import splu

    nodes = network.nodes
    joined = csr_array(
        (network.weights.astype(np.float64), network.neighbors, network.starts),
        shape=(nodes, nodes),
    )
    matrix = csc_array(diags_array(network.diagonal) - joined)
    return Network(*network.rows, factor=splu(matrix))


class _Vectors:
    """Operations on vectors of one network, in blocks."""

    def __init__(self, network: Network, should_stop: ShouldStop | None) -> None:
        self._rows, self._nodes, self._stop = network.rows, network.nodes, should_stop

    def _each(self, work: Callable[[int, int], Any]) -> list[Any]:
        return _each(self._nodes, work, self._stop)

    def inner(self, a: FLOAT, b: FLOAT) -> float:
        return _total(self._each(lambda first, last: inner(a, b, first, last)))

    def product(self, x: FLOAT, out: FLOAT) -> float:
        rows = self._rows
        return _total(self._each(lambda first, last: product(*rows, x, out, first, last)))

    def subtract_product(self, right: FLOAT, x: FLOAT, out: FLOAT) -> None:
        rows = self._rows
        self._each(lambda first, last: subtract_product(*rows, right, x, out, first, last))

    def sweep_forward(self, right: FLOAT, x: FLOAT) -> None:
        rows = self._rows
        self._each(lambda first, last: sweep_forward(*rows, right, x, first, last))

    def sweep_backward(self, residual: FLOAT, x: FLOAT) -> None:
        rows = self._rows
        self._each(lambda first, last: sweep_backward(*rows, residual, x, first, last))

    def add_scaled(self, a: FLOAT, b: FLOAT, factor: float) -> None:
        self._each(lambda first, last: add_scaled(a, b, factor, first, last))

    def scale_and_add(self, a: FLOAT, b: FLOAT, factor: float) -> None:
        self._each(lambda first, last: scale_and_add(a, b, factor, first, last))

    def add_from_coarse(self, coarse: INTS, values: FLOAT, x: FLOAT) -> None:
        self._each(lambda first, last: add_from_coarse(coarse, values, x, first, last))


class Cycle:
    """The preconditioner: one cycle over all networks, symmetric and positive.

    Parameters
    ----------
    networks : list of Network
        From fine to coarse.
    should_stop : callable, optional
        See :mod:`napari_snpore.compute`.
    """

    def __init__(self, networks: list[Network], should_stop: ShouldStop | None) -> None:
        self._networks = networks
        self._vectors = [_Vectors(network, should_stop) for network in networks]
        self._should_stop = should_stop

    def __call__(self, right: FLOAT, level: int = 0) -> FLOAT:
        """Return about the solution for a right-hand side."""
        network, vectors = self._networks[level], self._vectors[level]
        if network.factor is not None:
            solved: FLOAT = network.factor.solve(right)
            return solved
        assert network.coarse is not None
        x, residual = np.empty(network.nodes), np.empty(network.nodes)
        vectors.sweep_forward(right, x)
        vectors.subtract_product(right, x, residual)
        below = np.zeros(self._networks[level + 1].nodes)
        restrict_sums(network.coarse, residual, below)
        vectors.add_from_coarse(network.coarse, self._solve_coarse(below, level + 1), x)
        vectors.subtract_product(right, x, residual)
        vectors.sweep_backward(residual, x)
        return x

    def _solve_coarse(self, right: FLOAT, level: int) -> FLOAT:
        """Return about the solution on a coarse network: one or two steps of conjugate gradients."""
        check_stop(self._should_stop)
        network, vectors = self._networks[level], self._vectors[level]
        first = self(right, level)
        if network.factor is not None:
            return first
        image = np.empty(network.nodes)
        curvature = vectors.product(first, image)
        if curvature <= 0:
            return first
        step = vectors.inner(first, right) / curvature
        residual = right - step * image
        if vectors.inner(residual, residual) <= _ENOUGH**2 * vectors.inner(right, right):
            return step * first
        second = self(residual, level)
        own = vectors.product(second, np.empty(network.nodes))
        mixed = vectors.inner(second, image)
        left = own - mixed**2 / curvature
        if left <= 0:
            return step * first
        second_step = vectors.inner(second, residual) / left
        return (step - mixed * second_step / curvature) * first + second_step * second


@dataclass(frozen=True, eq=False)
class Solution:
    """Concentrations of the nodes, the flux, and how exact they are.

    Attributes
    ----------
    x : float64, shape (nodes,)
    flux : float
        From concentration 1 to 0: the dissipation, which exceeds its least value, the true flux, by
        the squared error alone.
    error : float
        Estimate of that excess as a share of the flux.
    iterations : int
    """

    x: FLOAT
    flux: float
    error: float
    iterations: int


def solve_network(
    networks: list[Network],
    ends: SMALL,
    *,
    tolerance: float,
    report: Callable[[float], None] | None = None,
    should_stop: ShouldStop | None = None,
) -> Solution:
    """Return concentrations and flux by preconditioned (flexible) conjugate gradients.

    Each step lowers the dissipation by what it gains, so that the flux is known without a pass of its
    own; the residual times the preconditioned one estimates what is left to gain.

    Parameters
    ----------
    networks : list of Network
        From :func:`coarser_networks`.
    ends : float32, shape (2, nodes)
        Conductance of each node to concentration 1 and to concentration 0.
    tolerance : float
        Largest estimated error of the flux, as a share of it.
    report : callable, optional
        Called with the error after each iteration.
    """
    vectors = _Vectors(networks[0], should_stop)
    cycle = Cycle(networks, should_stop)
    x, residual = np.zeros(networks[0].nodes), ends[0].astype(np.float64)
    direction, image = np.zeros_like(x), np.empty_like(x)
    flux, error, iterations, curvature = float(residual.sum()), np.inf, 0, 0.0
    while iterations < MOST_ITERATIONS:
        check_stop(should_stop)
        z = cycle(residual)
        error = vectors.inner(z, residual) / max(flux, np.finfo(np.float64).tiny)
        if report is not None:
            report(error)
        if error <= tolerance:
            break
        if curvature > 0:
            vectors.scale_and_add(direction, z, -vectors.inner(z, image) / curvature)
        else:
            direction = z
        curvature = vectors.product(direction, image)
        if curvature <= 0:
            break
        along = vectors.inner(direction, residual)
        vectors.add_scaled(x, direction, along / curvature)
        vectors.add_scaled(residual, image, -along / curvature)
        flux -= along**2 / curvature
        iterations += 1
    return Solution(x, flux, float(error), iterations)

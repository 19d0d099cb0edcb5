"""Blocks of a run on the workers of a cluster, by ``dask.distributed`` (the extra ``cluster``), which
schedules them, does those of a lost worker again, and is imported only here.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from napari_snpore import __version__
from napari_snpore.compute import Progress, ShouldStop, check_stop
from napari_snpore.errors import InputError, MissingExtraError
from napari_snpore.memory import memory_limit
from napari_snpore.study.provenance import code_version
from napari_snpore.threads import thread_count, with_threads

_POLL_S = 0.1
"""Longest wait before progress is reported and a cancel is noticed."""

_IN_WORK = 3
"""Blocks that are given to the cluster, per thread of its workers: none waits for work, and little
is kept of what a stopped run leaves."""

_CONNECT_S, _WORKERS_S = 10, 30
"""Longest wait for a scheduler, and for its first worker."""

_ASKED = 10
"""How often the workers are asked while some of them are lost."""

_MOST_LOSSES = 30
"""Losses of workers with one block before that block is blamed, in a cluster of our own."""


class Cluster:
    """Workers of ``dask.distributed``, as an :class:`~napari_snpore.engines.Engine`.

    Parameters
    ----------
    client : distributed.Client
        Connected to a scheduler that has workers.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        threads = Counter[str]()
        for address, one in client.scheduler_info(n_workers=-1)["workers"].items():
            threads[one.get("host", address)] += int(one["nthreads"])
        self.at_a_time = max(threads.values())
        self._most = _IN_WORK * threads.total()
        self.memory = min(_asked(client, memory_limit))
        self.words = (
            f"{sum(1 for _ in client.scheduler_info(n_workers=-1)['workers'])} workers with "
            f"{threads.total()} threads; dashboard: {client.dashboard_link}"
        )

    def check_sees(self, folder: Path, files: Sequence[str]) -> None:
        """Refuse workers that do not see the files of a run, before it starts.

        Parameters
        ----------
        folder : Path
            Where arrays of the run are written.
        files : sequence of str
            That it reads.

        Raises
        ------
        InputError
            A worker does not find one of them, or another file in its place.
        """
        word = secrets.token_hex(8)
        marker = folder.absolute() / f".seen-{word}"
        marker.write_text(word, encoding="ascii")
        sizes = {str(Path(one).absolute()): _size(Path(one)) for one in files}
        try:
            unseen = [one for one in _asked(self._client, _unseen, str(marker), word, sizes) if one]
        finally:
            marker.unlink()
        if unseen:
            raise InputError(
                f"A worker of the cluster does not see {unseen[0]}: input and output have to lie in "
                "folders that all workers share, under the same path."
            )

    def run(
        self,
        work: Callable[[Any], Any],
        items: Sequence[Any],
        receive: Callable[[int, Any], Any],
        *,
        progress: Progress | None,
        should_stop: ShouldStop | None,
    ) -> list[Any]:
        """Return ``receive(number, work(item))`` of each item, in their order."""
        ended: SimpleQueue[Any] = SimpleQueue()
        found: list[Any] = [None] * len(items)
        waiting: dict[Any, int] = {}
        started = 0
        try:
            while started < len(items) or waiting:
                while started < len(items) and len(waiting) < self._most:
                    future = self._client.submit(_task, work, items[started], pure=False)
                    waiting[future] = started
                    future.add_done_callback(ended.put)
                    started += 1
                with contextlib.suppress(Empty):
                    future = ended.get(timeout=_POLL_S)
                    number = waiting[future]
                    found[number] = receive(number, _result(future))
                    del waiting[future]
                    future.release()
                    if progress is not None:
                        progress(started - len(waiting), len(items))
                if waiting:
                    check_stop(should_stop)
        finally:
            if waiting:
                self._client.cancel(list(waiting), force=True)
        return found


@contextmanager
def local_cluster(workers: int) -> Iterator[Cluster]:
    """Start worker processes on this machine, that together have as many threads as a step has, and
    end them afterwards.

    Raises
    ------
    InputError
        More workers than threads.
    MissingExtraError
        ``dask.distributed`` is not installed.
    """
    distributed = _distributed()
    threads = thread_count()
    if workers > threads:
        raise InputError(
            f"{workers} workers are more than the {threads} threads that may be used; take at most "
            f"{threads}."
        )
    import dask

    settings = {"distributed.scheduler.allowed-failures": _MOST_LOSSES}
    with ExitStack() as stack:
        stack.enter_context(dask.config.set(settings))
        try:
            cluster = stack.enter_context(
                distributed.LocalCluster(
                    n_workers=workers,
                    threads_per_worker=threads // workers,
                    processes=True,
                    memory_limit=0,  # blocks are chosen to fit
                    dashboard_address="127.0.0.1:0",
                    silence_logs=logging.CRITICAL,
                )
            )
            client = stack.enter_context(distributed.Client(cluster, set_as_default=False))
            client.wait_for_workers(workers, timeout=_WORKERS_S)
        except (OSError, RuntimeError, TimeoutError) as error:
            raise InputError(f"{workers} worker processes did not start: {error}") from error
        yield Cluster(client)


@contextmanager
def existing_cluster(address: str) -> Iterator[Cluster]:
    """Use the workers of a scheduler that runs; they stay.

    Parameters
    ----------
    address : str
        Such as ``tcp://node7:8786``.

    Raises
    ------
    InputError
        No scheduler there, one without workers, or workers of another version of the program.
    MissingExtraError
        ``dask.distributed`` is not installed.
    """
    distributed = _distributed()
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        client = distributed.Client(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError):
        raise InputError(
            f"There is no scheduler at {address}; 'dask scheduler' prints its address, such as "
            "tcp://node7:8786."
        ) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=_WORKERS_S)
        except TimeoutError:
            raise InputError(
                f"The scheduler at {address} has no workers; 'dask worker {address}' starts one."
            ) from None
        _check_versions(client, address)
        yield Cluster(client)


def _check_versions(client: Any, address: str) -> None:
    try:
        codes = set(_asked(client, code_version))
    except Exception:  # of a worker without the package: an error of its import
        codes = {""}
    if codes != {code_version()}:
        raise InputError(
            f"Workers of the cluster at {address} have another version of napari-snpore, or none; "
            f"this is {__version__}: install the same one everywhere."
        )


def _asked(client: Any, function: Callable[..., Any], *args: Any) -> list[Any]:
    """Return what a function returns in each worker; those that are lost meanwhile are asked no more."""
    for left in reversed(range(_ASKED)):
        try:
            return list(client.run(function, *args).values())
        except OSError:  # a connection to a worker that has just ended
            if not left:
                raise
            time.sleep(_POLL_S * 5)
    raise AssertionError


def _distributed() -> Any:
    try:
        import distributed
    except ImportError:
        raise MissingExtraError(
            "Several processes need dask.distributed, which is not installed; "
            "pip install 'napari-snpore[cluster]' brings it."
        ) from None
    return distributed


def _task(work: Callable[[Any], Any], item: Any) -> Any:
    """Do one block in a worker, whose threads have a block each."""
    with with_threads(1):
        return work(item)


def _result(future: Any) -> Any:
    """Return the result of a block that ended.

    Raises
    ------
    InputError
        Its workers were lost again and again, or the cluster has gone.
    """
    from concurrent.futures import CancelledError

    try:
        return future.result()
    except _distributed().KilledWorker:
        raise InputError(
            "Workers were lost again and again with one block: give them more memory, or take smaller "
            "blocks (blocks.shape)."
        ) from None
    except CancelledError:
        raise InputError("The cluster has gone: its scheduler ended or lost the work.") from None


def _size(path: Path) -> int:
    """Return the size of a file; 0 of a folder."""
    return path.stat().st_size if path.is_file() else 0


def _unseen(marker: str, word: str, sizes: dict[str, int]) -> str | None:
    """Return a path that this process does not see as another one does; None where it sees all."""
    try:
        if Path(marker).read_text(encoding="ascii") != word:
            return str(Path(marker).parent)
    except OSError:
        return str(Path(marker).parent)
    for path, size in sizes.items():
        if not Path(path).exists() or _size(Path(path)) != size:
            return path
    return None

"""Runs of many fibres, some at the same time, each as ``snpore run`` does it.

A fibre that fails is reported and does not stop the others. How many run at the same time follows
from processors and memory; the numbers do not depend on it.
"""

from __future__ import annotations

import atexit
import json
import subprocess
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_snpore.compute import Progress, ShouldStop, check_stop
from napari_snpore.errors import Stopped
from napari_snpore.memory import memory_limit as usable_memory
from napari_snpore.study.kept_steps import NO_STEPS, KeptSteps
from napari_snpore.study.pipeline import run_study
from napari_snpore.study.recipe import Recipe
from napari_snpore.study.run_context import Monitor
from napari_snpore.study.states import fibre_process
from napari_snpore.threads import thread_count, use_at_most_threads

_POLL_S = 0.1
_END_S = 2.0
"""Longest wait for a child that was asked to end."""


@dataclass(frozen=True)
class FibreJob:
    """One fibre to run.

    Attributes
    ----------
    name : str
        State and fibre, for progress and sentences.
    recipe : Recipe
    out : Path
        Folder of the run.
    steps : KeptSteps
        Where its finished steps are kept.
    needs_bytes : float
        Memory that the run is expected to take.
    """

    name: str
    recipe: Recipe
    out: Path
    steps: KeptSteps = NO_STEPS
    needs_bytes: float = 0.0


def run_fibres(
    jobs: Sequence[FibreJob],
    *,
    processes: int | None = None,
    threads: int | None = None,
    memory_limit: int | None = None,
    monitor: Monitor | None = None,
    should_stop: ShouldStop | None = None,
    say: Callable[[str], None] | None = None,
    finished: Callable[[FibreJob, str | None], None] | None = None,
) -> dict[str, str]:
    """Run fibres, and return a sentence for each that failed, by its name.

    Parameters
    ----------
    jobs : sequence of FibreJob
    processes : int, optional
        Fibres at the same time; default: as many as processors and memory allow. One runs in this
        process.
    threads : int, optional
        Of all fibres together; default: one for each processor.
    memory_limit : int, optional
        Bytes for all fibres together; default: 80 % of what is free, without arrays as files.
    monitor, should_stop, say
        See :func:`~napari_snpore.study.pipeline.run_study`; steps are named ``state/fibre: step``.
        Called from several threads, one at a time.
    finished : callable, optional
        ``finished(job, why)`` after each; ``why`` is None, or the sentence of the failure.

    Raises
    ------
    Stopped
        ``should_stop`` returned true; finished fibres and steps are kept.
    """
    failed: dict[str, str] = {}
    if not jobs:
        return failed
    all_threads = threads or thread_count()
    count = processes or fitting_processes(jobs, threads=all_threads, memory_limit=memory_limit)
    count = min(count, len(jobs))
    hears = _Listener(monitor or (lambda name: nullcontext(None)), say or (lambda sentence: None))

    def note(job: FibreJob, why: str | None) -> None:
        if why is not None:
            failed[job.name] = why
        if finished is not None:
            finished(job, why)

    if count == 1:
        with use_at_most_threads(threads):
            for job in jobs:
                check_stop(should_stop)
                note(job, _run_here(job, memory_limit, hears, should_stop))
        return failed
    each = None if memory_limit is None else memory_limit // count
    share = max(1, all_threads // count)
    with ThreadPoolExecutor(count, thread_name_prefix="snpore-fibre") as pool:
        running: dict[Future[str | None], FibreJob] = {
            pool.submit(_run_apart, job, share, each, hears): job for job in jobs
        }
        try:
            while running:
                for future in wait(running, _POLL_S, FIRST_COMPLETED).done:
                    note(running.pop(future), future.result())
                check_stop(should_stop)
        except BaseException:
            for future in running:
                future.cancel()
            hears.stopped.set()
            end_children()
            raise
    return failed


def fitting_processes(
    jobs: Sequence[FibreJob], *, threads: int, memory_limit: int | None = None
) -> int:
    """Return how many fibres may run at the same time: as many as there are threads, and as the
    largest of them fit into memory together.
    """
    largest = max((job.needs_bytes for job in jobs), default=0.0)
    most = usable_memory(memory_limit)
    fit = len(jobs) if largest <= 0 else int(most // largest)
    return max(1, min(len(jobs), threads, fit))


_children: set[subprocess.Popen[str]] = set()
_children_lock = threading.Lock()


def end_children() -> None:
    """End all children of this process; each removes what it has not finished."""
    with _children_lock:
        children = list(_children)
    for child in children:
        with suppress(OSError, ValueError):
            if child.stdin is not None:
                child.stdin.close()
    for child in children:
        try:
            child.wait(_END_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


atexit.register(end_children)


class _Listener:
    """Passes messages of several fibres on, one at a time."""

    def __init__(self, monitor: Monitor, say: Callable[[str], None]) -> None:
        self.monitor = monitor
        self._say = say
        self._lock = threading.Lock()
        self.stopped = threading.Event()

    def say(self, sentence: str) -> None:
        with self._lock:
            self._say(sentence)

    def begin(self, name: str) -> tuple[AbstractContextManager[Progress | None], Progress | None]:
        with self._lock:
            context = self.monitor(name)
            return context, context.__enter__()

    def end(self, context: AbstractContextManager[Progress | None]) -> None:
        with self._lock:
            context.__exit__(None, None, None)

    def progress(self, call: Progress, done: int, total: int) -> None:
        with self._lock:
            call(done, total)


def _run_here(
    job: FibreJob, memory_limit: int | None, hears: _Listener, should_stop: ShouldStop | None
) -> str | None:
    """Run a fibre in this process; return the sentence of its failure."""
    try:
        run_study(
            job.recipe,
            job.out,
            monitor=lambda step: hears.monitor(f"{job.name}: {step}"),
            should_stop=should_stop,
            memory_limit=memory_limit,
            say=lambda sentence: hears.say(f"{job.name}: {sentence}"),
            steps=job.steps,
        )
    except Stopped:
        raise
    except Exception as error:
        return fibre_process.failure_sentence(error)
    job.steps.remove()
    return None


def _run_apart(
    job: FibreJob, threads: int, memory_limit: int | None, hears: _Listener
) -> str | None:
    """Run a fibre in a process of its own; return the sentence of its failure."""
    words = {
        "recipe": job.recipe.model_dump(mode="json", exclude_none=True),
        "out": str(Path(job.out).absolute()),
        "steps": None if job.steps.folder is None else str(job.steps.folder.absolute()),
        "key": job.steps.key,
        "memory_limit": memory_limit,
    }
    if hears.stopped.is_set():
        return "Stopped on request."
    try:
        child = fibre_process.start(words, threads=threads)
    except OSError as error:
        return f"No process can be started for it: {error.strerror or error}."
    with _children_lock:
        _children.add(child)
    if hears.stopped.is_set():
        end_children()
    try:
        return _listen(job, child, hears)
    finally:
        with suppress(OSError, ValueError):
            if child.stdin is not None:
                child.stdin.close()
        child.wait()
        if child.stdout is not None:
            child.stdout.close()
        with _children_lock:
            _children.discard(child)


def _listen(job: FibreJob, child: subprocess.Popen[str], hears: _Listener) -> str | None:
    """Pass the messages of a child on until it ends; return the sentence of its failure."""
    steps: dict[int, tuple[AbstractContextManager[Progress | None], Progress | None]] = {}
    outcome: str | None = "ended"
    for line in child.stdout or ():
        try:
            message: dict[str, Any] = json.loads(line)
        except ValueError:
            continue
        if "begin" in message:
            steps[message["begin"]] = hears.begin(f"{job.name}: {message['step']}")
        elif "at" in message and message["at"] in steps:
            call = steps[message["at"]][1]
            if call is not None:
                hears.progress(call, message["done"], message["total"])
        elif "end" in message and message["end"] in steps:
            hears.end(steps.pop(message["end"])[0])
        elif "say" in message:
            hears.say(f"{job.name}: {message['say']}")
        elif "failed" in message:
            outcome = str(message["failed"])
        elif "done" in message:
            outcome = None
    status = child.wait()
    if outcome == "ended":
        how = f"by signal {-status}" if status < 0 else f"with status {status}"
        return f"Its process was ended {how}; memory may have run out: run fewer fibres at the same time, or bin the data."
    return outcome

"""Child process that takes one fibre through its run, and says on its standard output how far it is.

A process of its own gives back all memory at its end, and where memory runs out the system ends it
and not the study. It ends with its standard input: also where the process that started it is
killed, no run goes on without it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from napari_snpore.compute import Progress
from napari_snpore.errors import InputError
from napari_snpore.outputs.work_folder import moving, stop_all

_CODE = "from napari_snpore.study.states.fibre_process import serve; serve()"
_LEAST_S = 0.2
"""Least time between two messages on the progress of a step."""
_LONGEST_MOVE_S = 0.4


def start(job: Mapping[str, Any], *, threads: int) -> subprocess.Popen[str]:
    """Start a child for one job: ``recipe``, ``out``, ``steps``, ``key``, ``memory_limit``.

    Parameters
    ----------
    job : mapping
        JSON values.
    threads : int
        Of each step in the child.
    """
    environment = dict(os.environ)
    environment["SNPORE_THREADS"] = str(threads)
    environment["PYTHONPATH"] = os.pathsep.join(one for one in sys.path if one)
    environment["PYTHONIOENCODING"] = "utf-8"
    flags: dict[str, Any] = {"start_new_session": True}  # a Ctrl-C reaches the parent alone
    if sys.platform == "win32":
        flags = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    child = subprocess.Popen(
        [sys.executable, "-c", _CODE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment,
        **flags,
    )
    if child.stdin is not None:
        child.stdin.write(json.dumps(job) + "\n")
        child.stdin.flush()
    return child


def serve() -> None:
    """Run the job that comes over the standard input; end with it."""
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no message
    job = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    talk = _Talk(output)
    try:
        run_job(job, talk.monitor, talk.say)
    except Exception as error:
        talk.write(failed=failure_sentence(error), trace=traceback.format_exc())
        output.flush()
        os._exit(1)  # threads of a failed step may still compute
    talk.write(done=True)


def run_job(job: Mapping[str, Any], monitor: Any, say: Any) -> None:
    """Take one fibre through its run; see :func:`start`."""
    from napari_snpore.study.kept_steps import NO_STEPS, KeptSteps
    from napari_snpore.study.pipeline import run_study
    from napari_snpore.study.recipe import Recipe

    steps = NO_STEPS if job["steps"] is None else KeptSteps(Path(job["steps"]), job["key"], say)
    run_study(
        Recipe(**job["recipe"]),
        job["out"],
        monitor=monitor,
        memory_limit=job["memory_limit"],
        say=say,
        steps=steps,
    )
    steps.remove()


def failure_sentence(error: Exception) -> str:
    """Return why a fibre failed, in one sentence."""
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, MemoryError):
        return "Memory ran out; bin or crop the data, or run fewer fibres at the same time."
    if isinstance(error, OSError):
        return f"{error.filename or 'A file'} cannot be used: {error.strerror or error}."
    text = str(error).strip().splitlines()
    return f"An error inside the program ({type(error).__name__}: {text[0] if text else 'no message'})."


class _Talk:
    """Messages to the parent, one JSON object a line."""

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._lock = threading.Lock()
        self._steps = 0

    def write(self, **message: Any) -> None:
        with self._lock:
            try:
                self._output.write(json.dumps(message) + "\n")
                self._output.flush()
            except (OSError, ValueError):  # the parent has just ended, and so does this process
                pass

    def say(self, sentence: str) -> None:
        self.write(say=sentence)

    @contextmanager
    def monitor(self, name: str) -> Iterator[Progress]:
        self._steps += 1
        number, last = self._steps, 0.0
        self.write(begin=number, step=name)

        def progress(done: int, total: int) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= _LEAST_S:
                last = now
                self.write(at=number, done=int(done), total=int(total))

        yield progress
        self.write(end=number)


def _end_with_parent() -> None:
    """Wait until the standard input ends, then remove what is unfinished and end the process."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    if moving.acquire(timeout=_LONGEST_MOVE_S):
        stop_all()
    os._exit(1)

"""Child process that compiles kernels, so that a window answers meanwhile.

:func:`start` is called when the window first uses the package. Unless a stamp in numba's cache says
that all kernels are there, a child of low priority compiles them, in the order of the work
(:mod:`napari_snpore.study.warm_up`). A kernel that a step needs before its turn is asked for over
the child's standard input, and the step waits for it. The child ends with this process, with its
input, and after a minute in which it had nothing to do.

``SNPORE_WARM_UP=0`` turns this off: kernels are compiled where they are called, as without a
window.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from itertools import count
from pathlib import Path
from threading import Condition, Lock, Thread
from typing import IO

from napari_snpore.errors import Stopped
from napari_snpore.kernels import KernelRequest, compile_elsewhere, waiting

SWITCH = "SNPORE_WARM_UP"
"""Environment variable: 0 turns the child process off."""

_CODE = "from napari_snpore.study.warm_up import serve; serve()"
_SINGLE_THREAD = ("SNPORE_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_NICENESS = 5
_POLL_S = 0.1  # longest wait before a cancelled step is noticed
_STAMP = "snpore-kernels.json"
_PACKAGE = Path(__file__).parent

_log = logging.getLogger("napari_snpore")


class KernelProcess:
    """A child that compiles kernels, started when it is needed.

    Parameters
    ----------
    more : sequence of str
        Further warm-ups of the child, ``module:function``; see
        :func:`napari_snpore.study.warm_up.serve`.
    """

    def __init__(self, more: Sequence[str] = ()) -> None:
        self._more = tuple(more)
        self._changed = Condition()
        self._starting = Lock()
        self._child: subprocess.Popen[str] | None = None
        self._numbers = count()
        self._answers: dict[int, bool] = {}
        self._ready: set[str] = set()
        self._all_ready = False

    @property
    def running(self) -> bool:
        """Whether the child runs."""
        return self._child is not None and self._child.poll() is None

    def start(self) -> bool:
        """Start the child unless it runs; return whether it runs."""
        with self._starting:
            if self.running:
                return True
            try:
                child = _popen([json.dumps(self._more)])
            except OSError as error:
                _log.info("kernels are compiled in this process: %s", error)
                return False
            with self._changed:
                self._child = child
                self._answers.clear()
            Thread(target=self._listen, args=(child,), name="snpore-kernels", daemon=True).start()
            return True

    def stop(self) -> None:
        """End the child."""
        child, self._child = self._child, None
        if child is not None:
            if child.stdin is not None:
                child.stdin.close()
            child.terminate()
            child.wait()

    def compile(self, request: KernelRequest) -> None:
        """Return when the child has compiled a kernel or cannot; it is compiled here then.

        Raises
        ------
        Stopped
            The step that waits is not wanted any more.
        """
        if not self.start():
            return
        number = next(self._numbers)
        child = self._child
        if child is None or child.stdin is None:
            return
        try:
            child.stdin.write(json.dumps({"number": number, **asdict(request)}) + "\n")
            child.stdin.flush()
        except (OSError, ValueError):  # it has just ended
            return
        self._wait(lambda: number in self._answers or child.poll() is not None)

    def wait_for(self, job: str) -> None:
        """Return when a warm-up of the child, by name, is done, or none runs.

        Raises
        ------
        Stopped
            The step that waits is not wanted any more.
        """
        self._wait(lambda: self._all_ready or job in self._ready or not self.running)

    def _wait(self, is_over: Callable[[], bool]) -> None:
        step = waiting()
        try:
            with self._changed:
                while not is_over():
                    if step is not None:
                        if step.should_stop():
                            raise Stopped("Stopped on request; nothing was kept.")
                        step.preparing(True)
                    self._changed.wait(_POLL_S)
        finally:
            if step is not None:
                step.preparing(False)

    def _listen(self, child: subprocess.Popen[str]) -> None:
        """Take the child's messages until it ends."""
        output: IO[str] | None = child.stdout
        assert output is not None
        for line in output:
            try:
                message = json.loads(line)
            except ValueError:  # printed by a library
                continue
            if not isinstance(message, dict):
                continue
            with self._changed:
                if "answer" in message:
                    self._answers[message["answer"]] = True
                if "job" in message:
                    self._ready.add(message["job"])
                if "done" in message:
                    self._all_ready = message["done"] == message["total"]
                self._changed.notify_all()
        child.wait()
        with self._changed:
            self._changed.notify_all()


_process: KernelProcess | None = None
_once = Lock()


def start(more: Sequence[str] = ()) -> KernelProcess | None:
    """Compile all kernels in a child process from now on; return it, or None where it is turned
    off.

    Parameters
    ----------
    more : sequence of str
        Further warm-ups of the child, ``module:function``.
    """
    global _process
    if os.environ.get(SWITCH) == "0" or os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return None
    with _once:
        if _process is not None:
            return _process
        process = _process = KernelProcess(more)
    compile_elsewhere(process.compile)
    Thread(target=_start_unless_stamped, args=(process, more), name="snpore-kernels").start()
    return process


def wait_for(job: str) -> bool:
    """Return when a warm-up of the child, by name, is done; at once where no child runs, and False
    where it is turned off.
    """
    if _process is None:
        return False
    _process.wait_for(job)
    return True


def _start_unless_stamped(process: KernelProcess, more: Sequence[str]) -> None:
    if not is_stamped(more):
        process.start()


def stamp() -> dict[str, object]:
    """Return what numba's cache depends on: files of the package, versions, the processor.

    Cheap: numba is not imported. Like numba itself it takes a file for changed when its time or
    size is another.
    """
    files = sorted([*_PACKAGE.rglob("*_kernel*.py"), _PACKAGE / "study" / "warm_up.py"])
    return {
        "python": platform.python_version(),
        "numba": version("numba"),
        "llvmlite": version("llvmlite"),
        "napari": _version_or_none("napari"),
        "processor": _processor(),
        "files": [
            [str(path.relative_to(_PACKAGE)), path.stat().st_mtime_ns, path.stat().st_size]
            for path in files
        ],
        "cache": os.environ.get("NUMBA_CACHE_DIR", ""),
    }


def is_stamped(more: Sequence[str] = ()) -> bool:
    """Return whether the kernels of this package, and those of further warm-ups, are all in the
    cache, by its stamp.
    """
    done = _stamped()
    return done is not None and set(more) <= done


def _stamped() -> set[str] | None:
    """Return the further warm-ups that a stamp names; None without a stamp that still holds."""
    wanted = stamp()
    for folder in stamp_folders():
        try:
            found = json.loads((folder / _STAMP).read_text("utf-8"))
            more = found.pop("more")
            if found == wanted:
                return {str(name) for name in more}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return None


def write_stamp(more: Sequence[str] = ()) -> None:
    """Say in the cache that all kernels are there, and those of further warm-ups; without a folder
    to write, say nothing.
    """
    content = json.dumps({**stamp(), "more": sorted({*more, *(_stamped() or ())})})
    for folder in stamp_folders():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / _STAMP
            path.with_suffix(".new").write_text(content, "utf-8")
            path.with_suffix(".new").replace(path)
            return
        except OSError:
            continue


def stamp_folders() -> list[Path]:
    """Return where the stamp may be: as numba chooses the folder of its cache."""
    given = os.environ.get("NUMBA_CACHE_DIR")
    if given:
        return [Path(given)]
    return [_PACKAGE / "__pycache__", user_cache()]


def user_cache() -> Path:
    """Return the folder for what the program keeps of its own between starts; it may not be there."""
    home = Path(os.environ.get("LOCALAPPDATA") or os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    return home.expanduser() / "napari-snpore"


def _version_or_none(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def lower_priority() -> None:
    """Let all other processes go before this one."""
    if hasattr(os, "nice"):
        os.nice(_NICENESS)


def _popen(arguments: Sequence[str]) -> subprocess.Popen[str]:
    environment = dict(os.environ)
    environment.update(dict.fromkeys(_SINGLE_THREAD, "1"))
    environment[SWITCH] = "0"
    environment["PYTHONPATH"] = os.pathsep.join(one for one in sys.path if one)
    environment["PYTHONIOENCODING"] = "utf-8"
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.BELOW_NORMAL_PRIORITY_CLASS | subprocess.CREATE_NO_WINDOW
    return subprocess.Popen(
        [sys.executable, "-c", _CODE, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        env=environment,
        creationflags=flags,
    )


def _processor() -> str:
    """Return the model of the processor and what it can do."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    named = [line for line in lines if line.startswith(("model name", "flags", "Features"))]
    return "\n".join(sorted(set(named)))

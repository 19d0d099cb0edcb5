"""Answer of the command line to Ctrl-C, SIGTERM and SIGHUP: what is unfinished is removed, one
sentence, exit status 1.

A thread does that. An exception in the main thread would come late: kernels do not notice it, and
a pool of threads waits for its blocks.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from napari_snpore.outputs.work_folder import moving, stop_all

_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
_SHOW_CURSOR = "\x1b[?25h"  # bars of progress hide it
_LONGEST_MOVE_S = 0.4

_stopping = threading.Event()
_endings: list[tuple[int, Callable[[], str]]] = []
"""What a process does before it ends, also where a block lies within another."""


@contextmanager
def answer_stop_signals(
    *, but: bool = False, before_end: Callable[[], str] | None = None
) -> Iterator[None]:
    """End the process with a sentence when it is asked to stop, within the block.

    Signals that the caller ignores, as ``nohup`` does, stay ignored.

    Parameters
    ----------
    but : bool
        Leave the signals as they are: for a window, which answers them itself.
    before_end : callable, optional
        Called before the process ends; returns what is said to be kept, in place of what was
        written.
    """
    if but or threading.current_thread() is not threading.main_thread():
        yield
        return
    earlier: dict[Any, Any] = {}
    for number in _SIGNALS:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            earlier[number] = signal.signal(number, _answer)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    woken = -1
    if os.name != "nt":  # there only sockets can be woken; the handler alone has to do
        woken = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        threading.Thread(target=_watch, args=(reader,), name="stop", daemon=True).start()
    if before_end is not None:
        _endings.append((os.getpid(), before_end))
    try:
        yield
    finally:
        if before_end is not None:
            _endings.pop()
        for number, handler in earlier.items():
            signal.signal(number, handler)
        if os.name != "nt":
            signal.set_wakeup_fd(woken)
        os.close(writer)  # the thread reads the end of the file, and closes the other end


def wait_for_end() -> None:
    """Wait for ever, if the process is being ended: what fails meanwhile is no news."""
    while _stopping.is_set():
        time.sleep(1)


def _answer(number: int, frame: Any) -> None:
    """Answer in the main thread, which is late where that computes; the first answer counts."""
    del number, frame
    if os.name == "nt":
        _end()


def _hold_signals() -> None:
    """Hold signals back while the process forks: one that reaches the child before it has the usual
    answers would be written into the pipe of its parent.
    """
    _held[threading.get_ident()] = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)


def _release_signals() -> None:
    before = _held.pop(threading.get_ident(), None)
    if before is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _forget_in_child() -> None:
    """Give a forked process the usual answers back: what reaches it would be written into the pipe of
    its parent, which would end in its place.
    """
    for number in _SIGNALS:
        if signal.getsignal(number) is _answer:
            is_interrupt = number == signal.SIGINT
            signal.signal(number, signal.default_int_handler if is_interrupt else signal.SIG_DFL)
            signal.set_wakeup_fd(-1)
    _release_signals()


_held: dict[int, set[Any]] = {}
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_hold_signals,
        after_in_parent=_release_signals,
        after_in_child=_forget_in_child,
    )


def _watch(reader: int) -> None:
    """Wait for a signal among those that are answered; Python writes its number into the pipe."""
    numbers = os.read(reader, 1)
    while numbers and numbers[0] not in {int(one) for one in _SIGNALS}:
        numbers = os.read(reader, 1)
    os.close(reader)
    if numbers:
        _end()


def _end() -> None:
    """Remove what is unfinished, say so, and end the process."""
    _stopping.set()
    said = None
    if _endings and _endings[-1][0] == os.getpid():  # a fork has those of its parent
        said = _endings[-1][1]()
    if moving.acquire(timeout=_LONGEST_MOVE_S):  # kept: no other thread moves anything from here
        written = ", ".join(map(str, stop_all()))
        kept = f"{written} had been written." if written else "nothing was written."
    else:  # a large earlier result is being removed: its place is taken by the new one already
        kept = (
            "the result had been written; what is left of the earlier one goes at the next start."
        )
    with contextlib.suppress(OSError, ValueError):
        end = f"\n{_SHOW_CURSOR}" if sys.stderr.isatty() else ""
        sys.stderr.write(f"{end}snpore: Stopped on request; {said or kept}\n")
        sys.stderr.flush()
        sys.stdout.flush()
    os._exit(1)

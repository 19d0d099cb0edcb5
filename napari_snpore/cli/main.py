"""Entry point of ``snpore``; exit status 0: done, 1: failed or stopped, with one sentence on
standard error, 2: bad usage.

``--debug``, at any position, prints the traceback of a failure. The commands are imported once
Ctrl-C is answered: that takes a second.
"""

from __future__ import annotations

import sys
import traceback
from typing import Any

from napari_snpore.cli.stop_signals import answer_stop_signals, wait_for_end
from napari_snpore.errors import InputError, Stopped
from napari_snpore.memory import free_memory, size_text

_NO_THREAD = "can't start new thread"  # Python's words where no memory is left for its stack


def __getattr__(name: str) -> Any:
    """Return ``app``, the application of typer, which is imported when it is asked for."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from napari_snpore.cli.application import app

    return app


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit.

    Parameters
    ----------
    arguments : list of str, optional
        Words after ``snpore``; default ``sys.argv[1:]``.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    with answer_stop_signals(but="view" in words[:1]):
        try:
            from napari_snpore.cli.application import app

            app(words, prog_name="snpore")
        except (Exception, KeyboardInterrupt) as error:
            wait_for_end()
            if debug:
                traceback.print_exc()
            print(f"snpore: {sentence_for(error)}", file=sys.stderr, flush=True)
            sys.exit(1)
        except BaseException:
            wait_for_end()
            raise


def sentence_for(error: BaseException) -> str:
    """Return the sentence that is printed for an exception."""
    if isinstance(error, (InputError, Stopped)):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return "Stopped on request; nothing was written."
    if isinstance(error, MemoryError) or str(error) == _NO_THREAD:
        return (
            f"Memory ran out with {size_text(free_memory())} free; nothing was written; bin or crop the data, close other "
            "programs, or allow the process more."
        )
    if isinstance(error, OSError):
        return f"{error.filename or 'A file'} cannot be used: {error.strerror or error}."
    first = str(error).strip().splitlines()[0] if str(error).strip() else "no message"
    return f"An error inside the program ({type(error).__name__}: {first}); run again with --debug and report what it shows."

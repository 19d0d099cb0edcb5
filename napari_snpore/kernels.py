"""numba kernels: serial, without the interpreter lock, cached on disk, compiled in another process
where one is set.

Compilation holds the interpreter lock for seconds, in which a window does not answer, whatever
thread asked for it. A process with a window therefore calls :func:`compile_elsewhere`: a kernel
that is not on disk is then compiled by that function's process, and only loaded here.
"""

from __future__ import annotations

import base64
import logging
import pickle
from collections.abc import Callable
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar, cast

from numba import njit
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterator

Function = TypeVar("Function", bound=Callable[..., object])

_log = logging.getLogger("napari_snpore")


@dataclass(frozen=True)
class KernelRequest:
    """A kernel and the types of its arguments.

    Attributes
    ----------
    module, name : str
        Where the kernel is.
    types : str
        Types of the arguments, encoded.
    """

    module: str
    name: str
    types: str

    def compile(self) -> None:
        """Compile the kernel for these types, or load it, in this process."""
        dispatcher: Any = getattr(import_module(self.module), self.name)
        dispatcher.compile(pickle.loads(base64.b64decode(self.types)))


CompileElsewhere = Callable[[KernelRequest], None]
"""Returns when the kernel is on disk, or cannot be compiled elsewhere."""


@dataclass(frozen=True)
class Waiting:
    """Callbacks of a step that waits for a kernel.

    Attributes
    ----------
    should_stop : callable
        True: the step is not wanted any more.
    preparing : callable
        ``preparing(True)`` several times a second while the step waits, ``preparing(False)`` after
        it.
    """

    should_stop: Callable[[], bool]
    preparing: Callable[[bool], None]


_elsewhere: CompileElsewhere | None = None
_waiting: ContextVar[Waiting | None] = ContextVar("snpore_waiting", default=None)


# nobody takes a kernel for a C function: its wrapper would be compiled for nothing
_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}


def kernel(function: Function) -> Function:
    """Compile a serial numba kernel that releases the GIL and is cached on disk."""
    try:
        made = njit(cache=True, **_OPTIONS)(function)
    except RuntimeError:  # no folder that numba can write: compiled anew in each process
        made = njit(**_OPTIONS)(function)
    if hasattr(made, "compile"):  # a plain function with NUMBA_DISABLE_JIT
        _ask_elsewhere(made)
    return cast(Function, made)


def part_of_kernel(function: Function) -> Function:
    """Make a function for kernels alone: its code becomes part of each kernel that calls it.

    A kernel called by a kernel is compiled twice, by itself and as part of the other.
    """
    made = njit(inline="always", **_OPTIONS)(function)
    return cast(Function, made)


def for_kernel(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array of the user's as a kernel that only reads it takes it: read-only, aligned.

    numba compiles anew for an array that may be written to, for one that may not, as a memory map
    is, and for one that is not aligned, as in a file with a header of odd length. No copy is made
    but of the last.
    """
    view = array.view() if array.flags.aligned else array.copy()
    view.flags.writeable = False
    return view


def compile_elsewhere(function: CompileElsewhere | None) -> None:
    """Let ``function`` see to kernels that are not on disk; None: they are compiled here."""
    global _elsewhere
    _elsewhere = function


@contextmanager
def waiting_as(waiting: Waiting) -> Iterator[None]:
    """Set the callbacks for kernels that are called within the block and have to be waited for."""
    token = _waiting.set(waiting)
    try:
        yield
    finally:
        _waiting.reset(token)


def waiting() -> Waiting | None:
    """Return what the present step set by :func:`waiting_as`."""
    return _waiting.get()


def _ask_elsewhere(dispatcher: Any) -> None:
    """Make a dispatcher ask for kernels that are not on disk before it compiles them itself."""
    compile_here = dispatcher.compile

    def compile_or_load(signature: Any) -> Any:
        if _elsewhere is not None and isinstance(signature, tuple):
            request = _missing(dispatcher, signature)
            if request is not None:
                _elsewhere(request)
        return compile_here(signature)

    dispatcher.compile = compile_or_load


def _missing(dispatcher: Any, types: tuple[Any, ...]) -> KernelRequest | None:
    """Return the request for a kernel that is neither compiled here nor on disk; None otherwise.

    numba has no public way to ask: with a version that keeps its cache in another way, and without
    a cache, kernels are compiled here.
    """
    if types in dispatcher.overloads:
        return None
    try:
        cache = dispatcher._cache
        key = cache._index_key(types, dispatcher.targetctx.codegen())
        if key in cache._cache_file._load_index():
            return None
    except (AttributeError, OSError):
        return None
    function = dispatcher.py_func
    encoded = base64.b64encode(pickle.dumps(types)).decode("ascii")
    _log.debug("kernel %s.%s is not on disk for %s", function.__module__, function.__name__, types)
    return KernelRequest(function.__module__, function.__name__, encoded)

"""Command line ``snpore``, with the names, defaults and results of the viewer."""

from typing import Any

from napari_snpore.cli.main import main

__all__ = ["app", "main"]


def __getattr__(name: str) -> Any:
    """Return ``app``, the application of typer, which is imported when it is asked for."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from napari_snpore.cli.application import app

    return app

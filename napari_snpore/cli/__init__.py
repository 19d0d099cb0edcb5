"""Command line ``snpore``, with the names, defaults and results of the viewer."""

from napari_snpore.cli.main import app, main

__all__ = ["app", "main"]

"""The command ``snpore``: the same names, defaults and results as the viewer."""

from napari_snpore.cli.main import app, main

__all__ = ["app", "main"]

"""From a HAADF-STEM tilt series to pore / Sn / C phases, measured with stated error.

The public names are those of ``__init__.pyi`` beside this file: the compute backend, its results
and its exceptions. They are loaded when first used, so that importing the package takes little time
and brings in neither Qt, napari nor matplotlib. The widgets are in :mod:`napari_snpore.viewer`.
"""

from importlib.metadata import PackageNotFoundError, version

import lazy_loader

try:
    __version__ = version("napari-snpore")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0.1.0.dev0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__all__ = [*__all__, "__version__"]

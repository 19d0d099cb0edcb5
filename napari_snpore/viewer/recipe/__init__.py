"""Recipes of what was done in the window, for ``snpore run`` and ``snpore compare``."""

"""Preferences of the window: threads, memory, folder, colours and size of type."""

from napari_snpore.viewer.preferences.page import Preferences as Preferences
from napari_snpore.viewer.preferences.page import preferences as preferences
from napari_snpore.viewer.preferences.page import use_limits as use_limits

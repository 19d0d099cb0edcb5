"""The napari side: the only folder that imports napari, Qt, vispy or magicgui."""

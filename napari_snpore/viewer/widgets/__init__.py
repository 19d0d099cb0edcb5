"""One widget a file; each works alone from napari's menus."""

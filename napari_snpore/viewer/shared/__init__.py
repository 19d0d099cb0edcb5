"""Parts that several forms of the viewer use: layers, workers, units, undo."""

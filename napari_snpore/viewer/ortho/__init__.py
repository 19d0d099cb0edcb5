"""Three linked slices: planes, the views that show them, what is drawn on them, and the same planes in the 3D scene."""

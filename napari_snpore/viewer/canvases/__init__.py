"""What the canvases of vispy take on the graphics side, and when it is given back."""

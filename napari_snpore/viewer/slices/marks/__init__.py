"""What is drawn over a slice and dragged with the mouse: cross-hair, boxes, distances."""

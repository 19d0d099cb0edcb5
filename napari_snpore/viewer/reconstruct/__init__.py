"""The Reconstruct form: alignment, live slice, volume."""

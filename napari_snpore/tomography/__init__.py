"""From a tilt series to a volume: alignment, the matched projector pair, reconstruction,
quality.
"""

"""Corrections by hand of the phases in a window, kept in their histories."""

"""Errors of the numbers: the digital twin of a specimen."""

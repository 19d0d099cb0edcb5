"""Discrete tomography: volumes of a few grey levels, judged and corrected by the tilt images."""

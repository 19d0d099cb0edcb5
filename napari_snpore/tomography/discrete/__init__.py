"""Discrete tomography: volumes of classes with one grey level each, judged by their projections."""

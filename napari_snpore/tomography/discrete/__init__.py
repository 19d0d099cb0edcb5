"""Discrete tomography: volumes of a few classes with known grey values, judged by the images.

Knows arrays of labels and levels; what the labels mean (pore, carbon, tin) is the callers' matter.
"""

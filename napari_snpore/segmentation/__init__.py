"""From grey values to phases: histogram, thresholds, ambient occlusion and envelope, phase
labels.
"""

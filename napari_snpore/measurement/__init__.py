"""Counts, sizes, fractions and connectivity of phases and objects, in tables with units in the
column names.
"""

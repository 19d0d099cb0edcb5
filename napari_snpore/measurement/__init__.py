"""Counts, sizes, fractions and connectivity of what was segmented; every table carries its units in the column names."""

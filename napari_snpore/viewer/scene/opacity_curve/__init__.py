"""Opacity curve of the grey volume: its values, its plot over the histogram, its panel."""

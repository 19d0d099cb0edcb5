"""The Threshold form: histogram, thresholds, envelope, phases."""

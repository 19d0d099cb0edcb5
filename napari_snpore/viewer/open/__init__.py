"""Files, samples and finished runs as layers, and layers as files."""

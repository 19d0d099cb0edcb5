"""Opening of files, samples and finished runs as layers, and writing of layers to files."""

"""Where the work on a specimen stands, read from the layers of a window."""

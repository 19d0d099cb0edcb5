"""What the window shows, on paper: the same position, contrast and colours, drawn from the data."""

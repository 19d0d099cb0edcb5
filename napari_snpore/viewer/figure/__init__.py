"""The Figure form: plates of what the window shows, and stacks of slices."""

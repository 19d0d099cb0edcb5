"""What the window does ahead of the first click: kernels, imports, what collections leave out."""

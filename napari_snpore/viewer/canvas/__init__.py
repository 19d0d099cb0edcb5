"""napari's own canvas: which voxel a position means, fitting, what pictures leave out."""

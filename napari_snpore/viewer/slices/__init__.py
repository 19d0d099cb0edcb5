"""The Ortho slices form: three linked slices, distances, oblique slices."""

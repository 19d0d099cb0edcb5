"""The 3D scene form: surfaces, cuts, views, movies."""

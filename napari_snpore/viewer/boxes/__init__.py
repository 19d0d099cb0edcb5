"""The Subvolumes form: named boxes and their fractions."""

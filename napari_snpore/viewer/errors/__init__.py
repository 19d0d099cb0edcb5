"""Errors of the numbers of phases: the button that estimates them, and the lines that show them."""

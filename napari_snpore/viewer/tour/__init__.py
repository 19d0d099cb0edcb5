"""Guided tour from the sample of the needle to a plate, through the forms that do the work."""

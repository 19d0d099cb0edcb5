"""Outputs that are complete or absent: made in a locked hidden folder beside their place, moved in
one step, found again after a kill.
"""

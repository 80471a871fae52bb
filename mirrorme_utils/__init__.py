"""MirrorMe: put the expression of one face on another face. Helpers of the course in `notebooks/`."""

"""Conversion of χ to B on a wall."""

"""Conversion probability of χ into B at a wall, from the published estimate to the exact answer."""

"""Walls tabulated as people do: spacing, decimals, figures, noise, ends that are cut off."""

import numpy as np

KINDS = ["clean", "decimals", "figures", "noise", "relative noise", "cut"]


def damaged_table(random, kind, rows, width, fields_at):
    """ξ and the fields of a wall of that width, with the damage of one of `KINDS`."""
    lower, upper = -width * random.uniform(5, 9), width * random.uniform(5, 9)
    if kind == "cut":
        lower, upper = -width * random.uniform(0.3, 4), width * random.uniform(0.3, 4)
    at = np.linspace(0, 1, rows)
    spacing = random.choice(["equal", "uneven", "random"])
    if spacing == "uneven":
        at[1:-1] += random.uniform(-0.4, 0.4, rows - 2) / (rows - 1)
    if spacing == "random":
        at[1:-1] = np.sort(random.uniform(0, 1, rows - 2))
    xi = lower + (upper - lower) * at
    fields = np.array(fields_at(xi))
    size, scatter = 10 ** random.uniform(-6, -1.5), random.normal(size=fields.shape)
    if kind == "noise":
        fields = np.maximum(fields + size * scatter, 0)
    if kind == "relative noise":
        fields *= 1 + size * scatter
    if kind == "decimals":
        fields = np.round(fields, random.integers(1, 7))
    if kind == "figures":
        figures = random.integers(2, 6)
        fields = np.vectorize(lambda x: float(f"{x:.{figures - 1}e}"))(fields)
    return xi, fields

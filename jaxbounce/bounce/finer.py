"""How far the action is from that of its own profile: the error that counts.

A discrete bounce is stationary under the quadrature of its nodes. Its action differs from the
true one by what that quadrature misses along the piecewise polynomial, which a finer one sees,
and, because the action is stationary, by the square of what the profile lacks. Derrick's
identity shows the profile's error to first order: a profile that scales as u(λr) has
S(λ) = λ^{−(D−2)} T + λ^{−D} W, of which the slope at λ = 1 is the identity's excess X and the
curvature −2(D−2) T, so that X stands for an error of X²/(4(D−2) T) in S.
"""

import numpy as np

from jaxbounce._core.arrays import Scalar, xp
from jaxbounce._core.quadrature import gauss_legendre
from jaxbounce.bounce.action import (
    Inputs,
    Problem,
    Units,
    action_parts,
    scaled_potential,
    solid_angle,
    surface_term,
)
from jaxbounce.bounce.grid import Nodal, Shape, reference_element, to_elements

_FINER = 2  # points for each node


def action_error(
    problem: Problem, inputs: Inputs, units: Units, shape: Shape, values: Nodal
) -> Scalar:
    """2 |S − S_finer|/T + (X_finer/T)², an estimate of the action's error relative to T.

    Twice, because the finer quadrature misses a part as well.
    """
    elements, D = problem.elements, problem.dimension
    reference = reference_element(elements.order)
    node, weight = gauss_legendre(_FINER * elements.order)
    basis = np.polynomial.legendre.legvander(node, elements.order - 1) @ reference.to_legendre
    start, stop = xp.arcsinh(-1 / shape.width), xp.arcsinh((shape.x_max - 1) / shape.width)
    share = xp.diff(shape.breaks)[:, None]
    t = start + (stop - start) * (shape.breaks[:-1, None] + share * (node + 1) / 2)
    x = 1 + shape.width * xp.sinh(t)
    slope = shape.width * xp.cosh(t) * (stop - start) * share
    volume = weight / 2 * x ** (D - 1)

    local = to_elements(elements, values)
    u = xp.einsum("qi,eia->eqa", basis, local)
    change = xp.einsum("qi,eia->eqa", basis @ reference.derivative, local)
    heights = scaled_potential(problem.potential, inputs, units).heights(u)
    scale = units.action(D) * solid_angle(D) * shape.radius ** (D - 2)
    kinetic = scale * (volume / slope * (change**2).sum(-1)).sum() / 2
    potential = scale * shape.radius**2 * (volume * slope * heights).sum()
    parts = action_parts(problem, inputs, units, shape, values)
    surface = surface_term(problem, inputs, units, shape, values)
    excess = ((D - 2) * kinetic + D * potential + surface) / kinetic
    missed = xp.abs(kinetic + potential - parts.kinetic - parts.potential) / kinetic
    return 2 * missed + excess**2

"""Bubble walls seen from the wall: background fields, level crossings and plateaus.

A wall is a pair of functions of the coordinate ξ = r − R across it, ξ < 0 inside the
bubble: the hidden field |Φ|(ξ), which is large inside, and the brane field |φ|(ξ), which
is large outside. Both are absolute values, ≥ 0 and smooth. With the couplings they give

    m_B = y_B |φ|,   m_χ = y_χ |Φ|,   m = λ |φ|,   Δ = m_B − m_χ,

the two diagonal masses, the mixing between them and the level splitting. Lengths are in
the inverse of the unit of the fields times couplings (all of A.3 is dimensionless).
"""

from abc import abstractmethod
from typing import NamedTuple, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Bool, Float

from jaxbounce._core.declare import spec
from jaxbounce._core.numerics import bracketed_root
from jaxbounce._core.spline import evaluate_spline, spline_curvatures
from jaxbounce._core.status import Status
from jaxbounce._core.types import Code, Real, RealLike, Scalar, as_leaf, as_real
from jaxbounce.conversion.alternatives import Alternatives, alternatives

SCAN_INTERVALS = 512
"""Intervals on which a wall is scanned for crossings, plateaus and the placing of steps."""

PLATEAU_TOLERANCE = 1e-12
"""Distance of the mixing angle from its limit (radians) at which a wall is cut off."""

_TANH_REACH = 20.0  # widths; 1 − tanh(20) = 8e-18


class Couplings(eqx.Module):
    """Couplings of the fields to the two states: m_B = y_B|φ|, m_χ = y_χ|Φ|, m = λ|φ|."""

    y_B: Real = eqx.field(
        converter=as_leaf,
        default=1.0,
        metadata=spec("coupling of |φ| to the mass of B", low=0, closed="low", typical=1.0),
    )
    y_chi: Real = eqx.field(
        converter=as_leaf,
        default=1.0,
        metadata=spec("coupling of |Φ| to the mass of χ", low=0, closed="low", typical=1.0),
    )
    lam: Real = eqx.field(
        converter=as_leaf,
        default=0.0,
        metadata=spec("λ, mixing over |φ|", key="lambda_tr_eff", low=0, closed="low", typical=0.1),
    )


class WallProfile(eqx.Module):
    """What a wall must offer."""

    @abstractmethod
    def fields(self, xi: RealLike) -> tuple[Real, Real]:
        """|Φ| and |φ| at ξ, the shape of ξ."""

    @abstractmethod
    def limits(self) -> tuple[Scalar, Scalar]:
        """The range of ξ outside which the fields are taken to be constant."""

    @abstractmethod
    def scan(self, intervals: int) -> Float[Array, " points"]:
        """Increasing points that fill the limits, dense where the wall has structure."""


class TanhWall(WallProfile):
    """Both fields follow one tanh: |φ| ∝ 1 + tanh((ξ − c)/L), |Φ| ∝ 1 − tanh((ξ − c)/L)."""

    Phi_inside: Scalar = eqx.field(
        converter=as_leaf,
        metadata=spec("|Φ| deep inside the bubble; outside it is 0", low=0, typical=1.0),
    )
    phi_outside: Scalar = eqx.field(
        converter=as_leaf,
        metadata=spec("|φ| far outside the bubble; inside it is 0", low=0, typical=1.0),
    )
    width: Scalar = eqx.field(
        converter=as_leaf,
        metadata=spec("width L of the wall", low=0, typical=1.0),
    )
    centre: Scalar = eqx.field(
        converter=as_leaf,
        default=0.0,
        metadata=spec("place c of the wall", typical=0.0),
    )

    def fields(self, xi: RealLike) -> tuple[Real, Real]:
        """|Φ| and |φ| at ξ."""
        t = 2 * (as_real(xi) - self.centre) / self.width
        return self.Phi_inside * jax.nn.sigmoid(-t), self.phi_outside * jax.nn.sigmoid(t)

    def limits(self) -> tuple[Scalar, Scalar]:
        """Twenty widths to either side."""
        reach = _TANH_REACH * self.width
        return self.centre - reach, self.centre + reach

    def scan(self, intervals: int) -> Float[Array, " points"]:
        """Equally spaced points."""
        return jnp.linspace(*self.limits(), intervals + 1)


class TwoCentreTanhWall(WallProfile):
    """Two tanh of one width L: |φ| centred at `centre_phi`, |Φ| at `centre_Phi`."""

    Phi_inside: Scalar = eqx.field(
        converter=as_leaf,
        metadata=spec("|Φ| deep inside the bubble; outside it is 0", low=0, typical=1.0),
    )
    phi_outside: Scalar = eqx.field(
        converter=as_leaf,
        metadata=spec("|φ| far outside the bubble; inside it is 0", low=0, typical=1.0),
    )
    width: Scalar = eqx.field(
        converter=as_leaf,
        metadata=spec("width L of the wall", low=0, typical=1.0),
    )
    centre_Phi: Scalar = eqx.field(
        converter=as_leaf,
        metadata=spec("place of the wall of |Φ|", typical=0.0),
    )
    centre_phi: Scalar = eqx.field(
        converter=as_leaf,
        metadata=spec("place of the wall of |φ|", typical=0.0),
    )

    def fields(self, xi: RealLike) -> tuple[Real, Real]:
        """|Φ| and |φ| at ξ."""
        xi = as_real(xi)
        hidden = jax.nn.sigmoid(-2 * (xi - self.centre_Phi) / self.width)
        brane = jax.nn.sigmoid(2 * (xi - self.centre_phi) / self.width)
        return self.Phi_inside * hidden, self.phi_outside * brane

    def limits(self) -> tuple[Scalar, Scalar]:
        """Twenty widths beyond either centre."""
        reach = _TANH_REACH * self.width
        lower = jnp.minimum(self.centre_Phi, self.centre_phi) - reach
        return lower, jnp.maximum(self.centre_Phi, self.centre_phi) + reach

    def scan(self, intervals: int) -> Float[Array, " points"]:
        """Equally spaced points."""
        return jnp.linspace(*self.limits(), intervals + 1)


class TabulatedWall(WallProfile):
    """Cubic splines (C², not-a-knot) through tabulated |Φ| and |φ|; constant beyond the table.

    Make it with `from_table`, inside the function that is differentiated if gradients with
    respect to the tabulated values are wanted. The error of a spline through values of a
    smooth field is (5/384) h⁴ |f''''| for knots h apart; what it does to a probability, and what
    few digits, noise and a table that ends early do, is estimated by `table_error`.

    Attributes:
        knots: ξ of the rows; walls lead in a batch of them.
        values: |Φ| and |φ| there.
        curvatures: second derivatives of the splines there.
        others: what else the rows allow; None if they count as exact.
    """

    knots: Float[Array, "*walls n"]
    values: Float[Array, "*walls 2 n"]
    curvatures: Float[Array, "*walls 2 n"]
    others: Alternatives | None = None

    @classmethod
    def from_table(
        cls, xi: RealLike, Phi: RealLike, phi: RealLike, places: np.ndarray | None = None
    ) -> Self:
        """Splines through |Φ| and |φ| at increasing ξ, at least four points.

        What the table leaves open is seen in concrete numbers; traced ones count as exact.

        Args:
            xi: where the rows are.
            Phi: |Φ| there.
            phi: |φ| there.
            places: the numbers from which ξ was computed, such as radii: it is their digits
                that tell how well ξ is known. ξ itself if None.
        """
        knots = as_leaf(xi)
        values = jnp.stack([as_leaf(Phi), as_leaf(phi)])
        if knots.ndim != 1 or knots.size < 4 or values.shape != (2, knots.size):
            raise ValueError(
                "a tabulated wall needs one-dimensional xi, Phi, phi of one length ≥ 4, not"
                f" shapes {np.shape(xi)}, {np.shape(Phi)}, {np.shape(phi)}"
            )
        curvatures = spline_curvatures(knots, values)
        if any(isinstance(array, Tracer) for array in (knots, values)):
            return cls(knots, values, curvatures)
        at = np.asarray(knots)
        others = alternatives(at, np.asarray(values), at if places is None else places)
        return cls(knots, values, curvatures, jax.tree.map(jnp.asarray, others))

    def fields(self, xi: RealLike) -> tuple[Real, Real]:
        """|Φ| and |φ| at ξ; a spline's undershoot below 0 is cut."""
        Phi, phi = jnp.maximum(
            evaluate_spline(self.knots, self.values, self.curvatures, as_real(xi)), 0.0
        )
        return Phi, phi

    def limits(self) -> tuple[Scalar, Scalar]:
        """The ends of the table."""
        return self.knots[0], self.knots[-1]

    def scan(self, intervals: int) -> Float[Array, " points"]:
        """Points that share the knots out evenly: tables are dense where the wall is."""
        position = jnp.linspace(0.0, self.knots.size - 1.0, intervals + 1)
        return jnp.interp(position, jnp.arange(self.knots.size), self.knots)


def masses(profile: WallProfile, couplings: Couplings, xi: RealLike) -> tuple[Real, Real, Real]:
    """m_B, m_χ and the mixing m at ξ."""
    Phi, phi = profile.fields(xi)
    return couplings.y_B * phi, couplings.y_chi * Phi, couplings.lam * phi


def level_splitting(profile: WallProfile, couplings: Couplings, xi: RealLike) -> Real:
    """Δ = m_B − m_χ at ξ."""
    m_B, m_chi, _ = masses(profile, couplings, xi)
    return m_B - m_chi


def mixing_angle(profile: WallProfile, couplings: Couplings, xi: RealLike) -> Real:
    """θ = ½ atan2(2m, Δ) in [0, π/2]; 0 where the upper state is B, π/2 where it is χ.

    A diagnostic: where m = Δ = 0 it is undefined and has no gradient.
    """
    m_B, m_chi, m = masses(profile, couplings, xi)
    return jnp.arctan2(2 * m, m_B - m_chi) / 2


class Crossings(eqx.Module):
    """Level crossings Δ(ξ) = 0 in increasing ξ; entries beyond `count` are padding."""

    xi: Float[Array, " max_crossings"]
    exists: Bool[Array, " max_crossings"]
    count: Code
    status: Code


def crossings(profile: WallProfile, couplings: Couplings, max_crossings: int = 4) -> Crossings:
    """All roots of Δ = m_B − m_χ at which it changes sign, by scan and bracketing.

    A pair of roots closer together than 1/512 of the scan is not seen. Roots are good to
    rounding, and are differentiated by the implicit-function theorem (to any order) with
    respect to the couplings and the parameters of the profile.

    Args:
        profile: the wall.
        couplings: y_B, y_χ (λ plays no part).
        max_crossings: length of the padded result (static).

    Returns:
        `Crossings`; the status is SUCCESS, NO_CROSSING or TOO_MANY_CROSSINGS (then the
        first `max_crossings` are given).
    """

    def splitting(xi: Real) -> Real:
        return level_splitting(profile, couplings, xi)

    points = jax.lax.stop_gradient(profile.scan(SCAN_INTERVALS))
    positive = jax.lax.stop_gradient(splitting(points)) >= 0
    changes = positive[1:] != positive[:-1]
    (cell,) = jnp.nonzero(changes, size=max_crossings, fill_value=0)
    count = changes.sum()
    exists = jnp.arange(max_crossings) < count
    root = jax.vmap(_root, in_axes=(None, 0, 0, 0))(
        splitting, points[cell], points[cell + 1], exists
    )
    status = jnp.where(
        count == 0,
        Status.NO_CROSSING.value,
        jnp.where(count > max_crossings, Status.TOO_MANY_CROSSINGS.value, Status.SUCCESS.value),
    )
    return Crossings(root, exists, count, status)


def _root(function, lower: Scalar, upper: Scalar, exists: Bool[Array, ""]) -> Scalar:
    """The root of `function` in a bracket; the middle of the bracket where none exists."""
    middle = (lower + upper) / 2

    def padded(x: Scalar) -> Scalar:
        return jnp.where(exists, function(x), x - middle)

    return bracketed_root(padded, lower, upper)


class Plateaus(NamedTuple):
    """Where the mixing angle has reached its limits, and how far from them it is left there."""

    lower: Scalar
    upper: Scalar
    distance: Scalar
    """Sum of |θ(ξ_e) − θ(limit)| at the two ends (radians)."""


def plateaus(
    profile: WallProfile, couplings: Couplings, tolerance: float = PLATEAU_TOLERANCE
) -> Plateaus:
    """The ends ξ₋ < ξ₊ beyond which |θ(ξ) − θ(±limit)| < `tolerance`.

    What couples the mass eigenstates is θ', so cutting a wall at ξ_e changes a transition
    amplitude by at most |θ(ξ_e) − θ(∞)|. The fields themselves need not have reached
    their limits: on a slow tail on which m/Δ is constant nothing happens any more.
    The ends are points of the scan and constants under differentiation.
    """
    points, m, splitting = jax.lax.stop_gradient(_scanned(profile, couplings))
    # sin of the angle between b(ξ) and its limit, b = (m, Δ/2): no loss at small angles
    length = jnp.hypot(2 * m, splitting)
    length = jnp.where(length > 0, length, 1.0)
    x, z = 2 * m / length, splitting / length

    def distance(end: int) -> Real:
        across, along = x * z[end] - z * x[end], x * x[end] + z * z[end]
        return jnp.abs(jnp.arctan2(across, jnp.where((across == 0) & (along == 0), 1.0, along))) / 2

    from_lower, from_upper = distance(0), distance(-1)
    last = points.size - 1
    # outermost points that are off the plateau by the tolerance or more
    start = jnp.argmax(from_lower >= tolerance)
    stop = last - jnp.argmax(from_upper[::-1] >= tolerance)
    constant = ~(from_lower >= tolerance).any()
    start = jnp.where(constant, 0, jnp.maximum(start - 1, 0))
    stop = jnp.where(constant, last, jnp.minimum(stop + 1, last))
    return Plateaus(points[start], points[stop], from_lower[start] + from_upper[stop])


def structure(profile: WallProfile, couplings: Couplings) -> tuple[Scalar, Scalar]:
    """Where the masses change, and over what width: median and spread of their variation.

    The width is 1.5 times the distance between the quartiles of ∫(|m_B'| + |m_χ'|) dξ. Both are
    for placing grids, and constants under differentiation.
    """
    points = jax.lax.stop_gradient(profile.scan(SCAN_INTERVALS))
    m_B, m_chi, _ = jax.lax.stop_gradient(masses(profile, couplings, points))
    variation = jnp.abs(jnp.diff(m_B)) + jnp.abs(jnp.diff(m_chi))
    done = jnp.concatenate([jnp.zeros(1, variation.dtype), jnp.cumsum(variation)])
    extent = points[-1] - points[0]
    first, median, third = jnp.interp(done[-1] * np.array([0.25, 0.5, 0.75]), done, points)
    centre = jnp.where(done[-1] > 0, median, (points[0] + points[-1]) / 2)
    width = jnp.where(third > first, 1.5 * (third - first), extent)
    return centre, width


def incoming_mass(profile: WallProfile, couplings: Couplings) -> Scalar:
    """|mass| of the χ-like eigenstate of [[m_B, m], [m, m_χ]] at the outer limit of the wall."""
    m_B, m_chi, m = masses(profile, couplings, profile.limits()[1])
    # m_χ-like = mean ∓ radius, as det/(mean ± radius) where that cancels
    mean, half = (m_B + m_chi) / 2, (m_B - m_chi) / 2
    square = half**2 + m**2
    radius = jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1.0)), 0.0)
    other = jnp.where(half > 0, mean + radius, mean - radius)
    product = m_B * m_chi - m**2
    mass = jnp.where(other != 0, product / jnp.where(other != 0, other, 1.0), 0.0)
    return jnp.where(mass < 0, -mass, mass)


def eigenmasses(profile: WallProfile, couplings: Couplings) -> Float[Array, "4"]:
    """|eigenvalues| of the mass matrix at the two limits: the K at which channels open."""
    ends = jnp.stack(profile.limits())
    m_B, m_chi, m = masses(profile, couplings, ends)
    mean, square = (m_B + m_chi) / 2, ((m_B - m_chi) / 2) ** 2 + m**2
    radius = jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1.0)), 0.0)
    return jnp.abs(jnp.concatenate([mean + radius, mean - radius]))


def _scanned(profile: WallProfile, couplings: Couplings) -> tuple[Real, Real, Real]:
    points = profile.scan(SCAN_INTERVALS)
    m_B, m_chi, m = masses(profile, couplings, points)
    return points, m, m_B - m_chi

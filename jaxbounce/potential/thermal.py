"""One-loop potentials at finite temperature, from a tree-level potential and the particles in it.

    V(φ, T) = V_tree + Σ ±n/(64π²) m⁴ [ln(m²/Q²) − c] + T⁴/(2π²) Σ n J(m²/T²) − g_rest π² T⁴/90,

+ of bosons, − of fermions. The logarithms of vacuum and bath are summed in closed form, so that no
logarithm of a Goldstone's mass is left: V is smooth through m² = 0 but for −(T/12π) m³ of bosons,
the part that daisies resum. Everything is a function of (φ, θ), where θ is a mapping of names to
numbers with the temperature "T" and the scale "Q" among them, and "g_rest" if it is not 0.

Sources: S. R. Coleman and E. J. Weinberg, Phys. Rev. D 7 (1973) 1888; L. Dolan and R. Jackiw,
Phys. Rev. D 9 (1974) 3320; P. B. Arnold and O. Espinosa, Phys. Rev. D 47 (1993) 3546,
hep-ph/9212235; R. R. Parwani, Phys. Rev. D 45 (1992) 4695, hep-ph/9204216.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxbounce._core.checks import one_of
from jaxbounce._core.errors import PotentialError
from jaxbounce._core.spectral import Function, trace
from jaxbounce._core.types import Real, RealLike, Scalar, as_real
from jaxbounce.potential.thermal_functions import QuantumStatistics, cube, regular

Daisies = Literal["none", "Arnold-Espinosa", "Parwani"]

Scheme = Literal["MS-bar", "on-shell"]

Couplings: TypeAlias = Mapping[str, Any]
"""θ: numbers by name, T and Q among them."""

_COLDEST = 1e-40  # (T/Q)² below which T counts as that

_REGULAR = {
    statistics: Function(partial(regular, statistics), 1.0) for statistics in ("boson", "fermion")
}

_CUBE = Function(cube)


class Particle(eqx.Module):
    """A particle whose mass depends on the fields, or several that mix. Hashable."""

    name: str = eqx.field(static=True)
    mass_squared: Callable[[Float[Array, " n"], Couplings], Any] = eqx.field(static=True)
    """m²(φ, θ), or a symmetric matrix of which the eigenvalues are."""
    degrees: float = eqx.field(static=True)
    """n > 0, of each eigenvalue."""
    statistics: QuantumStatistics = eqx.field(static=True, default="boson")
    constant: float = eqx.field(static=True, default=1.5)
    """c of the MS-bar scheme: 3/2 of scalars and fermions, 5/6 of gauge bosons."""
    debye_mass: Callable[[Couplings], Any] | None = eqx.field(static=True, default=None)
    """Π(θ), of scalars and longitudinal gauge bosons: a number, or a matrix as m² is."""
    scheme: Scheme = eqx.field(static=True, default="MS-bar")
    """"on-shell": (m² ln(m²/m₀²) − 3/2 m²) m² + 2 m² m₀², with m₀² in the vacuum at T = 0, where it
    leaves the potential's slope and curvature what they are at tree level."""

    def __check_init__(self) -> None:
        one_of(f"{self.name}: statistics", self.statistics, get_args(QuantumStatistics))
        one_of(f"{self.name}: scheme", self.scheme, get_args(Scheme))
        if not self.degrees > 0:
            raise PotentialError(
                f"{self.name}: degrees = {self.degrees:g}: must be above 0, of fermions too: the"
                " sign comes with the statistics"
            )
        if self.statistics == "fermion" and self.debye_mass is not None:
            raise PotentialError(f"{self.name}: debye_mass: a fermion has none; leave it out")


class OneLoopPotential(eqx.Module):
    """V(φ, θ) at one loop and finite temperature. Hashable."""

    tree: Callable[[Float[Array, " n"], Couplings], Any] = eqx.field(static=True)
    """V at tree level, of (φ, θ)."""
    particles: tuple[Particle, ...] = eqx.field(converter=tuple)
    daisies: Daisies = eqx.field(static=True, default="none")
    vacuum: Callable[[Couplings], Any] | None = eqx.field(static=True, default=None)
    """φ(θ) of the vacuum at tree level, for particles of the scheme "on-shell"."""

    def __check_init__(self) -> None:
        one_of("daisies", self.daisies, get_args(Daisies))
        for particle in self.particles:
            if particle.scheme == "on-shell" and self.vacuum is None:
                raise PotentialError(
                    f"{particle.name}: scheme on-shell needs the vacuum; give vacuum, a function of"
                    " the parameters"
                )

    def __call__(self, phi: Float[Array, " n"], theta: Couplings) -> Scalar:
        """V at the fields φ; θ names T, Q, perhaps g_rest, and the couplings."""
        total = (
            self.tree(phi, theta) - theta.get("g_rest", 0.0) * (np.pi * theta["T"] ** 2) ** 2 / 90
        )
        for particle in self.particles:
            total = total + particle.degrees * self._loop(particle, phi, theta)
        return jnp.asarray(total, phi.dtype)

    def masses_squared(
        self, phi: Float[Array, " n"], theta: Couplings
    ) -> dict[str, Float[Array, "..."]]:
        """m² of each particle by name; a matrix for those that mix."""
        return {p.name: as_real(p.mass_squared(phi, theta)) for p in self.particles}

    def _loop(self, particle: Particle, phi: Float[Array, " n"], theta: Couplings) -> Scalar:
        """Of one degree of freedom, summed over eigenvalues."""
        mass_squared = as_real(particle.mass_squared(phi, theta))
        scale, constant, finite = theta["Q"], particle.constant, 0.0
        if particle.scheme == "on-shell":
            in_vacuum = self._in_vacuum(particle, theta)
            scale, constant = jnp.sqrt(in_vacuum), 1.5
            sign = 1 if particle.statistics == "boson" else -1
            finite = sign * in_vacuum * mass_squared / (32 * np.pi**2)
        debye = 0.0 if particle.debye_mass is None else particle.debye_mass(theta)
        loop = one_loop(
            mass_squared,
            theta["T"],
            scale,
            particle.statistics,
            constant=constant,
            debye_mass=debye,
            daisies=self.daisies,
        )
        return loop + finite

    def _in_vacuum(self, particle: Particle, theta: Couplings) -> Scalar:
        assert self.vacuum is not None
        cold = {**theta, "T": jnp.zeros_like(as_real(theta["T"]))}
        found = as_real(particle.mass_squared(jnp.asarray(self.vacuum(theta)), cold))
        if found.ndim:
            raise PotentialError(
                f"{particle.name}: scheme on-shell is of a mass, not of a matrix; write the"
                ' eigenvalues as particles, or use "MS-bar"'
            )
        return found


def one_loop(
    mass_squared: RealLike,
    T: RealLike,
    Q: RealLike,
    statistics: QuantumStatistics = "boson",
    *,
    constant: RealLike = 1.5,
    debye_mass: RealLike = 0.0,
    daisies: Daisies = "none",
) -> Scalar:
    """Vacuum and bath of one degree of freedom: V_CW + T⁴ J/(2π²), with daisies.

    Args:
        mass_squared: m², or a symmetric matrix whose eigenvalues are; may be negative, down to
            −500 T² (NaN below), where the real part counts.
        T: temperature; 0 is the vacuum.
        Q: the scale of the MS-bar scheme.
        statistics: "boson" or "fermion".
        constant: c.
        debye_mass: Π, with the square of the unit of T: a number or a matrix.
        daisies: "none"; "Arnold-Espinosa", m³ → (m² + Π)^{3/2} in what is odd in m; "Parwani",
            m² → m² + Π everywhere.
    """
    squared, debye = as_real(mass_squared), as_real(debye_mass)
    if squared.ndim and not debye.ndim:
        debye = debye * jnp.eye(len(squared))
    T_squared = jnp.maximum(as_real(T) ** 2, _COLDEST * as_real(Q) ** 2)
    heavier = (squared + debye) / T_squared
    z = heavier if daisies == "Parwani" else squared / T_squared
    sign = 1 if statistics == "boson" else -1
    logarithm = jnp.log(T_squared / as_real(Q) ** 2) - constant
    total = sign / 32 * (z * z).sum() * logarithm + _sum(_REGULAR[statistics], z)
    if statistics == "boson":
        total = total - np.pi / 6 * _sum(_CUBE, z if daisies == "none" else heavier)
    return T_squared**2 / (2 * np.pi**2) * total


def _sum(function: Function, z: Real) -> Scalar:
    """Over the eigenvalues of a matrix, or of a number."""
    return trace(function, z) if z.ndim else function.derivative(z, 0)


def coleman_weinberg(
    mass_squared: RealLike,
    Q: RealLike,
    statistics: QuantumStatistics = "boson",
    constant: RealLike = 1.5,
) -> Scalar:
    """±m⁴/(64π²) [ln|m²/Q²| − c] of one degree of freedom: the loop at T = 0."""
    return one_loop(mass_squared, 0.0, Q, statistics, constant=constant)


def at_temperature(theta: Couplings, T: RealLike) -> dict[str, Any]:
    """θ with another temperature: for `follow_vacua`, `bounce_exponent` and their like."""
    return {**theta, "T": T}


class Heated(NamedTuple):
    """The same where the temperature has another name: a function of θ and T. Hashable."""

    name: str = "T"

    def __call__(self, theta: Couplings, T: RealLike) -> dict[str, Any]:
        """θ at T."""
        return {**theta, self.name: T}

"""What happens in a window of temperatures: nucleation, percolation, completion.

The extended volume I follows from the exact moment chain (`percolation.history`) on the expanding
background (`transition.background`). All temperatures are roots in one program.
Sources: M. S. Turner, E. J. Weinberg, L. M. Widrow, Phys. Rev. D 46 (1992) 2384; P. Athron,
C. Balázs, L. Morris, JCAP 03 (2023) 006, arXiv:2212.07559.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxbounce._core.arrays import Array, Code, Real, Scalar, running_max
from jaxbounce._core.numerics import bracketed_root
from jaxbounce._core.series import legendre_rule, legendre_values
from jaxbounce._core.status import Status
from jaxbounce._core.summary import as_html, summary
from jaxbounce._core.withheld import withheld
from jaxbounce.cosmology.degrees_of_freedom import DegreesOfFreedom
from jaxbounce.percolation.area import bubble_density
from jaxbounce.percolation.history import NucleationHistory, nucleation_history
from jaxbounce.percolation.moments import Panels, area_of, piecewise, volume_of
from jaxbounce.transition.background import Background, Stretch, log_rate
from jaxbounce.transition.history import TransitionHistory
from jaxbounce.transition.window import I_FINAL, Window, chebyshev_points, chebyshev_series

HAVE_NUMBERS = (Status.SUCCESS.value, Status.NEVER_COMPLETES.value)
"""Where numbers are not withheld."""

_PANELS = 32  # of the moment chain

_LATER = 12  # when nothing nucleates any more

_NODES = 16

_TOLERANCE = 1e-7  # of the Chebyshev series, relative to S₃/T

_BEFORE = 1e-6  # of I, from above T_high

_LOOKS = 257  # temperatures among which Γ first exceeds H⁴

_BUBBLES = (1.0, 3 / (4 * np.pi))  # ∫ Γ/H⁴ d ln a at `T_n_integral` and `T_n_bubble`


class Transition(NamedTuple):
    """When a thermal transition happens. NaN where `status` is not SUCCESS.

    But for NEVER_COMPLETES: all that is defined by Γ and I alone stands, and says at which
    temperatures they have their values, not that bubbles percolate.
    """

    T_n: Scalar
    """Temperature at which Γ = H⁴."""
    T_p: Scalar
    """Temperature of percolation, I = I_p."""
    beta_over_H: Scalar
    """(d ln Γ/dt)/H at T_p."""
    exponent_n: Scalar
    """S₃/T at T_n."""
    exponent_p: Scalar
    """S₃/T at T_p."""
    error: Scalar
    """Relative error of the interpolated S₃/T, from the last Chebyshev coefficients, and where
    single temperatures have no bounce from points held out beside them; of ρ_V likewise."""
    status: Code
    vacuum_over_radiation: Scalar
    """ρ_V/ρ_r at T_p. NaN where `vacuum_energy` was not given: an action alone does not know it."""
    vacuum_over_radiation_n: Scalar
    """The same at T_n."""
    T_n_integral: Scalar
    """Temperature at which ∫ (Γ/H⁴) d ln a = 1; NaN if it stays below."""
    T_n_bubble: Scalar
    """Temperature at which there is one bubble a Hubble volume, N = (4π/3) ∫ (Γ/H⁴) d ln a = 1;
    NaN if there never is."""
    T_f: Scalar
    """Temperature at which 1 % of space is in the false vacuum, I = ln 100; NaN if the range
    ends before."""
    H_p: Scalar
    """H at T_p (unit of the potential)."""
    R_star: Scalar
    """Mean separation of the bubbles, n_b^{−1/3}, with n_b = a_p⁻³ ∫ Γ a³ e^{−I} dt of all of
    them in the volume that they have at T_p."""
    R_star_H: Scalar
    """H R_* at T_p."""
    beta_star_over_H: Scalar
    """(8π)^{1/3} v_w/(H R_*): β/H of the rate e^{βt} that leaves bubbles as far apart."""
    v_w: Scalar
    """The wall speed: as given, or that of the wall at T_p."""
    history: TransitionHistory
    """I and A/V at any temperature or time."""

    def __str__(self) -> str:
        unit = "(unit of the potential)"
        return summary(
            "thermal transition",
            self.status,
            {
                "T_n": (self.T_n, unit),
                "T_p": (self.T_p, unit),
                "T_f": (self.T_f, unit),
                "beta/H": (self.beta_over_H, ""),
                "H R_*": (self.R_star_H, ""),
                "rho_V/rho_r at T_p": (self.vacuum_over_radiation, ""),
                "S3/T at T_p": (self.exponent_p, ""),
                "error": (self.error, "(relative, of S3/T)"),
            },
        )

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return as_html(str(self))


class Plasma(NamedTuple):
    """What the transition depends on besides potential and temperature."""

    v_w: Scalar
    I_p: Scalar
    degrees: DegreesOfFreedom
    prefactor: Scalar


def sample_temperatures(low: Scalar, high: Scalar) -> Float[Array, " nodes"]:
    """Temperatures of a window at which `transition_of_samples` wants S₃/T and ρ_V."""
    return (low + high) / 2 + (high - low) / 2 * chebyshev_points()


def transition_of_samples(
    exponents: Float[Array, " nodes"],
    vacuum_energies: Float[Array, " nodes"] | None,
    window: Window,
    plasma: Plasma,
    weighed: bool,
) -> Transition:
    """The transition of S₃/T at `sample_temperatures` of a window that `find_window` found.

    What `find_transition` does with them; nothing in it depends on the potential. Its numbers
    are not withheld.

    Args:
        exponents: S₃/T between `window.low` and `window.high`.
        vacuum_energies: ρ_V between `window.end` and `window.high`, if it is known.
        window: temperatures.
        plasma: the rest.
        weighed: whether ρ_V is part of H.
    """
    v_w, I_p, degrees, prefactor = plasma
    end, low, high = window
    series, error = chebyshev_series(exponents)
    vacuum = None
    if vacuum_energies is not None:
        vacuum, of_vacuum = chebyshev_series(vacuum_energies)
        error = jnp.maximum(error, of_vacuum) if weighed else error
    background = Background(window, series, vacuum, degrees, prefactor, weighed)
    joints = background.joints()
    cooling = jnp.linspace(high, low, _PANELS + 1)
    later = low * jnp.exp(jnp.linspace(0.0, jnp.log(end / low), _LATER + 1)[1:])
    # panels may be empty, but a rounding must not turn them round
    panels = running_max(background.efolds(jnp.append(cooling, later)))
    chain = nucleation_history(
        log_rate,
        panels,
        v_w,
        args=background,
        scale_factor=Stretch(),
        nodes=_NODES,
        breakpoints=joints if joints.size else None,
    )
    born, count = _born(chain, background)
    looked = jax.lax.stop_gradient(background.efolds(jnp.linspace(high, low, _LOOKS)))
    above = jax.lax.stop_gradient(background.at(looked).log_rate) > 0
    levels = jnp.append(I_p, I_FINAL), jnp.asarray(_BUBBLES)

    def excess(x: Real) -> Real:
        return jnp.concatenate(
            [
                jnp.log(chain.extended_volume(x[:2]) / levels[0]),
                jnp.log(piecewise(chain.edges, born, x[2:4]) / levels[1]),
                background.at(x[4:]).log_rate,
            ]
        )

    edges = chain.edges
    volumes, borns = chain.extended_volume(edges), piecewise(edges, born, edges)
    reached = jnp.concatenate(
        [volumes[-1] > levels[0], borns[-1] > levels[1], (above.any() & ~above[0])[None]]
    )
    ends = [_crossing(edges, volumes, level) for level in levels[0]]
    ends += [_crossing(edges, borns, level) for level in levels[1]]
    # the first time on cooling: Γ may fall below H⁴ again
    ends.append(_crossing(looked, above.astype(edges.dtype), 0.5))
    left, right = (jax.lax.stop_gradient(jnp.stack(side)) for side in zip(*ends, strict=True))
    roots = bracketed_root(excess, left, right)

    T_p, T_f, T_integral, T_bubble, T_n = background.temperature(roots)
    here = background.at(roots[0])
    beta_over_H = background.beta_over_hubble(roots[0])
    separation = here.stretch * count ** (-1 / 3)
    # what is out of reach has no number, though the rest may have
    given = (exponents, v_w, I_p, prefactor)
    T_f, T_integral, T_bubble = (
        withheld((T,), exists, others=given)[0]
        for T, exists in zip((T_f, T_integral, T_bubble), reached[1:4], strict=True)
    )

    resolved = (error < _TOLERANCE) & (chain.status == Status.SUCCESS.value)
    status = jnp.where(resolved, Status.SUCCESS.value, Status.QUADRATURE_NOT_CONVERGED.value)
    after = jnp.concatenate([looked, edges, roots[:1]])
    completes = _completes(chain, background, after, roots[0], v_w)
    status = jnp.where(completes | ~resolved, status, Status.NEVER_COMPLETES.value)
    covered = degrees.covers(jnp.stack(window)).all()
    status = jnp.where(covered, status, Status.BEYOND_G_STAR_TABLE.value)
    whole = chain.before_start < _BEFORE
    status = jnp.where(whole, status, Status.TRANSITION_BEGINS_ABOVE.value)
    status = jnp.where(reached[0] & reached[4], status, Status.NO_TRANSITION.value)
    if vacuum_energies is not None:
        status = jnp.where(_is_deeper(background), status, Status.TRUE_VACUUM_NOT_DEEPER.value)
    return Transition(
        T_n=T_n,
        T_p=T_p,
        beta_over_H=beta_over_H,
        exponent_n=background.exponent_at(T_n),
        exponent_p=here.exponent,
        error=jax.lax.stop_gradient(error),
        status=status,
        vacuum_over_radiation=background.vacuum_at(T_p) / background.radiation_at(T_p),
        vacuum_over_radiation_n=background.vacuum_at(T_n) / background.radiation_at(T_n),
        T_n_integral=T_integral,
        T_n_bubble=T_bubble,
        T_f=T_f,
        H_p=here.hubble,
        R_star=separation / here.hubble,
        R_star_H=separation,
        beta_star_over_H=v_w / (separation * bubble_density(1.0, 1.0) ** (1 / 3)),
        v_w=v_w,
        history=TransitionHistory(background, chain, roots[0], beta_over_H, v_w),
    )


def _is_deeper(background: Background) -> Array:
    """Whether ρ_V > 0 in the colder half of the window; above T_c it is not."""
    T = jnp.linspace(background.window.low, background.middle, _PANELS)
    # what is no number has an infinite error, and another status
    return ~(background.vacuum_at(T) < 0).any()


def _born(
    chain: NucleationHistory, background: Background
) -> tuple[Float[Array, "panels degrees"], Scalar]:
    """∫ (Γ/H⁴) d ln a by panels; and ∫ Γ a³ e^{−I} dt, comoving in units of aH at T_m."""
    panels = Panels(chain.edges, _NODES)
    x, _, _ = legendre_rule(_NODES)
    at = background.at(panels.times(x))
    # that of the chain, which ends when nothing nucleates any more
    rate = jnp.exp(log_rate(panels.times(x), background)) / at.pace**3
    volume = volume_of(chain.moments @ legendre_values(_NODES), chain.initial_radius)
    births = panels.integrate(rate * at.stretch**3 * jnp.exp(-volume))[0]
    return panels.integrate(rate)[0], births[-1].sum()


def _crossing(points: Real, values: Real, level: Scalar | float) -> tuple[Scalar, Scalar]:
    """Two neighbours of rising points, between which values first exceed a level.

    The last two where they do not, and the status withholds the number.
    """
    above = values > level
    last = jnp.where(above.any(), jnp.argmax(above), above.size - 1)
    last = jnp.maximum(last, 1)
    return points[last - 1], points[last]


def _completes(
    chain: NucleationHistory, background: Background, x: Real, at_least: Scalar, v_w: Scalar
) -> Array:
    """Whether d(a³ e^{−I})/dt < 0 from percolation on, at some of the λ given.

    I rises by more than 3 per e-fold of a: the volume in the false vacuum shrinks.
    """
    chain, background, x, at_least, v_w = jax.lax.stop_gradient(
        (chain, background, x, at_least, v_w)
    )
    moments = piecewise(chain.edges, chain.moments, x)
    growth = v_w * area_of(moments, chain.initial_radius) / background.at(x).stretch
    return ((growth > 3) & (x >= at_least)).any()

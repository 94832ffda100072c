"""Wall area per volume during percolation, with an exponential nucleation rate or by a history.

With Γ ∝ e^{βt} and a constant wall speed the extended volume is I = I_p e^y and the
false-vacuum fraction h = e^{−I}. Area densities, by name:

* `"kjma"`, exact: A/V = −ḣ/v = (β/v) I e^{−I}; it integrates to ∫ v (A/V) dt = 1.
* `"eq6"`, the published formula: A/V = (β/v) (u/2) F(u), u = I. It leaves out coverage
  by bubbles older than the wall's own, grows as e^{y/4} and never switches off; its
  yields therefore hang on the activity window.
* `"history"`, exact for any Γ(t): that of an `AreaHistory`.
"""

from typing import Literal

import jax.numpy as jnp

from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.types import Real, RealLike, as_real
from jaxbounce.percolation.area_history import AreaHistory
from jaxbounce.percolation.later_bubbles import later_bubble_area

AreaKernel = Literal["eq6", "kjma", "history"]

Window = Literal["gaussian", "none"]

EULER_GAMMA = 0.5772156649015329


def extended_volume(y: RealLike, I_p: RealLike) -> Real:
    """I(y) = I_p e^y: volume of all bubbles, overlaps counted, per volume.

    Infinite where it overflows, ln I > 709 (88 in float32).
    """
    return jnp.exp(as_real(y) + jnp.log(as_real(I_p)))


def false_vacuum_fraction(y: RealLike, I_p: RealLike) -> Real:
    """h(y) = e^{−I}: the fraction of space that no bubble has reached (KJMA)."""
    return jnp.exp(-extended_volume(y, I_p))


def scaled_area_density(
    y: RealLike,
    I_p: RealLike,
    kernel: AreaKernel,
    history: AreaHistory | None = None,
    exponent: RealLike = 0.0,
) -> Real:
    """(A/V) v_w/β, dimensionless, at percolation time y.

    Args:
        y: β(t − t_p), any shape.
        I_p: extended volume at percolation, > 0.
        kernel: "eq6" (published), "kjma" (exact) or "history".
        history: what kernel "history" is of; I_p is in it.
        exponent: of a factor e^{exponent} that is wanted with it, at no more cost.
    """
    if kernel == "history":
        if history is None:
            raise ConfigurationError('kernel = "history": needs the history; pass an AreaHistory')
        return history.scaled(y) * jnp.exp(as_real(exponent))
    log_volume = as_real(y) + jnp.log(as_real(I_p))
    if kernel == "kjma":
        # e^{7 − e^7} is 0 in any precision; the slope of what overflows beyond it would be 0·∞
        log_volume = jnp.minimum(log_volume, 7.0)
        return jnp.exp(log_volume - jnp.exp(log_volume) + as_real(exponent))
    return later_bubble_area(log_volume, exponent)


def area_density(
    y: RealLike,
    I_p: RealLike,
    beta: RealLike,
    v_w: RealLike,
    kernel: AreaKernel,
    history: AreaHistory | None = None,
) -> Real:
    """A/V at percolation time y, in the units of β (GeV): wall area per physical volume."""
    return as_real(beta) / as_real(v_w) * scaled_area_density(y, I_p, kernel, history)


def activity_window(y: RealLike, sigma_y: RealLike, window: Window) -> Real:
    """The published Gaussian source window e^{−y²/2σ_y²}, or 1.

    None is needed with the exact area density, whose e^{−I} is the finite duration; for
    "eq6" it is what makes the yield finite.
    """
    return jnp.exp(window_exponent(y, sigma_y, window))


def window_exponent(y: RealLike, sigma_y: RealLike, window: Window) -> Real:
    """ln of `activity_window`."""
    y = as_real(y)
    if window == "none":
        return jnp.zeros_like(y)
    return -((y / as_real(sigma_y)) ** 2) / 2


def mean_conversion_time(I_p: RealLike) -> Real:
    """⟨y⟩ = −γ_E − ln I_p, the mean over the exact area density; its variance is π²/6."""
    return -EULER_GAMMA - jnp.log(as_real(I_p))


def bubble_density(beta: RealLike, v_w: RealLike) -> Real:
    """Number of bubbles per volume after completion, n_b = β³/(8π v_w³)."""
    return as_real(beta) ** 3 / (8 * jnp.pi * as_real(v_w) ** 3)


def mean_bubble_separation(beta: RealLike, v_w: RealLike) -> Real:
    """R_* = n_b^{−1/3} = (8π)^{1/3} v_w/β."""
    return (8 * jnp.pi) ** (1 / 3) * as_real(v_w) / as_real(beta)

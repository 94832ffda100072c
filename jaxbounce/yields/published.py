"""The yield integral on the published script's fixed grids.

8000 equal steps in y, and for the wall area of eq. (6) 1200 in z: what the published numbers are,
and not what the integral is.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from jaxbounce._core.types import Real, RealLike, Scalar, as_real
from jaxbounce.cosmology.clock import Clock
from jaxbounce.cosmology.gas import flux_integral
from jaxbounce.cosmology.gas_integrals import Equilibrium, Statistics
from jaxbounce.cosmology.radiation import temperature_ratio
from jaxbounce.percolation.area import (
    AreaKernel,
    Window,
    activity_window,
    extended_volume,
    scaled_area_density,
)
from jaxbounce.percolation.area_history import AreaHistory
from jaxbounce.percolation.later_bubbles import incomplete_gamma_4

PUBLISHED_Y_NODES = 8000

PUBLISHED_Z_NODES = 1200

PUBLISHED_Z_MAX = 30.0

_PUBLISHED_BLOCK = 100  # y nodes evaluated together, so that a batch fits in memory


def published_area_density(y: Real, I_p: RealLike) -> Real:
    """(A/V) v_w/β by eq. (6) on the published grid: trapezoid, 1200 z in [0, 30].

    Its step, 0.025, cannot resolve the integrand at late times, where it is
    (24/u)^{1/4} wide: 0.02 at y = 20.
    """
    volume = extended_volume(y, I_p)
    return volume / 2 * _published_integral(volume, 0)


@functools.cache
def _published_grid() -> tuple[np.ndarray, np.ndarray]:
    """Weights z² e^{−z} dz of the trapezoid, and P(4, z) on its nodes."""
    z, step = np.linspace(0.0, PUBLISHED_Z_MAX, PUBLISHED_Z_NODES, retstep=True)
    weight = np.full_like(z, step)
    weight[[0, -1]] /= 2
    return weight * z**2 * np.exp(-z), incomplete_gamma_4(z, np)


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def _published_integral(u: Real, order: int) -> Real:
    """The grid's F⁽ⁿ⁾(u); a custom rule keeps reverse mode from storing the 1200-fold tableau."""
    weight, fraction = _published_grid()
    return jnp.exp(-u[..., None] * fraction) @ (weight * (-fraction) ** order)


@_published_integral.defjvp
def _published_integral_jvp(
    order: int, primals: tuple[Real], tangents: tuple[Real]
) -> tuple[Real, Real]:
    (u,), (u_dot,) = primals, tangents
    return _published_integral(u, order), _published_integral(u, order + 1) * u_dot


def published_integral(
    *,
    I_p: RealLike,
    sigma_y: RealLike,
    m_over_Tp: RealLike,
    beta_over_H: RealLike,
    v_w: RealLike | None,
    lower: Real,
    upper: Real,
    window: Window,
    statistics: Statistics,
    equilibrium: Equilibrium,
    kernel: AreaKernel,
    clock: Clock | None = None,
    history: AreaHistory | None = None,
) -> Scalar:
    """∫ j (A/V)(v_w/β) W dy as the published script does it: trapezoid on 8000 equal steps in y.

    With `kernel="eq6"` the area density is the one on the published z grid too. With a clock, T is
    that of g_*(T), and the integrand is times g_s(T_p)/g_s(T).
    """
    share = np.linspace(0.0, 1.0, PUBLISHED_Y_NODES)
    weight = np.full(PUBLISHED_Y_NODES, 1 / (PUBLISHED_Y_NODES - 1))
    weight[[0, -1]] /= 2

    def block(nodes: tuple[Real, Real]) -> Scalar:
        y = lower + (upper - lower) * nodes[0]
        area = (
            published_area_density(y, I_p)
            if kernel == "eq6"
            else scaled_area_density(y, I_p, kernel, history)
        )
        ratio = temperature_ratio(y, beta_over_H) if clock is None else clock.temperature_ratio(y)
        flux = flux_integral(as_real(m_over_Tp) * ratio, v_w, statistics, equilibrium)
        if clock is not None:
            flux = flux / clock.expansion.pace(jnp.log(ratio)).entropy
        return (nodes[1] * area * flux * activity_window(y, sigma_y, window)).sum()

    shape = (-1, _PUBLISHED_BLOCK)
    dtype = jnp.result_type(lower)
    blocks = (jnp.asarray(share.reshape(shape), dtype), jnp.asarray(weight.reshape(shape), dtype))
    return (upper - lower) * jax.lax.map(block, blocks).sum()

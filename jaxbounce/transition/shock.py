"""The plasma between a wall that is slower than its shock and the shock.

It is self-similar in ξ = r/t, with a constant speed of sound. Its speed v, in the frame of the
plasma far away, falls with ξ until ξ μ(ξ, v) = c_s², where μ = (ξ − v)/(1 − ξv) is its speed
relative to ξ: there is the shock, before which nothing has moved yet.
Source: J. R. Espinosa, T. Konstandin, J. M. No, G. Servant, JCAP 06 (2010) 028 [1004.4187],
section 2.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from jaxbounce._core.arrays import Array, Real, Scalar

_POWER = 6  # of the grid towards the shock: a weak one is approached like z ln z

_ROWS = np.arange(64, 257, 64)  # steps of the midpoint rule, extrapolated to none


def log_enthalpy_to_shock(v_w: Scalar, v_plus: Scalar, s2: Scalar) -> tuple[Scalar, Scalar]:
    """ln(w/w_+) from the wall to behind its shock less ln(w/w_N) across it; error of that.

    The variable z = c_s²/(ξμ) − 1 falls from the wall to zero at the shock, and v falls with it
    in proportion, as in sound, but for a layer at a weak shock that is exponentially thin. So
    z = z_+ σ⁶ and v = u⁶ make of it a smooth function u(σ) on a known range.

    Args:
        v_w: speed of the wall.
        v_plus: speed of the plasma that hits it, in its frame; v_w v_+ is not above c_s².
        s2: c_s².
    """
    v_0 = (v_w - v_plus) / (1 - v_w * v_plus)
    z_0 = s2 / (v_w * v_plus) - 1

    def slopes(sigma: Real, u: Real) -> tuple[Real, Real]:
        z, v = z_0 * sigma**_POWER, u**_POWER
        m = s2 / (1 + z)  # ξμ
        xi = (v * (1 - m) + jnp.sqrt((v * (1 - m)) ** 2 + 4 * m)) / 2
        mu, lorentz = m / xi, 1 - xi * v
        bend = v * (1 - xi**2) / lorentz  # ξ − μ
        rarefied = xi * lorentz * (z / (1 + z) + bend * mu / s2) / (2 * (1 - v**2))
        # dz/d ln v
        rate = s2 / m**2 * (rarefied * (mu + xi * (1 - v**2) / lorentz**2) + xi * bend / lorentz)
        du = u * z_0 * sigma ** (_POWER - 1) / (rate + jnp.finfo(rate.dtype).tiny)
        return du, (1 + 1 / s2) * mu / (1 - v**2) * _POWER * u ** (_POWER - 1) * du

    u, w, error = _integrated(slopes, v_0 ** (1 / _POWER))
    v = u**_POWER
    bend = v * (1 - s2)
    xi = (bend + jnp.sqrt(bend**2 + 4 * s2)) / 2
    # w/w_N = (ξ² − c_s⁴)/(c_s²(1 − ξ²)), less one without a difference
    across = jnp.log1p(xi * v * (1 - s2**2) / (s2 * (1 - xi**2)))
    return w - across, error


def _integrated(
    slopes: Callable[[Real, Real], tuple[Real, Real]], u: Scalar
) -> tuple[Scalar, Scalar, Scalar]:
    """u and w, which is zero at σ = 1, at σ = 0, and the error of w.

    By Gragg's midpoint rule with several numbers of steps, extrapolated in the squared step to
    none; the error is what the extrapolation without the fewest steps says less.
    """
    step = jnp.asarray(1 / _ROWS)

    def move(i: Array, pairs: tuple[list[Real], list[Real]]) -> tuple[list[Real], list[Real]]:
        last, here = pairs
        speeds = slopes(jnp.maximum(1 - i * step, 0.0), here[0])
        inside, over = (i > 0) & (i < _ROWS), i > _ROWS
        # a whole step to begin with, from each point to the next but one, and half a step at last
        after = [
            jnp.where(inside, x, jnp.where(i == 0, y, (x + y) / 2))
            - jnp.where(inside, 2.0, jnp.where(i == 0, 1.0, 0.5)) * step * s
            for x, y, s in zip(last, here, speeds, strict=True)
        ]
        return (
            [jnp.where(over, x, y) for x, y in zip(last, here, strict=True)],
            [jnp.where(over, y, z) for y, z in zip(here, after, strict=True)],
        )

    start = [jnp.full(_ROWS.shape, u), jnp.zeros(_ROWS.shape, u.dtype)]
    _, found = jax.lax.fori_loop(0, int(_ROWS[-1]) + 1, move, (start, start))
    final, w = (_to_no_steps(_ROWS) @ x for x in found)
    return final, w, jnp.abs(w - _to_no_steps(_ROWS[1:]) @ found[1][1:])


def _to_no_steps(rows: np.ndarray) -> np.ndarray:
    """Weights of results with so many steps, whose errors are even in the step."""
    squares = rows.astype(float) ** 2
    others = squares[:, None] - squares + np.diag(squares)
    return np.prod(squares[:, None] / others, axis=1)

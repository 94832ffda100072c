"""Derivatives of the final yields: reverse and forward mode against central differences."""

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from boltzmann_points import choices
from jaxbounce import Parameters
from jaxbounce.yields import solve_boltzmann

POINT = {
    "m_chi": 500.0,
    "g_chi": 2.0,
    "T_p": 100.0,
    "beta_over_H": 100.0,
    "v_w": 0.3,
    "I_p": 0.34,
    "g_star": 106.75,
    "g_star_s": 100.0,
    "P": 0.15,
    "sigma_y": 3.0,
    "sigma_v": 1e-16,
    "sigma_v_slope": 1e-16,
    "washout_over_H": 0.1,
    "washout_power": -0.5,
    "Y_chi": 1e-3,
}
CHOICES = choices(coupling="self-consistent", kernel="kjma")

POINTS = {
    "ordinary": {},
    "no χ": {"Y_chi": 1e-20, "sigma_v": 1e-24, "sigma_v_slope": 1e-24},
    "no annihilation": {"sigma_v": 1e-40, "sigma_v_slope": 0.0},
    "no washout": {"washout_over_H": 0.0},
    "coupled": {"sigma_v": 1e-9, "m_chi": 2000.0},
}


def _log_yields(values, tolerance, adjoint=None):
    values = dict(values)
    Y_chi = values.pop("Y_chi")
    result = solve_boltzmann(
        Parameters(**values), CHOICES, Y_chi, tolerance=tolerance, adjoint=adjoint
    )
    return jnp.log(jnp.stack([result.Y_chi, result.Y_B]))


_value = jax.jit(lambda v, tolerance: _log_yields(v, tolerance))
# in reverse mode rounding grows with the number of stiff steps: 2e-6 in ∂ ln Y/∂ ln T_p at
# tolerance 1e-10 where 2λY_eq = 1e10, 3e-8 at 1e-9
_reverse = jax.jit(jax.jacrev(lambda v: _log_yields(v, 1e-9)))
_forward = jax.jit(jax.jacfwd(lambda v: _log_yields(v, 1e-10, diffrax.ForwardMode())))


def _central(values, name):
    """∂ ln Y/∂θ, fourth order, at a tighter tolerance; one-sided values are never needed."""
    step = 2e-3 * values[name] if values[name] else 1e-3

    def at(k):
        return np.asarray(_value(values | {name: values[name] + k * step}, 1e-12))

    return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * step)


def _agree(name, mode):
    values = {k: float(v) for k, v in (POINT | POINTS[name]).items()}
    gradient = mode(values)
    for parameter, value in values.items():
        found = np.asarray(gradient[parameter])
        assert np.all(np.isfinite(found)), parameter
        if value == 0 and parameter != "washout_over_H":
            continue
        if parameter == "washout_over_H" and value == 0:
            # ∂ ln Y_B/∂w₀ from above: negative rates are refused
            step = 1e-4
            base, once, twice = (
                np.asarray(_value(values | {parameter: k * step}, 1e-12)) for k in range(3)
            )
            expected, scale, rtol = (4 * once - 3 * base - twice) / (2 * step), 1.0, 1e-6
        else:
            expected, scale, rtol = _central(values, parameter), value, 1e-6
        np.testing.assert_allclose(
            scale * found, scale * expected, rtol=rtol, atol=1e-6, err_msg=f"{name}: {parameter}"
        )


@pytest.mark.slow
def test_one_direction():
    """All parameters at once, in forward mode; the slow tests take them one by one."""
    values = {k: float(v) for k, v in POINT.items()}
    direction = {k: v * (-1) ** i for i, (k, v) in enumerate(values.items())}

    @jax.jit
    def slope(values, direction):
        def run(v):
            return _log_yields(v, 1e-10, diffrax.ForwardMode())

        return jax.jvp(run, (values,), (direction,))[1]

    def at(k):
        return np.asarray(
            _value({n: v + 1e-3 * k * direction[n] for n, v in values.items()}, 1e-12)
        )

    expected = (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * 1e-3)
    np.testing.assert_allclose(slope(values, direction), expected, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", POINTS)
def test_reverse_mode(name):
    _agree(name, _reverse)


@pytest.mark.slow
@pytest.mark.parametrize("name", POINTS)
def test_forward_mode(name):
    _agree(name, _forward)


@pytest.mark.slow
def test_at_the_edge():
    """σv = 0, Γ_w = 0 and P = 0 themselves: finite, and the slope from above."""
    values = POINT | {"sigma_v": 0.0, "sigma_v_slope": 0.0, "washout_over_H": 0.0, "P": 1e-30}
    values = {k: float(v) for k, v in values.items()}
    for gradient in (_reverse(values), _forward(values)):
        for parameter, leaf in gradient.items():
            assert np.all(np.isfinite(leaf)), parameter
        step = 1e-24
        once = np.asarray(_value(values | {"sigma_v": step}, 1e-12))
        slope = (once - np.asarray(_value(values, 1e-12)))[0]
        np.testing.assert_allclose(gradient["sigma_v"][0] * step, slope, rtol=1e-4)

"""Random points over the legal ranges, with washout, against `yield_reference`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import yield_reference

from jaxbounce import Choices, Parameters, Status, predict
from jaxbounce.model.model import Model


@pytest.mark.slow
def test_washed_yields_of_random_points():
    """No success off by more than its estimate, piecewise equilibrium, χ depleted."""
    rng, count = np.random.default_rng(3), 30

    def between(low, high):
        return np.exp(rng.uniform(np.log(low), np.log(high), count))

    T_p = between(1e-3, 1e6)
    drawn = {"T_p": T_p, "m_chi": T_p * between(1e-6, 30), "beta_over_H": between(1e-2, 1e8)}
    drawn |= {"v_w": between(1e-4, 0.99), "I_p": between(1e-12, 1e3), "P": between(1e-12, 1)}
    drawn |= {"sigma_y": between(1e-1, 10), "T_max_over_Tp": 1 + between(1e-3, 1e3)}
    drawn |= {"washout_over_H": between(1e-6, 10), "washout_power": rng.uniform(-4, 4, count)}
    fixed = {"g_chi": 2.0, "g_star_s": 106.75, "f_chi": 1e-9, "T_min_over_Tp": 1e-3}
    fixed |= {"y_min": -80.0, "y_max": 50.0, "Y_chi_init": 1e-3}
    choices = Choices(equations="boltzmann", depletion="on", equilibrium="piecewise")
    points = drawn | {name: np.full(count, value) for name, value in fixed.items()}
    run = jax.jit(jax.vmap(lambda values: predict(Model(Parameters(**values), choices))))
    found = run({name: jnp.asarray(values) for name, values in points.items()})
    good = np.flatnonzero(found.status == Status.SUCCESS)
    assert good.size > count // 2
    for i in good:
        p = {name: float(values[i]) for name, values in points.items()}
        _, Y_B = yield_reference.washed_yields(p, choices.as_dict(), p["Y_chi_init"])
        assert abs(found.Y_B[i] / Y_B - 1) <= found.error_estimate[i] + 1e-11

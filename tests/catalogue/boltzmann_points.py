"""Points and the compiled solver that the tests of the Boltzmann equations share."""

import functools

import equinox as eqx
import jax

from jaxbounce import Choices, Parameters
from jaxbounce.yields import solve_boltzmann

BENCHMARK = {
    "m_chi": 0.95,
    "g_chi": 2.0,
    "T_p": 100.0,
    "beta_over_H": 100.0,
    "v_w": 0.3,
    "I_p": 0.34,
    "g_star": 106.75,
    "g_star_s": 106.75,
    "P": 0.14925839040304145,
    "f_chi": 1.07e-9,
    "sigma_y": 9.0,
    "sigma_v": 0.0,
    "sigma_v_slope": 0.0,
    "washout_over_H": 0.0,
    "washout_power": 0.0,
}
SELF = {
    "coupling": "self-consistent",
    "kernel": "kjma",
    "window": "gaussian",
    "chi_stats": "classical",
}
UNDEPLETED = {"coupling": "external", "deplete": False}
NO_WINDOW = 1e9  # a Gaussian so wide that it is 1
PUBLISHED = {"coupling": "external", "kernel": "eq6", "equilibrium": "piecewise"}


def choices(*, kernel="eq6", deplete=True, **names):
    """`Choices` for the Boltzmann equations, the published kernel by one name."""
    return Choices(
        equations="boltzmann",
        area_kernel="kjma" if kernel == "kjma" else "eq6",
        quadrature="published" if kernel == "published" else "gauss-legendre",
        depletion="on" if deplete else "off",
        **names,
    )


@functools.cache
def _compiled(thermal, names, options):
    @eqx.debug.assert_max_traces(max_traces=1)
    def solve(values, Y_chi, T_max, T_min, tolerance):
        return solve_boltzmann(
            Parameters(**values, T_max_over_Tp=T_max, T_min_over_Tp=T_min),
            choices(**dict(names)),
            None if thermal else Y_chi,
            tolerance=tolerance,
            **dict(options),
        )

    return jax.jit(solve)


def solve_point(
    changes=None, Y_chi=4.9e-10, *, ends=(5.0, 1e-3), tolerance=1e-10, options=(), **names
):
    """One point, compiled once for each set of choices whatever the values."""
    run = _compiled(Y_chi is None, tuple(sorted(names.items())), tuple(options))
    values = {k: float(v) for k, v in {**BENCHMARK, **(changes or {})}.items()}
    return run(values, 0.0 if Y_chi is None else float(Y_chi), *map(float, ends), tolerance)

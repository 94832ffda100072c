"""What the densities depend on: elasticities ∂ln ρ/∂ln θ of every parameter, exactly.

Derivatives are those of `predict`, by reverse-mode differentiation: all parameters at the cost of
a few evaluations. Where one vanishes by an identity, `why_zero` says which.
"""

import math
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.core import Tracer
from jaxtyping import Array, Float

from jaxbounce._core.checks import suggestion
from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.status import Status
from jaxbounce._core.summary import as_html
from jaxbounce.model.densities import predict
from jaxbounce.model.model import Model
from jaxbounce.model.prediction import Prediction

OUTPUTS = ("rho_B", "rho_DM", "ratio")
"""The densities whose elasticities are given, by their names in `Prediction`."""

NEGLIGIBLE = 1e-3
"""|elasticity| below which a reason is looked for."""


class Sensitivities(eqx.Module):
    """Elasticities of a model.

    Attributes:
        names: the parameters, in order.
        values: their values.
        elasticities: ∂ln output/∂ln θ, rows as `OUTPUTS`, columns as `names`; θ/ρ ∂ρ/∂θ, which
            is 0 at θ = 0. NaN where the output is 0 or there is none.
        curvatures: ∂² ln output/∂ln θ_i ∂ln θ_j, or None if they were not asked for.
        prediction: the densities themselves, with the status.
    """

    names: tuple[str, ...] = eqx.field(static=True)
    values: Float[Array, " names"]
    elasticities: Float[Array, "outputs names"]
    curvatures: Float[Array, "outputs names names"] | None
    prediction: Prediction

    def __str__(self) -> str:
        if isinstance(self.elasticities, Tracer) or jnp.ndim(self.elasticities) != 2:
            return f"sensitivities of {', '.join(OUTPUTS)} to {', '.join(self.names)}"
        width = max(map(len, [*self.names, "parameter"]))
        heads = "".join(f"{output:>13}" for output in OUTPUTS)
        lines = ["d ln(output)/d ln(parameter)", f"  {'parameter':{width}}{heads}"]
        for row in as_rows(self):
            values = (row[output] for output in OUTPUTS)
            cells = "".join(f"{'none' if v is None else f'{v + 0.0:.6g}':>13}" for v in values)
            lines.append(f"  {row['parameter']:{width}}{cells}")
        lines.append(f"  status: {Status(int(self.prediction.status)).message}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return as_html(str(self))


def check_parameters(model: Model, names: Sequence[str] | None) -> tuple[str, ...]:
    """The names if the model has them; all of them for None."""
    known = model.names()
    if names is None:
        return known
    names = model.called(names)
    for name in names:
        if name not in known:
            raise ConfigurationError(f"{name}: no such parameter{suggestion(name, known)}")
        if list(names).count(name) > 1:
            raise ConfigurationError(f"{name}: given twice; keep one of them")
    return names


def sensitivities(
    model: Model, names: Sequence[str] | None = None, second: bool = False
) -> Sensitivities:
    """Elasticities of ρ_B, ρ_DM and their ratio.

    Args:
        model: the model.
        names: parameters; all that the model has if None.
        second: whether to give second derivatives too.

    Raises:
        ConfigurationError: for a name that the model does not have.

    Without depletion ρ_B is proportional to P, ρ_DM is an input, and their ratio follows:

    >>> import jaxbounce as jb
    >>> jb.enable_x64()
    >>> found = jb.sensitivities(jb.load(preset="benchmark"), ["P"])
    >>> print(found.elasticities.round(12))
    [[ 1.]
     [ 0.]
     [-1.]]
    """
    return _sensitivities(model, check_parameters(model, names), second)


@eqx.filter_jit
def _sensitivities(model: Model, names: tuple[str, ...], second: bool) -> Sensitivities:
    values = jnp.stack([model.value(name) for name in names])

    def log_outputs(exponents: Array) -> tuple[Array, tuple[Prediction, Array]]:
        # θ e^x: derivatives in x at 0 are elasticities, and 0 where θ is
        scaled = values * jnp.exp(exponents)
        found = predict(model.replace(**{n: scaled[i] for i, n in enumerate(names)}))
        outputs = jnp.stack([getattr(found, name) for name in OUTPUTS])
        positive = (outputs > 0) & jnp.isfinite(outputs)
        logarithms = jnp.log(jnp.where(positive, outputs, 1.0))
        return jnp.where(positive, logarithms, jnp.nan), (found, positive)

    at = jnp.zeros_like(values)
    first = jax.jacrev(log_outputs, has_aux=True)
    elasticities, (prediction, positive) = first(at)
    # a logarithm that was masked has no derivative, which is not a derivative of 0
    elasticities = jnp.where(positive[:, None], elasticities, jnp.nan)
    curvatures = None
    if second:
        curvatures = jax.jacfwd(lambda x: first(x)[0])(at)
        curvatures = jnp.where(positive[:, None, None], curvatures, jnp.nan)
    return Sensitivities(names, values, elasticities, curvatures, prediction)


_HOT = 0.1  # m/T_p up to which χ counts as relativistic

_RELATIVISTIC = (
    "chi is relativistic: J/s does not change with the temperature, and |dT/dy|/(HT) = 1/beta"
    " exactly, so that the Jacobian cancels the rate of the walls"
)

_INPUT = "rho_DM is an input (Y_chi_init) with dark_matter = input"

_IN_TIME = ("beta_over_H", "T_p", "m_chi", "alpha_V")

_OWN_INPUT = ("Y_chi_init", "n_chi_at_Tp")


def why_zero(model: Model, output: str, name: str) -> str | None:
    """Why an elasticity vanishes (or is as small as (m/T)²), in words; None if nothing says so."""
    choices = model.choices
    unused = model.why_unused(name)
    if unused is not None:
        return unused
    if name in _OWN_INPUT and output == "rho_B":
        return "rho_B does not depend on the dark matter given as input"
    if name in _OWN_INPUT and not float(model.value(name)):
        return "it is 0: there is nothing to scale"
    enters = name in ("m_chi", "alpha_eff", *_OWN_INPUT)
    # where g_* changes, so does what a released energy makes of it
    enters = enters or (choices.dilution != "none" and model.degrees is not None)
    if output == "rho_DM" and choices.dark_matter == "input" and not enters:
        return _INPUT
    if output == "ratio" and name == "f_chi" and choices.dark_matter != "input":
        return "both densities are proportional to f_chi, which cancels in the ratio"
    if output == "ratio" and name == "alpha_eff":
        return "both densities are diluted alike, which cancels in the ratio"
    if name in ("y_min", "y_max", "T_max_over_Tp", "T_min_over_Tp"):
        return "the walls are inactive at this end of the integral, or another limit cuts it first"
    if name == "g_star":
        return "the expansion rate cancels: A/V and the time of its passing scale inversely"
    if name == "I_p" and choices.area_kernel == "kjma" and choices.window == "none":
        return "every point is swept once: the integral of v_w A/V is 1 whatever I_p is"
    if model.degrees is not None:
        return None  # J/s changes with T through g_*s, and the zeros of constant g_* are gone
    if model.parameters.T_p is None:
        return None  # a stage computes it
    cold = float(model.value("m_chi")) > _HOT * float(model.value("T_p"))
    return _RELATIVISTIC if name in _IN_TIME and not cold else None


def as_rows(found: Sensitivities, model: Model | None = None) -> list[dict[str, Any]]:
    """One row a parameter, largest |∂ln ρ_B/∂ln θ| first, with reasons for zeros.

    Args:
        found: the elasticities.
        model: the model they are of; without it no reasons are given.

    Returns:
        Rows with `parameter`, `value`, the elasticity of each of `OUTPUTS` (None where there is
        none) and `why_zero`, reasons by output.
    """
    rows = []
    for column, name in enumerate(found.names):
        row: dict[str, Any] = {"parameter": name, "value": float(found.values[column])}
        reasons = {}
        for line, output in enumerate(OUTPUTS):
            elasticity = float(found.elasticities[line, column])
            row[output] = elasticity if math.isfinite(elasticity) else None
            if model is not None and abs(elasticity) < NEGLIGIBLE:
                reason = why_zero(model, output, name)
                if reason is not None:
                    reasons[output] = reason
        row["why_zero"] = reasons
        rows.append(row)
    return sorted(rows, key=lambda row: -abs(row["rho_B"] or 0.0))

"""A model, its free parameters and the data: residuals and densities in the coordinates q.

q is ln θ for parameters whose prior is positive (`Prior.positive`), θ for the others.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxbounce._core.types import Scalar
from jaxbounce.inference.data import Likelihood
from jaxbounce.inference.priors import Prior
from jaxbounce.model.densities import predict
from jaxbounce.model.model import Model


def _raw(values: Any, model: Model, data: Likelihood, names: tuple[str, ...]) -> Any:
    return data.predicted(predict(model.replace(**dict(zip(names, values, strict=True)))))


def _with_jacobian(values: Any, model: Model, data: Likelihood, names: tuple[str, ...]) -> Any:
    """The data and their derivatives, which are zero where either is not a number."""

    def twice(values: Any) -> Any:
        result = _raw(values, model, data, names)
        return result, result

    jacobian, result = jax.jacfwd(twice, has_aux=True)(values)
    good = jnp.all(jnp.isfinite(result)) & jnp.all(jnp.isfinite(jacobian))
    return result, jnp.where(good, jacobian, 0.0)


@eqx.filter_custom_jvp
def _observables(values: Any, model: Model, data: Likelihood, names: tuple[str, ...]) -> Any:
    return _raw(values, model, data, names)


@_observables.def_jvp
def _(primals: Any, tangents: Any) -> Any:
    # Behind a point without a number a derivative is often 0·∞. Forward mode over the few free
    # parameters lets such a derivative be replaced by zero, in both modes; it also serves models
    # that only know forward mode.
    if jax.tree.leaves(tangents[1:]):
        raise TypeError("a fit is differentiable in its free parameters only; free the others too")
    result, jacobian = _with_jacobian(*primals)
    return result, jacobian @ tangents[0]


class Problem(eqx.Module):
    """What is fitted or sampled: a pytree, so that new values do not recompile.

    Attributes:
        model: supplies what is not free.
        data: the likelihood.
        priors: of the free parameters, in the order of `names`.
        names: the free parameters.
    """

    model: Model
    data: Likelihood
    priors: tuple[Prior, ...]
    names: tuple[str, ...] = eqx.field(static=True)

    def theta(self, q: Float[Array, " free"]) -> Float[Array, " free"]:
        """Values of the free parameters."""
        return jnp.stack([prior.from_coordinate(q[i]) for i, prior in enumerate(self.priors)])

    def bounds(self) -> tuple[Float[Array, " free"], Float[Array, " free"]]:
        """Lower and upper bounds of q."""
        ends = [prior.coordinate_bounds() for prior in self.priors]
        return jnp.stack([low for low, _ in ends]), jnp.stack([high for _, high in ends])

    def runs_at_once(self) -> bool:
        """Whether a stage that the free parameters enter solves single answers at once."""
        moving = zip(self.model.stages, self.model.moving(self.names), strict=True)
        return any(stage.differentiated_at_once and moves for stage, moves in moving)

    def at(self, q: Float[Array, " free"]) -> Model:
        """The model at q."""
        return self.model.replace(**dict(zip(self.names, self.theta(q), strict=True)))

    def observables(self, q: Float[Array, " free"]) -> Float[Array, " data"]:
        """The data predicted at q; NaN, with zero derivatives, where there is no number."""
        return _observables(self.theta(q), self.model, self.data, self.names)

    def with_jacobian(
        self, q: Float[Array, " free"]
    ) -> tuple[Float[Array, " data"], Float[Array, "data free"]]:
        """The data at q and their derivatives by q; the model is evaluated once."""
        theta = self.theta(q)
        omega, jacobian = _with_jacobian(theta, self.model, self.data, self.names)
        positive = jnp.asarray([prior.positive for prior in self.priors])
        return omega, jacobian * jnp.where(positive, theta, 1.0)

    def residuals(self, q: Float[Array, " free"]) -> Float[Array, " data"]:
        """Whitened residuals at q; NaN where there is no number."""
        return self.data.residuals(self.observables(q))

    def log_likelihood(self, q: Float[Array, " free"]) -> Scalar:
        """ln L at q; −∞ where there is no number."""
        return self.data.log_density(self.observables(q))

    def log_prior(self, q: Float[Array, " free"]) -> Scalar:
        """ln of the prior, per unit of q."""
        return sum(
            (prior.log_density_of_coordinate(q[i]) for i, prior in enumerate(self.priors)),
            start=jnp.zeros(()),
        )

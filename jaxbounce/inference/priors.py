"""Priors of parameters, declared by a table, and coordinates without bounds to search them in.

Every prior has finite bounds, those it is given or those outside of which nothing that matters
is left (`TAIL`), so that one bijection serves all of them: a logistic in ln θ where θ > 0, in θ
where it may change sign. In ln θ the degeneracies of the densities, which are products of powers
to good accuracy, are straight lines.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.scipy.special import ndtr, ndtri

from jaxbounce._core.checks import check_keys, check_name, check_number, one_name, shown, suggestion
from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.ranges import Range
from jaxbounce._core.types import Real, RealLike, Scalar, as_leaf, as_real
from jaxbounce.model.model import Model

Kind = Literal["uniform", "log-uniform", "normal", "log-normal"]

TAIL = 8.0
"""Normal priors end this many σ from their mean (1e-15 of the probability is beyond)."""

NEGLIGIBLE = 1e-9
"""A uniform prior from 0 starts at this part of its upper end, so that ln θ is bounded."""

DEFAULT_DECADES = 3.0
"""Without a prior, parameters without an upper end reach this many decades to both sides."""

_KEYS: dict[str, tuple[str, ...]] = {
    "uniform": ("low", "high"),
    "log-uniform": ("low", "high"),
    "normal": ("mean", "sigma"),
    "log-normal": ("median", "sigma"),
}

_ANY = Range(-math.inf, math.inf, False, False, "a number")


class Prior(eqx.Module):
    """A prior of one parameter, normalised between its bounds; make it with `read_priors`.

    Attributes:
        kind: "uniform" or "normal" in θ, "log-uniform" or "log-normal" in ln θ.
        low, high: bounds of θ.
        centre, width: mean and σ of a normal prior, of ln θ for a log-normal one; else not used.
        positive: whether the search is in ln θ.
    """

    low: Scalar = eqx.field(converter=as_leaf)
    high: Scalar = eqx.field(converter=as_leaf)
    centre: Scalar = eqx.field(converter=as_leaf)
    width: Scalar = eqx.field(converter=as_leaf)
    kind: Kind = eqx.field(static=True)
    positive: bool = eqx.field(static=True)

    @property
    def _logarithmic(self) -> bool:
        return self.kind in ("log-uniform", "log-normal")

    @property
    def _normal(self) -> bool:
        return self.kind in ("normal", "log-normal")

    def table(self) -> dict[str, Any]:
        """The table that declares this prior, bounds included (`read_priors`)."""
        found: dict[str, Any] = {"prior": self.kind}
        if self._normal:
            centre = float(self.centre)
            found["median" if self._logarithmic else "mean"] = (
                math.exp(centre) if self._logarithmic else centre
            )
            found["sigma"] = float(self.width)
        return {**found, "low": float(self.low), "high": float(self.high)}

    def _natural(self, theta: RealLike) -> Real:
        """θ or ln θ, whichever the prior is declared in."""
        return jnp.log(as_real(theta)) if self._logarithmic else as_real(theta)

    def _tails(self) -> tuple[Real, Real]:
        """Distribution function of the untruncated normal at the bounds."""
        low, high = self._natural(self.low), self._natural(self.high)
        return ndtr((low - self.centre) / self.width), ndtr((high - self.centre) / self.width)

    def log_density(self, theta: RealLike) -> Real:
        """ln p(θ), per unit of θ; −∞ outside the bounds."""
        theta = as_real(theta)
        inside = (theta >= self.low) & (theta <= self.high)
        theta = jnp.where(inside, theta, self.high)
        x = self._natural(theta)
        if self._normal:
            lower, upper = self._tails()
            value = -0.5 * ((x - self.centre) / self.width) ** 2
            value = value - jnp.log(self.width * math.sqrt(2 * math.pi) * (upper - lower))
        else:
            value = -jnp.log(self._natural(self.high) - self._natural(self.low))
        if self._logarithmic:
            value = value - jnp.log(theta)
        return jnp.where(inside, value, -jnp.inf)

    def quantile(self, u: RealLike) -> Real:
        """θ below which a part u of the probability lies, u in (0, 1)."""
        u = as_real(u)
        low, high = self._natural(self.low), self._natural(self.high)
        if self._normal:
            lower, upper = self._tails()
            x = self.centre + self.width * ndtri(lower + u * (upper - lower))
        else:
            x = low + u * (high - low)
        x = jnp.clip(x, low, high)
        return jnp.exp(x) if self._logarithmic else x

    def coordinate(self, theta: RealLike) -> Real:
        """q: ln θ where θ > 0, else θ."""
        return jnp.log(as_real(theta)) if self.positive else as_real(theta)

    def from_coordinate(self, q: RealLike) -> Real:
        """θ at q."""
        return jnp.exp(as_real(q)) if self.positive else as_real(q)

    def coordinate_bounds(self) -> tuple[Real, Real]:
        """Bounds of q."""
        return self.coordinate(self.low), self.coordinate(self.high)

    def log_density_of_coordinate(self, q: RealLike) -> Real:
        """ln p(q), per unit of q."""
        value = self.log_density(jnp.clip(self.from_coordinate(q), self.low, self.high))
        return value + as_real(q) if self.positive else value

    def from_unconstrained(self, z: RealLike) -> Real:
        """θ at z, any real number: q = q_low + (q_high − q_low)/(1 + e^{−z})."""
        low, high = self.coordinate_bounds()
        return self.from_coordinate(low + (high - low) * jax.nn.sigmoid(as_real(z)))

    def to_unconstrained(self, theta: RealLike) -> Real:
        """z at θ, infinite at the bounds."""
        low, high = self.coordinate_bounds()
        q = self.coordinate(theta)
        return jnp.log(q - low) - jnp.log(high - q)

    def log_jacobian(self, z: RealLike) -> Real:
        """ln |dθ/dz|."""
        z = as_real(z)
        low, high = self.coordinate_bounds()
        slope = jnp.log(high - low) + jax.nn.log_sigmoid(z) + jax.nn.log_sigmoid(-z)
        return slope + jnp.log(self.from_unconstrained(z)) if self.positive else slope


def _bounded(allowed: Range, low: float, high: float) -> tuple[float, float]:
    """The bounds cut to the range of the parameter; open ends stay open by a rounding."""
    if low <= allowed.lower:
        low = allowed.lower if allowed.includes_lower else math.nextafter(allowed.lower, math.inf)
    if high >= allowed.upper:
        high = allowed.upper if allowed.includes_upper else allowed.upper * (1 - 1e-6)
    return low, high


def _prior(allowed: Range, name: str, table: Mapping[str, Any]) -> Prior:
    where = f"priors.{name}."
    check_keys(table, ("prior", "low", "high", "mean", "median", "sigma"), where)
    if "prior" not in table:
        raise ConfigurationError(f"{where}prior: missing; name one of {', '.join(get_args(Kind))}")
    kind: Any = check_name(f"{where}prior", table["prior"], get_args(Kind))
    for key in _KEYS[kind]:
        if key not in table:
            raise ConfigurationError(
                f"{where}{key}: missing; a {kind} prior needs {' and '.join(_KEYS[kind])}"
            )
    values = {
        key: check_number(where + key, value, _ANY)
        for key, value in table.items()
        if key != "prior"
    }
    logarithmic, normal = kind.startswith("log-"), kind.endswith("normal")
    centre, width = 0.0, 1.0
    low, high = values.get("low", -math.inf), values.get("high", math.inf)
    if normal:
        middle, width = values["median" if logarithmic else "mean"], values["sigma"]
        extra = {"mean", "median"} - {"median" if logarithmic else "mean"}
        if wrong := extra & set(values):
            raise ConfigurationError(
                f"{where}{wrong.pop()}: does not belong to a {kind} prior; drop it"
            )
        check_number(f"{where}sigma", width, Range(0, math.inf, False, False, "width, > 0"))
        check_number(f"{where}{_KEYS[kind][0]}", middle, allowed)
        if logarithmic and middle <= 0:
            raise ConfigurationError(f"{where}median = {middle:g}: must be > 0 (ln θ is normal)")
        centre = math.log(middle) if logarithmic else middle
        tails = centre - TAIL * width, centre + TAIL * width
        tails = tuple(math.exp(min(max(t, -700), 700)) for t in tails) if logarithmic else tails
        low, high = _bounded(allowed, max(low, tails[0]), min(high, tails[1]))
    else:
        for key in ("low", "high"):
            # the ends may be the open ends of the range: nothing is ever drawn there
            closed = allowed._replace(includes_lower=True, includes_upper=True)
            check_number(where + key, values[key], closed)
        if wrong := {"mean", "median", "sigma"} & set(values):
            raise ConfigurationError(
                f"{where}{sorted(wrong)[0]}: does not belong to a {kind} prior; drop it"
            )
        low, high = _bounded(allowed, low, high)
        if logarithmic and values["low"] <= 0:
            raise ConfigurationError(
                f"{where}low = {values['low']:g}: a log-uniform prior must start above 0"
            )
    if not low < high:
        raise ConfigurationError(
            f"priors.{name}: nothing between low = {low:g} and high = {high:g}; low must be below"
            " high, inside the range of the parameter"
        )
    positive = low >= 0
    if positive and low < NEGLIGIBLE * high and not logarithmic:
        low = NEGLIGIBLE * high
    return Prior(low, high, centre, width, kind, positive)


def default_prior(model: Model, name: str) -> dict[str, Any]:
    """The prior of a parameter that none is given for, as a table.

    Uniform over its range if that is bounded, else log-uniform over `DEFAULT_DECADES` decades to
    both sides of the model's value.

    Raises:
        ConfigurationError: if there is no such prior, because the value is not positive.
    """
    allowed = model.range_of(name)
    if math.isfinite(allowed.lower) and math.isfinite(allowed.upper):
        return {"prior": "uniform", "low": allowed.lower, "high": allowed.upper}
    value = float(model.value(name))
    if not (allowed.lower >= 0 and value > 0 and math.isfinite(value)):
        raise ConfigurationError(
            f"priors.{name}: missing; there is no default around {name} = {value:g}, declare one"
        )
    factor = 10.0**DEFAULT_DECADES
    low = value / factor if value / factor > allowed.lower else max(allowed.lower, value / factor)
    return {"prior": "log-uniform", "low": low, "high": min(value * factor, allowed.upper)}


def check_free(model: Model, free: Iterable[str]) -> tuple[str, ...]:
    """The names of the free parameters, checked: known, at least one, none twice."""
    names = model.called((free,) if isinstance(free, str) else free)
    if not names:
        raise ConfigurationError("free: empty; name at least one parameter")
    for name in names:
        if name not in model.names():
            raise ConfigurationError(f"free: {name}: {_unknown(model, name)}")
        if names.count(name) > 1:
            raise ConfigurationError(f"free: {name} is named twice; drop one")
    return names


def _unknown(model: Model, name: str) -> str:
    if name == "P" and model.conversion is not None:
        return "is computed from a wall in this model; free the parameters of the wall instead"
    return f"no such parameter{suggestion(name, model.names())}"


def read_priors(
    model: Model, free: Iterable[str], priors: Mapping[str, Any] | None = None
) -> dict[str, Prior]:
    """The priors of the free parameters, in their order.

    Args:
        model: for its parameters, and for the values that default priors are centred on.
        free: names of the free parameters.
        priors: tables by name: {"prior": "uniform" or "log-uniform", "low", "high"},
            {"prior": "normal", "mean", "sigma"}, {"prior": "log-normal", "median", "sigma"}
            (σ of ln θ); the normal ones may have low and high too. Where there is none,
            `default_prior`.

    Returns:
        A prior for every free parameter.

    Raises:
        ConfigurationError: one line, if a parameter is unknown or a prior impossible.
    """
    names = check_free(model, free)
    written = dict(priors or {})
    tables = one_name(written, dict(zip(written, model.called(written), strict=True)), "priors.")
    for name, table in tables.items():
        if name not in model.names():
            raise ConfigurationError(f"priors.{name}: {_unknown(model, name)}")
        if name not in names:
            raise ConfigurationError(
                f"priors.{name}: the parameter is not free; free it or drop its prior"
            )
        if not isinstance(table, Mapping | Prior):
            raise ConfigurationError(
                f'priors.{name} = {shown(table)}: must be a table such as {{"prior": "log-uniform",'
                ' "low": 1e-12, "high": 1}'
            )
    found = {}
    for name in names:
        table = tables.get(name)
        if not isinstance(table, Prior):
            table = default_prior(model, name) if table is None else table
            table = _prior(model.range_of(name), name, table)
        found[name] = table
    return found

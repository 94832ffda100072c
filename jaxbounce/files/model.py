"""Models as data: fields, parameters, a potential at tree level, particles and their masses.

Beside the keys of a potential (`files.potential`) a table may have

    definitions              names for expressions of fields, parameters and definitions before
    particles                tables of name, mass_squared, degrees_of_freedom, statistics and,
                             left out where there is none, debye and constant
    renormalisation_scale    Q, a number or an expression of parameters
    resummation              "none", "arnold-espinosa" or "parwani"
    g_rest                   degrees of freedom of the plasma that are no particle above

or, in place of a potential, `model`: the name of one that comes with this package, of which
`parameters` overrides some. Parameters may themselves be expressions of those before them. With
particles the parameter T is the temperature.
"""

import dataclasses
import importlib.resources
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from jaxbounce._core.checks import check_keys, check_name, check_number, check_text, shown
from jaxbounce._core.errors import ConfigurationError, PotentialError
from jaxbounce._core.ranges import Range, above
from jaxbounce._core.types import Scalar, as_leaf
from jaxbounce.potential.landscape import Potential
from jaxbounce.potential.text import (
    Definitions,
    Expression,
    ExpressionPotential,
    check_fields,
    check_names,
    define,
)
from jaxbounce.potential.text_model import Debye, Entries, TextModel, Tree
from jaxbounce.potential.thermal import OneLoopPotential, Particle
from jaxbounce.potential.thermal_models import THERMAL_MODELS

KEYS = ("model", "definitions", "particles", "renormalisation_scale", "resummation", "g_rest")
"""Keys of a table that describes a model, beside those of a potential."""

_OF_PARTICLES = ("renormalisation_scale", "resummation", "g_rest")

_PARTICLE = (
    *("name", "mass_squared", "degrees_of_freedom", "statistics"),
    *("debye", "constant"),
)

_AMONG_PARAMETERS = {
    "renormalisation_scale": "set parameters.Q",
    "g_rest": "set parameters.g_rest",
}

_RESUMMATIONS = {"none": "none", "arnold-espinosa": "Arnold-Espinosa", "parwani": "Parwani"}

_NUMBER = Range(-np.inf, np.inf, False, False, "a number")

_SYMMETRIC = 1e-9  # of the largest entry: beyond, a matrix is not symmetric


class Declared(NamedTuple):
    """A potential, its fields and parameters, and vacua that are known without being given."""

    potential: Potential
    fields: tuple[str, ...]
    theta: dict[str, Scalar]
    vacua: tuple[tuple[float, ...], tuple[float, ...]] | None


def template() -> str:
    """A model to edit, every key explained: TOML."""
    place = importlib.resources.files("jaxbounce.files") / "data" / "model.toml"
    return place.read_text(encoding="utf-8")


def read_model(table: Mapping[str, Any]) -> Declared:
    """The potential that a table declares.

    Raises:
        ConfigurationError: one line that says what is wrong and what is allowed.
    """
    return _bundled(table) if "model" in table else _written(table)


def described(table: Mapping[str, Any]) -> str:
    """What a report says of the potential of a table."""
    if "model" in table:
        return f"model {table['model']}"
    text = " ".join(f"{table['potential']}".split())
    names = [particle["name"] for particle in table.get("particles", ())]
    if not names:
        return text
    daisies = table.get("resummation", "none")
    return f"{text}, at one loop with {', '.join(names)}; resummation {daisies}"


def _bundled(table: Mapping[str, Any]) -> Declared:
    """A model by name, some of its parameters overridden."""
    name = check_name("model", table["model"], THERMAL_MODELS)
    model = THERMAL_MODELS[name]
    for key in ("fields", "potential", "definitions", "particles", *_OF_PARTICLES):
        if key in table and key != "resummation":
            remedy = _AMONG_PARAMETERS.get(key, "drop it, or drop model")
            raise ConfigurationError(f"{key}: is that of the model {name!r}; {remedy}")
    given = _table("parameters", table.get("parameters", {}))
    check_keys(given, model.parameters, "parameters.")
    numbers = {k: check_number(f"parameters.{k}", v, _NUMBER) for k, v in given.items()}
    potential: Any = model.potential
    if "resummation" in table:
        if not isinstance(potential, OneLoopPotential):
            raise ConfigurationError(f"resummation: {name!r} has no loops to resum; drop it")
        potential = dataclasses.replace(potential, daisies=_daisies(table))
    theta = {k: as_leaf(v) for k, v in {**model.parameters, **numbers}.items()}
    return Declared(potential, model.fields, theta, (model.false_vacuum, model.true_vacuum))


def _written(table: Mapping[str, Any]) -> Declared:
    """A model whose potential and particles are text."""
    for key in ("fields", "potential"):
        if key not in table:
            raise PotentialError(
                f"missing key {key!r}: a potential needs 'fields' and 'potential', or 'model'"
            )
    fields, text = table["fields"], table["potential"]
    if isinstance(fields, str) or not isinstance(fields, Sequence):
        raise PotentialError(f"fields = {shown(fields)}: must be a list of names")
    fields = tuple(fields)
    check_fields(fields)
    parameters, derived = _parameters(table)
    if table.get("particles") and "T" not in parameters:
        raise ConfigurationError(
            "parameters.T: missing; particles are those of a plasma at the temperature T: add it, a"
            " number, 0 for the vacuum alone"
        )
    others = _table("definitions", table.get("definitions", {}))
    check_names(fields, list(_table("parameters", table.get("parameters", {}))), list(others))
    # of parameters alone, so that no field can be among them
    of_parameters = define(list(parameters), derived)
    places = {name: f"definitions.{name}" for name in others}
    written = {k: (_text(places[k], value), places[k]) for k, value in others.items()}
    definitions = define((*fields, *parameters), derived | written)
    if not isinstance(text, str):
        raise PotentialError(f"potential = {shown(text)}: must be a string")
    tree = ExpressionPotential(text, fields, tuple(parameters), definitions)
    theta = {name: as_leaf(value) for name, value in parameters.items()}
    potential: Potential = tree
    if table.get("particles"):
        potential = _with_particles(table, tree, definitions, of_parameters)
    else:
        for key in _OF_PARTICLES:
            if key in table:
                raise ConfigurationError(f"{key}: belongs to particles, of which there are none")
    return Declared(potential, fields, theta, None)


def _parameters(table: Mapping[str, Any]) -> tuple[dict[str, float], dict[str, tuple[str, str]]]:
    """Numbers by name, and those that are expressions with what a message calls them."""
    written = _table("parameters", table.get("parameters", {}))
    numbers, derived = {}, {}
    for name, value in written.items():
        where = f"parameters.{name}"
        if isinstance(value, str) and not _is_number(value):
            derived[name] = (value, where)
        else:
            numbers[name] = _number(where, value)
    return numbers, derived


def _with_particles(
    table: Mapping[str, Any],
    tree: ExpressionPotential,
    definitions: Definitions,
    of_parameters: Definitions,
) -> TextModel:
    """The model at one loop."""
    written = table["particles"]
    if isinstance(written, str | Mapping) or not isinstance(written, Sequence):
        raise ConfigurationError(
            f"particles = {shown(written)}: must be a list of tables ([[particles]] in TOML)"
        )
    if "renormalisation_scale" not in table:
        raise ConfigurationError(
            "renormalisation_scale: missing; add the scale Q of the MS-bar scheme, a number or an"
            " expression of parameters"
        )
    names = (*tree.fields, *tree.parameters)
    free = tuple(
        (name, text)
        for name, text in definitions
        if not Expression(name, names, definitions).needs(tree.fields)
    )
    particles: list[Particle] = []
    for number, entry in enumerate(written, 1):
        particle = _particle(number, entry, tree, definitions, free)
        if particle.name in [other.name for other in particles]:
            raise ConfigurationError(f"particles.{particle.name}: is given twice; rename one")
        particles.append(particle)
    return TextModel(
        OneLoopPotential(Tree(tree), tuple(particles), daisies=_daisies(table)),
        _expression("renormalisation_scale", table, tree.parameters, of_parameters),
        _expression("g_rest", {"g_rest": 0.0, **table}, tree.parameters, of_parameters),
    )


def _particle(
    number: int,
    entry: Any,
    tree: ExpressionPotential,
    definitions: Definitions,
    free: Definitions,
) -> Particle:
    """A particle from its table, the number-th."""
    entry = _table(f"particles[{number}]", entry)
    if "name" not in entry:
        raise ConfigurationError(f"particles[{number}].name: missing; add one for messages")
    name = check_text(f"particles[{number}].name", entry["name"], "of a particle")
    where = f"particles.{name}"
    check_keys(entry, _PARTICLE, f"{where}.")
    for key in ("mass_squared", "degrees_of_freedom", "statistics"):
        if key not in entry:
            raise ConfigurationError(f"{where}.{key}: missing; add it")
    statistics: Any = check_name(f"{where}.statistics", entry["statistics"], ("boson", "fermion"))
    allowed = above(0, "degrees of freedom, of fermions too: the sign comes with the statistics")
    degrees = check_number(f"{where}.degrees_of_freedom", entry["degrees_of_freedom"], allowed)
    names = (*tree.fields, *tree.parameters)
    mass = _entries(f"{where}.mass_squared", entry["mass_squared"], names, definitions, tree.fields)
    debye = None
    if "debye" in entry:
        if statistics == "fermion":
            raise ConfigurationError(f"{where}.debye: a fermion has none; drop it")
        debye = _entries(f"{where}.debye", entry["debye"], tree.parameters, free, ())
        if len(debye.rows) not in (1, len(mass.rows)):
            raise ConfigurationError(
                f"{where}.debye: must be one number, or a matrix of {len(mass.rows)} rows as"
                " mass_squared is"
            )
    constant = entry.get("constant", 1.5)
    if isinstance(constant, str):
        constant = float(Expression(constant, (), where=f"{where}.constant")({}))
    constant = check_number(f"{where}.constant", constant, _NUMBER)
    return Particle(
        name, mass, degrees, statistics, constant, None if debye is None else Debye(debye)
    )


def _entries(
    where: str,
    written: Any,
    names: Sequence[str],
    definitions: Definitions,
    fields: tuple[str, ...],
) -> Entries:
    """Expressions of a number, or of a square matrix of numbers."""
    rows = written if isinstance(written, list) else [[written]]
    if not all(isinstance(row, list) and len(row) == len(rows) for row in rows):
        raise ConfigurationError(
            f"{where}: must be an expression, or a square matrix of them, a list of rows as long as"
            " it has rows"
        )
    table = {where: rows}
    return Entries(
        tuple(
            tuple(
                _expression(_place(where, rows, i, j), {}, names, definitions, entry)
                for j, entry in enumerate(row)
            )
            for i, row in enumerate(table[where])
        ),
        fields,
    )


def _place(where: str, rows: Sequence[Any], i: int, j: int) -> str:
    return where if len(rows) == 1 else f"{where}[{i + 1}][{j + 1}]"


def _expression(
    where: str,
    table: Mapping[str, Any],
    names: Sequence[str],
    definitions: Definitions,
    written: Any = None,
) -> Expression:
    """An expression from a text or a number."""
    value = table.get(where, written)
    text = value if isinstance(value, str) else repr(_number(where, value))
    return Expression(text, tuple(names), definitions, where)


def check_masses(declared: Potential, theta: Mapping[str, Any], places: Mapping[str, Any]) -> None:
    """Refuse particles whose m² is no number at a vacuum, or no symmetric matrix.

    Args:
        declared: the potential; nothing is to be checked of one without particles of its own.
        theta: its parameters.
        places: fields at vacua, by what a message calls them.

    Raises:
        ConfigurationError: with the particle.
    """
    if not isinstance(declared, TextModel):
        return
    for key, phi in places.items():
        for name, square in declared.masses_squared(phi, theta).items():
            if not np.isfinite(square).all():
                fields = [float(x) for x in phi]
                raise ConfigurationError(
                    f"particles.{name}.mass_squared: is not a finite number at {key} = {fields}; it"
                    " must be"
                )
    # where no field vanishes, so that what mixes particles does not either
    phi = next(iter(places.values()))
    somewhere = (1 + np.abs(phi).max()) * np.sqrt(0.3 + np.arange(len(phi)))
    for name, square in declared.masses_squared(phi + somewhere, theta).items():
        matrix = np.asarray(square)
        if matrix.ndim and np.abs(matrix - matrix.T).max() > _SYMMETRIC * np.abs(matrix).max():
            raise ConfigurationError(
                f"particles.{name}.mass_squared: is not symmetric; write the same above and below"
                " the diagonal"
            )


def _daisies(table: Mapping[str, Any]) -> Any:
    return _RESUMMATIONS[check_name("resummation", table.get("resummation", "none"), _RESUMMATIONS)]


def _table(key: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise PotentialError(f"{key} = {shown(value)}: must be a table of names and numbers")
    return value


def _text(key: str, value: Any) -> str:
    return value if isinstance(value, str) else repr(_number(key, value))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _number(key: str, value: Any) -> float:
    try:
        return check_number(key, value, _NUMBER)
    except ConfigurationError as error:
        raise PotentialError(str(error)) from None

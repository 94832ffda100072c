"""The profile of a bounce: stationary values of the discrete action, differentiably.

`solve_profile` is Newton's method from the ends of searches (`search`), on elements that are
laid anew where the solution shows that they were too few. Of the solutions that are bounces, told
apart by where they end, it takes the one of least action into the vacuum asked for. Its
derivative is that of the implicit-function theorem, du = −J⁻¹ ∂_θ(residual) dθ, and the action's
is Hellmann's: because the action is stationary in u, dS = ∂_θ S dθ at fixed u. Both rules are
written so that they may be differentiated again.
"""

from typing import NamedTuple

import jax

from jaxbounce._core.arrays import (
    Code,
    Flag,
    Scalar,
    choose,
    entry,
    is_at_once,
    while_loop,
    xp,
)
from jaxbounce.bounce.action import (
    Inputs,
    Linearised,
    Problem,
    Units,
    action_parts,
    apply_linearised,
    linearise,
    scale_breaking,
    scaled_potential,
    solve_linearised,
    virial,
)
from jaxbounce.bounce.certificate import ANY_SIZE, Certificate, far_field_error
from jaxbounce.bounce.finer import action_error
from jaxbounce.bounce.grid import (
    Grid,
    Nodal,
    Shape,
    apply_stiffness,
    effort,
    equal_breaks,
    legendre_tails,
    nodal,
    nodal_slopes,
    regrid,
    share_out,
)
from jaxbounce.bounce.inner_end import inner_end
from jaxbounce.bounce.search import SEARCH_ELEMENTS, STARTS, Ansatz, search, starts
from jaxbounce.potential.landscape import Field

_NEWTON_STEPS = 15

_CONVERGED = 1e-12  # Newton step, of the field range; below 1e-8 stagnation also ends it

_LONGEST_STEP = 0.3

_ROUNDS = 6  # grids that are tried

_RESOLVED = 1e-8  # of Derrick's identity and of Legendre tails: no further grid


class Solution(NamedTuple):
    """Where Newton's method ended, and what it saw there. All but integers, for derivatives."""

    values: Nodal
    shape: Shape
    """The grid on which they lie."""
    certificate: Certificate
    kinetic: Scalar
    """Kinetic action on the grid."""
    inner: Field
    """Where the wall ends (`inner_end`)."""
    as_asked: Scalar
    """1 if that is the vacuum asked for, else 0."""
    barrier: Scalar
    """0 if the potential does not rise above the false vacuum on some path, else 1."""


class Wanted(NamedTuple):
    """What a bounce is looked for between, in scaled fields; constants under differentiation."""

    target: Field
    """The true vacuum asked for."""
    lightest: Scalar
    """About the smallest mass at the false vacuum."""
    wall: Scalar
    """Radius of the box; infinite if there is none."""


class _Newton(NamedTuple):
    """Values, and the step that would be taken next."""

    values: Nodal
    step: Scalar
    gain: Scalar
    negative_modes: Scalar
    zero_modes: Scalar


def newton(
    problem: Problem,
    inputs: Inputs,
    units: Units,
    shape: Shape,
    start: Nodal,
    any_size: Flag,
    steps: int | Code = _NEWTON_STEPS,
) -> _Newton:
    """Newton's method on the discrete field equations, until rounding.

    At most `steps` times; of one step the start is only looked at.

    Where bounces of any size solve them, the steps keep the size: their part along the zero
    mode η = x u' + ½(D−2) u, which nothing determines, is taken out.
    """
    amplitude = xp.sqrt((start[0] ** 2).sum())

    def keep_size(grid: Grid, values: Nodal, change: Nodal) -> Nodal:
        x = nodal(problem.elements, grid.x)[:, None]
        slope = nodal_slopes(problem.elements, grid, values)
        mode = x * slope + (problem.dimension - 2) / 2 * values
        force = apply_stiffness(problem.elements, grid, mode)
        share = (force * change).sum() / (force * mode).sum()
        return change - xp.where(any_size, share, 0.0) * mode

    def advance(state):
        solution, change, step, _ = state
        size = xp.where(step > 0, solution.step, 1.0)
        values = solution.values + change * xp.minimum(1.0, _LONGEST_STEP / size)
        system = linearise(problem, inputs, units, shape, values)
        change, negative = solve_linearised(problem.elements, system, -system.residual)
        change = keep_size(system.grid, values, change)
        size = xp.abs(change).max() / amplitude
        kinetic = (values * apply_stiffness(problem.elements, system.grid, values)).sum() / 2
        gain = xp.abs((system.residual * change).sum()) / 2 / kinetic
        new = _Newton(values, size, gain, negative.astype(values.dtype), system.zero_modes)
        return new, change, step + 1, solution.step

    def unfinished(state):
        solution, _, step, before = state
        size = solution.step
        stagnant = (size < 1e-8) & (size > before / 2)
        return (step < steps) & (size > _CONVERGED) & ~stagnant

    infinite, none = xp.asarray(xp.inf), xp.asarray(0.0)
    first = (
        _Newton(start, infinite, infinite, none, none),
        xp.zeros_like(start),
        xp.asarray(0),
        infinite,
    )
    return while_loop(unfinished, advance, first)[0]


def certify(
    problem: Problem, inputs: Inputs, units: Units, shape: Shape, end: _Newton, breaking: Scalar
) -> tuple[Certificate, Scalar]:
    """What vouches for the end of Newton's method on one grid; the kinetic action there."""
    excess, kinetic = virial(problem, inputs, units, shape, end.values)
    certificate = Certificate(
        newton_step=end.step,
        newton_gain=end.gain,
        derrick=xp.abs(excess) / kinetic,
        legendre_tail=legendre_tails(problem.elements, end.values).max(),
        negative_modes=end.negative_modes,
        far_field=far_field_error(problem, inputs, units, shape, end.values) / kinetic,
        scale_breaking=breaking,
        zero_modes=end.zero_modes,
        action_error=action_error(problem, inputs, units, shape, end.values),
    )
    return certificate, kinetic


def resolve(
    problem: Problem,
    inputs: Inputs,
    units: Units,
    shape: Shape,
    start: Nodal,
    breaking: Scalar,
) -> tuple[Nodal, Shape, Certificate, Scalar]:
    """Newton's method on one grid after the other, until one resolves the solution.

    Each grid has its elements where the solution before had its errors. Returns the values,
    their grid, their certificate, and the kinetic action on the grid.
    """
    elements, D = problem.elements, problem.dimension

    def attempt(state):
        best, least, shape, start, rounds, _ = state
        end = newton(problem, inputs, units, shape, start, breaking < ANY_SIZE)
        values = end.values
        certificate, kinetic = certify(problem, inputs, units, shape, end, breaking)
        badness = end.step + certificate.derrick + certificate.legendre_tail
        badness = badness + xp.where(end.negative_modes == 1, 0.0, 1.0)
        badness = xp.where(xp.isfinite(badness), badness, xp.inf)
        better = badness < least
        best = choose(better, (values, shape, certificate, kinetic), best)
        finished = (xp.minimum(badness, least) < _RESOLVED) | (~better & (rounds > 1))

        following = share_out(elements, shape, effort(elements, shape, values))
        moved = regrid((elements, elements), (shape, following), values, D)
        return best, xp.minimum(badness, least), following, moved, rounds + 1, finished

    infinite, none = xp.asarray(xp.inf), xp.asarray(0.0)
    nothing = Certificate(
        infinite, infinite, infinite, infinite, none, infinite, breaking, none, infinite
    )
    unknown = (start, shape, nothing, infinite)
    first = (unknown, infinite, shape, start, xp.asarray(0), xp.asarray(False))
    return while_loop(lambda s: (s[4] < _ROUNDS) & ~s[5], attempt, first)[0]


def no_solution(problem: Problem, n: int) -> Solution:
    """What there is before anything is solved for."""
    none, one = xp.asarray(0.0), xp.asarray(1.0)
    return Solution(
        values=xp.zeros((problem.elements.nodes, n)),
        shape=Shape(one, one, 4 * one, equal_breaks(problem.elements)),
        certificate=Certificate(*[none] * len(Certificate._fields)),
        kinetic=none,
        inner=xp.zeros(n),
        as_asked=none,
        barrier=none,
    )


def solution_from(
    problem: Problem,
    inputs: Inputs,
    units: Units,
    wanted: Wanted,
    ansatz: Ansatz,
    barrier: Scalar,
) -> Solution:
    """What the search from one wall, and Newton's method after it, end in."""
    elements, D = problem.elements, problem.dimension
    seen = scaled_potential(problem.potential, inputs, units)
    found = search(seen, ansatz, wanted.lightest, D)
    shape = found.next_shape
    if problem.boxed:
        shape = shape._replace(x_max=wanted.wall / (units.length * shape.radius))
    shape = share_out(elements, shape, found.needed)
    coarse = regrid((SEARCH_ELEMENTS, elements), (found.shape, shape), found.values, D)
    return solution_near(problem, inputs, units, wanted, shape, coarse)._replace(barrier=barrier)


def solution_near(
    problem: Problem, inputs: Inputs, units: Units, wanted: Wanted, shape: Shape, start: Nodal
) -> Solution:
    """Where Newton's method ends that begins at the solution of a similar problem."""
    seen = scaled_potential(problem.potential, inputs, units)
    breaking = scale_breaking(seen, start, problem.dimension)
    values, shape, certificate, kinetic = resolve(problem, inputs, units, shape, start, breaking)
    end = inner_end(seen, values[0], wanted.target)
    as_asked = xp.where(problem.anywhere, 1.0, end.as_asked)
    barrier = xp.ones_like(kinetic)
    return Solution(values, shape, certificate, kinetic, end.vacuum, as_asked, barrier)


def is_bounce(solution: Solution) -> Flag:
    """Whether its certificate says so, wherever it ends."""
    certificate = solution.certificate
    return certificate.converged & certificate.saddle & certificate.resolved


def solve_profile(problem: Problem, inputs: Inputs, units: Units, wanted: Wanted) -> Solution:
    """The bounce of least action into the vacuum asked for; a function of `inputs` alone.

    If there is none: one that ends elsewhere; if none either, the first start's end.
    """
    solve = _solve_profile if is_at_once() else _profile
    return solve(problem, inputs, units, wanted)


def _solve_profile(problem: Problem, inputs: Inputs, units: Units, wanted: Wanted) -> Solution:
    seen = scaled_potential(problem.potential, inputs, units)
    begin = starts(seen, wanted.target, problem.dimension)

    def attempt(state):
        best, rank, untried = state
        k = xp.argmin(xp.where(untried, begin.F, xp.inf))
        ansatz = entry(begin.ansatz, k)
        new = solution_from(problem, inputs, units, wanted, ansatz, begin.barrier * 1.0)
        bounce = is_bounce(new)
        new_rank = xp.where(bounce, 1.0 + new.as_asked, 0.0)
        less = (new.kinetic < best.kinetic) & (new_rank == rank) & bounce
        better = (new_rank > rank) | less
        best = choose(better, new, best)
        return best, xp.maximum(rank, new_rank), untried & (xp.arange(STARTS) != k)

    def unfinished(state):
        _, rank, untried = state
        return (rank < 0) | (untried & xp.isfinite(begin.F)).any()

    first = (no_solution(problem, wanted.target.size), xp.asarray(-1.0), xp.ones(STARTS, bool))
    return while_loop(unfinished, attempt, first)[0]


_profile = jax.custom_jvp(_solve_profile, nondiff_argnums=(0,))


@_profile.defjvp
def _profile_jvp(problem: Problem, primals, tangents):
    inputs, units, *_ = primals
    solution = solve_profile(problem, *primals)
    values, shape = solution.values, solution.shape

    def residual(inputs: Inputs) -> Nodal:
        return linearise(problem, inputs, units, shape, values).residual

    _, right = jax.jvp(residual, (inputs,), (tangents[0],))
    system: Linearised = linearise(problem, inputs, units, shape, values)
    frozen = jax.lax.stop_gradient(system)
    change = jax.lax.custom_linear_solve(
        lambda u: apply_linearised(problem.elements, system, u),
        -right,
        lambda _, b: solve_linearised(problem.elements, frozen, b)[0],
        symmetric=True,
    )
    fixed = jax.tree.map(xp.zeros_like, solution)
    return solution, fixed._replace(values=change)


def stationary_action(
    problem: Problem, inputs: Inputs, units: Units, shape: Shape, values: Nodal
) -> Scalar:
    """The action of the stationary values that belong to `inputs`."""
    action = _total if is_at_once() else _stationary
    return action(problem, inputs, units, shape, values)


def _total(problem: Problem, inputs: Inputs, units: Units, shape: Shape, values: Nodal) -> Scalar:
    return action_parts(problem, inputs, units, shape, values).total


_stationary = jax.custom_jvp(_total, nondiff_argnums=(0,))


@_stationary.defjvp
def _action_jvp(problem: Problem, primals, tangents):
    inputs, units, shape, values = primals
    action, change = jax.jvp(
        lambda inputs: action_parts(problem, inputs, units, shape, values).total,
        (inputs,),
        (tangents[0],),
    )
    return action, change

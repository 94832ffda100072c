"""The models of the comparison in NumPy, as other programs want them; nothing of jaxbounce.

The same Lagrangians as `dark-u1` and `z2-singlet` of the package: one loop in the MS-bar scheme,
masses and fields in GeV.
"""

import json
import resource
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

PLANCK = 1.22089e19  # GeV

I_P = 0.34
"""Extended volume at percolation."""


class Field(NamedTuple):
    """A boson, or a fermion, by what loops know of it."""

    name: str
    degrees: float
    constant: float
    is_gauge: bool = False
    is_goldstone: bool = False


class Model(NamedTuple):
    """A Lagrangian at one point of its couplings."""

    tree: Callable[[np.ndarray], np.ndarray]
    """V of fields along the last axis."""
    bosons: Sequence[Field]
    boson_masses: Callable[[np.ndarray], np.ndarray]
    """m² along a last axis."""
    debye: Sequence[float]
    """Π/T², in the order of the bosons: with daisies after Arnold and Espinosa, if any is not 0."""
    fermions: Sequence[Field]
    fermion_masses: Callable[[np.ndarray], np.ndarray]
    scale: float
    """Q."""
    unit: float
    """v."""
    ground: Sequence[float]
    """Near the vacuum at T = 0."""
    g_rest: float
    """Degrees of freedom of the plasma that are in no loop."""
    g_star: float
    """All of them in front of the walls."""
    T_max: float
    """Above which there is one phase."""
    forbidden: Callable[[np.ndarray], bool]
    """Where copies of phases are."""


def _dark_u1() -> Model:
    lam, g, v = 0.01, 0.6, 100.0

    def masses(X: np.ndarray) -> np.ndarray:
        square = X[..., 0] ** 2
        photon = g**2 * square
        return np.stack([lam * (3 * square - v**2), lam * (square - v**2), photon, photon], -1)

    scalar = lam / 3 + g**2 / 4
    return Model(
        tree=lambda X: lam * (X[..., 0] ** 4 / 4 - v**2 * X[..., 0] ** 2 / 2),
        bosons=[
            Field("phi", 1, 1.5),
            Field("Goldstone", 1, 1.5, is_goldstone=True),
            Field("A_L", 1, 5 / 6, is_gauge=True),
            Field("A_T", 2, 5 / 6, is_gauge=True),
        ],
        boson_masses=masses,
        debye=[scalar, scalar, g**2 / 3, 0.0],
        fermions=[Field("none", 0, 1.5)],
        fermion_masses=lambda X: np.zeros((*X.shape[:-1], 1)),
        scale=v,
        unit=v,
        ground=[116.0],
        g_rest=106.75,
        g_star=111.75,
        T_max=60.0,
        forbidden=lambda X: bool((X[..., 0] < -5.0).any()),
    )


def _z2_singlet() -> Model:
    m_h, m_s, lam_hs, lam_s, v = 125.0, 120.0, 0.9, 1.0, 246.0
    mu_h, lam_h, mu_s = -(m_h**2) / 2, m_h**2 / (2 * v**2), m_s**2 - lam_hs * v**2 / 2

    def tree(X: np.ndarray) -> np.ndarray:
        h, s = X[..., 0] ** 2, X[..., 1] ** 2
        return (mu_h * h + mu_s * s + lam_hs * h * s / 2) / 2 + (lam_h * h**2 + lam_s * s**2) / 4

    def masses(X: np.ndarray) -> np.ndarray:
        h, s = X[..., 0], X[..., 1]
        a = mu_h + 3 * lam_h * h**2 + lam_hs * s**2 / 2
        b = mu_s + 3 * lam_s * s**2 + lam_hs * h**2 / 2
        root = np.sqrt((a - b) ** 2 / 4 + (lam_hs * h * s) ** 2)
        goldstone = mu_h + lam_h * h**2 + lam_hs * s**2 / 2
        gauge = [(m / v * h) ** 2 for m in (80.379, 91.1876)]
        return np.stack([(a + b) / 2 - root, (a + b) / 2 + root, goldstone, *gauge], -1)

    return Model(
        tree=tree,
        bosons=[
            Field("h1", 1, 1.5),
            Field("h2", 1, 1.5),
            Field("Goldstones", 3, 1.5, is_goldstone=True),
            Field("W", 6, 5 / 6, is_gauge=True),
            Field("Z", 3, 5 / 6, is_gauge=True),
        ],
        boson_masses=masses,
        debye=[0.0] * 5,
        fermions=[Field("t", 12, 1.5)],
        fermion_masses=lambda X: (173.0 / v * X[..., :1]) ** 2,
        scale=125.0,
        unit=v,
        ground=[v, 0.0],
        g_rest=15 + 7 / 8 * 78,
        g_star=107.75,
        T_max=150.0,
        forbidden=lambda X: bool((X < -5.0).any()),
    )


MODELS: Mapping[str, Callable[[], Model]] = {"dark-u1": _dark_u1, "z2-singlet": _z2_singlet}


def timed(run: Callable[[], Mapping[str, Any]], repeats: int) -> None:
    """Print what `run` finds, and the CPU seconds of every run, as one line of JSON."""
    seconds, found = [], {}
    for _ in range(repeats):
        start = resource.getrusage(resource.RUSAGE_SELF)
        found = run()
        end = resource.getrusage(resource.RUSAGE_SELF)
        seconds.append(end.ru_utime - start.ru_utime + end.ru_stime - start.ru_stime)
    print("\n" + json.dumps({"numbers": found, "cpu_s": seconds}))

"""The peak of gravitational waves of sound: PTPlot's numbers, both conventions, derivatives."""

import jax
import numpy as np
import pytest

from jaxbounce._core.errors import ConfigurationError
from jaxbounce.transition.gravitational_waves import (
    efficiency,
    separation,
    separation_of_density,
    sound_waves,
)

# α, β/H, v_w, T, g_*; κ, H R_*, H τ_sh, f, h²Ω of PTPlot and of LISA 2020. The first from PTPlot's
# own files.
ROWS = (
    (
        (0.1, 100, 0.3, 100, 106.75),
        (0.12240347210343808, 0.016911650410731748, 0.18512063648811194, 0.001554230173654242),
        (1.539479151744735e-13, 7.697395758723672e-14),
    ),
    (
        (0.1, 100, 0.9, 100, 106.75),
        (0.15453250895007067, 0.026362653976107417, 0.25682950358562945, 0.0009970391212687946),
        (5.306635564646501e-13, 2.6533177823232503e-13),
    ),
    (
        (0.5, 100, 0.7, 100, 106.75),
        (0.7118797858386372, 0.020504286425861325, 0.04860392309468416, 0.0012819074416313074),
        (2.228525860604717e-11, 1.1142629303023583e-11),
    ),
    (
        (0.01, 1000, 0.62, 100, 106.75),
        (0.2063078819609123, 0.0018160939405762887, 0.046399195909450956, 0.01447314853454702),
        (1.3962672047755868e-16, 6.981336023877933e-17),
    ),
    (
        (1.0, 10, 0.95, 100, 100),
        (0.6247238621539262, 0.27827245863668937, 0.5749241396201417, 9.343360865598783e-05),
        (6.335542504827349e-09, 3.1677712524136742e-09),
    ),
)

CONVENTIONS = ("ptplot-2017", "lisa-2020")


@pytest.mark.parametrize("which", [0, 1])
def test_published_peaks(which):
    for given, parts, peaks in ROWS:
        found = sound_waves(*map(float, given), convention=CONVENTIONS[which])
        shown = (found.kappa, found.hubble_separation, found.hubble_time, found.frequency)
        np.testing.assert_allclose(shown, parts, rtol=1e-11)
        np.testing.assert_allclose(found.h2_Omega, peaks[which], rtol=1e-11)


def test_the_conventions_differ_by_root_three_or_two():
    for beta_over_H, ratio in ((1.0, np.sqrt(3)), (1000.0, 2.0)):
        one, other = (
            sound_waves(0.01, beta_over_H, 0.9, 50.0, convention=name) for name in CONVENTIONS
        )
        assert (one.hubble_time > 1) == (ratio < 2)
        np.testing.assert_allclose(one.h2_Omega / other.h2_Omega, ratio, rtol=1e-13)


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("mode", [jax.jacfwd, jax.jacrev])
def test_derivatives(convention, mode):
    def peak(*x):
        found = sound_waves(*x, convention=convention)
        return found.h2_Omega * 1e12, found.frequency * 1e3

    slopes = jax.jit(mode(peak, range(5)))
    for given in (
        [0.1, 100.0, 0.3, 80.0, 90.0],
        [0.2, 50.0, 0.7, 80.0, 90.0],
        [0.1, 2, 0.9, 80, 90],
    ):
        x, found = np.array(given, float), slopes(*map(float, given))
        for entry, unit in enumerate(np.eye(5) * x * 1e-5):
            ends = [np.array(peak(*(x + s * unit))) for s in (-1, 1)]
            difference = (ends[1] - ends[0]) / (2 * unit[entry])
            exact = [found[k][entry] for k in range(2)]
            np.testing.assert_allclose(exact, difference, rtol=1e-6, atol=1e-9)


def test_the_efficiency_is_continuous_and_has_slopes_at_the_seams():
    alpha = 0.1
    v_J = (np.sqrt(2 / 3 * alpha + alpha**2) + np.sqrt(1 / 3)) / (1 + alpha)
    for seam in (np.sqrt(1 / 3), v_J):
        low, high = (efficiency(seam * (1 + x), alpha) for x in (-1e-12, 1e-12))
        np.testing.assert_allclose(low, high, rtol=1e-9)
    for v_w in (0.01, np.sqrt(1 / 3), v_J, 1.0):
        assert np.isfinite(jax.grad(efficiency, (0, 1))(v_w, alpha)).all()


def test_separations():
    np.testing.assert_allclose(separation(10.0, 0.5), (8 * np.pi) ** (1 / 3) / 20, rtol=1e-14)
    # n_b = β³/(8π v_w³) of an exponential rate
    n_b = 10.0**3 / (8 * np.pi * 0.5**3)
    np.testing.assert_allclose(separation_of_density(n_b), separation(10.0, 0.5), rtol=1e-14)


def test_another_convention_is_refused():
    with pytest.raises(ConfigurationError, match="ptplot-2017"):
        sound_waves(0.1, 10.0, 0.5, 100.0, convention="other")


def test_bubbles_as_far_apart_as_a_history_says():
    """h²Ω is as R_* where the sound is long-lived, as R_*² where shocks end it; f as 1/R_*."""
    given, (_, R, *_), _ = ROWS[1]
    one, two = (
        sound_waves(*given, convention="ptplot-2017", R_star_H=factor * R) for factor in (1, 2)
    )
    np.testing.assert_allclose(one.h2_Omega, ROWS[1][2][0], rtol=1e-11)
    np.testing.assert_allclose(two.h2_Omega / one.h2_Omega, 4.0, rtol=1e-12)
    np.testing.assert_allclose(one.frequency / two.frequency, 2.0, rtol=1e-12)

import numpy as np

from jaxbounce.cosmology import today as relic


def test_densities_of_the_published_benchmark():
    # published output: Table I
    np.testing.assert_allclose(
        relic.baryon_density(8.720885362714675e-11), 4.217027705336e-28, rtol=1e-12
    )
    np.testing.assert_allclose(
        relic.dark_matter_density(4.9e-10, 0.95), 2.3990359967901596e-27, rtol=1e-14
    )
    np.testing.assert_allclose(relic.number_density_today(1e-10), 0.2891, rtol=1e-14)


def test_planck_densities():
    # ρ_b, ρ_c of Planck 2018 (specification H): ω ρ_crit/h²
    np.testing.assert_allclose(relic.omega_h2(4.201850197079496e-28), 0.02237, rtol=1e-14)
    np.testing.assert_allclose(relic.omega_h2(2.2540099403198012e-27), 0.12, rtol=1e-14)

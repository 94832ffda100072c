"""K₁ against mpmath, and its derivative."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np

from jaxbounce._core.bessel import x_bessel_k1

X = [1e-12, 1e-4, 0.3, 1.4999999, 1.5, 3.0, 7.9999999, 8.0, 20.0, 300.0, 690.0]


def test_values_and_slopes():
    """(x K₁)' = −x K₀."""
    value, slope = jax.jit(jax.vmap(jax.value_and_grad(x_bessel_k1)))(jnp.array(X))
    expected = [float(mp.mpf(x) * mp.besselk(1, mp.mpf(x))) for x in X]
    np.testing.assert_allclose(value, expected, rtol=3e-14)
    expected = [float(-mp.mpf(x) * mp.besselk(0, mp.mpf(x))) for x in X]
    np.testing.assert_allclose(slope, expected, rtol=1e-11)


def test_at_zero():
    np.testing.assert_allclose(x_bessel_k1(0.0), 1.0, rtol=3e-14)
    assert jax.grad(x_bessel_k1)(0.0) == 0.0

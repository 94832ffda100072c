# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 6 · $f_\chi$ derived, three ways
#
# The occupancy $f_\chi = n_\chi/n_{\chi,\rm eq}$ at percolation is the one free normalisation of the densities. Each of these
# turns it into a parameter of something else. None predicts it.

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt

import jaxbounce as jb
from jaxbounce.cosmology import hubble_rate
from jaxbounce.occupancy import (
    barrier_fraction,
    decay_range,
    decay_rate,
    density_on_brane,
    freeze_in,
    freeze_in_occupancy,
    occupancy,
    partition_occupancy,
)

jb.enable_x64()
model = jb.load(preset="exact")
T_p, m_chi, g_star = 100.0, 0.95, 106.75
wanted = 1.07e-9 * 4.2019e-28 / float(jb.predict(model).rho_B)
print(f"Planck's rho_B asks for f_chi = {wanted:.4e}")

# %% [markdown]
# ## Freeze-in: decays of a particle in the bath
#
# $A \to \chi\ldots$ with width Γ, from infinite temperature down to $T_p$. The result does not depend on where it began.


# %%
@jax.jit
def from_decays(m_A, Gamma):
    T_R, T_end = decay_range(m_A, T_p)
    found = freeze_in(
        lambda T, args: decay_rate(T, *args, statistics="boson"),
        T_p,
        T_R,
        (m_A, Gamma),
        g_star=g_star,
        g_star_s=g_star,
        T_end=T_end,
    )
    return found, freeze_in_occupancy(found, T_p, g_star, m_chi)


found, f = from_decays(500.0, 1e-15)
print(f"m_A = 500 GeV: f_chi = {f.f_chi:.4e} ± {f.error_estimate:.0e}")
print(
    f"  {100 * found.made_by_T_p:.0f} % of what is ever made is there at T_p; <p>/T = {found.mean_momentum:.2f}"
)
Gamma = 1e-15 * wanted / f.f_chi
print(f"  Gamma for Planck: {Gamma:.3e} GeV (f_chi is proportional to it)")

# %%
masses = jnp.geomspace(20.0, 5000.0, 60)
many, _ = jax.vmap(lambda m: from_decays(m, 1e-17))(masses)
figure, ax = plt.subplots(figsize=(6, 3.2), layout="constrained")
ax.semilogx(masses, 100 * many.made_by_T_p)
ax.set(xlabel="$m_A$ (GeV)", ylabel="% of χ that are there at $T_p$ = 100 GeV")
plt.show()

# %% [markdown]
# A particle lighter than $T_p$ has hardly begun to decay at percolation: most of its χ come after the walls.
#
# ## Energy partition: a share of what a transition releases
#
# $f_\chi = \kappa\,\Delta\theta/(\bar\varepsilon\, n_{\rm eq})$, of an earlier transition or of another sector: χ made by the walls
# themselves are no isotropic bath in front of them.

# %%
rho_rad = jnp.pi**2 / 30 * g_star * T_p**4
alpha = 0.1
unit = partition_occupancy(1e-12, alpha * rho_rad, 3 * T_p, T_p, m_chi)
print(f"f_chi/kappa = {unit.f_chi / 1e-12:.4f} at alpha = {alpha}")
print(f"kappa for Planck: {1e-12 * wanted / unit.f_chi:.3e}")

# %% [markdown]
# ## From beyond the brane
#
# χ of a hidden sector at temperature $T_0$ beyond a barrier of height M pass with a Boltzmann factor, arrive with a flux per
# volume and time (four space dimensions), and stay for a residence time τ.

# %%
t_p = 1 / (2 * hubble_rate(T_p, g_star))


@jax.jit
def from_bulk(M_over_T, strength):
    def arrival(t, args):
        # GeV⁴: falls as the bulk dilutes, t^{-2}
        return args[1] * barrier_fraction(args[0], 4) * (t_p / t) ** 2

    found = density_on_brane(arrival, 0.01 * t_p, t_p, 0.1 * t_p, (M_over_T, strength))
    return occupancy(found.n_chi, T_p, m_chi, error=found.error_estimate, status=found.status)


for M in (0.0, 5.0, 10.0):
    print(f"M = {M:4.1f} T_0: f_chi = {from_bulk(M, 1e-16).f_chi:.3e}")

# %% [markdown]
# ## Into the densities, with gradients
#
# Everything is a JAX function: the derivative of today's baryons in a width is one call.

# %%
rho = jax.jit(lambda G: jb.predict(model.replace(f_chi=from_decays(500.0, G)[1].f_chi)).rho_B)
slope = jax.grad(lambda log_G: jnp.log(rho(jnp.exp(log_G))))(jnp.log(Gamma))
print(f"rho_B = {rho(Gamma):.4e} kg/m³, d ln rho_B/d ln Gamma = {slope:.6f}")

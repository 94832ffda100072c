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
# # 3 · Sensitivities, and ∂ρ/∂(β/H)
#
# What do the densities depend on, and why does the speed of the transition not matter?

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt

import jaxbounce as jb
from jaxbounce.model import why_zero

jb.enable_x64()
benchmark = jb.load(preset="benchmark")
found = jb.sensitivities(benchmark)
by_size = dict(
    sorted(zip(found.names, found.elasticities[0], strict=True), key=lambda p: -abs(p[1]))
)
for name, value in list(by_size.items())[:9]:
    print(f"d ln rho_B/d ln {name:12} = {value:12.6g}")

# %%
figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
jb.plot(found, ax=ax)
plt.show()

# %% [markdown]
# With the published equation (6) the width of the window is what counts most, with a power of 6.2: it is the only thing that
# stops the walls.
#
# ## β/H
#
# The elasticity in β/H is zero. The package knows why:

# %%
print(why_zero(benchmark, "rho_B", "beta_over_H"))

# %% [markdown]
# The two assumptions are: χ is relativistic, and $g_*$ is constant. Drop both, one after the other.


# %%
def slope(model):
    """∂ ln ρ_B/∂ ln(β/H)."""

    def log_rho(log_beta):
        return jnp.log(jb.predict(model.replace(beta_over_H=jnp.exp(log_beta))).rho_B)

    # one parameter: forward mode, which compiles in half the time
    at = jnp.log(model.value("beta_over_H"))
    return jax.jvp(log_rho, (at,), (jnp.ones_like(at),))[1]


exact = jb.load(preset="exact")
masses = jnp.geomspace(0.95, 950.0, 25)
slopes = jax.jit(jax.vmap(lambda m: slope(exact.replace(m_chi=m))))(masses)
running = jb.load(preset="exact", g_star="standard-model")
print(f"m_chi = 0.95 GeV, constant g_*:  {slopes[0]:.3e}")
print(f"m_chi = 300 GeV,  constant g_*:  {jnp.interp(300.0, masses, slopes):.3e}")
print(f"m_chi = 0.95 GeV, g_*(T):        {jax.jit(slope)(running):.3e}")

# %%
figure, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
ax.loglog(masses, jnp.abs(slopes), "o-")
ax.set(
    xlabel=r"$m_\chi$ (GeV), with $T_p = 100$ GeV",
    ylabel=r"$|\partial\ln\rho_B/\partial\ln(\beta/H)|$",
)
plt.show()

# %% [markdown]
# At β/H = 100 the walls pass within a few per cent of a Hubble time, in which neither the density of χ over entropy nor $g_*$
# changes much. For slow transitions (β/H of order one to ten) it does.

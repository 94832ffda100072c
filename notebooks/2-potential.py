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
# # 2 · A potential of your own, to densities, with gradients
#
# Two fields: Φ is large inside the bubble and makes χ heavy, φ is large outside and makes B heavy. Where the two masses
# cross, χ converts.

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

import jaxbounce as jb
from jaxbounce.bounce import action_slopes
from jaxbounce.conversion import Couplings, CriticalBubble, WallConversion

jb.enable_x64()


def V(fields, theta):
    Phi, phi = fields
    hidden = theta["lam_Phi"] / 4 * (Phi**2 - theta["v"] ** 2) ** 2
    return hidden + theta["g"] * Phi**2 * phi**2 + theta["kappa"] / 4 * (phi**2 - 3) ** 2


theta = {"lam_Phi": 0.1, "v": 2.4, "g": 2.3, "kappa": 1e-3}
false, true = jnp.array([0.0, 3**0.5]), jnp.array([2.4, 0.0])

# %% [markdown]
# ## The bounce
#
# The vacua are guesses; the certificate says whether what was found is *the* kind of solution that governs the decay.

# %%
bounce = jb.solve_bounce(V, theta, false, true, dimension=4)
print(bounce)
print({name: round(float(slope), 4) for name, slope in action_slopes(V, theta, bounce).items()})

# %%
r = np.linspace(0.0, 12.0, 300)
Phi, phi = bounce.fields(jnp.asarray(r)).T
figure, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
ax.plot(r, jnp.abs(Phi), label=r"$|\Phi|$, mass of $\chi$")
ax.plot(r, jnp.abs(phi), label=r"$|\phi|$, mass of B")
ax.axvline(float(bounce.R_peak), color="black", linestyle=":", linewidth=1)
ax.set(xlabel=r"$r$ (inverse units of the fields)", ylabel="fields")
ax.legend()
plt.show()

# %% [markdown]
# ## Densities
#
# `CriticalBubble` solves the potential inside the model, `WallConversion` takes P from its wall. The couplings are then
# parameters of the model like any other.

# %%
conversion = WallConversion(None, Couplings(lam=0.209))
bubble = CriticalBubble(V, theta, false, true)
model = jb.load(preset="exact").with_conversion(conversion, bubble)
print(jb.predict(model))

# %% [markdown]
# ## Gradients
#
# In the wall speed and the mixing λ the wall stays as it is: `settled` computes it once, and the gradient is that of
# conversion, flux and wall area together.

# %%
fixed_wall = model.settled(["v_w", "lam"])


def log_rho(log_theta):
    v_w, lam = jnp.exp(log_theta)
    return jnp.log(jb.predict(fixed_wall.replace(v_w=v_w, lam=lam)).rho_B)


slopes = jax.grad(log_rho)(jnp.log(jnp.array([0.3, 0.209])))
print(f"d ln rho_B/d ln v_w = {slopes[0]:.6f},  d ln rho_B/d ln lam = {slopes[1]:.6f}")

# %% [markdown]
# In a coupling of the potential `jax.grad(lambda g: predict(model.replace(g=g)).rho_B)` is exact too, bounce and all, but
# its program takes long to compile, once. Single answers solve the bounce at once, without compiling, and are accurate enough to be
# differenced: here is ρ_B over the portal coupling.

# %%
couplings = np.linspace(2.1, 2.5, 9)
rho = np.array([float(jb.predict(model.replace(g=g)).rho_B) for g in couplings])
step = 1e-4
ends = [float(jb.predict(model.replace(g=2.3 + s)).rho_B) for s in (-step, step)]
slope = (np.log(ends[1]) - np.log(ends[0])) / (2 * step)
print(f"d ln rho_B/dg = {slope:.6f} at g = 2.3")

figure, ax = plt.subplots(figsize=(6, 3), layout="constrained")
ax.plot(couplings, rho, "o-")
ax.set(xlabel="$g$", ylabel=r"$\rho_B$ (kg/m³)")
plt.show()

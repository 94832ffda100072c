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
# # 4 · Fit and posterior of $f_\chi$
#
# Which occupancy, and which P, do Planck's densities ask for? Four ways, from the shortest to the most general.

# %%
import warnings

warnings.filterwarnings("ignore", message="IProgress not found")  # progress bars as text will do

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import numpyro
import numpyro.distributions as dist
import optax
from numpyro.infer import MCMC, NUTS

import jaxbounce as jb

jb.enable_x64()
model = jb.load(preset="exact", dark_matter="swept-once")

# %% [markdown]
# ## `fit`
#
# Levenberg–Marquardt from many starts, with the Fisher matrix, and with the directions that the data leave flat. Two data, two
# parameters: the data are reproduced.

# %%
fit = jb.fit(model, ["f_chi", "P"])
print(fit)
for combination in fit.directions.determined:
    print("determined:", combination)

# %% [markdown]
# With a third parameter one direction is flat, and named:

# %%
for combination in jb.fit(model, ["f_chi", "P", "m_chi"]).flat:
    print("flat:", combination)

# %% [markdown]
# ## A plain optax loop
#
# Any loss will do, with any optimiser: in logarithms. (A squared difference in kg/m³ is 1e-55 and moves nothing.)


# %%
def loss(q):
    found = jb.predict(model.replace(f_chi=jnp.exp(q[0]), P=jax.nn.sigmoid(q[1])))
    wanted = jnp.array([4.20185e-28, 2.25401e-27])
    return (jnp.log(jnp.stack([found.rho_B, found.rho_DM]) / wanted) ** 2).sum()


adam = optax.adam(0.1)
step = jax.jit(jax.value_and_grad(loss))
q = jnp.array([jnp.log(1e-9), -1.0])
state, losses = adam.init(q), []
for _ in range(300):
    value, slope = step(q)
    update, state = adam.update(slope, state)
    q = optax.apply_updates(q, update)
    losses.append(float(value))
print(f"f_chi = {jnp.exp(q[0]):.5e}, P = {jax.nn.sigmoid(q[1]):.5f}, loss {losses[-1]:.1e}")

# %% [markdown]
# ## `sample`: the posterior
#
# NUTS, started from the fit, in coordinates in which the flat directions are separate.

# %%
posterior = jb.sample(model, ["f_chi", "P"], chains=2, draws=500, warmup=300, progress=False)
print(posterior.table())

# %%
jb.plot(posterior)

# %% [markdown]
# ## A numpyro model around `predict`
#
# For priors and likelihoods of your own. `log_likelihood` is Planck's, correlation included.

# %%
planck = jb.inference.likelihood("planck2018")


def ours():
    log_f = numpyro.sample("log_f", dist.Normal(jnp.log(1e-7), 1.0))
    P = numpyro.sample("P", dist.Beta(2.0, 8.0))
    found = jb.predict(model.replace(f_chi=jnp.exp(log_f), P=P))
    numpyro.factor("planck", planck.log_likelihood(found))


start = {"log_f": jnp.log(fit.values["f_chi"]), "P": fit.values["P"]}
mcmc = MCMC(
    NUTS(ours, init_strategy=numpyro.infer.init_to_value(values=start), dense_mass=True),
    num_warmup=300,
    num_samples=500,
    progress_bar=False,
)
mcmc.run(jax.random.key(1))
draws = mcmc.get_samples()
print(f"P = {draws['P'].mean():.4f} ± {draws['P'].std():.4f}")

# %%
figure, ax = plt.subplots(figsize=(5, 4), layout="constrained")
theirs = posterior.data.posterior
ax.plot(np.ravel(theirs["f_chi"]), np.ravel(theirs["P"]), ".", markersize=3, label="jb.sample")
ax.plot(np.exp(draws["log_f"]), draws["P"], ".", markersize=3, label="numpyro model")
ax.plot(fit.values["f_chi"], fit.values["P"], "k+", markersize=12, label="fit")
ax.set(xlabel=r"$f_\chi$", ylabel="$P$")
ax.legend()
plt.show()

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
# # 5 · Scans, from 1e3 to 1e5 points
#
# Up to some 1e5 points a `vmap` in memory is enough. What must be kept, or survive a crash, goes into a store.

# %%
import tempfile
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import xarray

import jaxbounce as jb

jb.enable_x64()

# %% [markdown]
# ## A thousand points in memory

# %%
model = jb.load(preset="benchmark")
batch = jax.jit(jax.vmap(lambda v_w, s: jb.predict(model.replace(v_w=v_w, sigma_y=s))))
v_w, sigma_y = (
    a.ravel() for a in jnp.meshgrid(jnp.linspace(0.1, 0.9, 40), jnp.linspace(3, 12, 25))
)
found = batch(v_w, sigma_y)
print(found.rho_B.shape, "all successful:", bool((found.status == jb.Status.SUCCESS).all()))

# %% [markdown]
# ## 1e5 points in a store
#
# The table is what `jaxbounce scan` reads from a file (`jaxbounce scan --template` explains every key). The same call continues
# a scan that was interrupted.

# %%
table = {
    "preset": "benchmark",
    "design": "grid",
    "parameters": {
        "v_w": {"low": 0.05, "high": 0.95, "count": 400},
        "sigma_y": {"low": 3.0, "high": 12.0, "count": 250},
    },
}
place = Path(tempfile.mkdtemp()) / "scan.zarr"
begun = time.perf_counter()
store = jb.run_scan(table, place)
print(
    f"1e5 points within {10 * (1 + (time.perf_counter() - begun) // 10):.0f} s, compilation included"
)

# %% [markdown]
# ## Reading it with xarray
#
# Labelled, lazily, with the status of each point. 0 means not computed yet, 1 success.

# %%
data = xarray.open_zarr(place)
print(dict(data.sizes), sorted(data.data_vars))
rho = data.rho_B.where(data.status == 1)
print(
    f"nearest to v_w = 0.3, sigma_y = 9: {float(rho.sel(v_w=0.3, sigma_y=9, method='nearest')):.4e}"
)

# %%
figure, ax = plt.subplots(figsize=(5.5, 4), layout="constrained")
logs = jnp.log10(rho.transpose("sigma_y", "v_w").values)
image = ax.pcolormesh(data.v_w, data.sigma_y, logs, rasterized=True)
contours = ax.contour(
    data.v_w, data.sigma_y, logs, levels=[float(jnp.log10(4.2019e-28))], colors="w"
)
ax.clabel(contours, fmt="Planck")
ax.set(xlabel="$v_w$", ylabel=r"$\sigma_y$")
figure.colorbar(image, label=r"$\log_{10}\rho_B$ (kg/m³)")
plt.show()

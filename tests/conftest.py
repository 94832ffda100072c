"""What all tests share: float64, shape checks, compiled programs kept for the length of a run."""

import os
import subprocess
import sys
import tempfile

# Tests compile far more than they compute. XLA is asked for programs that are made quickly, in
# about 0.4 of the time for a bounce; `JAX_DISABLE_MOST_OPTIMIZATIONS=0` runs those of users.
_QUICK = "--xla_cpu_use_fusion_emitters=false"


def _is_known(flag: str) -> bool:
    """Whether this XLA takes a flag: one that it does not know ends the process."""
    found = subprocess.run(
        [sys.executable, "-c", "import jax; jax.devices()"],
        env={**os.environ, "XLA_FLAGS": flag, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        check=False,
    )
    return found.returncode == 0


# Set before JAX is imported; the workers of xdist and what tests start inherit it.
if os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1") == "1":
    flags = os.environ.get("XLA_FLAGS", "")
    if "xla_cpu_use_fusion_emitters" not in flags and _is_known(_QUICK):
        os.environ["XLA_FLAGS"] = f"{flags} {_QUICK}".strip()

# One cache for all processes of a run; the user's is not touched.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", tempfile.mkdtemp(prefix="jaxbounce-tests-"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.2")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "0")
os.environ.setdefault("XDG_CACHE_HOME", os.environ["JAX_COMPILATION_CACHE_DIR"])

import jax
import pytest
from jaxtyping import install_import_hook

# rooms are imported when they are first used: the hook stays
install_import_hook("jaxbounce", "shape_checks.checked")

import jaxbounce

jaxbounce.enable_x64()


@pytest.fixture(autouse=True, scope="module")
def _programs_end_with_their_module():
    """A process that holds the programs of many modules runs into limits of XLA and crashes."""
    yield
    jax.clear_caches()
    points = sys.modules.get("boltzmann_points")
    if points is not None:
        # its programs count how often they are traced
        points._compiled.cache_clear()

"""What all tests share: float64, shape checks, compiled programs kept for the length of a run."""

import os
import subprocess
import sys
import tempfile

# Tests compile far more than they compute: XLA is asked for programs that are made quickly, a
# bounce in about 0.6 of the time. `XLA_FLAGS= python -m pytest` runs the programs of users.
# (Not level 0: with these emitters XLA of JAX 0.10.2 makes wrong programs, as
# conversion/test_table_error.py notices.)
_QUICK = "--xla_cpu_use_fusion_emitters=false --xla_backend_optimization_level=1"


def _are_known(flags: str) -> bool:
    """Whether this XLA takes the flags: one that it does not know ends the process."""
    found = subprocess.run(
        [sys.executable, "-c", "import jax; jax.devices()"],
        env={**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        check=False,
    )
    return found.returncode == 0


# Set before JAX is imported; the workers of xdist and what tests start inherit it.
if "XLA_FLAGS" not in os.environ:
    os.environ["XLA_FLAGS"] = _QUICK if _are_known(_QUICK) else ""

# One cache for all processes of a run; the user's is not touched.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", tempfile.mkdtemp(prefix="jaxbounce-tests-"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.2")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "0")
# How long a command takes here says nothing: tests see what it prints of its result.
os.environ.setdefault("JAXBOUNCE_QUIET", "1")
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

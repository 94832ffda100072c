"""What all tests share: float64, and compiled programs kept for the length of a run."""

import os
import sys
import tempfile

# One cache for all processes of a run, those that tests start included; the user's is not touched.
# Set before JAX is imported; the workers of xdist inherit it.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", tempfile.mkdtemp(prefix="jaxbounce-tests-"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.2")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "0")
os.environ.setdefault("XDG_CACHE_HOME", os.environ["JAX_COMPILATION_CACHE_DIR"])

import jax
import pytest

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

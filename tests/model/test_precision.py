"""One precision a process: switching forgets what was compiled, mixing is refused in one line."""

import subprocess
import sys

import pytest

from jaxbounce._core.errors import ConfigurationError
from jaxbounce._core.numerics import check_precision

# as in a notebook: predict, notice, switch, load again
SWITCH = """
import jax, jaxbounce as jb
single = jb.load(preset="exact")
assert jb.predict(single).rho_B.dtype == "float32"
jb.enable_x64()
double = jb.load(preset="exact")
found = jb.predict(double).rho_B
# specification, section 0: the row of exact KJMA and a moving wall
assert found.dtype == "float64"
assert abs(float(found) / 4.2432012374e-30 - 1) < 1e-10, float(found)
for double_process, model, words in ((True, single, "is float32"), (False, double, "is float64")):
    jax.config.update("jax_enable_x64", double_process)
    try:
        jb.predict(model)
    except jb.ConfigurationError as error:
        assert words in str(error) and "enable_x64" in str(error), error
    else:
        raise AssertionError(words)
compiled = []
jax.monitoring.register_event_duration_secs_listener(
    lambda name, *_, **__: compiled.append(name) if "backend_compile" in name else None
)
jax.config.update("jax_enable_x64", True)
jb.enable_x64()  # on already: nothing is forgotten
jb.predict(double)
assert not compiled
print("done")
"""


@pytest.mark.slow
def test_float64_after_float32_in_one_process():
    done = subprocess.run(
        [sys.executable, "-c", SWITCH], capture_output=True, text=True, check=False
    )
    assert done.stdout == "done\n", done.stderr[-600:]


def test_what_is_refused():
    import numpy as np

    check_precision({"a": np.float64(1), "b": np.float32(1), "c": np.int32(1), "d": 1.0})
    check_precision({"n": np.int32(1)})
    with pytest.raises(ConfigurationError, match="the model is float32"):
        check_precision({"a": np.float32(1)})


def test_a_transition_in_float32_says_what_it_wants():
    code = """
import jaxbounce as jb
try:
    jb.find_transition(lambda T, theta: 1000 / T, 1.0, 10.0, 20.0)
except ValueError as error:
    assert "enable_x64" in str(error), error
    print("said")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "said", done.stderr

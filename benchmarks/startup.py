"""Whole-process times of the command: `python benchmarks/startup.py`.

Each command runs in a fresh process, first with an empty cache of compiled programs and
then warm; the minimum of several warm runs is printed beside `python -c "import jax"`.
"""

import os
import subprocess
import sys
import tempfile
import time

COMMANDS = {
    "python -c 'import jax'": [sys.executable, "-c", "import jax"],
    "jaxbounce --help": [sys.executable, "-m", "jaxbounce.cli", "--help"],
    "jaxbounce run": [sys.executable, "-m", "jaxbounce.cli", "run"],
    "jaxbounce diagnostics": [sys.executable, "-m", "jaxbounce.cli", "diagnostics"],
}


def seconds(command: list[str], environment: dict[str, str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return time.perf_counter() - start


def main() -> None:
    print(f"{'command':28} {'cold (s)':>9} {'warm (s)':>9}")
    for name, command in COMMANDS.items():
        with tempfile.TemporaryDirectory() as cache:
            environment = {**os.environ, "XDG_CACHE_HOME": cache}
            environment.pop("JAX_COMPILATION_CACHE_DIR", None)
            cold = seconds(command, environment)
            warm = min(seconds(command, environment) for _ in range(5))
        print(f"{name:28} {cold:9.2f} {warm:9.2f}", flush=True)


if __name__ == "__main__":
    main()

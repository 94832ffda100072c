"""Scans that several tests run, and what they ask of their stores."""

import subprocess
import sys
from pathlib import Path

SOBOL = """
preset = "benchmark"
design = "sobol"
points = 300
seed = 3
chunk = 64
[parameters]
v_w = { prior = "uniform", low = 0.05, high = 0.95 }
incident_flux_scale = { prior = "log-uniform", low = 1e-10, high = 1e-6 }
"""

GRID = """
preset = "exact"
design = "grid"
chunk = 40
[parameters]
v_w = { low = 0.1, high = 0.9, count = 9 }
f_chi = { low = 1e-9, high = 1e-6, count = 10, scale = "log" }
P = { values = [0.1, 0.3] }
"""


def written(tmp_path, text, name="scan.toml"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def content(store):
    """Every file of a store."""
    return {
        str(path.relative_to(store)): path.read_bytes()
        for path in sorted(Path(store).rglob("*"))
        if path.is_file()
    }


def command(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "jaxbounce.cli", "scan", *map(str, arguments)],
        capture_output=True,
        text=True,
        **options,
    )

"""The shape of the package: import order, no side effects, the README's claims."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import jaxbounce

PACKAGE = Path(jaxbounce.__file__).parent
ROOT = PACKAGE.parent

# reading order; a module imports only from modules before it (CONTRIBUTING.md)
ORDER = [
    "_version",
    "_types",
    "_ranges",
    "_checks",
    "_files",
    "_numerics",
    "_polynomial",
    "_legendre",
    "constants",
    "status",
    "cosmology",
    "equilibrium",
    "potential",
    "expression",
    "bounce.grid",
    "bounce.linear",
    "bounce.far_field",
    "bounce.action",
    "bounce.search",
    "bounce.profile",
    "bounce.certificate",
    "bounce.solve",
    "wall",
    "bounce.wall",
    "bounce",
    "profile_csv",
    "conversion.estimate",
    "conversion.magnus",
    "conversion.two_level",
    "conversion.local",
    "conversion.overlap",
    "conversion.embedding",
    "conversion.full_wave",
    "conversion.average",
    "conversion.at_wall",
    "conversion",
    "percolation.later_bubbles",
    "percolation.area",
    "percolation.history",
    "percolation",
    "transition",
    "yields.panels",
    "yields.closures",
    "yields.quadrature",
    "yields.rates",
    "yields.segments",
    "yields.scalar_dirk",
    "yields.annihilation",
    "yields.boltzmann",
    "yields",
    "relic",
    "parameters",
    "model",
    "sensitivity",
    "inference.likelihood",
    "inference.priors",
    "inference.problem",
    "inference.directions",
    "inference.least_squares",
    "inference.fit",
    "inference.profile",
    "inference.coordinates",
    "inference.ridge",
    "inference.sampler",
    "inference.posterior",
    "inference",
    "scan.sequences",
    "scan.design",
    "scan.evaluate",
    "scan.plan",
    "scan.store",
    "scan.engine",
    "scan.cluster",
    "scan",
    "bounce_config",
    "transition_config",
    "wall_config",
    "conversion_config",
    "config",
    "conversion_tiers",
    "conversion_report",
    "report",
    "diagnostics_report",
    "bounce_report",
    "transition_report",
    "evolution_report",
    "sensitivity_report",
    "fit_report",
    "scan_design_config",
    "scan_config",
    "scan_report",
    "plotting",
    "_command",
    "run_command",
    "sensitivity_command",
    "inference_command",
    "evolve_command",
    "bounce_command",
    "transition_command",
    "convert_command",
    "scan_command",
    "cli",
]


def _modules():
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if name:
            yield name, path


def _imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("jaxbounce"):
            home = node.module.removeprefix("jaxbounce").lstrip(".")
            for alias in node.names:
                inner = f"{home}.{alias.name}".lstrip(".")
                yield inner if inner in ORDER else home
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("jaxbounce."):
                    yield alias.name.removeprefix("jaxbounce.")


def test_every_module_imports_only_what_comes_before_it():
    for name, path in _modules():
        for target in _imported(path):
            if target:
                assert ORDER.index(target) < ORDER.index(name), f"{name} imports {target}"


def test_importing_changes_nothing():
    code = (
        "import sys, jaxbounce\n"
        "assert 'jax' not in sys.modules\n"
        "from jaxbounce import predict, load, Model\n"
        "import jax\n"
        "assert not jax.config.jax_enable_x64\n"
        "assert 'matplotlib' not in sys.modules and 'scipy' not in sys.modules\n"
        "from jax._src import xla_bridge\n"
        "assert not xla_bridge.backends_are_initialized()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_readme_commands_exist():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "python -m pytest" in readme
    assert "jaxbounce run" in readme
    from jaxbounce.cli import __init__ as cli

    commands = set(re.findall(r"(?:^|`|&& )jaxbounce ([a-z]+)", readme, re.MULTILINE))
    assert {"run", "fit", "convert"} <= commands
    for command in commands:
        assert hasattr(cli, command.capitalize())


@pytest.mark.slow
def test_readme_python_example_runs():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert blocks
    # as a user runs them: each in a process of its own
    for block in blocks:
        subprocess.run([sys.executable, "-W", "error", "-c", block], check=True)


def _packages(nodes):
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def test_dependencies_are_what_the_code_imports():
    """At the top of a module: dependencies. Inside functions: those of an extra too."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    def names(requirements):
        return {re.split(r"[\[<>=]", requirement)[0] for requirement in requirements}

    required = names(project["dependencies"])
    extras = project["optional-dependencies"]
    optional = required.union(*(names(extras[key]) for key in ("plot", "bayes", "scan", "cluster")))
    at_hand = set(sys.stdlib_module_names) | {"jaxbounce"}
    for name, path in _modules():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert set(_packages(tree.body)) - at_hand <= required, name
        assert set(_packages(ast.walk(tree))) - at_hand <= optional, name

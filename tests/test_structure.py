"""The shape of the package: import order, no side effects, the README's claims."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import jaxbounce
from jaxbounce import cli
from jaxbounce.cli import commands

PACKAGE = Path(jaxbounce.__file__).parent
ROOT = PACKAGE.parent


def _modules():
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if name:
            yield name, path


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
    found = set(re.findall(r"(?:^|`|&& )jaxbounce ([a-z]+)", readme, re.MULTILINE))
    assert {"run", "fit", "convert"} <= found <= set(commands())


def test_the_face_offers_what_its_table_says():
    """In a process of its own: other tests import rooms, which Python then lists too."""
    code = (
        "import jaxbounce as jb\n"
        "names = dir(jb)\n"
        "assert not {'Any', 'importlib', 'TYPE_CHECKING'} & set(names), names\n"
        "assert {'load', 'predict', 'fit', 'sample', 'run_scan', 'check'} <= set(names), names\n"
        "for name in names: getattr(jb, name)\n"
        "from types import ModuleType\n"
        "for room in ('scan', 'inference', 'conversion', 'transition', 'bounce', 'model'):\n"
        "    assert isinstance(getattr(jb, room), ModuleType), room\n"
        "import jaxbounce.inference.fitting as m\n"
        "assert callable(m.fit) and callable(jb.fit)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_command_is_one_file(monkeypatch, tmp_path, capsys):
    """A file beside the others is a command, in help too; nothing else has to know it."""
    (tmp_path / "greet.py").write_text(
        "import dataclasses\n"
        "ORDER = 999\n"
        "EXAMPLES = 'jaxbounce greet   say hello\\n'\n"
        "@dataclasses.dataclass(frozen=True)\n"
        "class Command:\n"
        '    """Say hello."""\n'
        "    name: str = 'you'\n"
        "    def run(self):\n"
        "        print('hello', self.name)\n"
        "        return 0\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(cli, "__path__", [*cli.__path__, str(tmp_path)])
    assert "greet" in commands()
    assert cli.main(["greet", "--name", "wall"]) == 0
    assert "hello wall" in capsys.readouterr().out
    sys.modules.pop("jaxbounce.cli.greet", None)


def test_the_lazy_table_is_what_type_checkers_see():
    """Names under TYPE_CHECKING, each from where the table says; every room."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    (block,) = (
        node for node in tree.body if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node)
    )
    seen, rooms = {}, set()
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        module = (node.module or "").removeprefix("jaxbounce").removeprefix(".")
        for alias in node.names:
            if not module:
                rooms.add(alias.asname)
            else:
                is_module = (PACKAGE / module / f"{alias.name}.py").is_file()
                place = f"{module}.{alias.name}" if is_module else f"{module}:{alias.name}"
                seen[alias.asname] = place
    assert seen == jaxbounce._NAMES
    assert rooms == set(jaxbounce._ROOMS)


_OPENS = {
    *("open", "read_text", "read_bytes", "write_text", "write_bytes", "touch", "mkdir", "unlink"),
    *("mkstemp", "mkdtemp", "NamedTemporaryFile", "TemporaryDirectory", "replace", "rename"),
    *("to_netcdf", "savefig", "save", "savez", "savetxt", "loadtxt", "genfromtxt", "to_csv"),
    *("symlink_to", "rmtree", "remove", "fromfile", "tofile", "memmap"),
}


def test_paths_are_opened_at_the_edges_alone():
    """Computation neither reads nor writes files: rooms that do are named here, with why."""
    allowed = {
        "scan.store",  # chunks are written while the scan runs
        "scan.begin",  # a store appears whole
    }
    others = {
        ("scan.evaluate", "read_text"): "/proc/meminfo, the memory of the machine",
    }
    found = set()
    for name, path in _modules():
        if name in allowed or name.split(".")[0] in ("files", "cli", "plotting"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            function = node.func
            if isinstance(function, ast.Name):
                called = function.id
            elif isinstance(function, ast.Attribute):
                called = function.attr
                owner = function.value.id if isinstance(function.value, ast.Name) else ""
                # dataclasses.replace and str.replace, model.replace(name=…), open_store and so on
                if called == "replace" and owner != "os":
                    continue
            else:
                continue
            if called in _OPENS:
                found.add((name, called))
    assert found == set(others)


def test_flags_are_the_business_of_the_commands():
    for name, path in _modules():
        if name.startswith("cli"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not re.search(r"(?<![\w-])--[a-z]", node.value), (name, node.value)


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

"""The lowest versions that pyproject.toml allows of what it names, as constraints for pip."""

import re
import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
named = [*project["dependencies"]]
for extra in ("plot", "bayes", "scan", "cluster", "test"):
    named += project["optional-dependencies"][extra]
bounds = (re.match(r"([\w-]+)>=([\w.]+)", requirement) for requirement in named)
print("\n".join(sorted({f"{found[1]}=={found[2]}" for found in bounds if found})))

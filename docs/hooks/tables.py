"""Tables of the documentation that are read from the package while the site is built.

A line `<!-- table: NAME -->` in a page becomes the table of that name. The pages of the API, one
for each room, are generated whole: a room's page lists what its `__init__` imports publicly.
"""

import ast
import dataclasses
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

import jaxbounce
from jaxbounce._core.status import Status
from jaxbounce.conversion.models import MODELS
from jaxbounce.files.point import CHOICE_KEYS, OTHER_KEYS
from jaxbounce.parameters import CHOICES, DECLARATIONS, PRESETS, Parameters

_MARK = re.compile(r"^<!-- table: ([a-z-]+) -->$", re.MULTILINE)

ROOT = Path(__file__).parents[2]


def _rows(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join("| " + " | ".join(_cell(text) for text in line) + " |" for line in lines)


def _cell(text: str) -> str:
    """One line in which no bar ends the cell."""
    return " ".join(text.replace("|", "&#124;").split())


def _plain(text: str) -> str:
    """Text in which nothing is Markdown."""
    return re.sub(r"([_*])", r"\\\1", text)


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _used_if(conditions: dict[str, tuple[str, ...]]) -> str:
    return ", ".join(f"`{name}` = {' or '.join(values)}" for name, values in conditions.items())


def parameters() -> str:
    """Every parameter: its names, meaning, unit, range and default."""
    defaults = {field.name: field.default for field in dataclasses.fields(Parameters)}
    rows = []
    for name, declared in DECLARATIONS.items():
        default = defaults[name]
        given = default is not dataclasses.MISSING and default is not None
        meaning = declared.range.meaning.removesuffix(f" ({declared.unit})")
        rows.append(
            (
                _code(name),
                _code(declared.key),
                meaning,
                declared.unit or "–",
                str(declared.range),
                f"{default:g}" if given else "must be given",
                _used_if(dict(declared.used_if)) or "always",
            )
        )
    return _rows(("in Python", "key in files", "meaning", "unit", "range", "default", "used"), rows)


def choices() -> str:
    """Every choice that is a key."""
    rows = []
    for name, declared in CHOICES.items():
        if name not in CHOICE_KEYS:
            continue
        values = [f"**`{v}`**" if v == declared.default else f"`{v}`" for v in declared.allowed]
        rows.append((_code(name), ", ".join(values), _plain(declared.meaning)))
    return _rows(("choice", "values (default in bold)", "meaning"), rows)


def keys() -> str:
    """The keys that are neither a parameter nor a choice."""
    rows = [(_code(name), _plain(key.meaning)) for name, key in OTHER_KEYS.items()]
    return _rows(("key", "meaning"), rows)


def presets() -> str:
    """What each preset chooses."""
    names = list(next(iter(PRESETS.values())))
    rows = [(_code(name), *(_code(preset[name]) for preset in PRESETS.values())) for name in names]
    return _rows(("choice", *(f"preset `{name}`" for name in PRESETS)), rows)


def statuses() -> str:
    """Every status code with what it says."""
    rows = [(str(int(s)), _code(s.name), _plain(s.message)) for s in Status]
    return _rows(("code", "`jb.Status.…`", "what happened; what to do"), rows)


def conversion_models() -> str:
    """The conversion models by name."""
    rows = [
        (_code(name), _plain(named.meaning), str(named.steps or "–"))
        for name, named in MODELS.items()
    ]
    return _rows(("`model`", "what it is", "steps"), rows)


def rooms() -> str:
    """The rooms of the package with what each says of itself."""
    rows = [(f"[`{room}`](api/{room}.md)", _summary(room)) for room in jaxbounce._ROOMS]
    return _rows(("room", "what lives there"), rows)


def citation() -> str:
    """CITATION.cff and the BibTeX entry of this version."""
    cff = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    return f"```bibtex\n{jaxbounce.citation()}\n```\n\n```yaml\n{cff}```"


TABLES: dict[str, Callable[[], str]] = {
    "parameters": parameters,
    "choices": choices,
    "keys": keys,
    "presets": presets,
    "statuses": statuses,
    "conversion-models": conversion_models,
    "rooms": rooms,
    "citation": citation,
}


def _source(room: str) -> ast.Module:
    path = ROOT / "jaxbounce" / room
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(file.read_text(encoding="utf-8"))


def _summary(room: str) -> str:
    return _plain((ast.get_docstring(_source(room)) or "").split("\n")[0])


def _public(room: str) -> list[str]:
    """What a room offers: the names that its `__init__` imports as themselves."""
    tree = _source(room)
    if not (ROOT / "jaxbounce" / room).is_dir():
        defined = (ast.FunctionDef, ast.ClassDef)
        return [n.name for n in tree.body if isinstance(n, defined) and n.name[0] != "_"]
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("jaxbounce."):
            found += [alias.name for alias in node.names if alias.asname == alias.name]
    return found


def _page(room: str) -> str:
    docstring = ast.get_docstring(_source(room)) or ""
    lines = [f"# jaxbounce.{room}", "", docstring, ""]
    for name in _public(room):
        lines += [f"::: jaxbounce.{room}.{name}", ""]
    return "\n".join(lines)


def _face() -> str:
    """The page of the names that `import jaxbounce as jb` offers."""
    lines = ["# jaxbounce", "", "`import jaxbounce as jb` offers these names and the rooms.", ""]
    lines += ["::: jaxbounce.enable_x64", ""]
    for name in jaxbounce._NAMES:
        if name != "errors":
            lines += [f"::: jaxbounce.{name}", ""]
    return "\n".join(lines)


def _pages() -> Iterator[tuple[str, str]]:
    yield "api/index.md", _face()
    for room in jaxbounce._ROOMS:
        yield f"api/{room}.md", _page(room)


def on_config(config: Any) -> Any:
    """Put the pages of the API into the navigation."""
    for entry in config.nav:
        if isinstance(entry, dict) and "API" in entry:
            entry["API"] = [path for path, _ in _pages()]
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the pages of the API."""
    for path, text in _pages():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the tables where a page asks for them; a name that is not known ends the build."""
    return _MARK.sub(lambda found: TABLES[found[1]](), markdown)

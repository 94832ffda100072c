"""The executed notebooks as pages of the site: text, code, what it printed, pictures.

They are shown as they were when they were committed; `pytest --nbmake notebooks` runs them.
"""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

_PICTURE = "image/png"


def _text(source: str | list[str]) -> str:
    return source if isinstance(source, str) else "".join(source)


def _outputs(cell: dict[str, Any], stem: str, number: int) -> Iterator[tuple[str, bytes | None]]:
    """Markdown of each output of a cell, with the bytes of its picture if it is one."""
    for i, output in enumerate(cell["outputs"]):
        data = output.get("data", {})
        if _PICTURE in data:
            name = f"{stem}-{number}-{i}.png"
            yield f"![a picture made by the code above]({name})", base64.b64decode(data[_PICTURE])
        elif "text" in output or "text/plain" in data:
            text = _text(output.get("text") or data["text/plain"]).rstrip("\n")
            yield f"```text\n{text}\n```", None


def _page(path: Path) -> tuple[str, dict[str, bytes]]:
    """A notebook as Markdown, and its pictures by name."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    parts, pictures = [], {}
    for number, cell in enumerate(cells):
        source = _text(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
        elif cell["cell_type"] == "code" and source.strip():
            parts.append(f"```python\n{source}\n```")
            for markdown, picture in _outputs(cell, path.stem, number):
                parts.append(markdown)
                if picture is not None:
                    pictures[markdown.split("(")[1].rstrip(")")] = picture
    return "\n\n".join(parts) + "\n", pictures


def on_config(config: Any) -> Any:
    """Put the notebooks into the navigation."""
    for entry in config.nav:
        if isinstance(entry, dict) and "Notebooks" in entry:
            entry["Notebooks"] = [f"notebooks/{path.stem}.md" for path in NOTEBOOKS]
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add a page and the pictures of each notebook."""
    for path in NOTEBOOKS:
        markdown, pictures = _page(path)
        files.append(File.generated(config, f"notebooks/{path.stem}.md", content=markdown))
        for name, picture in pictures.items():
            files.append(File.generated(config, f"notebooks/{name}", content=picture))
    return files

"""Make the notebooks of the scripts beside this one, executed: python notebooks/make.py [NAME …]."""

import sys
from pathlib import Path

import jupytext
from nbclient import NotebookClient
from nbformat import write

HERE = Path(__file__).parent


def main(names: list[str]) -> None:
    """Execute the scripts of these names (all of them without one) and write them as ipynb."""
    for script in sorted(HERE.glob("[0-9]*.py")):
        if names and script.stem not in names:
            continue
        notebook = jupytext.read(script)
        # without what differs from run to run: times, and identifiers that are drawn
        for i, cell in enumerate(notebook.cells):
            cell["id"] = f"cell-{i}"
        notebook.metadata.pop("jupytext", None)
        NotebookClient(notebook, timeout=600, record_timing=False, coalesce_streams=True).execute()
        write(notebook, script.with_suffix(".ipynb"))
        print(f"{script.stem}: {script.with_suffix('.ipynb').stat().st_size // 1024} kB")


if __name__ == "__main__":
    main(sys.argv[1:])

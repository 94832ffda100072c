"""The pictures of the gallery, drawn by `jaxbounce.plot` while the site is built.

A line `<!-- picture: NAME -->` in a page becomes the picture and the code that drew it.
"""

import inspect
import io
import re
import textwrap
from collections.abc import Callable
from typing import Any

from mkdocs.structure.files import File, Files

import jaxbounce as jb

_MARK = re.compile(r"^<!-- picture: ([a-z-]+) -->$", re.MULTILINE)


def sensitivities() -> Any:
    """What ρ_B of the benchmark depends on."""
    model = jb.load(preset="benchmark")
    return jb.plot(jb.sensitivities(model))


def bounce() -> Any:
    """The published wall, from its potential."""
    from jaxbounce.potential import Portal, portal

    found = jb.solve_bounce(portal, Portal(), [0.0, -(3**0.5)], [99 / 42, 0.0], 4)
    return jb.plot(found)


def coupling() -> Any:
    """Both densities over the portal coupling of the published wall, and what Planck allows."""
    import matplotlib.pyplot as plt
    import numpy as np

    wall = {"potential": jb.potential.PUBLISHED, "couplings": {"lambda_tr_eff": 0.209}}
    model = jb.load(preset="exact", conversion=wall, f_chi=1.404e-7)
    g = np.geomspace(1.2, 9.0, 7)
    found = [jb.predict(model.replace(g=x)) for x in g]
    data = jb.inference.likelihood()
    _, axes = plt.subplots(figsize=(5.6, 3.8), layout="constrained")
    for name, label, line, colour, rho, sigma in (
        ("rho_DM", r"$\rho_\mathrm{DM}$", "o-", "C0", data.rho[1], data.rho_sigma[1]),
        ("rho_B", r"$\rho_B$", "s--", "C1", data.rho[0], data.rho_sigma[0]),
    ):
        axes.plot(g, [getattr(p, name) for p in found], line, color=colour, label=label)
        axes.axhspan(rho - 5 * sigma, rho + 5 * sigma, color=colour, alpha=0.3, lw=0)
    axes.set(xscale="log", yscale="log", xlabel="portal coupling $g$", ylabel="density (kg/m³)")
    axes.set_xticks([1.5, 2, 3, 4, 6, 8], ["1.5", "2", "3", "4", "6", "8"], minor=False)
    axes.set_xticks([], minor=True)
    axes.legend(title="bands: Planck, 5 σ")
    return axes


PICTURES: dict[str, Callable[[], Any]] = {
    "sensitivities": sensitivities,
    "bounce": bounce,
    "coupling": coupling,
}


def _png(figure: Any) -> bytes:
    buffer = io.BytesIO()
    figure.figure.savefig(buffer, format="png", dpi=90)
    return buffer.getvalue()


def on_files(files: Files, config: Any) -> Files:
    """Add the pictures."""
    jb.enable_x64()
    for name, draw in PICTURES.items():
        files.append(File.generated(config, f"gallery/{name}.png", content=_png(draw())))
    return files


def _shown(found: re.Match[str]) -> str:
    name = found[1]
    draw = PICTURES[name]
    body = inspect.getsource(draw).split('"""\n', 1)[1]
    code = textwrap.dedent(body).replace("return ", "figure = ")
    return f"![{inspect.getdoc(draw)}](gallery/{name}.png)\n\n```python\n{code.strip()}\n```"


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the pictures where a page asks for them."""
    return _MARK.sub(_shown, markdown)

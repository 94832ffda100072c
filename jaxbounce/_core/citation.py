"""How to cite the package."""

import importlib.metadata

from jaxbounce._core.version import __version__


def citation() -> str:
    """How to cite this version of the package, as BibTeX.

    Authors, title and address come from the metadata of the installed package.
    """
    authors, title, address = "The jaxbounce developers", "", None
    try:
        known = importlib.metadata.metadata("jaxbounce")
    except importlib.metadata.PackageNotFoundError:
        pass  # a source tree that is not installed
    else:
        found = {name: known.get_all(name) or [] for name in ("Author", "Summary", "Project-URL")}
        authors, title = " and ".join(found["Author"]) or authors, "".join(found["Summary"])
        address = next((text.split(", ", 1)[-1] for text in found["Project-URL"]), None)
    fields = {
        "author": f"{{{authors}}}",
        "title": f"jaxbounce: {title}" if title else "jaxbounce",
        "version": __version__,
        **({} if address is None else {"url": address}),
    }
    lines = [f"  {key} = {{{value}}}," for key, value in fields.items()]
    return "\n".join([f"@software{{jaxbounce-{__version__},", *lines, "}"])

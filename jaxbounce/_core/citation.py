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
        authors = known.get("Author", authors) or authors
        title = known.get("Summary", title) or title
        links = dict(text.split(", ", 1) for text in known.get_all("Project-URL") or ())
        address = known.get("Home-page") or next(iter(links.values()), None)
    fields = {
        "author": f"{{{authors}}}",
        "title": f"jaxbounce: {title}" if title else "jaxbounce",
        "version": __version__,
        **({} if address is None else {"url": address}),
    }
    lines = [f"  {key} = {{{value}}}," for key, value in fields.items()]
    return "\n".join([f"@software{{jaxbounce-{__version__},", *lines, "}"])

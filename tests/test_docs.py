"""The documentation: what it shows is what happens, and its links lead somewhere."""

import json
import re
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

import jaxbounce as jb
import snippets
from jaxbounce.cli import commands
from jaxbounce.files.point import BENCHMARK, configure
from jaxbounce.files.scan import read_scan

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))

# pages whose snippets take more than seconds
SLOW = {
    "extending.md",
    "sharp-bits.md",
    "start/pipeline.md",
    "start/potential.md",
    "start/published.md",
}

_RUN = {"python", "console"}


def _with_snippets():
    for name in PAGES:
        page = (DOCS / name).read_text(encoding="utf-8")
        if any(block.kind in _RUN for block in snippets.blocks(page)):
            yield pytest.param(name, marks=pytest.mark.slow if name in SLOW else ())


@pytest.mark.parametrize("name", list(_with_snippets()))
def test_what_a_page_shows_is_what_happens(name, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    page = (DOCS / name).read_text(encoding="utf-8")
    for shown in snippets.run(page, tmp_path):
        assert snippets.agree(shown.expected, shown.printed), (
            f"{name}:{shown.line} shows\n{shown.expected}\nand prints\n{shown.printed}"
        )


def test_commands_in_the_docs_exist():
    known = set(commands())
    for name in PAGES:
        page = (DOCS / name).read_text(encoding="utf-8")
        used = set(re.findall(r"(?:^|\$ |`)jaxbounce ([a-z]+)\b", page, re.MULTILINE))
        assert used <= known, (name, used - known)


@pytest.mark.parametrize(
    ("expected", "printed", "same"),
    [
        ("rho 1.234e-27 kg", "rho   1.2341e-27 kg\n", True),
        ("rho 1.234e-27 kg", "rho 1.236e-27 kg", False),
        ("a\n…\nz", "a\nb\nc\nz\n", True),
        ("a\n…\nz", "a\nb\nc\n", False),
        ("took … s", "took 12.3 s", True),
        ("status 1", "status 2", False),
        ("x = −3.0", "x = -3.0", True),
        ("", "something", False),
    ],
)
def test_outputs_are_compared(expected, printed, same):
    assert snippets.agree(expected, printed) is same


class _Page(HTMLParser):
    """The links of a page, and the places in it that others can link to."""

    def __init__(self):
        super().__init__()
        self.links, self.places = [], set()

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.places |= {found[key] for key in ("id", "name") if found.get(key)}
        link = found.get("href") or found.get("src")
        if link is not None:
            self.links.append(link)


def broken_links(site):
    """Links of a built site that lead to no file, or to no place in it."""
    pages = {}
    for path in site.rglob("*.html"):
        pages[path.resolve()] = _Page()
        pages[path.resolve()].feed(path.read_text(encoding="utf-8"))
    for path, page in pages.items():
        for link in page.links:
            if re.match(r"[a-z]+:|//", link) or not link or path.name == "404.html":
                continue
            target, _, place = unquote(link).partition("#")
            file = (path.parent / target.partition("?")[0]).resolve() if target else path
            file = file / "index.html" if file.is_dir() else file
            if not file.exists():
                yield f"{path.relative_to(site.resolve())}: {link}"
            elif place and file in pages and place not in pages[file].places:
                yield f"{path.relative_to(site.resolve())}: {link} (no such place)"


def test_broken_links_are_found(tmp_path):
    (tmp_path / "a.html").write_text(
        '<p id="here"><a href="b.html#there">1</a><a href="#here">2</a><a href="#lost">3</a>'
        '<img src="gone.png"><a href="https://example.org/x">4</a></p>',
        encoding="utf-8",
    )
    (tmp_path / "b.html").write_text('<p id="there"></p>', encoding="utf-8")
    assert sorted(broken_links(tmp_path)) == ["a.html: #lost (no such place)", "a.html: gone.png"]


def test_the_built_site_has_no_broken_links():
    site = ROOT / "build" / "site"
    if not site.is_dir():
        pytest.skip("the site is not built: pip install -e '.[docs]' && mkdocs build --strict")
    assert list(broken_links(site)) == []


NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.py"))


def _cells(script):
    """Kind and text of each cell of a percent script."""
    _, *cells = re.split(r"^# %%", script, flags=re.MULTILINE)
    for cell in cells:
        head, _, text = cell.partition("\n")
        if "[markdown]" in head:
            text = re.sub(r"^# ?", "", text, flags=re.MULTILINE)
        yield ("markdown" if "[markdown]" in head else "code"), text.strip()


@pytest.mark.parametrize("script", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_a_notebook_is_its_script_executed(script):
    cells = json.loads(script.with_suffix(".ipynb").read_text(encoding="utf-8"))["cells"]
    found = [(cell["cell_type"], "".join(cell["source"]).strip()) for cell in cells]
    assert found == list(_cells(script.read_text(encoding="utf-8"))), "python notebooks/make.py"
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    assert outputs
    assert not [output for output in outputs if output["output_type"] == "error"]
    pictures = [o["data"]["image/png"] for o in outputs if "image/png" in o.get("data", {})]
    assert all(len(picture) * 3 / 4 < 60_000 for picture in pictures)
    assert not re.search(r"site-packages|/home/|/root/|/tmp/", json.dumps(outputs)), (
        "a path of a machine"
    )


def test_tables_in_the_docs_are_ones_that_are_read(tmp_path):
    for block in snippets.blocks((DOCS / "configurations.md").read_text(encoding="utf-8")):
        if block.kind == "toml":
            table = tomllib.loads(block.body)
            given = {"g_star_s"} if "g_star" in table else set()
            if "conversion" in table:
                given = {"P_chi_to_B"}
                del table["conversion"]["profile_csv"]  # the reader's own
                table["conversion"]["potential"] = jb.potential.PUBLISHED
            rest = {key: value for key, value in BENCHMARK.items() if key not in given}
            assert configure({**rest, **table}).model.stages
    for block in snippets.blocks((DOCS / "scans.md").read_text(encoding="utf-8")):
        if block.title:
            read_scan(tomllib.loads(block.body), tmp_path)

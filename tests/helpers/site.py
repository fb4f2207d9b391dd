"""Reads the built pages of the real site; each is parsed once in a process."""

import json
import re
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import pytest
from selectolax.lexbor import LexborHTMLParser, LexborNode

from proven.notebooks import CHAPTER
from proven.settings import read_settings
from tests.helpers.projects import PROJECT

NAME = read_settings(PROJECT).name
OFFLINE = f"{NAME}-offline.zip"
DOCS = PROJECT / "docs" / "zh"
PAGES = ["" if path.stem == "index" else f"{path.stem}/" for path in sorted(DOCS.glob("*.md"))]
SECTIONS: list[str] = re.findall(  # the table on the home page
    r"^\| \[.*\]\(([\w-]+)\.md\) \|", (DOCS / "index.md").read_text("utf-8"), re.MULTILINE
)
SHOWING = [*SECTIONS, "errata"]  # the pages with snippets
LANGUAGES = {"zh": "", "en": "en/"}
HAN = re.compile(r"[\u4e00-\u9fff]")

NOTEBOOKS = [*SHOWING, CHAPTER]

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page or "home")
every_language = pytest.mark.parametrize("language", LANGUAGES)
every_notebook = pytest.mark.parametrize("name", NOTEBOOKS)


@cache
def read(path: Path) -> LexborHTMLParser:
    """Parse a page. Tests share the tree, and so must not change it."""
    return LexborHTMLParser(path.read_text(encoding="utf-8"))


@cache
def anchors(path: Path) -> frozenset[str]:
    """The ids of a page."""
    return frozenset(attribute(tag, "id") for tag in read(path).css("[id]"))


def parsed(site: Path, language: str, page: str) -> LexborHTMLParser:
    """The tree of a page, such as `blocks/`, in one language."""
    return read(site / LANGUAGES[language] / page / "index.html")


def one(tree: LexborHTMLParser | LexborNode, selector: str) -> LexborNode:
    """The first element that a selector finds, which has to be there."""
    found = tree.css_first(selector)
    assert found is not None, f"no {selector}"
    return found


def attribute(tag: LexborNode, name: str) -> str:
    """An attribute that an element has to have."""
    value = tag.attributes[name]
    assert value is not None
    return value


def title(heading: LexborNode) -> str:
    """The text of a heading without the links that stand beside it."""
    links = [link.text() for link in heading.css(".headerlink")]
    return heading.text().removesuffix("".join(links))


@cache
def report(site: Path) -> dict[str, Any]:
    """What `build.json` says."""
    data: dict[str, Any] = json.loads((site / "build.json").read_text(encoding="utf-8"))
    return data


def snippet_rows(site: Path) -> dict[str, dict[str, Any]]:
    """The snippets of `build.json` by their names."""
    return {row["name"]: row for row in report(site)["snippets"]}


def shown(tree: LexborHTMLParser) -> list[LexborNode]:
    """The snippets of a page, in order, each without what explains the answer to its question."""
    flat = LexborHTMLParser(tree.html or "")
    for more in flat.css(".answer > .explained"):
        answer = more.parent
        assert answer
        assert answer.parent
        answer.parent.insert_after(more)
        more.decompose()
    return flat.css("[data-snippet]")


@cache
def search_index(site: Path, language: str) -> dict[str, Any]:
    """The index that the search of one language loads."""
    path = site / LANGUAGES[language] / "search" / "search_index.json"
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return data


def notebook_path(site: Path, language: str, name: str) -> Path:
    """Where the notebook of a page is, or the one of the chapter."""
    return site / LANGUAGES[language] / "notebooks" / f"{name}.{language}.ipynb"


@cache
def _notebook(path: Path) -> Any:
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def read_notebook(site: Path, language: str, name: str) -> Any:
    """A notebook, which a test may change."""
    return deepcopy(_notebook(notebook_path(site, language, name)))


def snippet_cells(notebook: Any) -> list[Any]:
    """The code cells of a notebook that a page shows, too."""
    ours = re.compile(r"install|.*_reset")
    return [c for c in notebook.cells if c.cell_type == "code" and not ours.fullmatch(c.id)]

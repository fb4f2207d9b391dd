"""Holds the pages that Zensical builds against those of MkDocs: `make zensical`.

Not among the tests of `make test`, which need no second environment and no second build.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag

from tests.conftest import PROJECT
from tests.site import test_html
from tests.site.test_html import LANGUAGES, PAGES, SECTIONS, every_language, parsed

ZENSICAL = PROJECT / "build" / "zensical.project" / "site"
HOOKED = {"chapter/"}  # written by a hook of MkDocs

every_page = pytest.mark.parametrize(
    "page", [page for page in PAGES if page not in HOOKED], ids=lambda page: page or "home"
)


def headings(soup: BeautifulSoup) -> list[tuple[str, str, str]]:
    return [
        (tag.name, str(tag.get("id")), tag.get_text())
        for tag in soup.select("article :is(h1, h2, h3, h4, h5, h6)")
    ]


def results(snippet: Tag) -> list[str]:
    """All that a snippet shows, down to the bytes of a figure."""
    return [str(part) for part in snippet.select("code, .snippet-result, .snippet-skip")]


def snippets(soup: BeautifulSoup) -> list[tuple[str, str, list[str]]]:
    return [
        (str(snippet["data-snippet"]), str(snippet["data-state"]), results(snippet))
        for snippet in test_html.shown(soup)
    ]


def marks(soup: BeautifulSoup) -> list[tuple[str, str, str]]:
    return [
        (str(mark["data-claim"]), str(mark["data-state"]), mark.get_text())
        for mark in soup.select("[data-claim]")
    ]


def prose(soup: BeautifulSoup) -> list[str]:
    """All text but the foot and the links to notebooks, which are filled in by hooks of MkDocs."""
    kinds = "article :is(p, li, td, th, dt, dd, summary):not(.ran-on, .notebook-links)"
    return [tag.get_text() for tag in soup.select(kinds)]


def links(soup: BeautifulSoup) -> list[str]:
    """Where the text leads, but for what hooks of MkDocs write: notebooks, archives."""
    return [
        str(link["href"])
        for link in soup.select("article a[href]:not(.md-content__button, .notebook-links a)")
        if not link.has_attr("download")
    ]


@every_language
@every_page
@pytest.mark.parametrize("look", [headings, snippets, marks, prose, links])
def test_a_page_shows_what_that_of_mkdocs_shows(
    site: Path, language: str, page: str, look: Callable[[BeautifulSoup], object]
) -> None:
    assert look(parsed(ZENSICAL, language, page)) == look(parsed(site, language, page))


@every_language
@pytest.mark.parametrize("page", SECTIONS)
def test_each_numbered_part_has_executed_output(language: str, page: str) -> None:
    test_html.test_each_numbered_part_is_there_and_has_executed_output(ZENSICAL, language, page)


@every_language
@every_page
def test_a_page_passes_what_those_of_mkdocs_pass(language: str, page: str) -> None:
    test_html.test_no_traceback_no_raw_json_and_no_duplicate_id(ZENSICAL, language, page)
    test_html.test_nothing_is_loaded_from_another_host(ZENSICAL, language, page)


def test_no_page_is_left_out(site: Path) -> None:
    def pages(folder: Path) -> set[str]:
        found = folder.rglob("index.html")
        return {f"{path.parent.relative_to(folder).as_posix()}/" for path in found}

    hooked = {f"{root}{page}" for root in LANGUAGES.values() for page in HOOKED}
    assert pages(ZENSICAL) == pages(site) - hooked

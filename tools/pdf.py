"""Prints the chapter of each language as one PDF, from the built site: `make pdf`.

The sections become one document behind a title page and a table of contents. Chromium cannot write
the page number of a link's target, so it prints twice: the outline of the first print has them.
"""

import io
import json
import posixpath
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag

from bs4 import BeautifulSoup, Tag
from mkdocs.config import load_config
from mkdocs.config.defaults import MkDocsConfig
from playwright.sync_api import Browser, Page, sync_playwright
from proven.chromium import launch
from pypdf import PdfReader
from pypdf.generic import Destination

from proven.pages import LANGUAGES
from proven.problems import Problem, ProjectError
from proven.words import word

PROJECT = Path(__file__).parents[2]
STYLE = Path(__file__).with_name("pdf.css")
SHORT = 32  # lines of a snippet that is not broken over two pages, which is half a page
FIGURE = 20  # lines that a figure is as high as
PLAIN = re.compile(
    r'<span class="(?:n|p|o|w|si|bp|nb|nn)">([^<]*)</span>'
)  # code that has no colour
# What only a screen has a use for.
DROPPED = ".headerlink, .md-content__button, .notebook-links, .page-code, .reading, nav, script, form, link"


def print_chapter(browser: Browser, site: Path, language: str, target: Path) -> int:
    """Print the chapter of one language.

    Args:
        browser: A Chromium.
        site: The folder of the built site.
        language: `zh` or `en`.
        target: The PDF file.

    Returns:
        The number of its pages.

    Raises:
        ProjectError: There is no built site, or no font with Chinese characters.
    """
    if not (site / "build.json").is_file():
        raise ProjectError(Problem(f"there is no {site.name}/build.json", "make build"))
    _check_fonts(language)
    view = browser.new_page()
    view.set_content(_document(site, language))
    numbers = list(_pages_of_headings(_print(view)))
    view.locator(".contents a[data-heading] .page").evaluate_all(
        "(rows, numbers) => rows.forEach(row => "
        "row.textContent = numbers[row.parentElement.dataset.heading])",
        numbers,
    )
    printed = _print(view)
    view.close()
    assert list(_pages_of_headings(printed)) == numbers, "the numbers have moved the pages"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(printed)
    return len(PdfReader(io.BytesIO(printed)).pages)


def _check_fonts(language: str) -> None:
    if language != "zh" or not shutil.which("fc-list"):
        return
    if not subprocess.run(["fc-list", ":lang=zh"], capture_output=True, check=True).stdout:
        what = "there is no font with Chinese characters, and the PDF would show empty boxes"
        raise ProjectError(Problem(what, "sudo apt install fonts-noto-cjk"))


def _print(view: Page) -> bytes:
    return view.pdf(prefer_css_page_size=True, print_background=True, outline=True, tagged=True)


def _pages_of_headings(pdf: bytes) -> Iterator[int]:
    """The page of each heading, counted from 1."""
    reader = PdfReader(io.BytesIO(pdf))

    def flat(entries: Iterable[Any]) -> Iterator[Destination]:
        for entry in entries:
            if isinstance(entry, list):
                yield from flat(entry)
            else:
                yield entry

    for entry in flat(reader.outline):
        number = reader.get_destination_page_number(entry)
        assert number is not None
        yield number + 1


def _document(site: Path, language: str) -> str:
    """All sections as one HTML document."""
    name = "mkdocs.yml" if language == LANGUAGES[0] else f"mkdocs.{language}.yml"
    config = load_config(str(PROJECT / name))
    root = site if language == LANGUAGES[0] else site / language
    sections: dict[str, Tag] = {}
    canonical: dict[str, str] = {}
    for path in config.nav or ():
        address = "" if path == "index.md" else f"{path.removesuffix('.md')}/"
        html = (root / address / "index.html").read_text(encoding="utf-8")
        link = re.search(r'<link rel="canonical" href="([^"]*)"', html)
        canonical[address] = link[1] if link else ""
        script = f"{path.removesuffix('.md').replace('-', '_')}.py"
        if (PROJECT / "snippets" / script).is_file():  # a section: it has a script of its name
            article = PLAIN.sub(r"\1", html[html.index("<article") : html.index("</article>")])
            sections[address] = BeautifulSoup(article, "html.parser")
    for address in sections:
        _adapt(sections, canonical, address)
    return _assemble(site, language, config, sections)


def _adapt(sections: dict[str, Tag], canonical: dict[str, str], address: str) -> None:
    """Make the article of a page fit for paper, and its ids and links fit for one document."""
    article = sections[address]
    for tag in article.select(DROPPED):
        tag.decompose()
    for claim in article.select(".claim"):
        mark = claim.select_one(".claim-mark")
        assert mark
        claim["class"] = "tick"
        claim.string = mark.get_text()
    for snippet in article.select(".snippet"):
        lines = sum(len(pre.get_text().split("\n")) for pre in snippet.select("pre"))
        if lines + FIGURE * len(snippet.select("figure")) <= SHORT:
            snippet["class"] = "snippet short"
    for fold in article.select("details"):
        fold["open"] = ""
    for link in article.select("a[href]:not(svg a)"):
        path, fragment = urldefrag(str(link["href"]))
        if "://" in path:
            continue
        page = (posixpath.normpath(posixpath.join(address, path)) + "/").removeprefix("./")
        if page in sections:
            link["href"] = f"#{page}{fragment}"
        elif canonical.get(page):
            link["href"] = f"{canonical[page]}{fragment and f'#{fragment}'}"
        else:
            link.unwrap()
    for tag in article.select("[id]"):
        if tag.name != "svg" and not tag.find_parent("svg"):
            tag["id"] = f"{address}{tag['id']}"


def _assemble(site: Path, language: str, config: MkDocsConfig, sections: dict[str, Tag]) -> str:
    report = json.loads((site / "build.json").read_text(encoding="utf-8"))
    first = next(iter(sections.values()))
    foot = first.select_one(".ran-on")
    ran_on = foot.get_text() if foot else ""
    styles = [
        STYLE.read_text(encoding="utf-8"),
        f"@page {{ @top-left {{ content: {json.dumps(config.site_name, ensure_ascii=False)} }} }}",
    ]
    rows, bodies = [], []
    count = 0
    for number, (address, article) in enumerate(sections.items(), 1):
        for tag in article.select(".ran-on"):
            tag.decompose()
        headings = article.select("h1, h2, h3, h4")
        title = json.dumps(headings[0].get_text(), ensure_ascii=False)
        styles.append(f"@page s{number} {{ @top-right {{ content: {title} }} }}")
        for heading in headings:
            if heading.name in ("h1", "h2"):
                inside = heading.decode_contents()
                rows.append(
                    f'<a class="{heading.name}" href="#{heading["id"]}" data-heading="{count}">'
                    f'<span>{inside}</span><span class="page">000</span></a>'
                )
            count += 1
        bodies.append(
            f'<section id="{address}" style="page: s{number}">{article.decode_contents()}</section>'
        )
    commit = report["commit"] or ""
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f"<title>{escape(config.site_name)}</title><style>{''.join(styles)}</style></head><body>"
        f'<div class="title"><p class="name">{escape(config.site_name)}</p>'
        f"<p>{escape(config.site_description or '')}</p>"
        f'<p class="small">{ran_on} {word(language, "ticks")}</p>'
        f'<p class="small">{commit[:12]}</p><p class="small">{escape(config.copyright or "")}</p></div>'
        f'<div class="contents"><p class="name">{word(language, "contents")}</p>{"".join(rows)}</div>'
        f"{''.join(bodies)}</body></html>"
    )


def main() -> int:
    """Print both languages into `build/pdf/`.

    Returns:
        The exit status.
    """
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for language in LANGUAGES:
            target = PROJECT / "build" / "pdf" / f"proven-notes.{language}.pdf"
            try:
                pages = print_chapter(browser, PROJECT / "site", language, target)
            except ProjectError as error:
                print(error, file=sys.stderr)
                return 1
            print(f"{target.relative_to(PROJECT)}: {pages} pages")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

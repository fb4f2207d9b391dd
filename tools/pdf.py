"""Prints the chapter of each language as one PDF, from the built site: `make pdf`.

The sections become one document behind a title page and a table of contents. Chromium cannot write
the page number of a link's target, so it prints twice: the outline of the first print has them.
"""

import io
import json
import posixpath
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag

from mkdocs.config import load_config
from mkdocs.config.defaults import MkDocsConfig
from playwright.sync_api import Browser, Page, sync_playwright
from pypdf import PdfReader
from pypdf.generic import Destination
from selectolax.lexbor import LexborHTMLParser, LexborNode

from proven.problems import Problem, ProjectError
from proven.settings import read_settings
from tools.chromium import launch

PROJECT = Path(__file__).parents[1]
STYLE = Path(__file__).with_name("pdf.css")
SHORT = 32  # lines of a snippet that is not broken over two pages, which is half a page
FIGURE = 20  # lines that a figure is as high as
PLAIN = ", ".join(
    f"span.{name}" for name in ["n", "p", "o", "w", "si", "bp", "nb", "nn"]
)  # code without a colour
# What only a screen has a use for.
DROPPED = ".headerlink, .md-content__button, .notebook-links, .page-code, .progress, .done, .verdict, .machines, nav, script, form, link"
WORDS = {  # the title of the contents, and what the marks mean
    "en": ("Contents", "A ✓ at the end of a sentence means that a test proves it."),
    "zh": ("目录", "句末的 ✓ 表示这句话有测试证明。"),
}


def print_chapter(browser: Browser, site: Path, language: str, target: Path) -> int:
    """Print the chapter of one language of a built site; return how many pages it has."""
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
    settings = read_settings(PROJECT)
    name = "mkdocs.yml" if language == settings.main else f"mkdocs.{language}.yml"
    config = load_config(str(PROJECT / name))
    root = site / settings.root(language)
    sections: dict[str, LexborNode] = {}
    canonical: dict[str, str] = {}
    for path in config.nav or ():
        address = "" if path == "index.md" else f"{path.removesuffix('.md')}/"
        tree = LexborHTMLParser((root / address / "index.html").read_text(encoding="utf-8"))
        link = tree.css_first('link[rel="canonical"]')
        canonical[address] = link.attributes["href"] or "" if link else ""
        if tree.css_matches("article .page-code"):  # not the home page
            sections[address] = tree.css("article")[0]
    for address in sections:
        _adapt(sections, canonical, address)
    return _assemble(site, language, config, sections)


def _adapt(sections: dict[str, LexborNode], canonical: dict[str, str], address: str) -> None:
    """Make the article of a page fit for paper, and its ids and links fit for one document."""
    article = sections[address]
    for tag in article.css(DROPPED):
        tag.decompose()
    for tag in article.css(PLAIN):
        tag.unwrap()
    for claim in article.css(".claim"):
        mark = claim.css(".claim-mark")[0].text()
        claim.attrs["class"] = "tick"
        claim.inner_html = escape(mark)
    for snippet in article.css(".snippet"):
        lines = sum(len(pre.text().split("\n")) for pre in snippet.css("pre"))
        if lines + FIGURE * len(snippet.css("figure")) <= SHORT:
            snippet.attrs["class"] = "snippet short"
    for fold in article.css("details"):
        fold.attrs["open"] = ""
    for link in article.css("a[href]:not(svg a)"):
        path, fragment = urldefrag(str(link.attributes["href"]))
        if "://" in path:
            continue
        page = (posixpath.normpath(posixpath.join(address, path)) + "/").removeprefix("./")
        if page in sections:
            link.attrs["href"] = f"#{page}{fragment}"
        elif canonical.get(page):
            link.attrs["href"] = f"{canonical[page]}{fragment and f'#{fragment}'}"
        else:
            link.unwrap()
    for tag in article.css("[id]:not(svg, svg *)"):
        tag.attrs["id"] = f"{address}{tag.attributes['id']}"


def _assemble(
    site: Path,
    language: str,
    config: MkDocsConfig,
    sections: dict[str, LexborNode],
) -> str:
    contents, ticks = WORDS.get(language, WORDS["en"])
    report = json.loads((site / "build.json").read_text(encoding="utf-8"))
    foot = next(iter(sections.values())).css_first(".ran-on")
    recorded = {}
    for article in sections.values():
        for tag in article.css(".ran-on .recorded"):
            recorded[tag.text()] = True
            tag.decompose()
    ran_on = " ".join([foot.text() if foot else "", *recorded])
    styles = [
        STYLE.read_text(encoding="utf-8"),
        f"@page {{ @top-left {{ content: {json.dumps(config.site_name, ensure_ascii=False)} }} }}",
    ]
    rows, bodies = [], []
    count = 0
    for number, (address, article) in enumerate(sections.items(), 1):
        for tag in article.css(".ran-on"):
            tag.decompose()
        headings = article.css("h1, h2, h3, h4")
        title = json.dumps(headings[0].text(), ensure_ascii=False)
        styles.append(f"@page s{number} {{ @top-right {{ content: {title} }} }}")
        for heading in headings:
            if heading.tag in ("h1", "h2"):
                words = LexborHTMLParser(heading.html or "")
                words.unwrap_tags(["a"])  # no link inside of a link
                line = words.css_first(heading.tag)
                rows.append(
                    f'<a class="{heading.tag}" href="#{heading.attributes["id"]}" data-heading="{count}">'
                    f'<span>{line and line.inner_html}</span><span class="page">000</span></a>'
                )
            count += 1
        bodies.append(
            f'<section id="{address}" style="page: s{number}">{article.inner_html}</section>'
        )
    commit = report["commit"] or ""
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f"<title>{escape(config.site_name)}</title><style>{''.join(styles)}</style></head><body>"
        f'<div class="title"><p class="name">{escape(config.site_name)}</p>'
        f"<p>{escape(config.site_description or '')}</p>"
        f'<p class="small">{ran_on} {ticks}</p>'
        f'<p class="small">{commit[:12]}</p><p class="small">{escape(config.copyright or "")}</p></div>'
        f'<div class="contents"><p class="name">{contents}</p>{"".join(rows)}</div>'
        f"{''.join(bodies)}</body></html>"
    )


def main() -> int:
    """Print all languages into `build/pdf/`; return how the process ends."""
    settings = read_settings(PROJECT)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for language in settings.languages:
            target = PROJECT / "build" / "pdf" / f"{settings.name}.{language}.pdf"
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

"""Compares two sites page by page: text, headings, snippets with their outputs, marks, links.

python tools/same_site.py before/ after/

Used for what should change nothing that readers see, and for another generator.
"""

import difflib
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser, LexborNode

DROPPED = "script, style, .headerlink, .md-content__button, .notebook-links, .page-code"


def headings(tree: LexborHTMLParser) -> list[str]:
    """Level, id and text of each heading."""
    found = tree.css("article :is(h1, h2, h3, h4, h5, h6)")
    return [f"{node.tag} {node.attributes.get('id')} {_text(node)}" for node in found]


def snippets(tree: LexborHTMLParser) -> list[str]:
    """Name, state, code, outputs and figures of each snippet."""
    rows = []
    for node in tree.css("div.snippet[data-snippet]"):
        rows.append(f"{node.attributes['data-snippet']} {node.attributes['data-state']}")
        for part in node.css("code, .snippet-result, .snippet-skip"):
            rows += (part.html or "").strip().split("\n")
    return rows


def marks(tree: LexborHTMLParser) -> list[str]:
    """Name, state and words of each mark."""
    found = tree.css("[data-claim]")
    return [f"{n.attributes['data-claim']} {n.attributes['data-state']} {_text(n)}" for n in found]


def prose(tree: LexborHTMLParser) -> list[str]:
    """The text of the article, and of the foot of the page."""
    kinds = "article :is(p, li, td, th, dt, dd, summary), .ran-on"
    return [text for node in tree.css(kinds) if (text := _text(node))]


def links(tree: LexborHTMLParser) -> list[str]:
    """Where the article leads."""
    return [str(node.attributes["href"]) for node in tree.css("article a[href]")]


LOOKS: list[Callable[[LexborHTMLParser], list[str]]] = [headings, snippets, marks, prose, links]


def _text(node: LexborNode) -> str:
    """The words of an element; on which line a test stands is no difference."""
    return re.sub(r"(\.py):\d+|\s+", r"\1 ", node.text()).strip()


def differences(before: Path, after: Path) -> Iterator[str]:
    """Compare two sites.

    Args:
        before: The folder of one.
        after: The folder of the other.

    Yields:
        A line for each page that only one has, and the lines of a diff for each that differs.
    """
    pages, others = (
        {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
        for site in (before, after)
    )
    for page in sorted(pages ^ others):
        yield f"only {'before' if page in pages else 'after'}: {page}"
    for page in sorted(pages & others):
        trees = []
        for site in (before, after):
            tree = LexborHTMLParser((site / page).read_text(encoding="utf-8"))
            for node in tree.css(DROPPED):
                node.decompose()
            for node in tree.css("[data-search-exclude]"):  # Zensical takes them out of the pages
                del node.attrs["data-search-exclude"]
            trees.append(tree)
        for look in LOOKS:
            one, two = map(look, trees)
            if one != two:
                yield f"{page}: {look.__name__}"
                rows = list(difflib.unified_diff(one, two, lineterm="", n=0))[2:]
                yield from (f"    {row[:300]}" for row in rows if not row.startswith("@@"))


def main(before: str, after: str) -> int:
    """Print the differences; return how the process ends."""
    found = list(differences(Path(before), Path(after)))
    print("\n".join(found) or "The pages show the same.")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

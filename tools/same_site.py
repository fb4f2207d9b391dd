"""Compares two sites, page by page and file by file: `make zensical`, and before and after a change.

python tools/same_site.py before/ after/

What may differ stands in ALLOWED, with the reason; all else that differs is told, and fails.
"""

import difflib
import html
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

# Files by what their paths match, and why no reader misses anything. Each is told where it occurs.
ALLOWED = {
    r"assets/(javascripts/(LICENSE|bundle\.|lunr/|workers/search\.)|stylesheets/)": (
        "the theme's own scripts and styles"
    ),
    r"(^|/)search(/search_index)?\.json$": (
        "the index of the search: that of Zensical has no weights and no names of what is taught "
        "(docs/search.toml, the glossary), and its script cuts Chinese by itself"
    ),
    r"(^|/)assets/site\.css$": "it is cut to what the scripts of the theme, too, can use",
    r"^\.proven\.json$": "it lists all files with their hashes, those of the theme, too",
    r"-offline\.zip$": "it holds the pages, the theme and the index, which are compared by themselves",
}


def head(tree: LexborHTMLParser) -> list[str]:
    """The title of the page, and what search engines and previews of links read."""
    rows = [_text(node) for node in tree.css("title")]
    for node in tree.css("head :is(meta[name], meta[property], link:not([rel=stylesheet]))"):
        if node.attributes.get("name") != "generator":
            rows.append(" ".join(f"{key}={value}" for key, value in node.attributes.items()))
    return rows


def around(tree: LexborHTMLParser) -> list[str]:
    """Where the menus, the switch of the language and the foot lead."""
    kinds = ".md-sidebar a[href], .md-select a[href], .language-bar a[href], .md-footer a[href]"
    return [f"{node.attributes['href']} {_text(node)}" for node in tree.css(kinds)]


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
    """Name, state and sign of each mark; what it tells is a file beside the page."""
    found = tree.css("span.claim")
    links = ((n.css_first("a"), n) for n in found)
    return [
        f"{a and a.attributes['href']} {n.attributes['data-state']} {_text(n)}" for a, n in links
    ]


def prose(tree: LexborHTMLParser) -> list[str]:
    """The text of the article, and of the foot of the page."""
    kinds = "article :is(p, li, td, th, dt, dd, summary), .ran-on"
    return [text for node in tree.css(kinds) if (text := _text(node))]


def links(tree: LexborHTMLParser) -> list[str]:
    """Where the article leads."""
    return [str(node.attributes["href"]) for node in tree.css("article a[href]")]


def loads(tree: LexborHTMLParser) -> list[str]:
    """What is loaded from other hosts."""
    kinds = "[src], link:is([rel~=stylesheet], [rel~=icon], [rel~=preload], [rel~=preconnect])"
    nodes = [node.attributes for node in tree.css(kinds)]
    found = [each.get("src") or each.get("href") or "" for each in nodes]
    return [address for address in found if urlsplit(address).netloc not in ("", "site")]


def twice(tree: LexborHTMLParser) -> list[str]:
    """The ids that several elements have."""
    ids = Counter(str(node.attributes["id"]) for node in tree.css("[id]"))
    return [id for id, count in ids.items() if count > 1]


LOOKS: list[Callable[[LexborHTMLParser], list[str]]] = [
    head,
    around,
    headings,
    snippets,
    marks,
    prose,
    links,
    loads,
    twice,
]


def _text(node: LexborNode) -> str:
    """The words of an element; on which line a test stands is no difference."""
    return re.sub(r"(\.py):\d+|\s+", r"\1 ", node.text()).strip()


def _read(path: Path, name: str) -> LexborHTMLParser:
    tree = LexborHTMLParser(path.read_text(encoding="utf-8"))
    for node in tree.css("script:not([src]), style"):
        node.decompose()
    for node in tree.css("a[href], link[href]"):  # an address may be written in several ways
        whole = urljoin(f"http://site/{name}", node.attributes["href"] or "")
        node.attrs["href"] = re.sub(r"/index\.html(?=#|$)", "/", whole)
    return tree


def reason(name: str) -> str:
    """Why a file may differ; empty if it may not."""
    return next((why for pattern, why in ALLOWED.items() if re.search(pattern, name)), "")


def differences(before: Path, after: Path) -> Iterator[str]:
    """The names of files that only one site has or that differ, with the lines of a diff for a page."""
    names, others = (
        {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
        for site in (before, after)
    )
    for name in sorted(names ^ others):
        yield f"{name}: only {'before' if name in names else 'after'}"
    for name in sorted(names & others):
        if not name.endswith(".html"):
            one, two = ((site / name).read_bytes() for site in (before, after))
            if name.endswith(".xml"):  # where a slash may be &#x2f;
                one, two = (html.unescape(text.decode()).encode() for text in (one, two))
            if one != two:
                yield f"{name}: not the same"
            continue
        trees = [_read(site / name, name) for site in (before, after)]
        for look in LOOKS:
            first, second = (look(tree) for tree in trees)
            if first != second:
                rows = list(difflib.unified_diff(first, second, lineterm="", n=0))[2:]
                lines = [f"    {row[:300]}" for row in rows if not row.startswith("@@")]
                yield "\n".join([f"{name}: {look.__name__}", *lines])


def main(before: str, after: str) -> int:
    """Print the differences; return how the process ends."""
    found = list(differences(Path(before), Path(after)))
    allowed = [why for row in found if (why := reason(row.partition(":")[0]))]
    wrong = [row for row in found if not reason(row.partition(":")[0])]
    for why in dict.fromkeys(allowed):
        print(f"Left ({allowed.count(why)} files): {why}.")
    print("\n".join(wrong) or "All else is the same.")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""Writes the prose of a page as plain Markdown, without what only this site's Markdown has.

Marks of claims and ids of headings go, boxes become quotations, formulas and links are written as
the reader of the result understands them: a `Dialect` says how.
"""

import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from markdown_it.token import Token

from proven.pages import Box, Fence, Heading, Inline, Page, Part, Prose, target_of
from proven.questions import lettered, options_of

COMMENT = re.compile(r"<!--.*?(?:-->\n?|\Z)", re.DOTALL)
ATTRIBUTES = re.compile(r"\{:[^{}]*\}")  # of the paragraph above
# What leads through a page, or lists what it holds: nothing for a text that is read from top to bottom.
ONLY_HTML = ("counts", "downloads", "entries", "exceptions", "notebook")
WRAPPED = {"strong_open": "**", "strong_close": "**", "em_open": "*", "em_close": "*"}


def _math(latex: str, display: bool) -> str:
    return f"$$\n{latex}\n$$" if display else f"${latex}$"


def fenced(language: str, text: str) -> str:
    """A fence around a text, which may hold the marks of other fences."""
    marks = max(re.findall("`{3,}", text), default="``") + "`"
    return f"{marks}{language}\n{text.rstrip()}\n{marks}"


@dataclass(frozen=True)
class Dialect:
    """How the reader of a text wants what Markdown has no common form for."""

    # the address of a place on the site, by the path of a page and an id, which may be empty; no address leaves
    # the words without a link
    link: Callable[[str, str], str]
    # a formula, and whether it stands on lines of its own
    math: Callable[[str, bool], str] = _math
    # any fence but a snippet
    fence: Callable[[Fence], str] = lambda fence: fenced(fence.kind, fence.body)
    # the address of what else a link or a picture of a page names, such as a file beside the pages
    other: Callable[[Page, str], str] = lambda page, link: link
    below: int = 0  # how many levels its headings stand below those of the page


@dataclass(frozen=True)
class Shown:
    """A snippet between pieces of prose; folded, where it stands in a box that is closed at first."""

    snippet: str
    alt: str
    folded: bool


def pieces(page: Page, dialect: Dialect, title: bool = True) -> Iterator[str | Shown]:
    """Write a page as pieces of Markdown, and between them the snippets that it shows."""
    parts = page.parts if title else tuple(p for p in page.parts if p is not page.headings[0])
    text: list[str] = []
    for part in _written(page, parts, dialect, folded=False):
        if isinstance(part, Shown):
            yield "\n\n".join(text)
            text = []
            yield part
        elif part.strip():
            text.append(part.strip("\n"))
    yield "\n\n".join(text)


def _written(
    page: Page, parts: tuple[Part, ...], dialect: Dialect, folded: bool
) -> Iterator[str | Shown]:
    for part in parts:
        if isinstance(part, Heading):
            yield f"{'#' * (part.level + dialect.below)} {_words(page, part.text, dialect)}"
        elif isinstance(part, Prose):
            yield _prose(page, part, dialect)
        elif isinstance(part, Box):
            text = [f"**{_words(page, part.title, dialect)}**"]
            for inner in _written(page, part.parts, dialect, part.folded):
                if isinstance(inner, Shown):
                    yield _quoted(text)
                    yield inner
                    text = []
                else:
                    text.append(inner)
            yield _quoted(text)
        elif part.kind == "snippet":
            yield Shown(part.name, part.option("alt"), folded)
        elif part.kind == "options":
            yield "\n".join(f"- {row}" for row in lettered(options_of(part.body)[1]))
        elif part.kind in ONLY_HTML:
            continue
        elif part.kind == "math":
            yield dialect.math(part.body, True)
        else:
            yield dialect.fence(part)


def _quoted(parts: list[str]) -> str:
    text = "\n\n".join(part.strip("\n") for part in parts if part)
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n")) if text else ""


def _prose(page: Page, prose: Prose, dialect: Dialect) -> str:
    """Write each run of text anew, in the place where it stands in its lines."""
    lines = list(prose.lines)
    # how far each line has been written anew: a row of a table holds several runs of text
    behind = [0] * len(lines)
    for inline in prose.inlines:
        old, new = inline.content.split("\n"), _words(page, inline, dialect).split("\n")
        if len(new) < len(old):  # code or a tag runs over a line: the first line takes all
            new = ["\n".join(new), *[""] * (len(old) - 1)]
        for number, (before, after) in enumerate(
            zip(old, new, strict=True), inline.line - prose.line
        ):
            if before == after:
                continue
            row = lines[number]
            # a table writes | inside of a cell as \|
            found = before if before in row[behind[number] :] else before.replace("|", r"\|")
            start = row.index(found, behind[number])
            lines[number] = row[:start] + after + row[start + len(found) :]
            behind[number] = start + len(after)
    lines = [f"-   {line[4:]}" if line.startswith(":   ") else line for line in lines]
    kept = [line for line in lines if not ATTRIBUTES.fullmatch(line.strip())]
    return COMMENT.sub("", "\n".join(kept))


def _words(page: Page, inline: Inline, dialect: Dialect) -> str:
    """Write a run of text."""
    links: list[str] = []
    return "".join(_token(page, token, dialect, links) for token in inline.tokens)


def _token(page: Page, token: Token, dialect: Dialect, links: list[str]) -> str:
    match token.type:
        case "code_inline" if token.content.startswith("#!claim"):
            return ""
        case "code_inline" if token.content.startswith("#!math"):
            return dialect.math(token.content.removeprefix("#!math").strip(), False)
        case "code_inline":
            space = " " if token.content.startswith("`") or token.content.endswith("`") else ""
            return f"{token.markup}{space}{token.content}{space}{token.markup}"
        case "text":
            return token.content.replace("$", r"\$")
        case "text_special":
            return token.markup
        case "softbreak":
            return "\n"
        case "hardbreak":
            return "  \n"
        case "link_open":
            links.append(_address(page, str(token.attrs["href"]), dialect))
            return "[" if links[-1] else ""
        case "link_close":
            address = links.pop()
            return f"]({address})" if address else ""
        case "image":
            source = dialect.other(page, str(token.attrs["src"]))
            return f"![{token.content}]({source})" if source else token.content
    return WRAPPED.get(token.type, token.content)


def _address(page: Page, link: str, dialect: Dialect) -> str:
    target = target_of(page, link)
    return dialect.link(*target) if target else dialect.other(page, link)


def relative(target: str, here: str) -> str:
    """The address of a file of the site as another file of it writes it."""
    return posixpath.relpath(target, posixpath.dirname(here) or ".")

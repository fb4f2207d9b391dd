"""Writes views as HTML. Text that came from a snippet is escaped; figures are the engine's own files."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from html import escape
from itertools import count
from textwrap import shorten
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from markdown.util import AtomicString
from selectolax.lexbor import LexborHTMLParser, LexborNode

from proven.pages import anchor
from proven.problems import Problem, ProjectError
from proven.svg import inline_svg, is_wide
from proven.views import ClaimView, ErrorView, Run, View
from proven.words import Words

# How many parts an element of MathML has to have.
ARITY = {
    "mfrac": 2,
    "msup": 2,
    "msub": 2,
    "mover": 2,
    "munder": 2,
    "mroot": 2,
    "msubsup": 3,
    "munderover": 3,
}
# A token that has no colour of its own.
PLAIN = re.compile(r'<span class="(?:n|p|o|w)">([^<]*)</span>')


def snippet(view: View, alt: str, words: Words, moves: str = "") -> str:
    """Write a snippet; with `moves`, its output is a table whose first columns, that many, a reader sets."""
    code, result = highlight(view.source), _result(view, alt, words, moves)
    if view.fold == "code":
        told = words("fold-code" if view.draws else "fold-setup")
        parts = (result, _folded(code, told, "data-search-exclude"))
    elif view.fold == "output":
        parts = (code, _folded(result, words("fold-output")))
    else:
        parts = (code, result)
    name, id = view.name, anchor(view.name)
    return (
        f'<div class="snippet" id="{id}" role="group" aria-label="{name}" data-snippet="{name}" data-state="{view.state}">\n'
        f'<a class="snippet-name" data-search-exclude href="#{id}">{name}</a>\n{parts[0]}\n{parts[1]}\n</div>'
    )


@lru_cache(maxsize=1024)
def highlight(source: str) -> str:
    """Colour Python; names and punctuation keep the colour of the text, which saves a tenth of a page."""
    from pymdownx.highlight import Highlight

    html = str(Highlight(None, pygments_lang_class=True).highlight(source, "python"))
    return PLAIN.sub(r"\1", html)


def _folded(html: str, summary: str, attribute: str = "") -> str:
    return f'<details class="snippet-fold" {attribute}><summary data-search-exclude>{escape(summary)}</summary>{html}</details>'


def _result(view: View, alt: str, words: Words, moves: str) -> str:
    """What it did: one run or, of several, a tab for each, which a page without a script shows in turn."""
    numbers = count(1)  # of figures, whose ids are unique on a page
    shown = [_run(view, run, alt, words, numbers) for run in view.runs]
    if view.skipped and not shown:
        skipped = escape(words("skipped"))
        shown = [f'<p class="snippet-skip"><strong>{skipped}</strong> {escape(view.skipped)}</p>']
    if not any(shown):
        return "<div hidden></div>"
    moved = f' data-moves="{escape(moves)}"' if moves else ""
    if len(shown) == 1:
        return f'<div class="snippet-result"{moved}>{shown[0]}</div>'
    tabs, panels = [], []
    for number, (run, content) in enumerate(zip(view.runs, shown, strict=True)):
        id, front = f"{anchor(view.name)}-{run.id}", number == 0
        tabs.append(
            f'<button type="button" role="tab" data-run="{run.id}" aria-controls="{id}" id="{id}-tab" '
            f'aria-selected="{str(front).lower()}" tabindex="{-number}">{escape(run.label)}</button>'
        )
        kind = "run front" if front else "run"
        panels.append(f'<div class="{kind}" id="{id}"{moved}>{content}</div>')
    bar = f'<div class="machines" role="tablist" aria-label="{escape(words("machines"))}" data-search-exclude>{"".join(tabs)}</div>'
    return f'<div class="snippet-result runs">{bar}{"".join(panels)}</div>'


def _run(view: View, run: Run, alt: str, words: Words, numbers: Iterator[int]) -> str:
    parts = []
    if run.label:
        lacking = f" <span>· {escape(words('not-here'))}</span>" if view.skipped else ""
        told = f"{escape(run.label)}{lacking}"
        parts.append(f'<p class="snippet-machine" data-search-exclude>{told}</p>')
    for figure in run.figures:
        svg = inline_svg(figure, view.name, next(numbers), alt)
        wide = " wide" if is_wide(figure) else ""
        parts.append(f'<figure class="snippet-figure{wide}" data-search-exclude>{svg}</figure>')
    for piece in run.pieces:
        kind = "error" if piece.error else "output"
        # <samp> and not <code>: the theme adds a button to copy to every <pre><code>
        parts.append(
            f'<p class="snippet-label" data-search-exclude>{escape(piece.label)}</p>'
            f'<pre class="snippet-{kind}"><samp>{escape(piece.text.rstrip())}</samp></pre>'
        )
    return "".join(parts)


def mark(view: ClaimView) -> Element:
    """Write the mark at the end of a sentence that a claim proves: a link to the claim in the list of all.

    What the claim says is no part of the page, where few readers open it: a script of the theme brings
    it, as `files` has written it, to whoever asks. The mark is an element and not HTML, so that the
    generator resolves and checks its link like any other.
    """
    name = view.claim.name
    element = Element("span", {"class": "claim", "data-claim": name, "data-state": view.state})
    element.set("data-search-exclude", "")
    link = SubElement(element, "a", {"class": "claim-mark", "href": f"claims.md#{name}"})
    link.set("aria-label", view.title)
    link.text = AtomicString("✓" if view.state in ("proven", "recorded") else "○")
    return element


def claims(views: list[ClaimView], page: str, words: Words) -> str:
    """Write the list of the claims of a section; `page` is the title of the page that shows it.

    Tests are files of their own: the page would be three times as heavy, and its scripts look at all code.
    """
    rows = []
    for view in views:
        claim = view.claim
        told = f' <span class="reach">{escape(view.reach)}</span>' if view.reach else ""
        told += f" {escape(view.told)}" if claim.devices or view.state == "pending" else ""
        test = f"{claim.listing}#:~:text=def%20test_{claim.name}("  # browsers scroll to such a text
        place = f'<a href="{escape(view.url)}">{claim.place}</a>' if view.url else claim.place
        rows.append(
            f'<li id="{claim.name}" data-state="{view.state}" data-section="{escape(page)}"><strong>{escape(view.title)}</strong> '
            f"{sentence(view.words)}{told} <small>{escape(words('test'))} "
            f'<a href="{test}"><code>test_{claim.name}</code></a> · {place}</small></li>'
        )
    return f'<ul class="claims">{"".join(rows)}</ul>'


def error(entry: ErrorView) -> str:
    """Write an entry of the index of errors, on a page beside those that it leads to, as `check` sees to."""
    view = entry.view
    shown, label = f"<p>{entry.type}</p>", view.skipped
    if piece := entry.piece:
        shown = f'<pre class="snippet-error"><samp>{escape(piece.text)}</samp></pre>'
        label = piece.label
    recorded = view.run.label if view.run and view.run.record else ""
    told = escape(" · ".join(filter(None, (label, recorded))))
    return (
        f'<div class="error-entry" id="{entry.id}" data-type="{entry.type}">{shown}'
        f'<p class="error-place"><a href="../{entry.page.url}#{anchor(view.name)}">{view.name}</a> {told}</p></div>'
    )


def exceptions(entries: list[ErrorView], words: Words) -> str:
    """Write a list of the errors of an index by their types, each with the beginning of its message."""
    types: dict[str, list[str]] = {}
    for entry in entries:
        text = entry.piece.text if entry.piece else entry.type
        told = text.partition(": ")[2].partition("\n")[0].strip() or text
        link = f'<a href="#{entry.id}">{escape(shorten(told, 72, placeholder=" …"))}</a>'
        types.setdefault(entry.type, []).append(f"<li>{link}</li>")
    types = dict(sorted(types.items()))
    rows = (
        f"<dt><code>{name}</code></dt><dd><ul>{''.join(links)}</ul></dd>"
        for name, links in types.items()
    )
    choice = ("type", words("any-type"), {name: name for name in types})
    find, none = words("find-error"), words("no-error")
    search = _search(".error-entry", ".exceptions", find, none, choice)
    return f'{search}<dl class="exceptions" data-search-exclude>{"".join(rows)}</dl>'


def _search(
    entries: str, overview: str, find: str, none: str, *kinds: tuple[str, str, dict[str, str]]
) -> str:
    """Write what a script filters the entries of a page with; a page without one does not show it.

    `entries` and `overview` are selectors: what is above the entries goes while they are filtered.
    A choice has the attribute of the entries, the words for any value, and of each value its words.
    """
    selects = ""
    for name, any_one, values in kinds:
        choices = "".join(
            f'<option value="{escape(value)}">{escape(told)}</option>'
            for value, told in {"": any_one, **values}.items()
        )
        selects += f'<select name="{name}" aria-label="{escape(any_one)}">{choices}</select>'
    return (
        f'<search class="filter" data-entries="{entries}" data-overview="{overview}" data-search-exclude>'
        f'<input type="search" placeholder="{escape(find)}" aria-label="{escape(find)}">{selects}'
        f'<p role="status" hidden>{escape(none)}</p></search>'
    )


def entries(words: Words) -> str:
    """Write what filters the entries of a page that begin with a heading, by words or by whether they are silent."""
    kinds = ("silent", words("any-entry"), {"true": words("silent")})
    return _search("article h3[id]", "", words("find-entry"), words("no-entry"), kinds)


def counts(sections: dict[str, list[ClaimView]], words: Words) -> str:
    """Write how many claims there are, by the titles of the pages: how many hold, how far they were tried."""
    all_of_them = [view for views in sections.values() for view in views]
    states = {view.state: view.title for view in all_of_them}
    choices = (
        ("section", words("any-section"), {title: title for title in sections}),
        ("state", words("any-state"), states),
    )
    find, none = words("find-claim"), words("no-claim")
    search = _search(".claims > li", ".counts", find, none, *choices)
    heads = [words("claims"), *states.values(), words("on-many"), words("cases")]
    rows = []
    for title, views in {**sections, words("all"): all_of_them}.items():
        held = Counter(view.state for view in views)
        cells = [len(views), *(held[state] for state in states)]
        cells += [sum(bool(v.cases) for v in views), sum(v.cases for v in views)]
        numbers = "".join(f"<td>{cell:,}</td>" for cell in cells)
        rows.append(f'<tr><th scope="row">{escape(title)}</th>{numbers}</tr>')
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    return (
        f'<div class="counts" tabindex="0" role="region" aria-label="{escape(words("claims"))}" '
        f'data-search-exclude><table class="numbers"><colgroup>{"<col>" * (len(heads) + 1)}</colgroup>'
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>{search}"
    )


def options(rows: tuple[tuple[str, str], ...]) -> str:
    """Write the options of a question; `finish` names the question, and says which one fits."""
    labels = (
        f'<label><input type="radio" value="{escape(value)}"> <span>{sentence(text)}</span></label>'
        for value, text in rows
    )
    return f'<div class="options" data-search-exclude>{"".join(labels)}</div>'


def downloads(rows: list[tuple[str, str, int, str | None]], words: Words) -> str:
    """Write a table of what can be downloaded."""
    lines = []
    for title, address, size, colab in rows:
        name = address.rpartition("/")[2]
        link = f'<td><a href="{escape(colab)}">{escape(words("colab"))}</a></td>' if colab else ""
        lines.append(
            f'<tr><th scope="row">{escape(title)}</th>'
            f'<td><a href="{escape(address)}" download>{escape(name)}</a></td>'
            f"<td>{escape(words('size', size=size / 1000))}</td>{link}</tr>"
        )
    columns = "<col>" * (4 if rows and rows[0][3] else 3)  # known before the first row has come
    table = f"<colgroup>{columns}</colgroup><tbody>{''.join(lines)}</tbody>"
    return f'<table class="downloads">{table}</table>'


def element(
    tree: LexborHTMLParser, name: str, html: str | None, attributes: dict[str, str]
) -> LexborNode:
    """Make an element for a finished page."""
    made = tree.create_node(name)
    for attribute, value in attributes.items():
        made.attrs[attribute] = value
    made.inner_html = html or ""
    return made


def sentence(text: str) -> str:
    """Write a sentence, in which what stands between backticks is code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


@lru_cache(maxsize=1024)
def mathml(source: str, display: str) -> str:
    """Turn LaTeX into MathML, which needs no script."""
    from latex2mathml.converter import convert

    try:
        if len(source) > 5000:
            raise ValueError("a formula of more than 5,000 characters")
        made = str(convert(source, display=display))
        unescaped = re.sub(r"\\.", "", source)
        if unescaped.count("{") != unescaped.count("}"):
            raise ValueError("a brace is not closed, or not opened")
        for part in ElementTree.fromstring(made).iter():
            kind = part.tag.partition("}")[2] or part.tag
            if len(part) != ARITY.get(kind, len(part)) or not kind.startswith("m"):
                raise ValueError(f"something is missing or too much: <{kind}>")
            if unknown := re.search(r"\\\w+", part.text or ""):
                raise ValueError(f"{unknown[0]} is no command that is known")
        return made
    except Exception as error:
        what = f"{shorten(source, 200)!r} cannot be set as mathematics: {type(error).__name__}: {error}"
        raise ProjectError(Problem(what, "correct the LaTeX")) from None

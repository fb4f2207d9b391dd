"""Shows snippets and claims on a page, by the custom fences of superfences and inlinehilite.

```snippet alt="what the figure shows"
blocks.mlp
```

A sentence that is proven.`#!claim name_of_the_test`

```claims
blocks
```
"""

import contextlib
import os
import re
from functools import partial
from html import escape
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from markdown import Markdown
from markdown.util import AtomicString
from markdown_exec import base_format, markdown_config
from markupsafe import Markup

from snippets.engine import build
from snippets.engine.cells import Outcome
from snippets.engine.errors import Problem, SnippetError
from snippets.engine.pages import anchor
from snippets.engine.records import Record
from snippets.engine.runner import warm_up
from snippets.engine.scripts import Snippet, localise
from snippets.engine.words import needs, proven, recorded, word

# MkDocs comes here for the names of its formatters long before it has imported its plugins.
with contextlib.suppress(SnippetError, RuntimeError):  # a build tells, when it begins
    warm_up()

# What markdown-exec needs to set a piece of Python, and no more: it makes a new converter each time.
markdown_config.save(
    ["pymdownx.highlight", "pymdownx.superfences"],
    {"pymdownx.highlight": {"pygments_lang_class": True, "anchor_linenums": False}},
)


# The code of a snippet as HTML, by its text: `serve` asks again for what did not change, and the
# chapter's notebook for what stands on its pages already.
highlighted: dict[str, str] = {}


def highlight(snippet: Snippet, spoken: str) -> str:
    """Set the code of a snippet.

    Args:
        snippet: The snippet.
        spoken: The language of its comments, `zh` or `en`.

    Returns:
        The HTML, which `highlighted` keeps.
    """
    text, result = localise(snippet.source, spoken), "<div></div>"
    if text not in highlighted:
        page = base_format(
            language="python",
            run=lambda *_, **__: result,
            code=snippet.source,
            transform_source=lambda code: (code, text),
            md=Markdown(),
            html=True,
            source="above",
            update_toc=False,
        )
        highlighted[text] = page.removesuffix(result)
    return highlighted[text]


def validate(
    language: str,
    inputs: dict[str, str],
    options: dict[str, Any],
    attrs: dict[str, Any],
    md: Markdown,
) -> bool:
    """Take the options of a fence; the parameters are those of superfences.

    Args:
        language: Of the fence.
        inputs: The options as they stand on the fence.
        options: Takes those that are valid.
        attrs: The attributes of the fence.
        md: The converter of the page.

    Returns:
        True: the fence is one of ours.

    Raises:
        SnippetError: An option is unknown.
    """
    options["alt"] = inputs.pop("alt", "")
    if inputs:
        raise SnippetError(
            Problem(f"a snippet fence has no option {', '.join(inputs)}", 'the only one is alt="…"')
        )
    return True


def show(
    source: str,
    language: str,
    css_class: str,
    options: dict[str, Any],
    md: Markdown,
    *,
    spoken: str,
    **rest: Any,
) -> Markup:
    """Turn a fence into the source of its snippet and what the snippet did.

    Args:
        source: What stands in the fence: the full name of a snippet.
        language: Of the fence, as superfences names it: `snippet`.
        css_class: The class that the configuration gives to the fence.
        options: The options of the fence.
        md: The converter of the page.
        spoken: The language of the page, `zh` or `en`.
        rest: What superfences passes besides.

    Returns:
        The HTML. Text that came from a snippet is escaped; only figures, which the engine itself
        saved, are taken as they are.

    Raises:
        SnippetError: There is no such snippet, its section failed, or a figure is not described.
    """
    name = source.strip()
    current = build.current()
    if name not in current.snippets:
        raise SnippetError(Problem(f"there is no snippet {name!r}", "python -m snippets list"))
    snippet = current.snippets[name]
    outcome = current.outcome(name)
    record = current.record(name)
    shown = record.outcomes[name] if record else outcome
    if shown.state != "skipped" and bool(shown.figures) != bool(options["alt"]):
        what = "it draws nothing that alt could describe"
        if shown.figures:
            what = "its figure is not described"
        advice, places = 'write or remove alt="…" on the fence', current.places(name, spoken)
        raise SnippetError(Problem(what, advice, places, name))
    result = _result(snippet, outcome, record, spoken, options["alt"])
    code = highlight(snippet, spoken)
    if snippet.fold == "code":
        parts = (result, _folded(code, word(spoken, "fold-code"), "data-search-exclude"))
    elif snippet.fold == "output":
        parts = (code, _folded(result, word(spoken, "fold-output")))
    else:
        parts = (code, result)
    state = "recorded" if record else outcome.state
    return Markup(
        f'<div class="snippet" id="{anchor(name)}" role="group" aria-label="{name}" data-snippet="{name}" data-state="{state}">\n'
        f'<a class="snippet-name" data-search-exclude href="#{anchor(name)}">{name}</a>\n{parts[0]}\n{parts[1]}\n</div>'
    )


def _folded(html: str, summary: str, attribute: str = "") -> str:
    return f'<details class="snippet-fold" {attribute}><summary data-search-exclude>{escape(summary)}</summary>{html}</details>'


zh = partial(show, spoken="zh")
en = partial(show, spoken="en")


def _result(
    snippet: Snippet, outcome: Outcome, record: Record | None, spoken: str, alt: str
) -> str:
    parts = []
    if outcome.state == "skipped":
        told = needs(spoken, snippet.devices, outcome.had)
        if record:
            told += (" " if spoken == "en" else "") + recorded(spoken, record)
            outcome = record.outcomes[snippet.name]
        parts.append(
            f'<p class="snippet-skip"><strong>{escape(word(spoken, "skipped"))}</strong> '
            f"{escape(told)}</p>"
        )
    for number, figure in enumerate(outcome.figures, 1):
        parts.append(
            f'<figure class="snippet-figure" data-search-exclude>{inline_svg(figure, snippet.name, number, alt)}</figure>'
        )
    if outcome.output:
        parts.append(_box(outcome.output, word(spoken, "output"), "output"))
    if outcome.error:
        where = f"{word(spoken, 'error')} · {word(spoken, 'error-line', line=outcome.error_line)}"
        parts.append(_box(outcome.error, where, "error"))
    return f'<div class="snippet-result">{"".join(parts)}</div>' if parts else "<div hidden></div>"


def _box(text: str, label: str, kind: str) -> str:
    # <samp>, not <code>: the copy button of the theme belongs to code
    return (
        f'<p class="snippet-label" data-search-exclude>{escape(label)}</p>'
        f'<pre class="snippet-{kind}"><samp>{escape(text.rstrip())}</samp></pre>'
    )


def inline_svg(svg: str, name: str, number: int, alt: str) -> str:
    """Make a figure of matplotlib fit to stand inside a page.

    Args:
        svg: The file as matplotlib saved it.
        name: The full name of the snippet.
        number: Which of its figures, counted from 1.
        alt: What the figure shows, in the language of the page.

    Returns:
        The `svg` element: without prolog and fixed height, black as the colour of the text around
        it, with ids that are unique on the page, and without styles, which its policy would forbid.
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<(metadata|style)\b.*?</\1>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    prefix = f"{name.replace('.', '-')}-{number}-"

    def inside(tag: re.Match[str]) -> str:
        text = re.sub(r' style="([^"]*)"', _attributes, tag[0])
        text = re.sub(r'\bid="', f'id="{prefix}', text)
        text = re.sub(r'(url\(|href=")#', rf"\1#{prefix}", text)
        return re.sub(r"#000000\b", "currentColor", text)

    svg = re.sub(r"<[^<>]+>", inside, svg)  # not what a figure says: words stand between tags
    width = float(re.search(r'viewBox="0 0 ([\d.]+)', svg)[1])  # type: ignore[index]
    # CSS pixels are 3/4 of a point: the width that the script asked for, where there is room
    label = f'role="img" aria-label="{escape(alt)}" width="{width * 4 / 3:.0f}"'
    lines = (
        'fill="currentColor" stroke-linejoin="round" stroke-linecap="butt"'  # matplotlib's style
    )
    return svg.replace("<svg ", f"<svg {label} {lines} ", 1).strip()


def _attributes(style: re.Match[str]) -> str:
    """The same as attributes: what matplotlib writes as style are presentation attributes of SVG."""
    pairs = (part.split(":", 1) for part in style[1].split(";") if part.strip())
    return "".join(f' {name.strip()}="{value.strip()}"' for name, value in pairs)


def _mark(source: str, language: str, css_class: str, md: Markdown, *, spoken: str) -> Element:
    """Turn `#!claim name` into a mark that says which test proves the sentence before it.

    An element, and not HTML: so MkDocs resolves and checks its link like any other.

    Raises:
        SnippetError: There is no such claim, or its section failed.
    """
    name = source.strip()
    current = build.current()
    if name not in current.claims:
        advice = "correct the mark; /claims/ lists all names"
        raise SnippetError(Problem(f"there is no claim {name!r}", advice))
    claim = current.claims[name]
    state, machine, record = current.proof(name)
    title = word(spoken, "unproven" if state == "skipped" else state)
    told = proven(spoken, claim.devices, state, machine, record)
    mark = Element("span", {"class": "claim", "data-claim": name, "data-state": state})
    mark.set("data-search-exclude", "")
    button = SubElement(mark, "button", {"class": "claim-mark", "type": "button"})
    button.set("popovertarget", f"claim-{name}")
    button.set("aria-label", title)
    button.text = AtomicString("○" if state == "skipped" else "✓")
    text = SubElement(mark, "span", {"class": "claim-text", "id": f"claim-{name}", "popover": ""})
    text.text = md.htmlStash.store(
        f"<strong>{title}</strong> {_words(claim.words[spoken])} <small>{escape(told)}</small> "
    )
    link = SubElement(text, "a", {"href": f"claims.md#{name}"})
    link.text = AtomicString(f"{word(spoken, 'test')} test_{name}")
    return mark


zh_mark = partial(_mark, spoken="zh")
en_mark = partial(_mark, spoken="en")


def _claims(
    source: str,
    language: str,
    css_class: str,
    options: dict[str, Any],
    md: Markdown,
    *,
    spoken: str,
    **rest: Any,
) -> Markup:
    """Turn a fence that names a section into the list of its claims, each with its test."""
    current = build.current()
    section = source.strip()
    if section not in current.sections:
        raise SnippetError(Problem(f"there is no section {section!r}", "python -m snippets list"))
    repository = os.environ.get("REPO_URL", "").rstrip("/")
    rows = []
    for claim in current.claims.values():
        if claim.section != section:
            continue
        state, machine, record = current.proof(claim.name)
        title = word(spoken, "unproven" if state == "skipped" else state)
        told = ""
        if claim.devices:
            told = f" {escape(proven(spoken, claim.devices, state, machine, record))}"
        place = claim.place
        if repository:
            url = f"{repository}/blob/main/{claim.file}#L{claim.line}"
            place = f'<a href="{escape(url)}">{place}</a>'
        rows.append(
            f'<li id="{claim.name}" data-state="{state}"><strong>{title}</strong> '
            f"{_words(claim.words[spoken])}{told}<details><summary>{word(spoken, 'source')} "
            f"<code>test_{claim.name}</code></summary><p>{place}</p>"
            f"<pre><code>{escape(claim.source)}</code></pre></details></li>"
        )
    return Markup(f'<ul class="claims">{"".join(rows)}</ul>')


zh_claims = partial(_claims, spoken="zh")
en_claims = partial(_claims, spoken="en")


def _words(text: str) -> str:
    """The words of a claim as HTML: what stands between backticks is code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def math(
    source: str, language: str, css_class: str, options: dict[str, Any], md: Markdown, **rest: Any
) -> Markup:
    """Turn a fence of LaTeX into MathML, which needs no script; the parameters are superfences'.

    Args:
        source: The LaTeX.
        language: Of the fence.
        css_class: The class that the configuration gives to the fence.
        options: The options of the fence.
        md: The converter of the page.
        rest: What superfences passes besides.

    Returns:
        The HTML.

    Raises:
        SnippetError: It is no LaTeX that can be set.
    """
    return Markup(f'<div class="math">{mathml(source, "block")}</div>')


def inline_math(source: str, language: str, css_class: str, md: Markdown) -> str:
    """Turn inline LaTeX into MathML; the parameters are those of `pymdownx.inlinehilite`.

    Args:
        source: The LaTeX.
        language: What stands before it: `math`.
        css_class: The class that the configuration gives to it.
        md: The converter of the page.

    Returns:
        The MathML.

    Raises:
        SnippetError: It is no LaTeX that can be set.
    """
    return mathml(source, "inline")


def mathml(source: str, display: str) -> str:
    """Turn LaTeX into MathML.

    Args:
        source: The LaTeX.
        display: `block` or `inline`.

    Returns:
        The MathML.

    Raises:
        SnippetError: It is no LaTeX that can be set.
    """
    from latex2mathml.converter import convert

    try:
        return str(convert(source, display=display))
    except Exception as error:
        what = f"{source!r} cannot be set as mathematics: {type(error).__name__}: {error}"
        raise SnippetError(Problem(what, "correct the LaTeX")) from None

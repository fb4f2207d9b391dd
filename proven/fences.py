"""Shows snippets and claims on a page: an extension of Python-Markdown, for any generator that uses it.

```snippet alt="what the figure shows"
blocks.mlp
```

A sentence that is proven.`#!claim name_of_the_test`

```claims
blocks
```

```error
blocks.mlp 1
```
"""

import json
from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from markdown import Markdown
from markdown.extensions import Extension
from markdown.postprocessors import Postprocessor
from markdown.treeprocessors import Treeprocessor
from markdown.util import STX
from markdown_exec import base_format
from markupsafe import Markup
from pymdownx.inlinehilite import InlineHiliteException, InlineHiliteExtension
from pymdownx.superfences import SuperFencesCodeExtension, SuperFencesException
from selectolax.lexbor import LexborHTMLParser

from proven import html, notebooks
from proven.files import Files, listed
from proven.pages import BLOCKS, WORDS, error_of
from proven.problems import ProjectError
from proven.questions import options_of
from proven.views import ClaimView, Site


class Fences(Extension):
    """The fences that are keys of `writers`, and in a line `#!math` and `#!claim`."""

    def __init__(self, site: Site, language: str, files: Files) -> None:
        super().__init__()
        self.site, self.language, self.files = site, language, files
        self.words = site.words(language)
        self.writers: dict[str, Callable[[str, dict[str, str]], str]] = {
            "snippet": self._snippet,
            "claims": self._claims,
            "counts": self._counts,
            "entries": lambda source, _: html.entries(self.words),
            "error": lambda source, _: html.error(self.site.error(*error_of(source), language)),
            "exceptions": self._exceptions,
            "options": lambda source, _: html.options(options_of(source)[1]),
            "downloads": self._downloads,
            "notebook": lambda source, _: notebooks.as_page(
                self.site, self.site.page(language, source)
            ),
            "math": lambda source, _: f'<div class="math">{html.mathml(source, "block")}</div>',
        }

    def extendMarkdown(self, md: Markdown) -> None:
        """Teach the fences to a converter."""
        fences = [_fence(name, writer) for name, writer in self.writers.items()]
        SuperFencesCodeExtension(custom_fences=fences).extendMarkdown(md)
        inline = [
            {"name": "math", "class": "math", "format": self._inline_math},
            {"name": "claim", "class": "claim", "format": self._mark},
        ]
        InlineHiliteExtension(custom_inline=inline).extendMarkdown(md)
        after_words_were_read, after_all_others = 15, -1000
        md.treeprocessors.register(_Made(md), "made", after_words_were_read)
        md.postprocessors.register(_Closed(md), "closed", after_all_others)

    def _snippet(self, source: str, options: dict[str, str]) -> str:
        view = self.site.view(source, self.language)
        return html.snippet(view, options["alt"], self.words, options["moves"])

    def _claims(self, source: str, options: dict[str, str]) -> str:
        title = self.site.page_of(source, self.language).title
        return html.claims(self.site.claims_of(source, self.language), title, self.words)

    def _counts(self, source: str, options: dict[str, str]) -> str:
        titles: dict[str, list[ClaimView]] = {p.title: [] for p in self.site.pages(self.language)}
        for section in self.site.project.sections:
            page = self.site.page_of(section, self.language)
            titles[page.title] += self.site.claims_of(section, self.language)
        return html.counts({title: views for title, views in titles.items() if views}, self.words)

    def _exceptions(self, source: str, options: dict[str, str]) -> str:
        entries = self.site.page(self.language, source).errors
        errors = [self.site.error(*entry, self.language) for entry in entries]
        return html.exceptions(errors, self.words)

    def _downloads(self, source: str, options: dict[str, str]) -> str:
        if not self.site.downloads:
            return f"<p>{html.sentence(self.words('no-downloads'))}</p>"
        return html.downloads(listed(self.site, self.language, self.files), self.words)

    def _inline_math(self, source: str, language: str, css_class: str, md: Markdown) -> str:
        try:
            return html.mathml(source, "inline")
        except ProjectError as error:  # which would be shown as code
            raise InlineHiliteException(str(error)) from error

    def _mark(self, source: str, language: str, css_class: str, md: Markdown) -> Element:
        return html.mark(self.site.claim(source.strip(), self.language))


class _Made(Treeprocessor):
    """Tells in the page what became of its Markdown, for `finish` to hold it against what was read."""

    def run(self, root: Element) -> None:
        ours = {
            id(part) for mark in root.iterfind(".//span[@class='claim']") for part in mark.iter()
        }
        notes = (
            part
            for note in root.iterfind(".//div[@class='footnote']")
            for what in ("hr", "ol", "ol/li")
            for part in note.iterfind(what)
        )
        ours |= {id(part) for part in notes}
        made = [
            ("strong" if part.tag == "em" else part.tag, "".join(part.itertext()).partition(STX)[0])
            for part in root.iter()
            if id(part) not in ours and not (part.get("class") or "").startswith("footnote-")
        ]
        made = [entry for kinds in (BLOCKS, WORDS) for entry in made if entry[0] in kinds.values()]
        SubElement(root, "template", {"data-made": json.dumps(made)})


class _Closed(Postprocessor):
    """Parses what a page holds by itself: no end tag in it can end what the theme puts around it."""

    def run(self, text: str) -> str:
        return LexborHTMLParser(text, is_fragment=True).html or ""


def _fence(name: str, write: Callable[[str, dict[str, str]], str]) -> dict[str, Any]:
    """Describe a fence to superfences: markdown-exec hands its text to `write` and takes the HTML."""

    def validate(
        language: str, inputs: dict[str, str], options: dict[str, Any], attrs: object, md: Markdown
    ) -> bool:
        options.update({name: inputs.pop(name, "") for name in ("alt", "moves")})
        return not inputs

    def show(
        source: str, language: str, css_class: str, options: dict[str, Any], md: Markdown, **_: Any
    ) -> Markup:
        def run(code: str, **_: object) -> str:
            try:
                return write(code.strip(), options)
            except Exception as error:  # superfences would show the fence as it is written
                raise SuperFencesException(str(error)) from error

        return base_format(language=name, run=run, code=source, md=md, html=True, update_toc=False)

    return {"name": name, "class": name, "validator": validate, "format": show}

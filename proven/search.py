"""What the search knows besides the text of the pages: the names of what each part teaches.

The glossary says where a term is taught, and `search.toml` beside the pages by which other names
readers look for it. No result shows these: in the index they are fields of their own.
"""

import json
import re
import tomllib
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from proven.pages import Inline, Page, Prose, target_of, walk
from proven.problems import Problem, ProjectError, decode
from proven.project import Project

GLOSSARY = "glossary.md"
TABLE = "search.toml"

# Factors of the score of an entry: the top of a page, which the theme more than doubles; a numbered
# heading; a heading in depth; one that is a link, and repeats the title of another page, as those of
# the index of errors do; an exercise or a summary.
TOP, NUMBERED, DEPTH, REPEATED, ASIDE = 0.4, 1.3, 0.8, 0.2, 0.3


@dataclass(frozen=True)
class Names:
    """The words by which readers look for what a heading teaches.

    Attributes:
        terms: The terms that the glossary says are taught there.
        others: The names that the table gives it.
    """

    terms: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


def read_names(project: Project, language: str) -> dict[str, Names]:
    """Read the names of all parts.

    Args:
        project: The project.
        language: Whose pages are meant.

    Returns:
        The names by heading, as `parameters.md#parameter-tying`.

    Raises:
        ProjectError: The table is no TOML, or names a heading that no page has.
    """
    names: dict[str, Names] = defaultdict(Names)
    pages = project.pages[language]
    if glossary := pages.get(GLOSSARY):
        for terms, links in _rows(glossary):
            # Chinese readers type the English term too; the English index holds no Chinese
            told = terms if language == project.settings.main else terms[:1]
            for link in links:
                if (target := target_of(glossary, link)) and target[1]:
                    names["#".join(target)].terms.extend(told)
    path = project.settings.project / project.settings.docs / TABLE
    place = f"{project.settings.docs}/{TABLE}"
    if path.is_file():
        try:
            table = tomllib.loads(decode(path.read_bytes(), place))
        except ValueError as error:
            raise ProjectError(Problem(f"it is no TOML: {error}", "correct it", (place,))) from None
        known = {f"{page.path}#{h.id}" for page in pages.values() for h in page.headings}
        for heading, words in table.items():
            if heading not in known:
                what = f"no page has the heading {heading}, to which a name is given"
                raise ProjectError(Problem(what, "correct the entry", (place,)))
            names[heading].others.extend(words.get("both", []) + words.get(language, []))
    return dict(names)


def _rows(glossary: Page) -> list[tuple[list[str], list[str]]]:
    """The rows of the glossary's tables: the term in bold and its translation, and all links."""
    rows: dict[int, list[Inline]] = defaultdict(list)
    for part in walk(glossary.parts):
        if isinstance(part, Prose):
            for inline in part.inlines:
                rows[inline.line].append(inline)
    found = []
    for cells in rows.values():
        term = re.match(r"\*\*(.+?)\*\*<br>(.+)", cells[0].content)
        if term and len(cells) > 1:
            tokens = [token for cell in cells[1:] for token in cell.tokens]
            links = [str(token.attrs["href"]) for token in tokens if token.type == "link_open"]
            found.append(([term[1], term[2].strip()], links))
    return found


def whole_words(project: Project) -> list[str]:
    """The Chinese names of all languages, which the search should not take apart."""
    return [
        word
        for language in project.settings.languages
        for given in read_names(project, language).values()
        for word in re.findall(r"[\u4e00-\u9fff]{2,}", " ".join(given.terms + given.others))
    ]


def without_markup(html: str) -> str:
    """A page without what no index keeps, colours of code and pictures: most of what there is to parse."""
    tree = LexborHTMLParser(html)
    for node in tree.css("[data-search-exclude]"):
        node.decompose()
    tree.unwrap_tags(["span"])
    return (tree.body and tree.body.inner_html) or ""


def improve(index: str, project: Project, language: str) -> str:
    """Give the entries of an index their names, and the weight that their place has."""
    data = json.loads(index)
    names = read_names(project, language)
    pages = {page.url: page for page in project.pages[language].values()}
    for entry in data["docs"]:
        url, _, id = entry["location"].partition("#")
        if page := pages.get(url):
            _complete(entry, page, id, names)
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    # jieba puts zero-width spaces between words: the search needs none beside punctuation
    return re.sub(r"(?<!\w)\u200b|\u200b(?!\w)", "", text)


def _complete(entry: dict[str, Any], page: Page, id: str, names: dict[str, Names]) -> None:
    told = names.get(f"{page.path}#{id or page.headings[0].id}", Names())
    entry["taught"] = " ".join(told.terms)
    # each word once: one that is a part of many names would weigh more than others
    entry["names"] = " ".join(dict.fromkeys(" ".join(told.others).split()))
    weight = entry.get("boost", 1)
    if not id:
        weight *= TOP
    heading = next((heading for heading in page.headings if heading.id == id), None)
    if re.match(r"exercise|summary$", id):
        weight *= ASIDE
    elif heading and heading.kind == "depth":
        weight *= DEPTH
    elif heading and [token.type for token in heading.text.tokens[:1]] == ["link_open"]:
        weight *= REPEATED
    elif re.match(r"\d\.\d", entry["title"]):
        weight *= NUMBERED
    entry["boost"] = round(weight, 3)

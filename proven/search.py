"""What the search knows besides the text of the pages: by what each part is known.

The glossary says where a term is taught, `search.toml` beside the pages by which other names readers
look for it, and `questions.toml` which question it answers, in several wordings. And what other
pages say where they lead to a part describes it too: an entry of the index of errors, a meaning in
the glossary, the words of a link. No result shows these: the search worker of the theme reads them from the index.
"""

import json
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from typing import Any

from markdown_it.token import Token
from selectolax.lexbor import LexborHTMLParser

from proven.pages import Box, Inline, Page, Part, Prose, target_of, walk
from proven.problems import Problem, ProjectError, decode, did_you_mean, read
from proven.project import Project

GLOSSARY = "glossary.md"
TABLE = "search.toml"
QUESTIONS = "questions.toml"
HAN = re.compile(r"[\u4e00-\u9fff]+")

# Factors of the score of an entry: the top of a page, since the part that answers should come before
# it; a numbered heading; a heading in depth; one that is a link, and repeats the title of another page, as those of
# the index of errors do; an exercise; a summary.
TOP, NUMBERED, DEPTH, REPEATED, EXERCISE, SUMMARY = 0.8, 1.2, 0.9, 0.2, 0.6, 0.3


@dataclass(frozen=True)
class Names:
    """The words by which readers look for what a heading teaches, and the questions that it answers."""

    named: list[str] = field(default_factory=list)  # by the glossary, then by the table
    said: list[str] = field(default_factory=list)  # elsewhere, where a link leads to it
    questions: list[str] = field(default_factory=list)


def read_names(project: Project, language: str) -> dict[str, Names]:
    """The names of all parts of a language, by heading: `parameters.md#parameter-tying`."""
    names: dict[str, Names] = defaultdict(Names)
    pages = project.pages[language]
    if glossary := pages.get(GLOSSARY):
        for terms, links in _terms(glossary):
            # Chinese readers type the English term too; the English index holds no Chinese
            told = terms if language == project.settings.main else terms[:1]
            if links and (target := target_of(glossary, links[0])) and target[1]:
                names["#".join(target)].named.extend(told)
    for heading, words in _table(project, language, TABLE).items():
        names[heading].named.extend(words.get("both", []) + words.get(language, []))
    for heading, words in _table(project, language, QUESTIONS).items():
        # the first is the question, what follows are other words for it
        names[heading].questions.extend(words.get(language, [])[:1])
        names[heading].said.extend(words.get(language, [])[1:])
    for page in pages.values():
        for link, text in _said(page, page.parts):
            if (target := target_of(page, link)) and target[1]:
                said = names["#".join(target)].said
                if re.search(r"[^\W\d]", text) and text not in said:
                    said.append(text)
    return dict(names)


_parsed = lru_cache(maxsize=8)(tomllib.loads)  # each language asks for the tables, and twice


def _table(project: Project, language: str, name: str) -> dict[str, dict[str, list[str]]]:
    """A table that says something of headings in each language or in both, if the project has it."""
    path = project.settings.project / project.settings.docs / name
    place = f"{project.settings.docs}/{name}"
    if not path.is_file():
        return {}
    try:
        table = _parsed(decode(read(path, place), place))
    except ValueError as error:
        raise ProjectError(Problem(f"it is no TOML: {error}", "correct it", (place,))) from None
    pages = project.pages[language].values()
    known = {f"{page.path}#{heading.id}" for page in pages for heading in page.headings}
    for heading, words in table.items():
        if heading not in known:
            what = f"no page has the heading {heading}, of which this speaks"
            raise ProjectError(Problem(what, "correct the entry", (place,)))
        lists = words.values() if isinstance(words, dict) else [None]
        if not all(isinstance(one, list) and all(isinstance(w, str) for w in one) for one in lists):
            what = f"{heading} has something else than a list of texts for each language"
            raise ProjectError(Problem(what, 'write it as zh = ["…", "…"]', (place,)))
        codes = ("both", *project.settings.languages)
        if odd := next((key for key in words if key not in codes), ""):
            what = f"{heading} has words for {odd!r}, which is no language"
            raise ProjectError(Problem(what, did_you_mean(odd, codes, "correct it"), (place,)))
    return table


def _said(page: Page, parts: tuple[Part, ...], title: str = "") -> Iterator[tuple[str, str]]:
    """The links of a page, each with what is said of where it leads.

    In a section that is the text of the link; a page that gathers, such as the index of errors,
    says it in the whole paragraph or row, and in the title of its box.
    """
    for part in parts:
        if isinstance(part, Box):
            yield from _said(page, part.parts, _words(part.title.tokens))
        elif isinstance(part, Prose):
            for row in _rows(part):
                whole = " ".join([title, *(_words(inline.tokens) for inline in row)]).strip()
                for inline in row:
                    opened = [n for n, t in enumerate(inline.tokens) if t.type == "link_open"]
                    closed = [n for n, t in enumerate(inline.tokens) if t.type == "link_close"]
                    for start, end in zip(opened, closed, strict=True):
                        text = _words(inline.tokens[start:end])
                        link = str(inline.tokens[start].attrs["href"])
                        yield link, text if page.is_section else whole


def _words(tokens: Sequence[Token]) -> str:
    """The words of a text without its marks."""
    said = (token.content for token in tokens if token.type in ("text", "code_inline"))
    return " ".join(text for text in said if not text.startswith("#!"))


def _rows(prose: Prose) -> list[list[Inline]]:
    """The runs of text that stand on one line, as the cells of a table's row do."""
    return [list(row) for _, row in groupby(prose.inlines, key=lambda inline: inline.line)]


def _terms(glossary: Page) -> Iterator[tuple[list[str], list[str]]]:
    """The rows of the glossary's tables: the term in bold and its translation, and all links."""
    for part in walk(glossary.parts):
        for first, *others in _rows(part) if isinstance(part, Prose) else ():
            term = re.match(r"\*\*(.+?)\*\*<br>(.+)", first.content)
            if term and others:
                tokens = [token for cell in others for token in cell.tokens]
                links = [str(token.attrs["href"]) for token in tokens if token.type == "link_open"]
                yield [term[1], term[2].strip()], links


def whole_words(project: Project) -> list[str]:
    """Short Chinese names of all languages, such as 优化器, which are one word; longer ones are several."""
    return [
        word
        for language in project.settings.languages
        for given in read_names(project, language).values()
        for word in HAN.findall(" ".join(given.named))
        if 2 <= len(word) <= 3
    ]


def without_markup(html: str) -> str:
    """A page without what no index keeps, colours of code and pictures: most of what there is to parse."""
    tree = LexborHTMLParser(html)
    for node in tree.css("[data-search-exclude]"):
        node.decompose()
    tree.unwrap_tags(["span"])
    return (tree.body and tree.body.inner_html) or ""


def unmark(tree: LexborHTMLParser) -> None:
    """Take away what tells an index what to leave out: a finished page has no use for it, and Zensical's has none."""
    for node in tree.css("[data-search-exclude]"):
        del node.attrs["data-search-exclude"]


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
    described = [] if id else [str(page.meta.get("description", ""))]
    entry["named"] = [_cut(words, page) for words in told.named]
    entry["asked"] = [_cut(words, page) for words in told.questions]
    entry["said"] = [_cut(words, page) for words in told.said + described if words]
    weight = entry.get("boost", 1)
    if not id:
        weight *= TOP
    heading = next((heading for heading in page.headings if heading.id == id), None)
    if id == "summary":
        weight *= SUMMARY
    elif id.startswith("exercise"):
        weight *= EXERCISE
    elif heading and heading.kind == "depth":
        weight *= DEPTH
    elif heading and [token.type for token in heading.text.tokens[:1]] == ["link_open"]:
        weight *= REPEATED
    elif re.match(r"\d\.\d", entry["title"]):
        weight *= NUMBERED
    entry["boost"] = round(weight, 3)


def _cut(text: str, page: Page) -> str:
    """Chinese with its words apart, as they are in the rest of the index; elsewhere without Chinese."""
    if page.language != "zh":
        return HAN.sub("", text)
    import jieba

    return HAN.sub(lambda run: "\u200b".join(jieba.cut(run[0])), text)

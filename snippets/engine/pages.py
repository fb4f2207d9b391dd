"""Reads which snippets and claims the pages name, and checks that both languages name the same."""

import posixpath
import re
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from urllib.parse import unquote

from snippets.engine.claims import Claim
from snippets.engine.errors import Problem, SnippetError, decode
from snippets.engine.scripts import Section

LANGUAGES = ("zh", "en")

FENCES = (
    "snippet",
    "claims",
    "math",
    "sh",
    "text",
)  # what a fence may hold: code is never written on a page
FENCE = re.compile(r"^\s*(?P<marks>`{3,}|~{3,})\s*(?P<language>[\w-]*)(?P<rest>.*)$")
HEADING = re.compile(r"^(?P<level>#{1,6})\s+(?P<text>.*?)\s*(?:\{\s*#(?P<id>[\w-]+)[^}]*\})?\s*$")
CODE = re.compile(r"(`+).*?\1")
ID = re.compile(r"""\{:?[^{}]*?#(?P<attribute>[\w-]+)[^{}]*\}|\bid=["'](?P<html>[\w-]+)""")
LINK = re.compile(r"(?P<picture>!?)\[[^\[\]]*\]\(\s*<?(?P<target>[^\s)>]+)")
INLINE = re.compile(r"`#!(?!claim\b|math\b)(?P<language>[\w-]+)")
COMMENT = re.compile(r"(^|\s)#.*$", re.MULTILINE)
MARK = re.compile(r"(?<!`)`#!claim\s+(?P<claim>[^`]*?)\s*`(?!`)")


@dataclass(frozen=True)
class Fence:
    """A fence that shows a snippet.

    Attributes:
        snippet: The full name of the snippet.
        place: The page and line, as `docs/en/blocks.md:12`.
        described: Whether it says what a figure shows.
    """

    snippet: str
    place: str
    described: bool = False


@dataclass(frozen=True)
class Mark:
    """A mark at the end of a sentence, naming the claim that proves it.

    Attributes:
        claim: The name of the claim.
        sentence: The sentence, as Markdown.
        place: The page and line, as `docs/en/blocks.md:12`.
    """

    claim: str
    sentence: str
    place: str


@dataclass(frozen=True)
class Block:
    """Any other fence: commands, formulas, plain text, the claims of a section.

    Attributes:
        kind: The language of the fence.
        code: What must be the same in both languages: commands without comments, formulas without
            words, the name of a section; nothing of plain text.
        place: The page and line, as `docs/en/blocks.md:12`.
    """

    kind: str
    code: str
    place: str


@dataclass(frozen=True)
class Link:
    """A link of the form `[words](target)`, or a picture.

    Attributes:
        target: Where it leads, as it is written.
        place: The page and line, as `docs/en/blocks.md:12`.
    """

    target: str
    place: str


@dataclass(frozen=True)
class Page:
    """A page of one language.

    Attributes:
        path: Its path inside the folder of its language.
        place: Its path inside the project.
        fences: Its fences, in order.
        marks: Its marks, in order.
        headings: The level and the id of each heading, with its place, in order.
        blocks: Its other fences, in order.
        links: Its links, in order.
        pictures: Its pictures, in order; those that snippets draw are not among them.
        ids: What links can lead to, besides snippets and claims.
    """

    path: str
    place: str
    fences: tuple[Fence, ...]
    marks: tuple[Mark, ...]
    headings: tuple[tuple[int, str, str], ...]
    blocks: tuple[Block, ...]
    links: tuple[Link, ...]
    pictures: tuple[Link, ...]
    ids: frozenset[str]


def read_pages(docs: Path) -> dict[str, dict[str, Page]]:
    """Read the pages of both languages.

    Args:
        docs: The folder that holds a folder for each language.

    Returns:
        For each language, its pages by their path.

    Raises:
        SnippetError: All that is wrong with single pages: they are not UTF-8, headings have no id, a
            fence holds code that no build runs.
    """
    pages: dict[str, dict[str, Page]] = {}
    problems: list[Problem] = []
    for language in LANGUAGES:
        folder = docs / language
        pages[language] = {}
        for path in sorted(folder.rglob("[!.]*.md")):
            name = path.relative_to(folder).as_posix()
            place = f"docs/{language}/{name}"
            try:
                text = decode(path.read_bytes(), place)
            except SnippetError as error:
                problems += error.problems
                continue
            pages[language][name] = read_page(text, name, place, problems)
    if problems:
        raise SnippetError(*problems)
    return pages


def read_page(text: str, path: str, place: str, problems: list[Problem]) -> Page:
    """Read the headings, the fences and the marks of one page.

    Args:
        text: The Markdown of the page.
        path: Its path inside the folder of its language.
        place: Its path inside the project.
        problems: Takes what is wrong with the page.

    Returns:
        The page.
    """
    fences: list[Fence] = []
    marked: list[Mark] = []
    headings: list[tuple[int, str, str]] = []
    blocks: list[Block] = []
    links: list[Link] = []
    pictures: list[Link] = []
    ids: dict[str, str] = {}
    lines = text.split("\n")
    opening: re.Match[str] | None = None
    start = 0
    for number, line in enumerate(lines, 1):
        match = FENCE.match(line)
        if opening:
            marks = opening["marks"]
            if (
                match
                and match["marks"].startswith(marks)
                and not match["language"] + match["rest"].strip()
            ):
                body = [row.strip() for row in lines[start : number - 1] if row.strip()]
                kind, here = opening["language"], f"{place}:{start}"
                if kind == "snippet":
                    fences.append(Fence(" ".join(body), here, "alt=" in opening["rest"]))
                else:
                    blocks.append(Block(kind, _code(kind, body), here))
                opening = None
            continue
        if match:
            opening, start = match, number
            if match["language"] not in FENCES:
                what = f"a fence of the language {match['language'] or 'none'!r} is run by nothing"
                advice = (
                    "code lives in a section script and is shown by a snippet fence; others are "
                )
                problems.append(
                    Problem(what, advice + ", ".join(FENCES[1:]), (f"{place}:{number}",))
                )
            continue
        if inline := INLINE.search(line):
            what = f"code of the language {inline['language']!r} is run by nothing"
            advice = "write it as a word of the text, between plain backticks"
            problems.append(Problem(what, advice, (f"{place}:{number}",)))
        plain = CODE.sub("", line)
        for found in ID.finditer(plain):
            name = found["attribute"] or found["html"]
            if name in ids:
                places = (f"{place}:{number}", ids[name])
                problems.append(
                    Problem(f"the page has the id {name!r} twice", "choose another", places)
                )
            ids.setdefault(name, f"{place}:{number}")
        for found in LINK.finditer(plain):
            (pictures if found["picture"] else links).append(
                Link(found["target"], f"{place}:{number}")
            )
        if heading := HEADING.match(line):
            if not heading["id"]:
                advice = "give it the id that the other language has: ## Title {#id}"
                problems.append(
                    Problem(
                        f"the heading {heading['text']!r} has no id", advice, (f"{place}:{number}",)
                    )
                )
            headings.append((len(heading["level"]), heading["id"] or "", f"{place}:{number}"))
        else:
            if line.count("#!claim") != len(MARK.findall(line)):
                what, advice = (
                    "a mark cannot be read",
                    "leave a space between it and code beside it",
                )
                problems.append(Problem(what, advice, (f"{place}:{number}",)))
            for mark in MARK.finditer(line):
                sentence = _sentence(MARK.sub("", line[: mark.start()]))
                marked.append(Mark(mark["claim"], sentence, f"{place}:{number}"))
    if opening:
        problems.append(Problem("the fence is never closed", "close it", (f"{place}:{start}",)))
    return Page(
        path,
        place,
        tuple(fences),
        tuple(marked),
        tuple(headings),
        tuple(blocks),
        tuple(links),
        tuple(pictures),
        frozenset(ids),
    )


def _code(kind: str, rows: list[str]) -> str:
    """What of a fence has to be the same in both languages."""
    text = "\n".join(rows)
    if kind == "sh":
        text = COMMENT.sub("", text)
    elif kind == "math":
        text = re.sub(r"\\text\{[^}]*\}", "", text)
    elif kind == "text":
        return ""
    return "\n".join(row.strip() for row in text.split("\n") if row.strip())


def _sentence(text: str) -> str:
    """The last sentence of a text: from the end of the one before, so far as a full stop tells."""
    end = len(text.rstrip().rstrip(".!?。！？”」)）*"))
    before = re.split(r"[.?!] |[。！？|]", text[:end])
    return (before[-1] + text[end:]).strip(" -|>*")


def check_pages(
    pages: dict[str, dict[str, Page]],
    sections: dict[str, Section],
    claims: dict[str, tuple[Claim, ...]],
) -> list[Problem]:
    """Hold the pages against the snippets and claims, and the languages against each other.

    Args:
        pages: The pages of each language.
        sections: The sections.
        claims: The claims of each section.

    Returns:
        What is wrong: an unknown snippet or claim, one that is named twice, never or in one
        language only, and pages whose headings, snippets or marks differ between the languages.
    """
    problems: list[Problem] = []
    names = {snippet.name: snippet for section in sections.values() for snippet in section.snippets}
    shown: dict[str, dict[str, Fence]] = {}
    for language in LANGUAGES:
        shown[language] = {}
        for page in pages[language].values():
            for fence in page.fences:
                if fence.snippet not in names:
                    advice = "python -m snippets list shows the names there are"
                    what = f"there is no snippet {fence.snippet!r}"
                    problems.append(Problem(what, advice, (fence.place,)))
                elif fence.snippet in shown[language]:
                    places = (fence.place, shown[language][fence.snippet].place)
                    problems.append(
                        Problem(
                            "the snippet is shown twice", "remove one fence", places, fence.snippet
                        )
                    )
                else:
                    shown[language][fence.snippet] = fence
    for name, snippet in names.items():
        missing = [language for language in LANGUAGES if name not in shown[language]]
        script = f"{sections[name.split('.')[0]].place}:{snippet.line}"
        if len(missing) == len(LANGUAGES):
            problems.append(
                Problem("no page shows the snippet", "show it, or remove the cell", (script,), name)
            )
        elif missing:
            there = next(
                shown[language][name].place for language in LANGUAGES if name in shown[language]
            )
            what = f"the pages in {missing[0]!r} do not show the snippet"
            problems.append(Problem(what, "show it there too", (there, script), name))
    return [
        *problems,
        *_check_marks(pages, claims),
        *_check_links(pages, claims),
        *_compare_languages(pages),
    ]


def _check_links(
    pages: dict[str, dict[str, Page]], claims: dict[str, tuple[Claim, ...]]
) -> list[Problem]:
    """Find the links that lead to no page or place; MkDocs would say so without the line."""
    problems: list[Problem] = []
    for page in (page for language in LANGUAGES for page in pages[language].values()):
        there = pages[page.place.split("/")[1]]
        for link in page.links:
            target, _, anchor = link.target.partition("#")
            path = posixpath.normpath(posixpath.join(posixpath.dirname(page.path), target))
            if ":" in target or (target and not target.endswith(".md")):
                continue
            aim = there.get(path) if target else page
            if not aim:
                what, advice = f"the link {link.target!r} leads to no page", "correct the link"
                problems.append(Problem(what, advice, (link.place,)))
            elif anchor and unquote(anchor) not in _ids(aim, claims):
                what = f"the page {aim.path} has no heading or other place {anchor!r}"
                advice = "correct the link, or give the heading this id"
                problems.append(Problem(what, advice, (link.place,)))
    return problems


def _ids(page: Page, claims: dict[str, tuple[Claim, ...]]) -> set[str]:
    """All places of a page that a link can lead to."""
    listed = {block.code for block in page.blocks if block.kind == "claims"}
    return {
        *page.ids,
        *(anchor(fence.snippet) for fence in page.fences),
        *(claim.name for section in listed for claim in claims.get(section, ())),
    }


def anchor(snippet: str) -> str:
    """The id of a snippet on its page.

    Args:
        snippet: The full name of a snippet.

    Returns:
        The id, as links write it behind `#`.
    """
    return f"snippet-{snippet.replace('.', '-').replace('_', '-')}"


def _check_marks(
    pages: dict[str, dict[str, Page]], claims: dict[str, tuple[Claim, ...]]
) -> list[Problem]:
    """Hold the marks against the claims: each claim is marked, and on one page only once."""
    problems: list[Problem] = []
    left = {claim.name: claim for of_section in claims.values() for claim in of_section}
    known = set(left)
    for page in (page for language in LANGUAGES for page in pages[language].values()):
        on_page: dict[str, Mark] = {}
        for mark in page.marks:
            left.pop(mark.claim, None)
            what = ""
            if mark.claim not in known:
                what = "no test proves it: there is no test of this name with a docstring in both languages"
                advice = f"write test_{mark.claim} in the tests of a section, or correct the mark"
            elif mark.claim in on_page:
                what = f"the page has a second mark of this claim, the first at {on_page[mark.claim].place}"
                advice = "keep one of them"
            if what:
                problems.append(
                    Problem(what, advice, (mark.place,), None, mark.claim, mark.sentence)
                )
            on_page[mark.claim] = mark
    for claim in left.values():
        what = f"no page states what the test proves: {claim.words['en']}"
        advice = (
            f"end its sentence with `#!claim {claim.name}`, or take the Chinese off its docstring"
        )
        problems.append(Problem(what, advice, (claim.place,), claim=claim.name))
    return problems


def _compare_languages(pages: dict[str, dict[str, Page]]) -> list[Problem]:
    problems: list[Problem] = []
    first, second = (pages[language] for language in LANGUAGES)
    for path in sorted(first.keys() ^ second.keys()):
        page = first.get(path) or second[path]
        problems.append(
            Problem(
                f"the page {path} exists in one language only",
                "write the other one",
                (f"{page.place}:1",),
            )
        )
    for path in sorted(first.keys() & second.keys()):
        one, two = first[path], second[path]
        headings = zip_longest(one.headings, two.headings, fillvalue=(0, "", ""))
        for (level, name, place), (other_level, other_name, other_place) in headings:
            if (level, name) != (other_level, other_name):
                what = f"the headings differ: {'#' * level} {name or 'none'} / {'#' * other_level} {other_name or 'none'}"
                places = (place or one.place, other_place or two.place)
                problems.append(
                    Problem(what, "give both languages the same headings and ids", places)
                )
                break
        fences = zip_longest(one.fences, two.fences, fillvalue=Fence("none", ""))
        for fence, other in fences:
            if fence.snippet != other.snippet:
                what = f"the snippets differ in order: {fence.snippet} / {other.snippet}"
                places = (fence.place or one.place, other.place or two.place)
                problems.append(Problem(what, "show the same snippets in the same order", places))
                break
            if fence.described != other.described:
                what, places = "one language only describes its figure", (fence.place, other.place)
                problems.append(Problem(what, 'write alt="…" in both', places, fence.snippet))
        blocks = zip_longest(one.blocks, two.blocks, fillvalue=Block("none", "", ""))
        for block, its in blocks:
            if (block.kind, block.code) != (its.kind, its.code):
                row, other_row = _difference(block, its)
                what = f"the fences differ: {row} / {other_row}"
                advice = "write the same commands and formulas; words belong into comments"
                places = (block.place or one.place, its.place or two.place)
                problems.append(Problem(what, advice, places))
                break
        if len(one.pictures) != len(two.pictures):
            more, fewer = sorted((one, two), key=lambda page: -len(page.pictures))
            picture = more.pictures[len(fewer.pictures)]
            what = f"one language only has the picture {picture.target}"
            problems.append(Problem(what, "show it in both", (picture.place, fewer.place)))
        marks = zip_longest(one.marks, two.marks, fillvalue=Mark("none", "", ""))
        for mark, twin in marks:
            if mark.claim != twin.claim:
                what = f"the claims differ in order: {mark.claim} / {twin.claim}"
                places = (mark.place or one.place, twin.place or two.place)
                sentence = " / ".join(filter(None, (mark.sentence, twin.sentence)))
                advice = "mark the same sentences in the same order"
                problems.append(Problem(what, advice, places, sentence=sentence))
                break
    return problems


def _difference(block: Block, other: Block) -> tuple[str, str]:
    """Where two fences differ: in kind, or in which line."""
    if block.kind != other.kind:
        return block.kind, other.kind
    rows = zip_longest(block.code.split("\n"), other.code.split("\n"), fillvalue="none")
    return next((row, its) for row, its in rows if row != its)

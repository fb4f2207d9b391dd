"""Reads which snippets the pages show, and checks that both languages show the same."""

import re
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from snippets.engine.errors import Problem, SnippetError
from snippets.engine.scripts import Section

LANGUAGES = ("zh", "en")

FENCES = ("snippet", "math", "sh", "text")  # what a fence may hold: code is never written on a page
FENCE = re.compile(r"^\s*(?P<marks>`{3,}|~{3,})\s*(?P<language>[\w-]*)(?P<rest>.*)$")
HEADING = re.compile(r"^(?P<level>#{1,6})\s+(?P<text>.*?)\s*(?:\{\s*#(?P<id>[\w-]+)[^}]*\})?\s*$")


@dataclass(frozen=True)
class Fence:
    """A fence that shows a snippet.

    Attributes:
        snippet: The full name of the snippet.
        place: The page and line, as `docs/en/blocks.md:12`.
    """

    snippet: str
    place: str


@dataclass(frozen=True)
class Page:
    """A page of one language.

    Attributes:
        path: Its path inside the folder of its language.
        place: Its path inside the project.
        fences: Its fences, in order.
        headings: The level and the id of each heading, with its place, in order.
    """

    path: str
    place: str
    fences: tuple[Fence, ...]
    headings: tuple[tuple[int, str, str], ...]


def read_pages(docs: Path) -> dict[str, dict[str, Page]]:
    """Read the pages of both languages.

    Args:
        docs: The folder that holds a folder for each language.

    Returns:
        For each language, its pages by their path.

    Raises:
        SnippetError: All that is wrong with single pages: headings without an id, code that no
            build runs, fences that name no snippet.
    """
    pages: dict[str, dict[str, Page]] = {}
    problems: list[Problem] = []
    for language in LANGUAGES:
        folder = docs / language
        pages[language] = {}
        for path in sorted(folder.rglob("[!.]*.md")):
            name = path.relative_to(folder).as_posix()
            place = f"docs/{language}/{name}"
            pages[language][name] = read_page(
                path.read_text(encoding="utf-8"), name, place, problems
            )
    if problems:
        raise SnippetError(*problems)
    return pages


def read_page(text: str, path: str, place: str, problems: list[Problem]) -> Page:
    """Read the headings and the fences of one page.

    Args:
        text: The Markdown of the page.
        path: Its path inside the folder of its language.
        place: Its path inside the project.
        problems: Takes what is wrong with the page.

    Returns:
        The page.
    """
    fences: list[Fence] = []
    headings: list[tuple[int, str, str]] = []
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
                if opening["language"] == "snippet":
                    body = [row.strip() for row in lines[start : number - 1] if row.strip()]
                    fences.append(Fence(" ".join(body), f"{place}:{start}"))
                opening = None
        elif match:
            opening, start = match, number
            if match["language"] not in FENCES:
                what = f"a fence of the language {match['language'] or 'none'!r} is run by nothing"
                advice = (
                    "code lives in a section script and is shown by a snippet fence; others are "
                )
                problems.append(
                    Problem(what, advice + ", ".join(FENCES[1:]), (f"{place}:{number}",))
                )
        elif heading := HEADING.match(line):
            if not heading["id"]:
                advice = "give it the id that the other language has: ## Title {#id}"
                problems.append(
                    Problem(
                        f"the heading {heading['text']!r} has no id", advice, (f"{place}:{number}",)
                    )
                )
            headings.append((len(heading["level"]), heading["id"] or "", f"{place}:{number}"))
    if opening:
        problems.append(Problem("the fence is never closed", "close it", (f"{place}:{start}",)))
    return Page(path, place, tuple(fences), tuple(headings))


def check_pages(pages: dict[str, dict[str, Page]], sections: dict[str, Section]) -> list[Problem]:
    """Hold the pages against the snippets, and the languages against each other.

    Args:
        pages: The pages of each language.
        sections: The sections.

    Returns:
        What is wrong: an unknown snippet, a snippet that is shown twice, never or in one language
        only, and pages whose headings or snippets differ between the languages.
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
    return problems + _compare_languages(pages)


def _compare_languages(pages: dict[str, dict[str, Page]]) -> list[Problem]:
    problems: list[Problem] = []
    first, second = (pages[language] for language in LANGUAGES)
    for path in sorted(first.keys() ^ second.keys()):
        page = first.get(path) or second[path]
        problems.append(
            Problem(
                f"the page {path} exists in one language only", "write the other one", (page.place,)
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
    return problems

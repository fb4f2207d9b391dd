"""Holds what was read against each other: pages, snippets and claims, and the languages."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby, product, zip_longest
from typing import NamedTuple

from proven.allowed import wrong_names
from proven.cells import Outcome
from proven.html import mathml
from proven.pages import Fence, Mark, Page, error_of, path_of, target_of
from proven.problems import Problem, ProjectError, did_you_mean
from proven.project import Project
from proven.questions import SEPARATOR, options_of, wrong_questions
from proven.reading import letters, measure
from proven.runner import Result
from proven.scripts import section_of, swapped, wrong_comments

COMMENT = re.compile(r"(^|\s)#.*$", re.MULTILINE)
SHORTEST = 20  # letters of a figure's description: fewer are a title


def check(project: Project, *, preview: bool = False) -> tuple[Problem, ...]:
    """Check a project before anything runs; a preview may be unfinished, and is told what is."""
    problems = list(project.problems)
    if not problems:  # a file that could not be read would be reported as missing everywhere
        checks = (
            _fences, _unshown, _listed, _marks, _links, _formulas, _languages, _cores, _questions,
            _descriptions, _comments, wrong_names,
        )  # fmt: skip
        problems += [problem for find in checks for problem in find(project)]
    return refuse(map(project.with_pages, problems), preview)


def refuse(problems: Iterable[Problem], preview: bool) -> tuple[Problem, ...]:
    """Raise problems, all of them; but return them where each is only unfinished, and that is allowed."""
    found = tuple(problems)
    if found and not (preview and all(problem.unfinished for problem in found)):
        raise ProjectError(*found)
    return found


def check_results(
    project: Project, results: dict[str, Result], *, preview: bool = False
) -> tuple[Problem, ...]:
    """Check, once the sections have run, what pages say of figures and errors, and what they ask."""
    problems = list(_missing_errors(project, results))
    for question in project.questions.values():
        result = results.get(section_of(question.snippet))
        answer = result.answers.get(question.snippet) if result else None
        if answer is not None and len(question.fitting(answer)) != 1:
            values = ", ".join(value for value, _ in question.options)
            what = f"no option of the question fits: the key has the value {answer!r}, and the options have {values}"
            advice, places = "correct the options, or the key", (question.place,)
            problems.append(Problem(what, advice, places, question.snippet))
    for page in project.all_pages:
        for fence in page.shown:
            outcome = _shown(project, results, fence.name)
            if not outcome or outcome.state == "skipped":
                continue
            problems += _wrong_table(page, fence, outcome)
            if bool(outcome.figures) != bool(fence.option("alt")):
                what = "it draws nothing that alt could describe, or closes what it drew"
                advice = "take alt off its fences, or close no figure"
                if outcome.figures:
                    what = "its figure is not described"
                    advice = 'write alt="…" on its fences, in all languages'
                places, unfinished = (page.at(fence.line),), bool(outcome.figures)
                problems.append(Problem(what, advice, places, fence.name, unfinished=unfinished))
    return refuse(problems, preview)


def _shown(project: Project, results: dict[str, Result], name: str) -> Outcome | None:
    """What pages show of a snippet: what it did here or, if it did not run here, what was recorded."""
    if not (result := results.get(section_of(name))):
        return None
    outcome = result.outcomes[name]
    recorded = project.record_of(name) if outcome.state == "skipped" else None
    return recorded.outcomes[name] if recorded else outcome


def _wrong_table(page: Page, fence: Fence, outcome: Outcome) -> Iterator[Problem]:
    """What is wrong with the table that a fence lets its reader move through: a row for each position."""
    if not (count := fence.moves):
        return
    table = outcome.output.strip().split("\n")
    head, *rows = [tuple(cell.strip() for cell in line.split(SEPARATOR.strip())) for line in table]
    positions = [row[:count] for row in rows]
    what, advice = "", "let it print a head and a row for each position, with ' | ' between cells"
    if not 0 < count < len(head):
        what = f"moves={fence.option('moves')!r} is no number of columns that leaves one to show"
        advice = "say how many columns readers choose from, of a table with ' | ' between its cells"
    elif odd := next((row for row in rows if len(row) != len(head)), None):
        what = f"a row of its table has other columns than the head: {SEPARATOR.join(odd)}"
    elif len(set(positions)) < len(positions):
        what = "two rows of its table have the same position"
    elif missing := _missing(positions):
        what = f"its table has no row for {SEPARATOR.join(missing)}"
    if what:
        yield Problem(what, advice, (page.at(fence.line),), outcome.name)


def _missing(positions: list[tuple[str, ...]]) -> tuple[str, ...]:
    """The first combination of the values in all columns that there is not."""
    known = set(positions)
    columns = map(dict.fromkeys, zip(*positions, strict=True))
    return next((one for one in product(*columns) if one not in known), ())


def _missing_errors(project: Project, results: dict[str, Result]) -> Iterator[Problem]:
    """The errors that sections show, and that the index of errors, if there is one, does not list."""
    pages = project.pages[project.settings.main].values()
    listed = [entry for page in pages for entry in page.errors]
    if not listed:
        return
    texts = set()
    for name, number in listed:
        if outcome := _shown(project, results, name):
            texts |= {error.text for error in outcome.errors[number - 1 : number]}
    for name in (fence.name for page in pages if page.is_section for fence in page.shown):
        outcome = _shown(project, results, name)
        for number, error in enumerate(outcome.errors if outcome else (), 1):
            if error.text not in texts:
                what = f"the index of errors does not list {error.text!r}"
                advice = f"add a box to it that holds an error fence with: {name} {number}"
                place = project.in_script(name, error.line)
                yield Problem(what, advice, (place,), name, unfinished=True)


def _fences(project: Project) -> Iterator[Problem]:
    """Each fence names something that there is; a language shows no snippet twice, a page lists no error twice."""
    shown: dict[tuple[str, str], str] = {}
    for page in project.all_pages:
        listed: dict[tuple[str, int], str] = {}
        for fence in page.fences:
            name, place = fence.name, page.at(fence.line)
            other = project.pages[page.language].get(name)
            match fence.kind:
                case "downloads" if page.path != "notebooks.md":
                    what = (
                        "its links are those of the page notebooks.md, and lead nowhere from here"
                    )
                    yield Problem(what, "move it there", (place,))
                case "exceptions" if name != page.path:
                    what = f"its links lead to entries on its own page, and it names {name!r}"
                    yield Problem(what, f"write {page.path} in it, beside the entries", (place,))
                case "error" if page.url.count("/") != 1:
                    what = "the link of an entry leads to a section from a page beside it, and here nowhere"
                    yield Problem(what, "list errors on a page such as errors.md", (place,))
                case "snippet" if name not in project.snippets:
                    advice = "python -m proven list shows the names there are"
                    advice = did_you_mean(name, project.snippets, advice)
                    yield Problem(f"there is no snippet {name!r}", advice, (place,))
                case "snippet":
                    first = shown.setdefault((page.language, name), place)
                    if first != place:
                        advice = "remove one fence"
                        yield Problem("the snippet is shown twice", advice, (place, first), name)
                case "claims" if name not in project.sections:
                    advice = f"the sections are {', '.join(project.sections)}"
                    advice = did_you_mean(name, project.sections, advice)
                    yield Problem(f"there is no section {name!r}", advice, (place,))
                case "notebook" if not other:
                    yield Problem(f"there is no page {name!r}", "name one as blocks.md", (place,))
                case "summary" if other:  # one of a section has been put in its place
                    what = f"the page {name} has no summary"
                    yield Problem(what, "give its heading the word: {#summary .summary}", (place,))
                case "summary" | "exceptions" if not other or not other.errors:
                    what = f"there is no such page, or it lists no errors: {name!r}"
                    yield Problem(what, "name one as errors.md", (place,))
                case "error":
                    yield from _entry(project, page.language, fence, place, listed)


def _entry(
    project: Project, language: str, fence: Fence, place: str, listed: dict[tuple[str, int], str]
) -> Iterator[Problem]:
    """An entry of an index of errors names an error that a snippet declares, and that none before it names."""
    name, number = error_of(fence.body)
    declared = project.snippets[name].raises if name in project.snippets else ()
    first = listed.setdefault((name, number), place)
    if name not in project.snippets:
        advice = did_you_mean(name, project.snippets, "name a snippet with raises=")
        yield Problem(f"there is no snippet {name!r}", advice, (place,))
    elif not 0 < number <= len(declared):
        what = f"there is no error {fence.name!r}: {name} declares {len(declared)}"
        yield Problem(what, "name a snippet with raises=, and which of its errors", (place,))
    elif first != place:
        yield Problem("the error is listed twice", "remove one entry", (place, first), name)
    elif not project.places(name, language):
        what = "the entry names a snippet that no page shows"
        yield Problem(what, "show it on a page, or remove the entry", (place,), name)


def _questions(project: Project) -> Iterator[Problem]:
    """Each question has options, and a snippet answers it whose output is folded."""
    for page in project.all_pages:
        yield from wrong_questions(page)
    for question in project.questions.values():
        snippet = project.snippets.get(question.snippet)
        if snippet and snippet.fold != "output":
            what = "the snippet answers a question, and its output is not folded"
            advice = 'write fold="output" on its marker'
            yield Problem(what, advice, (question.place,), snippet.name)


def _cores(project: Project) -> Iterator[Problem]:
    """The core of each section is no longer than the settings allow."""
    for page in project.all_pages:
        if not page.is_section:
            continue
        core, _ = measure(page)
        for name in ("snippets", "questions", "characters" if core.characters else "words"):
            count = getattr(core, name)
            allowed = project.settings.core.get(name, count)
            if count > allowed:
                what = f"the core of the page has {count} {name}, and {allowed} are allowed"
                advice = "cut, or let a heading begin what is in depth: ### Title {#id .depth}"
                yield Problem(what, advice, (page.at(1),), unfinished=True)


def _unshown(project: Project) -> Iterator[Problem]:
    """Each snippet is shown in each language."""
    languages = project.settings.languages
    for name in project.snippets:
        missing = [language for language in languages if not project.places(name, language)]
        script = project.in_script(name, 1)
        if len(missing) == len(languages):
            what, advice = "no page shows the snippet", "show it, or remove the cell"
            yield Problem(what, advice, (script,), name, unfinished=True)
        elif missing:
            what = f"the pages in {missing[0]!r} do not show the snippet"
            there = project.places(name)[0]
            yield Problem(what, "show it there too", (there, script), name, unfinished=True)


def _listed(project: Project) -> Iterator[Problem]:
    """Where pages list claims, they list those of all sections: a mark leads there."""
    for language, pages in project.pages.items():
        if project.claims and "claims.md" not in pages:
            place = f"{project.settings.docs}/{language}:1"
            advice = "write claims.md there, with a claims fence for each section"
            yield Problem("there is no page of claims, to which marks lead", advice, (place,))
        lists = {
            f.name: p.at(f.line) for p in pages.values() for f in p.fences if f.kind == "claims"
        }
        for section in dict.fromkeys(claim.section for claim in project.claims.values()):
            if lists and section not in lists:
                what = f"no page in {language!r} lists the claims of {section}"
                place = next(reversed(lists.values()))
                yield Problem(what, f"add a claims fence with: {section}", (place,))


def _marks(project: Project) -> Iterator[Problem]:
    """Each mark names a claim, and each claim is marked."""
    for name, marks in project.marks.items():
        if name not in project.claims:
            yield _unproven(project, marks[0])
    for page in (page for page in project.all_pages if page.marks and "/" in page.path):
        what = (
            "a mark leads to claims.md beside its page, and this page lies in a folder of its own"
        )
        mark, advice = page.marks[0], "move the page up, or state it on another one"
        yield Problem(what, advice, (mark.place,), claim=mark.claim)
    for claim in project.claims.values():
        if claim.devices and not project.settings.devices:
            what = "the test needs a device, and proven.toml names no kind of device"
            yield Problem(what, "add [devices.…] there", (claim.place,), claim=claim.name)
        if claim.name not in project.marks:
            what = f"no page states what the test proves: {next(iter(claim.words.values()))}"
            advice = f"end its sentence with `#!claim {claim.name}`, or leave one language in its docstring"
            yield Problem(what, advice, (claim.place,), claim=claim.name, unfinished=True)


def _unproven(project: Project, mark: Mark) -> Problem:
    """What is wrong with a mark of which no claim knows."""
    name, settings = mark.claim, project.settings
    if name.removeprefix("test_") in project.claims:
        what, advice = "no claim has this name", "leave test_ off the mark"
        return Problem(what, advice, (mark.place,), claim=name)
    for section in project.sections:
        path = settings.project / settings.tests / f"test_{section}.py"
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        if found := re.search(rf"^(.*)\bdef test_{name}\(", text, re.MULTILINE):
            place = f"{settings.tests}/{path.name}:{text.count(chr(10), 0, found.start()) + 1}"
            what = f"test_{name} is no claim: its docstring has no paragraph for each language"
            order = ", ".join(settings.written)
            advice = f"let it have {len(settings.written)}, in this order: {order}"
            if found[1]:
                what = f"test_{name} is no claim: it is async, or stands inside of something else"
                advice = "let its line begin with def"
            return Problem(what, advice, (place, mark.place), claim=name)
    what = "no test proves it: there is no test of this name with a docstring in every language"
    advice = f"write test_{name} in the tests of a section, or correct the mark"
    advice = did_you_mean(name, project.claims, advice)
    return Problem(what, advice, (mark.place,), claim=name)


def _descriptions(project: Project) -> Iterator[Problem]:
    """Each page has a description of its own, if most have one, and each figure one that says something."""
    for pages in project.pages.values():
        described = sum("description" in page.meta for page in pages.values())
        first: dict[str, str] = {}
        for page in pages.values():
            text, place = str(page.meta.get("description") or ""), page.at(1)
            advice = "write one sentence about it in its front matter: description: …"
            if not text and described > len(pages) / 2:
                what = "the page has no description"
                yield Problem(what, advice, (place,), unfinished=True)
            elif text and first.setdefault(text, place) != place:
                what = "two pages have the same description"
                yield Problem(what, advice, (place, first[text]), unfinished=True)
            for fence in page.shown:
                if 0 < (count := letters(fence.option("alt"))) <= SHORTEST:
                    what = f"the description of the figure has {count} letters, too few for readers who do not see it"
                    advice = f"say what it shows, in more than {SHORTEST}; a Chinese character counts as two"
                    place = page.at(fence.line)
                    yield Problem(what, advice, (place,), fence.name, unfinished=True)


def _comments(project: Project) -> Iterator[Problem]:
    """The halves of comments and the paragraphs of docstrings stand in the order that the settings name."""
    written = project.settings.written
    for name, snippet in project.snippets.items():
        for line, what in wrong_comments(snippet.source, written):
            advice, place = f"their order is {' | '.join(written)}", project.in_script(name, line)
            yield Problem(what, advice, (place,), name, unfinished=True)
    for claim in project.claims.values():
        if swapped([claim.words[language] for language in written], written):
            what = "the paragraphs of its docstring are swapped"
            advice = f"their order is {', '.join(written)}"
            yield Problem(what, advice, (claim.place,), claim=claim.name, unfinished=True)


def _links(project: Project) -> Iterator[Problem]:
    """Each link to a page leads to one, and to a place on it."""
    ids = {page.place: {id for id, _ in project.ids(page)} for page in project.all_pages}
    for page in project.all_pages:
        for link in page.links:
            target, file = target_of(page, link.target), link.target.partition("#")[0]
            if not target:
                there = path_of(page, file) in project.beside[page.language]
                if link.picture and not there and ":" not in file and not file.startswith("/"):
                    what = f"the picture {file!r} is not there"
                    advice = "put it beside the pages of the language, or correct the link"
                    yield Problem(what, advice, (link.place,))
                continue
            aim = project.pages[page.language].get(target[0])
            if not aim:
                what, advice = f"the link {link.target!r} leads to no page", "correct the link"
                yield Problem(what, advice, (link.place,))
            elif target[1] and target[1] not in ids[aim.place]:
                what = f"the page {aim.path} has no heading or other place {target[1]!r}"
                advice = "correct the link, or give the heading this id"
                yield Problem(what, advice, (link.place,))


def _formulas(project: Project) -> Iterator[Problem]:
    """Each formula can be set; the generator would show one that cannot as it is written."""
    for page in project.all_pages:
        found = [(f.body, "block", page.at(f.line)) for f in page.fences if f.kind == "math"]
        found += [(latex, "inline", place) for latex, place in page.formulas]
        for latex, display, place in found:
            try:
                mathml(latex, display)
            except ProjectError as error:
                yield replace(error.problems[0], places=(place,))


class _Row(NamedTuple):
    """One thing that all languages have at the same position of a page; of a mark with its sentence."""

    what: str
    place: str
    sentence: str = ""


def _languages(project: Project) -> Iterator[Problem]:
    """The pages of all languages have the same headings, snippets, fences, pictures and marks."""
    main = project.settings.main
    first = project.pages[main]
    for language in project.settings.languages[1:]:
        second = project.pages[language]
        for path in sorted(first.keys() ^ second.keys()):
            page = first.get(path) or second[path]
            what = f"the page {path} exists in one language only"
            if len(project.settings.languages) > 2:
                lacks = language if path in first else main
                what = f"the page {path} exists in {page.language!r} and not in {lacks!r}"
            yield Problem(what, "write the other one", (page.at(1),))
        for path in sorted(first.keys() & second.keys()):
            for problem in _compare(first[path], second[path]):
                yield replace(problem, unfinished=True)


def _compare(one: Page, two: Page) -> Iterator[Problem]:
    """What two languages of a page do not have alike, and where each kind first differs."""
    lacking = list(_lacking(one, two))
    yield from lacking
    both = {fence.name for fence in one.shown} & {fence.name for fence in two.shown}
    pairs = zip(_rows(one, both, bool(lacking)), _rows(two, both, bool(lacking)), strict=True)
    for (rows, what, advice), (others, *_) in pairs:
        for row, other in zip_longest(rows, others, fillvalue=_Row("none", "")):
            if row.what != other.what:
                told = f"{what}: {row.what} / {other.what}"
                places = (row.place or one.place, other.place or two.place)
                sentences = " / ".join(filter(None, (row.sentence, other.sentence)))
                yield Problem(told, advice, places, sentence=sentences or None)
                break


def _rows(page: Page, both: set[str], lacking: bool) -> Iterator[tuple[list[_Row], str, str]]:
    """What is the same in all languages, kind by kind, and what is told where it is not.

    Figures are those of the snippets that both show; marks have no order where one is lacking.
    """

    def rows(told: list[tuple[str, int]]) -> list[_Row]:
        return [_Row(what, page.at(line)) for what, line in told]

    told = [(f"{'#' * h.level} {h.id or 'none'} {h.kind}".rstrip(), h.line) for h in page.headings]
    yield rows(told), "the headings differ", "give both languages the same headings and ids"
    told = [(f"{f.name} {f.moves or ''}".strip(), f.line) for f in page.shown]
    yield rows(told), "the snippets differ in order", "show the same snippets in the same order"
    last = sorted({f.name: f for f in page.shown if f.name in both}.items())
    kinds = ("does not describe", "describes")
    told = [(f"{kinds[bool(f.option('alt'))]} the figure of {name}", f.line) for name, f in last]
    yield rows(told), "one language only describes its figure", 'write alt="…" in both'
    others = [(f, _same_in_all_languages(f) or [""]) for f in page.fences if f.kind != "snippet"]
    told = [(f"{f.kind} {line}".strip(), f.line) for f, lines in others for line in lines]
    advice = "write the same in both: commands, formulas, keys and values, with ' | ' before words"
    yield rows(told), "the fences differ", advice
    pictures = enumerate((link.place for link in page.links if link.picture), 1)
    found = [_Row(f"picture {number}", place) for number, place in pictures]
    yield found, "one language only has a picture", "show it in both"
    # the words of a language decide on the order inside of a sentence
    found = sorted((_Row(*formula) for formula in page.formulas), key=lambda row: row.what)
    yield found, "the formulas in sentences differ", "write the same ones in both"
    if lacking:
        return
    lines, marks = page.text.split("\n"), list[_Row]()
    for table, group in groupby(
        page.marks, lambda mark: lines[int(mark.place.rpartition(":")[2]) - 1].startswith("|")
    ):
        found = [_Row(mark.claim, mark.place, mark.sentence) for mark in group]
        # the rows of a table may be sorted by the words of their language
        marks += sorted(found, key=lambda row: row.what) if table else found
    yield marks, "the claims differ in order", "mark the same sentences in the same order"


def _lacking(one: Page, two: Page) -> Iterator[Problem]:
    """The marks that one language has, or has more often than the other."""
    for page, other in ((one, two), (two, one)):
        marked = {mark.claim for mark in page.marks}
        more = Counter(mark.claim for mark in other.marks)
        more.subtract(mark.claim for mark in page.marks)
        for mark in reversed(other.marks):
            if more[mark.claim] > 0:
                more[mark.claim] -= 1
                what = f"{page.place} does not mark `{mark.claim}`"
                what += " as often" if mark.claim in marked else ""
                advice = "mark its sentence there"
                yield Problem(what, advice, (mark.place,), sentence=mark.sentence)


def _same_in_all_languages(fence: Fence) -> list[str]:
    """The lines of a fence that are the same in all languages."""
    text = fence.body
    if fence.kind == "text":
        return []
    if fence.kind == "options":
        key, options = options_of(text)
        return [key, *(value for value, _ in options)]
    if fence.kind == "sh":
        text = COMMENT.sub("", text)
    elif fence.kind == "math":
        text = re.sub(r"\\text\{[^{}]*\}", "", text)
    return [line.strip() for line in text.split("\n") if line.strip()]

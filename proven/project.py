"""Reads a project, each file of it once."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from proven.claims import Claim, read_claims
from proven.pages import Mark, Page, anchor, read_pages
from proven.problems import Problem, did_you_mean
from proven.questions import Question, questions_of
from proven.records import Record, git, read_records
from proven.scripts import Section, Snippet, read_sections, section_of
from proven.settings import FILE, Settings
from proven.words import WORDS

# the copies that editors keep beside a file, for as long as it is edited or longer
EDITORS = re.compile(r"\..*|#.*#|[0-9]+|.*(~|\.bak|\.orig|\.sw[a-p]|\.tmp)")


@dataclass(frozen=True)
class Project:
    """All that a build reads: sections and claims by name, pages by language and path.

    The records are those of the scripts as they are; the problems are of single files.
    """

    settings: Settings
    sections: dict[str, Section]
    claims: dict[str, Claim]
    pages: dict[str, dict[str, Page]]
    records: tuple[Record, ...]
    problems: tuple[Problem, ...]

    @cached_property
    def snippets(self) -> dict[str, Snippet]:
        """All snippets by their full name."""
        return {s.name: s for section in self.sections.values() for s in section.snippets}

    @cached_property
    def all_pages(self) -> list[Page]:
        """The pages of all languages."""
        return [page for pages in self.pages.values() for page in pages.values()]

    @cached_property
    def beside(self) -> dict[str, dict[str, str]]:
        """The files beside the pages of each language, and links to folders: the path there, and the place."""
        docs = self.settings.project / self.settings.docs
        found: dict[str, dict[str, str]] = {language: {} for language in self.settings.languages}
        for language, files in found.items():
            for path in sorted((docs / language).rglob("*")):
                name = path.relative_to(docs / language).as_posix()
                shown = path.suffix != ".md" and not any(p.startswith(".") for p in name.split("/"))
                if shown and (path.is_symlink() or not path.is_dir()):
                    files[name] = f"{self.settings.docs}/{language}/{name}"
        return found

    def record_of(self, snippet: str) -> Record | None:
        """The record that stands in for a snippet where it did not run."""
        return next((record for record in self.records if snippet in record.outcomes), None)

    @cached_property
    def questions(self) -> dict[tuple[str, str], Question]:
        """The questions by language and snippet; those of one snippet have the same key and values."""
        return {
            (page.language, q.snippet): q for page in self.all_pages for q in questions_of(page)
        }

    @cached_property
    def _places(self) -> dict[tuple[str, str], str]:
        return {
            (page.language, fence.name): page.at(fence.line)
            for page in self.all_pages
            for fence in page.shown
        }

    def listed(self, page: Page) -> list[Claim]:
        """The claims that a page lists, each with its test."""
        sections = {fence.name for fence in page.fences if fence.kind == "claims"}
        return [claim for claim in self.claims.values() if claim.section in sections]

    def ids(self, page: Page) -> list[tuple[str, str]]:
        """The ids that a page gives, those of its snippets and claims included, each with its place."""
        # a snippet that is shown twice is told by itself
        shown = {f.name: (anchor(f.name), page.at(f.line)) for f in page.shown}
        listed = [(claim.name, claim.place) for claim in self.listed(page)]
        return [*page.ids, *shown.values(), *listed]

    @cached_property
    def marks(self) -> dict[str, list[Mark]]:
        """The marks of each claim, on all pages."""
        marks: dict[str, list[Mark]] = {}
        for page in self.all_pages:
            for mark in page.marks:
                marks.setdefault(mark.claim, []).append(mark)
        return marks

    def in_script(self, snippet: str, line: int) -> str:
        """A line of a snippet's code, counted from 1, as messages name it."""
        section = self.sections[section_of(snippet)]
        return f"{section.place}:{self.snippets[snippet].line + line - 1}"

    def places(self, snippet: str, *languages: str) -> tuple[str, ...]:
        """Where pages show a snippet; in all languages if none is named."""
        shown = (self._places.get((one, snippet)) for one in languages or self.settings.languages)
        return tuple(place for place in shown if place)

    def with_pages(self, problem: Problem) -> Problem:
        """Add the pages that show a snippet, or state a claim, to where a problem is."""
        marks = self.marks.get(problem.claim or "", [])
        shown = self.places(problem.snippet) if problem.snippet else ()
        places = dict.fromkeys((*problem.places, *shown, *(mark.place for mark in marks)))
        sentence = problem.sentence or " / ".join(mark.sentence for mark in marks) or None
        return replace(problem, places=tuple(places), sentence=sentence)


def read_project(settings: Settings) -> Project:
    """Read the scripts, the tests, the pages and the records of a project."""
    sections, in_scripts = read_sections(settings)
    claims, in_tests = read_claims(settings, sections)
    pages, in_pages = read_pages(settings)
    records, in_records = read_records(settings, sections)
    stale = [
        Problem(f"first names {name}, and no section is called so", "take it out", (f"{FILE}:1",))
        for name in settings.first
        if name not in sections
    ]
    stale += _unread(settings)
    problems = (*stale, *in_scripts, *in_tests, *in_pages, *in_records)
    return Project(settings, sections, claims, pages, records, problems)


def _unread(settings: Settings) -> Iterator[Problem]:
    """Find pages and phrases that somebody wrote in vain."""
    docs = settings.project / settings.docs
    for path in sorted(docs.glob("[!.]*/**/*.md")) if docs != settings.project else ():
        language, place = path.relative_to(docs).parts[0], path.relative_to(settings.project)
        if language not in settings.languages:
            what = f"nothing reads the page: {language} is no language of the project"
            advice = f"move it to the folder of one, or name {language} in {FILE}"
            yield Problem(what, advice, (f"{place.as_posix()}:1",))
    forms = {f"{kind}-{form}" for kind in settings.devices for form in ("one", "many", "none")}
    known = {language: forms | WORDS["en"].keys() for language in settings.languages}
    for language, phrases in settings.words.items():
        if unknown := sorted(phrases.keys() - known.get(language, set())):
            what = f"[words.{language}] has {unknown[0]}, which nothing shows"
            advice = did_you_mean(unknown[0], known.get(language, ()), "take it out")
            yield Problem(what, advice, (f"{FILE}:1",))


def commit(project: Path) -> str | None:
    """The commit that is checked out, with `+` where files differ from it.

    None where the project is no part of a repository, also where it lies in one that is about something
    else and does not hold its `proven.toml`.
    """
    known = git(project, "ls-tree", "--name-only", "HEAD", FILE)
    head, status = git(project, "rev-parse", "HEAD"), git(project, "status", "--porcelain", ".")
    if not known or not head or status is None:
        return None
    return head.decode().strip() + ("+" if status else "")

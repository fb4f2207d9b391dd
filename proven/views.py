"""What one snippet or one claim shows in one language: all that writers know of it.

Nobody but this module decides whether an output is this build's, a record's, or none.
"""

import os
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from proven.cells import Outcome
from proven.claims import Claim
from proven.pages import Page, anchor, path_of
from proven.problems import Problem, ProjectError
from proven.project import Project
from proven.questions import lettered
from proven.records import Record
from proven.runner import Result
from proven.scripts import Snippet, localise, section_of
from proven.words import Words
from proven.worker import Machine


@dataclass(frozen=True)
class Piece:
    """An output or an error."""

    text: str
    label: str  # what it is, in the language
    error: str = ""  # the type of an error
    line: int = 0  # of the snippet on which the error came, counted from 1


@dataclass(frozen=True)
class Run:
    """What a snippet did on one machine."""

    label: str  # which machine; empty where this build's output is the only one
    pieces: tuple[Piece, ...]  # what it printed and raised, in order
    figures: tuple[str, ...] = ()  # as SVG
    record: Record | None = None  # None for this build's

    @property
    def id(self) -> str:
        """The same for all snippets and languages: what a reader chooses by."""
        return self.record.filename.split(".")[1] if self.record else "here"


@dataclass(frozen=True)
class View:
    """What a snippet shows in one language."""

    name: str  # in full
    source: str  # with the comments of the language
    kind: str  # of the devices that it needs; empty if it runs anywhere
    devices: int  # how many of these
    count: str  # the expression that counts these devices on a reader's machine
    # what a page folds away: `code`, the `output` that a question asks for, or nothing
    fold: str | None
    # `ran`, `raised`, `skipped`, or `recorded` where a record stands in for a skipped one
    state: str
    skipped: str  # why it did not run here; empty if it did
    raises: tuple[str, ...]  # the types of the errors that it declares
    # what it did, the run that teaches first in front: of this build, and of a record where it did not run here,
    # or did something else on a machine with more devices
    runs: tuple[Run, ...]

    @property
    def run(self) -> Run | None:
        """The run of this build or, where it did not run here, of the record."""
        return min(self.runs, key=lambda run: run.record is not None, default=None)

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """What it printed and raised in that run."""
        return self.run.pieces if self.run else ()

    @property
    def draws(self) -> bool:
        """Whether it shows a figure."""
        return any(run.figures for run in self.runs)


@dataclass(frozen=True)
class ClaimView:
    """What a claim shows in one language."""

    claim: Claim
    words: str  # what it proves
    state: str  # `proven`, `recorded`, `skipped`, or `pending` while `serve` still proves it
    title: str  # the state in words
    told: str  # with what it was proven, or why it was not
    reach: str  # on how many cases it was tried; empty where this build did not prove it
    cases: int  # the number of these; 0 where it was shown on one example
    url: str | None  # of its test; None where the repository is not known


@dataclass(frozen=True)
class ErrorView:
    """An entry of the index of errors: its id there, the snippet that shows the error, on which page."""

    id: str
    view: View
    type: str
    piece: Piece | None  # None where the snippet did not run
    page: Page


@dataclass(frozen=True)
class Half:
    """What the generator's configuration says of the pages of one language."""

    name: str
    description: str
    address: str  # with a slash at its end; empty if it is not known
    copyright: str


@dataclass(frozen=True)
class Site:
    """A project and what its sections did."""

    project: Project
    results: dict[str, Result]  # a claim without a proof there is pending
    # the paths of the pages in the order of the site; all languages have the same
    order: tuple[str, ...]
    halves: dict[str, Half]
    downloads: bool = True  # whether notebooks and archives are made and offered

    @property
    def machine(self) -> Machine:
        """Where the sections ran."""
        return next(iter(self.results.values())).machine

    def words(self, language: str) -> Words:
        """The engine's phrases."""
        return Words(self.project.settings, language)

    def page(self, language: str, path: str) -> Page:
        """A page by the path inside the folder of its language."""
        return self.project.pages[language][path]

    def pages(self, language: str) -> list[Page]:
        """The pages of a language, in the order of the site."""
        return [self.page(language, path) for path in self.order]

    def sections(self, language: str) -> list[Page]:
        """The pages whose code readers may take along, in the order of the site."""
        return [page for page in self.pages(language) if page.has_notebook]

    def views(self, page: Page) -> list[View]:
        """What the snippets of a page show, in order."""
        return [self.view(fence.name, page.language) for fence in page.shown]

    def address(self, page: Page) -> str:
        """The address of a page, from the home page of the site."""
        return f"{self.project.settings.root(page.language)}{page.url}"

    def file(self, page: Page, link: str) -> str | None:
        """The address, from the home page, of a file beside the pages to which a link of a page leads."""
        target, mark, place = link.partition("#")
        name = path_of(page, target)
        if name not in self.project.beside[page.language]:
            return None
        return f"{self.project.settings.root(page.language)}{name}{mark}{place}"

    def view(self, name: str, language: str) -> View:
        """What a snippet shows in a language."""
        snippet, words = self.project.snippets[name], self.words(language)
        result, record = self.results[section_of(name)], self.project.record_of(name)
        outcome, asked = result.outcomes[name], (language, name) in self.project.questions
        state: str = outcome.state
        skipped, runs = "", list[Run]()
        if state == "skipped":
            skipped = words.needs(snippet.kind, snippet.devices, outcome.had)
        else:
            runs.append(Run("", tuple(_pieces(outcome, snippet, words)), outcome.figures))
        if record and len(record.machine.devices) > len(result.machine.devices):
            label, there = words.run(record.machine, record.date), record.outcomes[name]
            recorded = Run(label, tuple(_pieces(there, snippet, words)), there.figures, record)
            if state == "skipped":
                state, runs = "recorded", [recorded]
            elif (recorded.pieces, recorded.figures) != (runs[0].pieces, runs[0].figures):
                here = replace(runs[0], label=words.run(result.machine))
                # a key was computed from what ran here
                runs = [here, recorded] if asked else [recorded, here]
        return View(
            name=name,
            source=localise(snippet.source, language, self.project.settings.written),
            kind=snippet.kind,
            devices=snippet.devices,
            count=self.project.settings.devices[snippet.kind]["count"] if snippet.kind else "",
            fold=None if snippet.fold == "output" and not asked else snippet.fold,
            state=state,
            skipped=skipped,
            raises=snippet.raises,
            runs=tuple(runs),
        )

    def recorded(self, pages: Iterable[Page]) -> list[str]:
        """Where the recorded outputs on pages of a language come from, a sentence for each record."""
        told = []
        for page in pages:
            words, errors = self.words(page.language), (name for name, _ in page.errors)
            views = self.views(page) + [self.view(name, page.language) for name in errors]
            runs = (run for view in views for run in view.runs)
            told += [words.recorded(run.record) for run in runs if run.record]
        return list(dict.fromkeys(told))

    def answer(self, name: str) -> str | None:
        """The value of the key of the question that a snippet answers; None where none is known."""
        return self.results[section_of(name)].answers.get(name)

    def fitting(self, name: str, language: str) -> str:
        """Which option of the question that a snippet answers fits, in words; empty where none is known."""
        question, answer = self.project.questions.get((language, name)), self.answer(name)
        if not question or answer is None:
            return ""
        [number] = question.fitting(answer)
        option = lettered(question.options)[number]
        return self.words(language)("option-fits", option=option)

    def error(self, name: str, number: int, language: str) -> ErrorView:
        """What an entry of the index of errors shows: of a snippet, the error with this number, from 1."""
        view, pages = self.view(name, language), self.project.pages[language].values()
        page = next(p for p in pages if name in {fence.name for fence in p.shown})
        errors = [piece for piece in view.pieces if piece.error]
        piece = errors[number - 1] if errors else None
        id = f"error-{anchor(name).removeprefix('snippet-')}-{number}"
        return ErrorView(id, view, view.raises[number - 1], piece, page)

    def proof(self, claim: Claim) -> tuple[str, Machine, Record | None]:
        """Its state, the machine that ran its test, and the record where one says so."""
        result = self.results[claim.section]
        state = result.proofs.get(claim.name, "pending")
        if state == "skipped":
            for record in self.project.records:
                if record.claims.get(claim.name) == claim.sha256:
                    return "recorded", record.machine, record
        return state, result.machine, None

    def claim(self, name: str, language: str) -> ClaimView:
        """What a claim shows."""
        claim, words = self.project.claims[name], self.words(language)
        state, machine, record = self.proof(claim)
        title = words("unproven" if state == "skipped" else state)
        told = words.proven(claim.devices, state, machine, record)
        repository = os.environ.get("REPO_URL", "").rstrip("/")
        url = f"{repository}/blob/main/{claim.file}#L{claim.line}" if repository else None
        tried = self.results[claim.section].reach.get(name, ())
        reach = words.reach(tried) if state == "proven" else ""
        cases = sum(count for _, count in tried)
        return ClaimView(claim, claim.words[language], state, title, told, reach, cases, url)

    def claims_of(self, section: str, language: str) -> list[ClaimView]:
        """The claims of a section."""
        claims = self.project.claims.values()
        return [self.claim(c.name, language) for c in claims if c.section == section]

    def page_of(self, section: str, language: str) -> Page:
        """The page that shows most of a section's snippets."""
        return max(
            self.pages(language),
            key=lambda page: sum(f.body.startswith(f"{section}.") for f in page.shown),
        )


def _pieces(outcome: Outcome, snippet: Snippet, words: Words) -> Iterator[Piece]:
    start = 0
    # there is no error where it was skipped
    for type, error in zip(snippet.raises, outcome.errors, strict=False):
        if printed := outcome.output[start : error.after]:
            yield Piece(printed, words("output"))
        label = f"{words('error')} · {words('error-line', line=error.line)}"
        yield Piece(error.text, label, type, error.line)
        start = error.after
    if printed := outcome.output[start:]:
        yield Piece(printed, words("output"))


def today() -> time.struct_time:
    """The date of this build in UTC; `SOURCE_DATE_EPOCH` sets it."""
    text = os.environ.get("SOURCE_DATE_EPOCH", str(int(time.time())))
    if not re.fullmatch("[0-9]{1,9}|[1-3][0-9]{9}", text, re.ASCII):  # what a zip file can hold
        what = f"SOURCE_DATE_EPOCH is {text[:40]!r}, and no number of seconds since 1970"
        advice = "unset it, or set it to one such as 1800000000"
        raise ProjectError(Problem(what, advice, ("the environment",)))
    return time.gmtime(int(text))

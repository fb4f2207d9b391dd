"""One build of the site: what is read, what runs, and what is known about both."""

import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from snippets.engine.cells import Outcome
from snippets.engine.claims import Claim, read_claims
from snippets.engine.errors import Problem, SnippetError
from snippets.engine.pages import LANGUAGES, Mark, Page, check_pages, read_pages
from snippets.engine.records import Record, check_record, read_records
from snippets.engine.runner import Result, Runner, log, warm_up
from snippets.engine.scripts import Snippet, read_sections
from snippets.engine.worker import Machine


class Build:
    """Reads scripts, tests and pages, checks them against each other, and starts to run the scripts.

    Args:
        project: The folder that holds `snippets/`, `tests/` and `docs/`.
        before: The build before this one in the same process; what did not change is not run again.
        progress: Called after each snippet that has run.

    Raises:
        SnippetError: A script or a page is wrong; nothing was run.
    """

    def __init__(
        self,
        project: Path,
        before: "Build | None" = None,
        progress: Callable[[], object] = lambda: None,
    ) -> None:
        warm_up()
        self.project = project
        self.sections = read_sections(project / "snippets")
        claims = read_claims(project / "tests", self.sections)
        self.claims: dict[str, Claim] = {
            claim.name: claim for of_section in claims.values() for claim in of_section
        }
        self.pages = pages = read_pages(project / "docs")
        if problems := check_pages(pages, self.sections, claims):
            raise SnippetError(*problems)
        self.snippets: dict[str, Snippet] = {
            snippet.name: snippet
            for section in self.sections.values()
            for snippet in section.snippets
        }
        self._places = {
            (language, fence.snippet): fence.place
            for language in LANGUAGES
            for page in pages[language].values()
            for fence in page.fences
        }
        self._marks: dict[str, list[Mark]] = {name: [] for name in self.claims}
        for mark in (m for one in LANGUAGES for page in pages[one].values() for m in page.marks):
            self._marks[mark.claim].append(mark)
        self._records = self._current_records()
        known = before.results() if before else {}
        self._runner = Runner(self.sections, claims, known=known, progress=progress)

    def by_need(self, language: str) -> list[str]:
        """The paths of the pages, ordered by the section that each waits for longest.

        Args:
            language: Whose pages are meant.

        Returns:
            The paths inside of the folder of the language.
        """
        order = list(self.sections)

        def last(page: Page) -> int:
            names = {fence.snippet.partition(".")[0] for fence in page.fences}
            names |= {self.claims[mark.claim].section for mark in page.marks}
            names |= {block.code for block in page.blocks if block.kind == "claims"}
            return max(map(order.index, names), default=-1)

        return [page.path for page in sorted(self.pages[language].values(), key=last)]

    def outcome(self, name: str) -> Outcome:
        """Wait for a snippet's section and return what the snippet did.

        Args:
            name: The full name of a snippet.

        Returns:
            What the snippet did.

        Raises:
            SnippetError: A snippet ended otherwise than declared, with those of all other sections.
        """
        try:
            return self._runner.result(name.split(".")[0]).outcomes[name]
        except SnippetError:
            self.wait()  # one message for everything that is wrong, not one per attempt
            raise

    def record(self, name: str) -> Record | None:
        """The best record in which a snippet ran, if this build could not run it itself.

        Args:
            name: The full name of a snippet.

        Returns:
            The record that a page shows in its place, or None.

        Raises:
            SnippetError: The section of the snippet failed.
        """
        if self.outcome(name).state != "skipped":
            return None
        return next((record for record in self._records if name in record.outcomes), None)

    def proof(self, name: str) -> tuple[str, Machine, Record | None]:
        """Wait for a claim's section and return what became of the claim.

        Args:
            name: The name of a claim.

        Returns:
            The state (`proven`, `recorded` or `skipped`), the machine on which the test ran, or
            would have to, and the record that tells, where this build could not run it itself.

        Raises:
            SnippetError: A claim does not hold, or a snippet failed.
        """
        claim = self.claims[name]
        try:
            result = self._runner.result(claim.section)
        except SnippetError:
            self.wait()
            raise
        state = result.proofs[name].state
        if state == "skipped":
            for record in self._records:
                if record.claims.get(name) == claim.sha256:
                    return "recorded", record.machine, record
        return state, result.machine, None

    def wait(self) -> None:
        """Wait for everything.

        Raises:
            SnippetError: All that went wrong, in any section.
        """
        if problems := self._runner.problems():
            raise SnippetError(*self._with_pages(tuple(problems)))

    def results(self) -> dict[str, Result]:
        """Wait for everything and return the sections that went well.

        Returns:
            The results by section.
        """
        return self._runner.results()

    @property
    def machine(self) -> Machine:
        """Where the sections ran; waits for the first."""
        return next(iter(self.results().values())).machine

    def places(self, name: str, *languages: str) -> tuple[str, ...]:
        """Where pages show a snippet, as `docs/en/blocks.md:12`; in all languages if none is named.

        Args:
            name: The full name of a snippet.
            languages: Whose pages are meant.

        Returns:
            The places; none if no page shows the snippet.
        """
        shown = (self._places.get((language, name)) for language in languages or LANGUAGES)
        return tuple(place for place in shown if place)

    def close(self) -> None:
        """End whatever still runs."""
        self._runner.close()

    def report(self) -> dict[str, Any]:
        """What this build was, for `site/build.json`.

        Returns:
            A mapping that JSON can take. Only `date` differs from build to build; everything else
            follows from the commit and the machine.
        """
        machine = self.machine
        snippets = []
        for name, result in self.results().items():
            for outcome in result.outcomes.values():
                snippet = self.snippets[outcome.name]
                row: dict[str, Any] = {
                    "section": name,
                    "name": outcome.name,
                    "state": outcome.state,
                    "figures": len(outcome.figures),
                    "sha256": snippet.sha256,
                }
                if outcome.state == "skipped":
                    row["reason"] = (
                        f"needs {snippet.devices} CUDA device(s), and there were {outcome.had}"
                    )
                    record = self.record(outcome.name)
                    row["record"] = record and f"snippets/records/{record.filename}"
                snippets.append(row)
        return {
            "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", _now()),
            "commit": commit(self.project),
            "torch": machine.torch,
            "cuda": machine.cuda,
            "python": machine.python,
            "platform": machine.platform,
            "devices": list(machine.devices),
            "snippets": snippets,
            "claims": [
                {
                    "section": claim.section,
                    "name": claim.name,
                    "state": self.proof(claim.name)[0],
                    "sha256": claim.sha256,
                }
                for claim in self.claims.values()
            ],
        }

    def write_report(self, path: Path) -> None:
        """Write the report as JSON.

        Args:
            path: Where the file goes.
        """
        text = json.dumps(self.report(), indent=1, ensure_ascii=False) + "\n"
        path.write_text(text, encoding="utf-8")

    def _current_records(self) -> list[Record]:
        """Read the records; name those whose script has changed, and leave them out."""
        current, problems = [], []
        folder = self.project / "snippets" / "records"
        for record in read_records(folder):
            if record.is_current(self.sections.get(record.section)):
                current.append(record)
                problems += check_record(folder, record, self.sections[record.section])
            else:
                log.info(
                    "Record snippets/records/%s is stale and not shown: it is of another "
                    "snippets/%s.py. Renew it on its hardware: python -m snippets record %s",
                    record.filename,
                    record.section,
                    record.section,
                )
        if problems:
            raise SnippetError(*self._with_pages(tuple(problems)))
        return current

    def _with_pages(self, problems: tuple[Problem, ...]) -> list[Problem]:
        """Add the pages that show a snippet, or state a claim, to the places in its script."""
        told = []
        for problem in problems:
            marks = self._marks.get(problem.claim or "", [])
            places = (*self.places(problem.snippet or ""), *(mark.place for mark in marks))
            sentence = " / ".join(mark.sentence for mark in marks) or None
            told.append(replace(problem, places=problem.places + places, sentence=sentence))
        return told


def today() -> str:
    """The date of this build in UTC, as `2026-11-23`; `SOURCE_DATE_EPOCH` sets it.

    Returns:
        Year, month and day.
    """
    return time.strftime("%Y-%m-%d", _now())


def _now() -> time.struct_time:
    return time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())))


def commit(project: Path) -> str | None:
    """The commit that is checked out, with `+` where files differ from it; None outside of git.

    Args:
        project: The folder of the project.

    Returns:
        The hash of the commit, in hexadecimal.
    """
    git = ["git", "-C", str(project)]
    try:
        head = subprocess.run(
            [*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True
        )
        status = subprocess.run(
            [*git, "status", "--porcelain"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return head.stdout.strip() + ("+" if status.stdout.strip() else "")


_current: Build | None = None


def current() -> Build:
    """The build of this process; started from this checkout where nobody began one.

    MkDocs begins it in a hook. Zensical knows no hooks: there the first fence does.

    Returns:
        The build.

    Raises:
        SnippetError: None was begun, and a script or a page is wrong.
    """
    return _current or begin(Path(__file__).parents[2])


def begin(project: Path, progress: Callable[[], object] = lambda: None) -> Build:
    """Begin a build, and make it the current one.

    Args:
        project: The folder that holds `snippets/` and `docs/`.
        progress: Called after each snippet that has run.

    Returns:
        The build, whose sections run in the background.

    Raises:
        SnippetError: A script or a page is wrong; the build before stays the current one.
    """
    global _current
    _current = Build(project, _current, progress)
    return _current


def end() -> None:
    """End whatever the current build still runs."""
    if _current:
        _current.close()

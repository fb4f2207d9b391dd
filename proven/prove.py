"""Proves the claims of a section in the process in which its cells have just run.

A claim that looks at the state of the section is proven in a fork, right after the last snippet that
its test names: nothing that the test does can reach a page. Where a fork is not safe, the claims are
proven when the last cell has run, each on a run of the section of its own.
"""

import contextlib
import importlib.util
import inspect
import io
import os
import sys
import tempfile
import traceback
import types
import warnings
from collections.abc import Callable
from pathlib import Path

from proven import devices, guard, testing
from proven.cells import Outcome
from proven.claims import Claim
from proven.fork import Fork
from proven.problems import Problem, ProjectError
from proven.scripts import Section
from proven.settings import Settings


class Prover:
    """Runs the claims of a section in the section's own process.

    Args:
        settings: Of the project.
        section: The section.
        claims: Its claims.
        module: The namespace in which its cells run.
    """

    def __init__(
        self,
        settings: Settings,
        section: Section,
        claims: tuple[Claim, ...],
        module: types.ModuleType,
    ) -> None:
        self._settings = settings
        self._claims = claims
        self._state = testing.SectionState(settings, section, module, {})
        self._left = list(claims)
        self.problems: list[Problem] = []  # the claims that do not hold
        self.reach: dict[str, testing.Reach] = {}  # on how many cases of what each was tried
        if claims:
            path = settings.project / claims[0].file
            self._tests = _load(path, f"{settings.tests}.{path.stem}")

    def prove_after(self, outcome: Outcome) -> None:
        """Prove the claims that look at the state after this snippet."""
        self._state.outcomes[outcome.name] = outcome
        now = [c for c in self._left if c.needs_state and c.snippet == outcome.name]
        if now and devices.may_fork(self._settings):
            for claim in now:
                self._left.remove(claim)
                self._in_fork([claim])

    def finish(self) -> dict[str, str]:
        """Prove the other claims, now that the last snippet has run."""
        if self._left and devices.may_fork(self._settings):
            self._in_fork(self._left)
        elif self._left:
            # `after` runs the section again for each test: none sees what another changed
            self._state.module = None
            testing.state = self._state
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    self._take(self._attempt(self._left))
            finally:
                testing.state = None
        if self.problems:
            raise ProjectError(*self.problems)
        return {c.name: "skipped" if self._lacks_devices(c) else "proven" for c in self._claims}

    def _take(self, answer: tuple[list[Problem], dict[str, testing.Reach]]) -> None:
        self.problems += answer[0]
        self.reach |= answer[1]

    def _attempt(self, claims: list[Claim]) -> tuple[list[Problem], dict[str, testing.Reach]]:
        """Run tests in this process; return what does not hold, and how far each test went."""
        problems, reach = [], {}
        for claim in claims:
            if self._lacks_devices(claim):
                continue
            test: Callable[[], None] = getattr(self._tests, f"test_{claim.name}")
            testing.tried, testing.case = {}, ""
            try:
                with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
                    warnings.simplefilter("ignore")
                    with contextlib.chdir(folder):
                        test()
                if refusal := guard.pop_first_refusal():  # the test may have caught the error
                    raise guard.Refused(refusal[0])
                reach[claim.name] = testing.reach()
            except BaseException as error:
                problems.append(_fails(claim, error, self._tests, testing.case))
        return problems, reach

    def _in_fork(self, claims: list[Claim]) -> None:
        """Run tests in a child that has the state of the section and can change nothing of it."""

        def attempt() -> tuple[list[Problem], dict[str, testing.Reach]]:
            nothing = os.open(os.devnull, os.O_RDWR)
            for descriptor in (1, 2):
                os.dup2(nothing, descriptor)
            testing.state = self._state
            return self._attempt(claims)

        answer = Fork(attempt).answer()
        if answer is not None:
            self._take(answer)
        else:
            what = f"the process that should prove {', '.join(c.name for c in claims)} died"
            advice = f"run it by itself: pytest {claims[0].file}"
            self.problems.append(Problem(what, advice, (claims[0].place,), claim=claims[0].name))

    def _lacks_devices(self, claim: Claim) -> bool:
        return claim.devices > 0 and devices.count(self._settings) < claim.devices


def _load(path: Path, name: str) -> types.ModuleType:
    """Import the tests of a section."""
    specification = importlib.util.spec_from_file_location(name, path)
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    try:
        specification.loader.exec_module(module)
    except Exception as error:
        what = f"the tests cannot be imported: {type(error).__name__}: {error}"
        place = f"{path.parent.name}/{path.name}"
        raise ProjectError(Problem(what, f"pytest {place} shows why", (f"{place}:1",))) from error
    return module


def _fails(claim: Claim, error: BaseException, tests: types.ModuleType, case: str) -> Problem:
    file = inspect.getfile(tests)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    line = frames[-1].lineno if frames else claim.line
    code = f"{frames[-1].line}\n" if frames else ""
    text = "".join(traceback.format_exception_only(error)).strip()
    text += f"\nin the case {case}" if case else ""
    return Problem(
        f"a claim does not hold: {claim.words.get('en') or next(iter(claim.words.values()))}\n{code}{text}",
        f"pytest {claim.file}::test_{claim.name} shows more; mend the claim or what it is about",
        (f"{claim.file}:{line}",),
        claim=claim.name,
    )

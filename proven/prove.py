"""Proves the claims of a section in the process in which its cells have just run.

A claim that looks at the state of the section is proven in a fork, right after the last snippet that
its test names: nothing that the test does can reach a page. Where a fork is not safe, the claims are
proven when the last cell has run, each on a run of the section of its own.
"""

import contextlib
import functools
import gc
import io
import linecache
import os
import stat
import sys
import tempfile
import traceback
import types
import warnings
from collections.abc import Callable
from dataclasses import InitVar, dataclass
from pathlib import Path

from proven import devices, guard, surroundings, testing
from proven.assertions import LEDGER, Ledger, compile_tests
from proven.cells import Outcome, with_reason
from proven.claims import Claim, unanswered
from proven.fork import Fork, silence
from proven.problems import Problem, ProjectError
from proven.scripts import Section
from proven.settings import Settings

# what does not hold, how far each test went, and the files of the modules that were imported
Answer = tuple[list[Problem], dict[str, testing.Reach], set[str]]


@dataclass
class Prover:
    """Runs the claims of a section in the section's own process, beside the module of its cells."""

    settings: Settings
    section: Section
    claims: tuple[Claim, ...]
    module: InitVar[types.ModuleType]
    limit: float = 60.0  # the most seconds that a claim may take, where it runs in a fork
    begins: Callable[[str], None] = lambda name: None  # called with its name before its test runs

    def __post_init__(self, module: types.ModuleType) -> None:
        claims, self._left, self._modules = self.claims, list(self.claims), set(sys.modules)
        self._state = testing.SectionState(self.settings, self.section, module, {})
        self._path = str(self.settings.project / claims[0].file) if claims else ""
        self._code = compile_tests(claims[0].tests, self._path) if claims else None
        self.problems: list[Problem] = []  # the claims that do not hold
        self.reach: dict[str, testing.Reach] = {}  # on how many cases of what each was tried
        self.files: set[str] = set()  # that the tests import or read

    def prove_after(self, outcome: Outcome) -> None:
        """Prove the claims that look at the state after this snippet."""
        self._state.outcomes[outcome.name] = outcome
        looking = [c for c in self._left if c.needs_state and c.snippet == outcome.name]
        now = [claim for claim in looking if not self._lacks_devices(claim)]
        if now and devices.may_fork(self.settings):
            for claim in now:
                self._left.remove(claim)
                self.begins(claim.name)
                self._in_fork(claim, functools.partial(self._attempt, claim), self.limit)

    def finish(self) -> dict[str, str]:
        """Prove the other claims, now that the last snippet has run."""
        left = [claim for claim in self._left if not self._lacks_devices(claim)]
        if left and devices.may_fork(self.settings):
            # the child imports the tests once, and has a child of its own for each claim
            self._in_fork(left[0], functools.partial(self._each, left), None)
        elif left:
            # `after` runs the section again for each test: none sees what another changed
            self._state.module = None
            testing.state = self._state
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    tests = self._load()
                    for claim in left:
                        self.begins(claim.name)
                        self._take(self._attempt(claim, tests))
                        self._leaves(claim, surroundings.changed())
            finally:
                testing.state = None
        if self.problems:
            raise ProjectError(*self.problems)
        return {c.name: "skipped" if self._lacks_devices(c) else "proven" for c in self.claims}

    def _each(self, claims: list[Claim]) -> Answer:
        tests = self._load()
        for claim in claims:
            self.begins(claim.name)
            self._in_fork(claim, functools.partial(self._attempt, claim, tests), self.limit)
        return self.problems, self.reach, self.files

    def _take(self, answer: Answer) -> None:
        problems, reach, files = answer
        # what keeps the tests from being imported is told once
        self.problems += [problem for problem in problems if problem not in self.problems]
        self.reach |= reach
        self.files |= files

    def _leaves(self, claim: Claim, thing: str | None) -> None:
        if thing:
            what = f"the test of a claim changed {thing}, and others come after it"
            advice = "let the test put it back"
            self.problems.append(Problem(what, advice, (claim.place,), claim=claim.name))
            raise ProjectError(*self.problems)

    def _attempt(self, claim: Claim, tests: types.ModuleType | None = None) -> Answer:
        """Run a test in this process; return what does not hold, how far it went, what it imported."""
        tests = tests or self._load()
        testing.tried, testing.case = {}, ""
        ledger = Ledger()
        setattr(tests, LEDGER, ledger)
        try:
            test = self._function(claim, tests)
            with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
                warnings.simplefilter("ignore")
                with contextlib.chdir(folder):
                    result = test()
            if refusal := guard.pop_first_refusal():  # the test may have caught the error
                raise guard.Refused(refusal[0])
        except BaseException as error:
            return [_fails(claim, error, self._path, testing.case)], {}, set()
        new = [sys.modules[name] for name in sys.modules.keys() - self._modules]
        files = guard.read | {str(getattr(module, "__file__", None)) for module in new}
        what, line = "", claim.line
        if result is not None:
            what = f"the test of a claim returns {type(result).__name__}, as if it had yet to run"
        elif ledger.failed:
            what, line = "an assertion of a claim failed, and its test went on", ledger.failed[0]
        elif not ledger.counted:
            what = "the test of a claim ran no assertion that could fail"
            what += " and looks at the section or a library" if ledger.seen else ""
        if what:
            advice = "assert what the sentence says, outside of try, and return nothing"
            place = f"{claim.file}:{line}"
            return [Problem(what, advice, (place,), claim=claim.name)], {}, files
        reach = testing.reach()
        return [], {claim.name: reach} if reach else {}, files

    def _function(self, claim: Claim, tests: types.ModuleType) -> Callable[[], object]:
        """The test that was read: under its name there may be another by the end of the file."""
        name = f"test_{claim.name}"
        test: Callable[[], object] | None = getattr(tests, name, None)
        assert self._code
        codes = [code for code in self._code.co_consts if isinstance(code, types.CodeType)]
        named = [c for c in codes if c.co_name == name and c.co_firstlineno <= claim.line]
        read = max(named, key=lambda code: code.co_firstlineno)
        if test is None or getattr(test, "__code__", None) is not read:
            raise AssertionError("under the name of the test there is another function")
        return test

    def _in_fork(self, claim: Claim, attempt: Callable[[], Answer], limit: float | None) -> None:
        """Run a test in a child that has the state of the section and can change nothing of it."""

        def attempts() -> Answer:
            gc.freeze()  # a collection would touch, and so copy, what is shared with the parent
            silence()
            testing.state = self._state
            try:
                return attempt()
            except ProjectError as error:
                return list(error.problems), {}, set()

        before = _files()
        what, answer = f"the process that should prove {claim.name} died", None
        try:
            answer = Fork(attempts).answer(limit)
        except TimeoutError:
            what = f"the test of a claim was still running after {limit:g} s"
        if answer is not None:
            self._take(answer)
        else:
            self.problems.append(unanswered(claim, what))
        self._leaves(claim, "a file of the section" if _files() != before else None)

    def _lacks_devices(self, claim: Claim) -> bool:
        return claim.devices > 0 and devices.count(self.settings) < claim.devices

    def _load(self) -> types.ModuleType:
        """Import the tests, which no cell that comes after this may see."""
        name = f"{self.settings.tests}.{Path(self._path).stem}"
        module = types.ModuleType(name)
        module.__file__ = self._path
        sys.modules[name] = module
        text = self.claims[0].tests
        linecache.cache[self._path] = (len(text), None, text.splitlines(keepends=True), self._path)
        writes = sys.dont_write_bytecode
        # the next fork finds what the tests import compiled
        sys.dont_write_bytecode, sys.pycache_prefix = False, f"{tempfile.gettempdir()}/bytecode"
        try:
            assert self._code
            exec(self._code, vars(module))
        except BaseException as error:
            what = f"the tests cannot be imported: {type(error).__name__}: {error}"
            place = self.claims[0].file
            problem = Problem(what, f"pytest {place} shows why", (f"{place}:1",))
            raise ProjectError(problem) from error
        finally:
            sys.dont_write_bytecode, sys.pycache_prefix = writes, None
        return module


def _files() -> list[object]:
    """How the files in the working directory are, and those that are open, with the place reached in each.

    What is open for writing elsewhere is not the section's: the file into which the build tells what it does.
    """
    import fcntl  # there is none on Windows, where no claim runs in a fork

    found, here = list[object](), os.getcwd()
    for folder, _, names in os.walk("."):
        for name in names:
            there = os.lstat(os.path.join(folder, name))
            found.append((folder, name, there.st_size, there.st_mtime_ns))
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        with contextlib.suppress(OSError):
            there, path = os.fstat(descriptor), os.readlink(f"/proc/self/fd/{descriptor}")
            reads = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY
            if stat.S_ISREG(there.st_mode) and (reads or path.startswith(f"{here}{os.sep}")):
                place = os.lseek(descriptor, 0, os.SEEK_CUR)
                found.append((descriptor, there.st_size, there.st_mtime_ns, place))
    return found


def _fails(claim: Claim, error: BaseException, file: str, case: str) -> Problem:
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    line = frames[-1].lineno if frames else claim.line
    code = f"{frames[-1].line}\n" if frames else ""
    text = with_reason("".join(traceback.format_exception_only(error)))
    text += f"\nin the case {case}" if case else ""
    return Problem(
        f"a claim does not hold: {claim.words.get('en') or next(iter(claim.words.values()))}\n{code}{text}",
        f"pytest {claim.file}::test_{claim.name} shows more; mend the claim or what it is about",
        (f"{claim.file}:{line}",),
        claim=claim.name,
    )

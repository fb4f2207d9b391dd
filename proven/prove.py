"""Proves the claims of a section, and decides its questions, in the process that has just run its cells.

A claim that looks at the state of the section is proven in a fork, right after the last snippet that
its test names, and there a question is decided: nothing that test or key do can reach a page. Where a
fork is not safe, both wait until the last cell has run, and each gets a run of the section of its own.
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
from collections.abc import Callable, Mapping
from dataclasses import InitVar, dataclass, field
from pathlib import Path

from proven import devices, guard, surroundings, testing
from proven.assertions import LEDGER, Ledger, compile_tests
from proven.cells import Outcome, with_reason
from proven.claims import Claim, unanswered
from proven.fork import Fork, silence
from proven.problems import Problem, ProjectError
from proven.questions import evaluate
from proven.scripts import Section
from proven.settings import Settings

# what does not hold, how far each test went, the values of keys, and the files that were read
Answer = tuple[list[Problem], dict[str, testing.Reach], dict[str, str], set[str]]


@dataclass
class Prover:
    """Runs the claims of a section in the section's own process, beside the module of its cells."""

    settings: Settings
    section: Section
    claims: tuple[Claim, ...]
    module: InitVar[types.ModuleType]
    limit: float = 60.0  # the most seconds that a claim may take, where it runs in a fork
    begins: Callable[[str], None] = lambda name: None  # called with its name before its test runs
    keys: Mapping[str, str] = field(default_factory=dict)  # of questions, by snippet
    recorded: Mapping[str, Outcome] = field(default_factory=dict)  # of such snippets

    def __post_init__(self, module: types.ModuleType) -> None:
        claims, self._left, self._modules = self.claims, list(self.claims), set(sys.modules)
        self._undecided = list[Outcome]()
        self._state = testing.SectionState(self.settings, self.section, module, {})
        self._path = str(self.settings.project / claims[0].file) if claims else ""
        self._code = compile_tests(claims[0].tests, self._path) if claims else None
        self.problems: list[Problem] = []  # the claims that do not hold
        self.reach: dict[str, testing.Reach] = {}  # on how many cases of what each was tried
        self.answers: dict[str, str] = {}  # of questions of which something is known
        self.files: set[str] = set()  # that the tests import or read

    def prove_after(self, outcome: Outcome) -> None:
        """Prove the claims that look at the state after this snippet, and decide its question."""
        self._state.outcomes[outcome.name] = outcome
        looking = [c for c in self._left if c.needs_state and c.snippet == outcome.name]
        now = [claim for claim in looking if not self._lacks_devices(claim)]
        known = outcome.state != "skipped" or outcome.name in self.recorded
        asked = known and outcome.name in self.keys
        if (now or asked) and devices.may_fork(self.settings):
            if asked:
                self._in_fork(outcome, functools.partial(self._answer, outcome), self.limit)
            for claim in now:
                self._left.remove(claim)
                self.begins(claim.name)
                self._in_fork(claim, functools.partial(self._attempt, claim), self.limit)
        elif asked:
            self._undecided.append(outcome)

    def finish(self) -> dict[str, str]:
        """Prove the other claims, and decide the other questions, now that the last snippet has run."""
        left = [claim for claim in self._left if not self._lacks_devices(claim)]
        if left and devices.may_fork(self.settings) and not self._undecided:
            # the child imports the tests once, and has a child of its own for each claim
            self._in_fork(left[0], functools.partial(self._each, left), None)
        elif left or self._undecided:
            # `after` runs the section again for each test: none sees what another changed
            self._state.module = None
            testing.state = self._state
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    for outcome in self._undecided:
                        self._try(outcome, functools.partial(self._answer, outcome))
                    tests = self._load() if left else None
                    for claim in left:
                        self.begins(claim.name)
                        self._try(claim, functools.partial(self._attempt, claim, tests))
            finally:
                testing.state = None
        if self.problems:
            raise ProjectError(*self.problems)
        return {c.name: "skipped" if self._lacks_devices(c) else "proven" for c in self.claims}

    def _each(self, claims: list[Claim]) -> None:
        tests = self._load()
        for claim in claims:
            self.begins(claim.name)
            self._in_fork(claim, functools.partial(self._attempt, claim, tests), self.limit)

    def _try(self, about: Claim | Outcome, attempt: Callable[[], None]) -> None:
        """Run a test or evaluate a key in this process, and see that it leaves what others use."""
        try:
            attempt()
        except ProjectError as error:
            # what keeps the tests from being imported is told once
            self.problems += [problem for problem in error.problems if problem not in self.problems]
        else:
            self._leaves(about, surroundings.changed())

    def _leaves(self, about: Claim | Outcome, thing: str | None) -> None:
        if thing:
            what = f"changed {thing}, and others come after it"
            raise ProjectError(*self.problems, _told(about, what, "let it put that back"))

    def _answer(self, outcome: Outcome) -> None:
        """Evaluate the key of the question that a snippet answers, in this process."""
        name, ran = outcome.name, outcome.state != "skipped"
        known, names = (outcome, vars(testing.after(name))) if ran else (self.recorded[name], {})
        self.answers[name] = evaluate(self.keys[name], known, names)
        self.files |= guard.read

    def _attempt(self, claim: Claim, tests: types.ModuleType | None = None) -> None:
        """Run a test in this process; note what does not hold, how far it went, what it imported."""
        tests = tests or self._load()
        testing.ledger, testing.case = Ledger(), ""
        ledger = testing.ledger
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
            self.problems.append(_fails(claim, error, self._path, testing.case))
            return
        new = [sys.modules[name] for name in sys.modules.keys() - self._modules]
        self.files |= guard.read | {str(getattr(module, "__file__", None)) for module in new}
        what, line = "", claim.line
        if result is not None:
            what = f"the test of a claim returns {type(result).__name__}, as if it had yet to run"
        elif ledger.failed:
            what, line = "an assertion of a claim failed, and its test went on", ledger.failed[0]
        elif not ledger.counted:
            what = "the test of a claim ran no assertion that could fail"
            what += " and looks at the section or a library" if ledger.seen else ""
        elif empty := [words for words, names in ledger.tried.items() if not names]:
            what = f"the test of a claim asserts nothing of the cases of {empty[0]!r}"
        if what:
            advice = "assert a comparison that says what the sentence says, outside of try"
            advice += ", for cases inside of the loop over over(…), and return nothing"
            place = f"{claim.file}:{line}"
            self.problems.append(Problem(what, advice, (place,), claim=claim.name))
        elif ledger.tried:
            self.reach[claim.name] = testing.reach()

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
        for given in ("after", "over", "shown", "shown_afresh"):
            its = getattr(testing, given)
            if getattr(tests, given, its) is not its:
                raise AssertionError(f"{given} is not that of proven.testing")
        return test

    def _in_fork(
        self, about: Claim | Outcome, attempt: Callable[[], None], limit: float | None
    ) -> None:
        """Do this in a child that has the state of the section and can change nothing of it."""

        def attempts() -> Answer:
            gc.freeze()  # a collection would touch, and so copy, what is shared with the parent
            silence()
            testing.state = self._state
            try:
                self._try(about, attempt)
            except ProjectError as error:
                self.problems = list(error.problems)
            return self.problems, self.reach, self.answers, self.files

        before = _files()
        what, answer = "died with its process", None
        try:
            answer = Fork(attempts).answer(limit)
        except TimeoutError:
            what = f"was still running after {limit:g} s"
        if answer is not None:
            self.problems, self.reach, self.answers, self.files = answer
        else:
            self.problems.append(_told(about, what))
        self._leaves(about, "a file of the section" if _files() != before else None)

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
        if thing := surroundings.changed():
            what = f"the tests change {thing} when they are imported, and sections use it as well"
            advice, place = "change it in a test, while that runs", f"{self.claims[0].file}:1"
            raise ProjectError(Problem(what, advice, (place,)))
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


def _told(about: Claim | Outcome, what: str, advice: str = "") -> Problem:
    """What is wrong with the test of a claim, or with the key of the question that a snippet answers."""
    if isinstance(about, Claim):
        return unanswered(about, f"the test of a claim {what}", advice)
    advice = advice or "use names of the section, output and errors"
    return Problem(f"the key of the question {what}", advice, snippet=about.name)


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

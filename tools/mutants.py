"""Tests the tests: changes one thing in a section script, and sees whether anything notices it.

python -m tools.mutants               # all sections, then a sample of the engine: about two hours
python -m tools.mutants parameters    # one section
python -m tools.mutants parameters.freeze  # one snippet
python -m tools.mutants engine        # the sample of the engine

mutmut and cosmic-ray change modules that tests import, and run pytest for each change; a section is
no module, and its tests take seconds to start. Here the process of a section runs its cells, and
before each forks the mutants of that cell: a fork runs the cells that are left. If they show
anything else, another fork runs them with their claims as a build does, then the other tests.
"""

import ast
import copy
import fcntl
import hashlib
import importlib
import linecache
import multiprocessing
import multiprocessing.connection
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import tomllib
import types
from collections import Counter
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import Any, cast

from proven.cells import Outcome, run_cells
from proven.claims import Claim, read_claims
from proven.fork import silence
from proven.problems import ProjectError
from proven.prove import Prover
from proven.runner import run as run_sections
from proven.runner import warm_up
from proven.scripts import Section, Snippet, read_section, read_sections
from proven.settings import find_project, read_settings
from proven.worker import prepare

PROJECT = find_project()
SETTINGS = read_settings(PROJECT)
REASONS = PROJECT / "tools" / "mutants.toml"
LEAST = 0.95
SAMPLE = 3  # of each module of the engine, which has a test module of its own
# How many times as long as three runs of the section a mutant may take, and seconds that it has in any case
SLOWER, TIME_LIMIT = 3, 30

DEFINITION = """\
A mutant is a section script with one change: a comparison, a sign, a number or a truth value is
another one, a condition is its opposite, a statement, a keyword argument or a call is gone (of the
call its argument or its object stays), or a function returns None. Seeds stay as they are, and so do
cells that this machine does not run for want of a GPU, and those that only draw (fold="code").
It is killed if its build fails (an error that no cell declares, or a claim that does not hold), or if
a test of its section does; one of the engine, if a test of its module does. One of a section that runs
through changes behaviour if a snippet shows something else, or if the section ends with other values in
its variables; else it counts as like the original, and neither claims nor tests look at it.
A claim is changed, too: each assertion of its test states the opposite. Then its test has to fail.
"""

OPPOSITE: dict[type[ast.AST], type[ast.AST]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,  # codespell:ignore notin
    ast.NotIn: ast.In,  # codespell:ignore notin
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
}


@dataclass(frozen=True)
class Mutant:
    """A script with one change."""

    key: str  # names it from run to run: the snippet, the change, and which of several alike
    section: str
    snippet: str | None  # that is changed; None for the script as it is
    line: int  # of the change
    text: str  # the whole script


def changed(node: ast.AST) -> Iterator[ast.AST]:
    """Each piece of code that may stand in the place of this one."""

    def but(**parts: Any) -> ast.AST:
        other = copy.copy(node)
        for name, part in parts.items():
            setattr(other, name, part)
        return other

    match node:
        case ast.Compare(ops=ops):
            for number, op in enumerate(ops):
                yield but(ops=[*ops[:number], OPPOSITE[type(op)](), *ops[number + 1 :]])
        case ast.BinOp(op=op) | ast.BoolOp(op=op) if type(op) in OPPOSITE:
            yield but(op=OPPOSITE[type(op)]())
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield operand
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value) | float(value)):
            yield ast.Constant(value + 1)
        case ast.If(test=test) | ast.IfExp(test=test):
            yield but(test=ast.UnaryOp(ast.Not(), test))
        case ast.Return(value=ast.expr()):
            yield but(value=ast.Constant(None))
        case ast.Expr(value=ast.Constant()):
            pass  # a docstring
        case ast.Expr() | ast.Assign() | ast.AugAssign() | ast.Delete():
            yield ast.Pass()
        case ast.Call(func=func, args=args, keywords=keywords):
            if isinstance(func, ast.Attribute) and not args:
                yield func.value
            if len(args) == 1 and not isinstance(args[0], ast.Starred):
                yield args[0]
            for keyword in keywords:
                if keyword.arg:
                    yield but(keywords=[other for other in keywords if other is not keyword])


def pieces(node: ast.AST) -> Iterator[ast.AST]:
    """A piece of code and all pieces of it, but for the seeds of random numbers: any is as good as another."""
    if isinstance(node, ast.keyword) and node.arg == "seed":
        return
    call = node.value if isinstance(node, ast.Expr) else node
    if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("manual_seed"):
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from pieces(child)


def mutants(section: Section) -> list[Mutant]:
    """Make all mutants of a section, in the order of its script."""
    script = section.path.read_text(encoding="utf-8")
    lines = script.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line.encode()))
    found: list[Mutant] = []
    alike: Counter[str] = Counter()
    for snippet in section.snippets:
        if snippet.devices or snippet.fold == "code":
            continue
        tree = ast.parse("\n" * (snippet.line - 1) + snippet.source)
        for node in pieces(tree):
            for other in changed(node):
                assert isinstance(node, ast.expr | ast.stmt)
                assert node.end_lineno
                assert node.end_col_offset is not None
                begin = starts[node.lineno - 1] + node.col_offset
                end = starts[node.end_lineno - 1] + node.end_col_offset
                made = ast.unparse(ast.fix_missing_locations(other))
                new = f"({made})" if isinstance(other, ast.expr) else made
                if isinstance(other, ast.If):
                    new = new.replace("\n", "\n" + " " * node.col_offset)
                data = script.encode()
                text = (data[:begin] + new.encode() + data[end:]).decode()
                shift = script.count("\n") - text.count("\n")  # what follows keeps its lines
                after = len((data[:begin] + new.encode()).decode())
                rest = text.find("\n", after)
                text = text[:rest] + "\n" * shift + text[rest:] if shift > 0 else text
                key = f"{snippet.name}: {_short(ast.unparse(node))} → {_short(made)}"
                alike[key] += 1
                key += f" ({alike[key]})" if alike[key] > 1 else ""
                found.append(Mutant(key, section.name, snippet.name, node.lineno, text))
    return found


def _short(code: str) -> str:
    code = " ".join(code.split())
    return code if len(code) <= 60 else f"{code[:57]}…"


@dataclass(frozen=True)
class Attempt:
    """What a fork tries: a mutant, or the section as it is; claims and tests look at it, or it only shows what it does."""

    mutant: Mutant | None
    proves: bool


class Nursery:
    """The process of a section, which forks each mutant from the state before the cell that is changed.

    Args:
        folder: Has a copy of the project for each of the forks that run at a time, by its number.
        count: How many run at a time.
        name: The name of the section.
    """

    def __init__(self, folder: Path, count: int, name: str) -> None:
        self._copies = [folder / str(number) for number in range(count)]
        self._script = Path(SETTINGS.sections, f"{name}.py")
        self._settings = read_settings(self._copies[0])
        prepare(self._settings)
        importlib.import_module("pytest")  # once, and not in every fork
        section = read_section(self._copies[0] / self._script, self._settings)
        self._cells: list[Snippet] = list(section.snippets)
        # a list, of which a fork replaces what comes next
        self._section = replace(section, snippets=self._cells)  # type: ignore[arg-type]
        self._claims = list(read_claims(self._settings, {name: section})[0].values())
        self._names = [snippet.name for snippet in section.snippets]
        self._module = types.ModuleType("__main__")
        self._outcomes: list[Outcome] = []
        self._limit = float("inf")
        running = run_cells(self._settings, self._section, self._module)
        self._expected: dict[
            str, object
        ] = {}  # what snippets show and leave, as far as it is steady
        self._running = cast("Generator[Outcome | Snippet]", running)
        self._text = (self._copies[0] / self._script).read_text(encoding="utf-8")

    def try_all(self, every: list[Mutant], known: set[str]) -> Iterator[tuple[str, str, list[str]]]:
        """Try all mutants of the section: the key of each, what noticed it, and what it changes.

        At first comes the section itself, with an empty key. The known ones may live: claims and tests do not see them.
        """
        asis, begin = Attempt(None, False), time.monotonic()
        first, again = [answer for _, answer in self._fork([asis, asis])]
        [(_, noticed)] = self._fork([Attempt(None, True)])
        if wrong := [told for told in (first, again, noticed) if told and isinstance(told, str)]:
            yield "", wrong[0], []
            return
        yield "", "", []
        self._limit = max(TIME_LIMIT, SLOWER * (time.monotonic() - begin))
        # no stopwatch
        self._expected = {name: first[name] for name in first if first[name] == again[name]}
        for name in self._names:
            tasks = [Attempt(mutant, False) for mutant in every if mutant.snippet == name]
            changes: dict[str, list[str]] = {}
            for task, found in self._fork(tasks):
                assert task.mutant
                key = task.mutant.key
                if isinstance(found, str) and found:
                    yield key, found, []
                    continue
                if found and key not in known and not task.proves:
                    changes[key] = found
                    tasks.append(Attempt(task.mutant, True))
                else:
                    yield key, "", found or changes.get(key, [])
            self._go_on()

    def _go_on(self) -> None:
        """Run the next cell."""
        for message in self._running:
            if isinstance(message, Outcome):
                self._outcomes.append(message)
                return

    def _fork(self, tasks: list[Attempt]) -> Iterator[tuple[Attempt, Any]]:
        """Let forks do the tasks, to which others may come meanwhile."""
        context = multiprocessing.get_context("fork")
        free, begun = list(range(len(self._copies))), 0
        forks: dict[Any, tuple[Any, Attempt, int, float]] = {}
        while begun < len(tasks) or forks:
            if begun < len(tasks) and free:
                number, task = free.pop(), tasks[begun]
                ours, theirs = context.Pipe(duplex=False)
                process = context.Process(target=self._answer, args=(task, number, theirs))
                process.start()
                theirs.close()
                begun += 1
                forks[ours] = process, task, number, time.monotonic() + self._limit
                continue
            ready = multiprocessing.connection.wait(forks, timeout=1)
            for ours, (process, task, number, end) in list(forks.items()):
                if ours in ready:
                    try:
                        answer = ours.recv()
                    except EOFError:
                        answer = "build: its process died"
                elif time.monotonic() > end:
                    answer = "time: it was still running"
                else:
                    continue
                try:
                    os.killpg(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    process.kill()
                process.join()
                ours.close()
                del forks[ours]
                free.append(number)
                yield task, answer

    def _answer(self, task: Attempt, number: int, pipe: Connection) -> None:
        """Do a task in this process, a fork, and tell what became of it."""
        os.setsid()
        own_files()
        # inside of the folder that the cells may not leave
        here = Path(tempfile.mkdtemp(prefix=".mutant-", dir="."))
        for path in Path().iterdir():
            if not path.name.startswith(".mutant-"):
                copying = shutil.copytree if path.is_dir() else shutil.copy2
                copying(path, here / path.name)
        os.chdir(here)
        try:
            pipe.send(self._noticed(task, self._copies[number]))
        finally:
            shutil.rmtree(here.absolute(), ignore_errors=True)
        os._exit(0)

    def _noticed(self, task: Attempt, copy: Path) -> str | list[str] | dict[str, object]:
        """What noticed a mutant: a build, a claim, a test; or what it changes; of the section itself, what is there."""
        sys.path[0] = str(copy)
        text = task.mutant.text if task.mutant else self._text
        (copy / self._script).write_text(text, encoding="utf-8")
        path = str(self._section.path)
        linecache.cache[path] = (len(text), None, text.splitlines(keepends=True), path)
        done = len(self._outcomes)
        try:
            self._cells[done:] = read_section(copy / self._script, self._settings).snippets[done:]
            shown = self._build(task.proves)
        except ProjectError as error:
            problem = error.problems[0]
            return f"claim {problem.claim}" if problem.claim else f"build: {problem.what}"
        if not task.proves:
            return list(shown) if task.mutant else shown
        self._running.close()
        os.chdir(copy)  # where the tests look for the section
        names = {f"test_{claim.name}" for claim in self._claims}
        tests = copy / self._settings.tests / f"test_{self._section.name}.py"
        test = _failed_test(tests, names)
        return f"test {test}" if test else ""

    def _build(self, proves: bool) -> dict[str, object]:
        """Run the cells that are left, with or without the claims about them; tell what they show and leave.

        Without claims that is, once it is known, only the first that is not as expected.
        """
        shown: dict[str, object] = {}
        done, last = len(self._outcomes), self._names[-1]
        # what looks at the section before the change cannot notice it
        after = [c for c in self._claims if self._names.index(c.snippet or last) >= done]
        prover = (
            Prover(self._settings, self._section, tuple(after), self._module) if proves else None
        )
        for outcome in self._outcomes:
            if prover:
                prover.prove_after(outcome)
        for message in self._running:
            if not isinstance(message, Outcome):
                continue
            shown[message.name] = (message.state, message.output, message.errors, message.figures)
            if prover:
                prover.prove_after(message)
                if prover.problems:
                    raise ProjectError(*prover.problems)
            elif self._expected.get(message.name, shown[message.name]) != shown[message.name]:
                return {message.name: shown[message.name]}
            # what a section leaves to Python's end would end what the tests need, too
            if message.name == last:
                if prover:
                    prover.finish()
                break
        shown |= _variables(self._module)
        if self._expected and not proves:
            there = {name for name in self._expected if name.startswith("variable ")}
            return {n: shown.get(n) for n in there if shown.get(n) != self._expected[n]}
        return shown


def nurse(folder: Path, count: int, every: list[Mutant], known: set[str], pipe: Connection) -> None:
    """Try the mutants of a section in this process, which is its own, and tell what became of each."""
    os.setsid()
    silence(0, 1, 2)
    sys.path.insert(0, "")
    with tempfile.TemporaryDirectory() as here:
        os.chdir(here)
        for told in Nursery(folder, count, every[0].section).try_all(every, known):
            pipe.send(told)
        os.chdir("/")
    os._exit(0)


def own_files() -> None:
    """Give this process, a fork, a copy of each open file that it would write together with its parent."""
    copies: dict[tuple[int, int], int] = {}
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        try:
            there = os.fstat(descriptor)
            mode = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE
        except OSError:
            continue
        if stat.S_ISREG(there.st_mode) and mode != os.O_RDONLY:
            key = there.st_dev, there.st_ino
            if key not in copies:
                with tempfile.TemporaryFile() as file:
                    file.write(os.pread(descriptor, there.st_size, 0))
                    file.flush()
                    os.lseek(file.fileno(), os.lseek(descriptor, 0, os.SEEK_CUR), os.SEEK_SET)
                    copies[key] = os.dup(file.fileno())
            os.dup2(copies[key], descriptor)


def _variables(module: types.ModuleType) -> dict[str, object]:
    seen: dict[int, object] = {}
    return {
        f"variable {key}": _look(value, seen)
        for key, value in vars(module).items()
        if not key.startswith("__") and not isinstance(value, types.ModuleType)
    }


def _failed_test(path: Path, claims: set[str]) -> str | None:
    """The first test of a section that fails, besides its claims."""
    import pytest

    failed: list[str] = []

    class Plugin:
        def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
            items[:] = [item for item in items if item.name not in claims]

        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            if report.failed:
                failed.append(report.nodeid.rpartition("::")[2])

        def pytest_collectreport(self, report: pytest.CollectReport) -> None:
            if report.failed:
                failed.append(path.name)

    # no plugin is needed, and what is imported is compiled once for all forks
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    sys.dont_write_bytecode = False
    options = ["-x", "-q", "-p", "no:cacheprovider"]
    code = pytest.main([str(path), *options], plugins=[Plugin()])
    ended = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
    if code not in ended:  # then the section as it is fails, too, and the run says so
        failed.append(f"run: pytest ended with {code!s}")
    return failed[0] if failed else None


def _look(value: object, seen: dict[int, object]) -> object:
    """A value as something that can be compared, as far as it is data.

    What was seen is kept, since the address of what is gone can become that of something else.
    """
    torch: Any = sys.modules.get("torch")
    if isinstance(value, int | float | complex | str | bytes | type(None)):
        return repr(value)
    if id(value) in seen:
        return "again"
    seen[id(value)] = value
    if torch and isinstance(value, torch.Tensor):
        if torch.nn.parameter.is_lazy(value):
            return "lazy"
        known = "none" if value.is_meta else repr(value.detach().tolist())
        data = hashlib.sha256(known.encode()).hexdigest()
        grad = _look(value.grad, seen) if value.is_leaf else None
        return (str(value.dtype), tuple(value.shape), value.requires_grad, data, grad)
    if isinstance(value, dict):
        return [(_look(key, seen), _look(one, seen)) for key, one in value.items()]
    if isinstance(value, list | tuple):
        return [_look(one, seen) for one in value]
    if torch and isinstance(value, torch.nn.Module):
        return (type(value).__name__, _look(vars(value), seen))
    return type(value).__name__


def copies(folder: Path, count: int) -> None:
    """Make copies of the project, with what sections and their tests need."""
    for number in range(count):
        for name in (SETTINGS.sections, SETTINGS.tests):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(PROJECT / name, folder / str(number) / name, ignore=ignored)
        for path in PROJECT.glob("*.toml"):
            shutil.copy(path, folder / str(number))


def tried(every: list[Mutant], known: set[str]) -> Iterator[tuple[str, str, list[str]]]:
    """Try the mutants of a section as `Nursery.try_all` does, as many at a time as there are cores."""
    warm_up(SETTINGS, "forkserver")
    context = multiprocessing.get_context("forkserver")
    with tempfile.TemporaryDirectory() as name:
        count = os.cpu_count() or 1
        copies(Path(name), count)
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(
            target=nurse,
            args=(Path(name), count, every, known, theirs),
            daemon=False,  # it starts processes of its own
        )
        process.start()
        theirs.close()
        try:
            while True:
                try:
                    yield ours.recv()
                except EOFError:
                    return
        finally:
            process.kill()
            process.join()


def opposite(section: Section, claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
    """The claims of a section, with tests whose assertions state the opposite."""
    tree = ast.parse(claims[0].tests)
    names = {f"test_{claim.name}" for claim in claims}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name in names:
            for part in ast.walk(node):
                if isinstance(part, ast.Assert):
                    part.test = ast.UnaryOp(ast.Not(), part.test)
                elif isinstance(part, ast.Call) and ast.unparse(part.func) == "pytest.raises":
                    part.args[0] = ast.Name("ZeroDivisionError", ast.Load())
    text = ast.unparse(ast.fix_missing_locations(tree))
    lines = {n.name: n.lineno for n in ast.parse(text).body if isinstance(n, ast.FunctionDef)}
    return tuple(replace(c, tests=text, line=lines[f"test_{c.name}"]) for c in claims)


def never_failing(section: Section) -> list[str]:
    """The names of the claims of a section whose tests hold although they state the opposite."""
    found = read_claims(SETTINGS, {section.name: section})[0].values()
    claims = tuple(claim for claim in found if not claim.devices)
    if not claims:
        return []
    try:
        run_sections(SETTINGS, [section], opposite(section, claims), time_limit=1200)
    except ProjectError as error:
        failing = {problem.claim for problem in error.problems}
        return [claim.name for claim in claims if claim.name not in failing]
    return [claim.name for claim in claims]


def of_engine() -> list[tuple[Path, Path, list[Mutant]]]:
    """A sample of each module of the engine, the same in every run: the module, its tests, and the mutants."""
    found = []
    for path in sorted((PROJECT / "proven").rglob("*.py")):
        inside = path.relative_to(PROJECT / "proven")
        tests = PROJECT / "tests" / "proven" / inside.parent / f"test_{inside.name}"
        if tests.is_file():
            text = path.read_text(encoding="utf-8")
            name = inside.with_suffix("").as_posix()
            whole = Section(name, path, f"proven/{inside}", (Snippet(name, text, 1),), "")
            made = [m for m in mutants(whole) if "log." not in m.key]
            found.append((path, tests, sorted(made, key=_lot)[:SAMPLE]))
    return found


def _try_engine() -> tuple[Counter[str], list[str]]:
    """Try the sample of the engine, as many modules at a time as there are cores."""
    counted: Counter[str] = Counter()
    rows = list[str]()
    count = os.cpu_count() or 1
    free: SimpleQueue[Path] = SimpleQueue()
    ignored = shutil.ignore_patterns(".*", "__pycache__", "site", "build", "node_modules")
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(count) as pool:
        for number in range(count):
            copy = Path(folder) / str(number) / "project"
            shutil.copytree(PROJECT, copy, ignore=ignored)
            free.put(copy)

        def lives(path: Path, tests: Path, mutant: Mutant) -> bool:
            copy = free.get()
            target = copy / path.relative_to(PROJECT)
            target.write_text(mutant.text, encoding="utf-8")
            command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
            command += ["-p", "no:xdist", str(copy / tests.relative_to(PROJECT))]
            try:
                done = subprocess.run(command, cwd=copy, capture_output=True, timeout=1200)
            finally:
                shutil.copy(path, target)
                free.put(copy)
            return done.returncode == 0

        every = [(path, tests, one) for path, tests, chosen in of_engine() for one in chosen]
        for (path, _, mutant), lived in zip(
            every, pool.map(lambda args: lives(*args), every), strict=True
        ):
            counted["survived" if lived else "test"] += 1
            if lived:
                rows.append(f"  {path.relative_to(PROJECT)}:{mutant.line}  {mutant.key}")
    return counted, rows


def main(arguments: list[str]) -> int:
    """Run the mutants of a section, a snippet, the engine or, without a name, of all, and print what became of them.

    The exit status is 0 if enough are killed, each other has its reason, and each claim can fail.
    """
    asked = arguments[0] if arguments and arguments[0] else ""
    groups = tomllib.loads(REASONS.read_text(encoding="utf-8"))["survivors"]
    reasons = {key: group["reason"] for group in groups for key in group["mutants"]}
    sections, _ = read_sections(SETTINGS)
    if asked and asked != "engine" and asked.partition(".")[0] not in sections:
        print(f"there is no section {asked!r}: name one of {', '.join(sections)}, or engine")
        return 2
    total: Counter[str] = Counter()
    wrong: list[str] = []
    print(DEFINITION)
    for section in sections.values():
        if asked and asked.partition(".")[0] != section.name:
            continue
        every = {m.key: m for m in mutants(section) if asked in ("", section.name, m.snippet)}
        if not every:
            continue
        counted: Counter[str] = Counter()
        print(f"{section.name}: {len(every)} mutants", flush=True)
        for key, noticed, where in tried(list(every.values()), set(reasons)):
            if not key and noticed:
                print(f"{section.name}: the section itself fails, {noticed}")
                return 1
            if not key:
                continue
            if noticed:
                counted[noticed.split()[0].strip(":")] += 1
                continue
            counted["survived" if where else "same"] += 1
            if where:
                reason = reasons.get(key, "NO REASON")
                print(f"  {section.place}:{every[key].line}  {key}")
                print(f"    changes {', '.join(where)[:100]}: {reason}", flush=True)
                if key not in reasons:
                    wrong.append(f"{key} survives without a reason")
        if counted.total() < len(every):
            wrong.append(f"{section.name}: only {counted.total()} of {len(every)} were tried")
        print(_figures(counted))
        total += counted
        if asked in ("", section.name):
            wrong += [f"claim {name} never fails" for name in never_failing(section)]
    if asked in ("", "engine"):
        counted, rows = _try_engine()
        print("engine", *rows, _figures(counted), sep="\n", flush=True)
        total += counted
    print("all", _figures(total), sep="\n")
    if total and _rate(total) < LEAST:
        wrong.append(f"less than {LEAST:.0%} are killed")
    print(*wrong, sep="\n")
    return bool(wrong)


def _lot(mutant: Mutant) -> str:
    """What draws mutants by lot: the same ones in every run, also after others have come or gone."""
    return hashlib.sha256(mutant.key.encode()).hexdigest()


def _rate(counted: Counter[str]) -> float:
    killed = counted.total() - counted["survived"] - counted["same"]
    return killed / ((killed + counted["survived"]) or 1)


def _figures(counted: Counter[str]) -> str:
    killed = counted.total() - counted["survived"] - counted["same"]
    by = ", ".join(f"{counted[key]} by {key}" for key in ("build", "claim", "test", "time"))
    return (
        f"  {counted.total()} tried, {killed} killed ({by}), {counted['survived']} survived, "
        f"{counted['same']} like the original: {_rate(counted):.1%}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

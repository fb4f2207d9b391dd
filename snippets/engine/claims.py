"""Reads the tests that prove the claims of the pages, and runs them during a build.

A claim is a test whose docstring says in English and in Chinese what it proves. A build runs it in
a fork of the section's process, right after the last snippet that the test names: there the section
has just come to where the test wants it, and nothing that the test does can reach the page.
"""

import ast
import contextlib
import hashlib
import importlib.util
import inspect
import io
import os
import re
import sys
import tempfile
import traceback
import types
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from snippets.engine import guard, testing
from snippets.engine.cells import Outcome
from snippets.engine.errors import Problem, SnippetError, decode
from snippets.engine.fork import Fork, can_fork
from snippets.engine.scripts import Section, parse

HAN = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True)
class Claim:
    """A test that proves one sentence about PyTorch.

    Attributes:
        name: The name of the test without its `test_`; marks on the pages name it.
        section: The section that it belongs to.
        line: The line of `tests/test_<section>.py` on which it begins, counted from 1.
        words: What it proves, by language.
        source: The source of the test.
        snippet: The last snippet of the section that the source names, if it names one.
        looks: Whether it looks at the state of the section, and not only at what snippets show.
        devices: How many CUDA devices it needs; 0 if it runs anywhere.
    """

    name: str
    section: str
    line: int
    words: dict[str, str]
    source: str
    snippet: str | None
    looks: bool
    devices: int

    @property
    def file(self) -> str:
        """The file of the test, relative to the project."""
        return f"tests/test_{self.section}.py"

    @property
    def place(self) -> str:
        """The file and the line of the test."""
        return f"{self.file}:{self.line}"

    @property
    def sha256(self) -> str:
        """The hash of the source, in hexadecimal."""
        return hashlib.sha256(self.source.encode()).hexdigest()


def read_claims(tests: Path, sections: dict[str, Section]) -> dict[str, tuple[Claim, ...]]:
    """Read the claims of all sections.

    Args:
        tests: The folder that holds a `test_<section>.py` for each section.
        sections: The sections, by name.

    Returns:
        The claims of each section, in the order of its tests.

    Raises:
        SnippetError: A file is no Python, or a test with a docstring in both languages is not one
            that a build can run.
    """
    claims: dict[str, tuple[Claim, ...]] = {}
    problems: list[Problem] = []
    names: dict[str, str] = {}
    for section in sections.values():
        path = tests / f"test_{section.name}.py"
        data = path.read_bytes() if path.is_file() else b""
        claims[section.name], wrong = _read(data, f"tests/{path.name}", section)
        problems += wrong
        for claim in claims[section.name]:
            if claim.name in names:
                places = (names[claim.name], claim.place)
                problems.append(
                    Problem(f"two tests are called test_{claim.name}", "rename one", places)
                )
            names[claim.name] = claim.place
    if problems:
        raise SnippetError(*problems)
    return claims


@lru_cache(maxsize=64)
def _read(data: bytes, place: str, section: Section) -> tuple[tuple[Claim, ...], list[Problem]]:
    """The claims in the tests of a section, and what is wrong with them."""
    problems: list[Problem] = []
    try:
        text = decode(data, place)
        tree = parse(text, place)
    except SnippetError as error:
        return (), list(error.problems)
    order = {snippet.name: number for number, snippet in enumerate(section.snippets)}
    claims = []
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
            continue
        english, _, chinese = (ast.get_docstring(node) or "").partition("\n\n")
        if not HAN.search(chinese):
            continue
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        inside = [part for child in node.body[1:] for part in ast.walk(child)]
        words = [part.value for part in inside if isinstance(part, ast.Constant)]
        named = [word for word in words if isinstance(word, str) and word in order]
        devices = [_devices(decorator) for decorator in node.decorator_list]
        if node.args.args or None in devices:
            what = f"test_{node.name.removeprefix('test_')} is a claim, and takes a fixture or a mark besides gpu"
            advice = (
                "let it stand alone, or take the Chinese off its docstring: then it is no claim"
            )
            problems.append(Problem(what, advice, (f"{place}:{node.lineno}",)))
            continue
        claims.append(
            Claim(
                name=node.name.removeprefix("test_"),
                section=section.name,
                line=node.lineno,
                words={"en": " ".join(english.split()), "zh": "".join(chinese.split("\n"))},
                source="\n".join(text.split("\n")[first - 1 : node.end_lineno]),
                snippet=max(named, key=order.__getitem__, default=None),
                looks=any(isinstance(part, ast.Name) and part.id == "after" for part in inside),
                devices=max([devices_ for devices_ in devices if devices_], default=0),
            )
        )
    return tuple(claims), problems


def _devices(decorator: ast.expr) -> int | None:
    """How many devices `@pytest.mark.gpu(count)` asks for; None for any other decorator."""
    match decorator:
        case ast.Call(
            func=ast.Attribute(
                value=ast.Attribute(value=ast.Name(id="pytest"), attr="mark"), attr="gpu"
            ),
            args=[ast.Constant(value=int(count))],
        ):
            return count
    return None


@dataclass(frozen=True)
class Proof:
    """What became of a claim in a build.

    Attributes:
        claim: The name of the claim.
        state: `proven`, or `skipped` for want of devices.
    """

    claim: str
    state: str


class Prover:
    """Runs the claims of a section in the section's own process.

    Args:
        section: The section.
        claims: Its claims.
        module: The namespace in which its cells run.
    """

    def __init__(
        self, section: Section, claims: tuple[Claim, ...], module: types.ModuleType
    ) -> None:
        self._claims = claims
        self._stage = testing.Stage(section, module, {})
        self._left = list(claims)
        self._failed: list[Problem] = []
        if claims:
            path = section.path.parent.parent / claims[0].file
            self._tests = _load(path, f"tests.{path.stem}")
            import torch

            # a fork must not use CUDA, nor differentiate where there is any accelerator
            self._forks = can_fork() and not torch.accelerator.is_available()

    def snippet_ran(self, outcome: Outcome) -> None:
        """Prove what looks at the state after this snippet.

        Args:
            outcome: What the snippet did.
        """
        self._stage.outcomes[outcome.name] = outcome
        if self._claims and self._forks:
            for claim in [c for c in self._left if c.looks and c.snippet == outcome.name]:
                self._left.remove(claim)
                self._in_fork([claim])

    def finish(self) -> list[Proof]:
        """Prove everything else, now that the last snippet has run.

        Returns:
            What became of each claim, in their order.

        Raises:
            SnippetError: All the claims that do not hold.
        """
        if self._claims and self._forks:
            self._in_fork(self._left)
        elif self._claims:
            self._stage.module = None  # what one test changes is not for the next
            testing.stage = self._stage
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    self._failed += self._attempt(self._left)
            finally:
                testing.stage = None
        if self._failed:
            raise SnippetError(*self._failed)
        return [
            Proof(claim.name, "skipped" if _lacks(claim) else "proven") for claim in self._claims
        ]

    def _attempt(self, claims: list[Claim]) -> list[Problem]:
        """Run tests in this process; return what does not hold."""
        problems = []
        for claim in claims:
            if _lacks(claim):
                continue
            test: Callable[[], None] = getattr(self._tests, f"test_{claim.name}")
            try:
                with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
                    warnings.simplefilter("ignore")
                    with contextlib.chdir(folder):
                        test()
                if refusal := guard.take():  # which the test caught
                    raise guard.Refused(refusal[0])
            except BaseException as error:
                problems.append(_fails(claim, error, self._tests))
        return problems

    def _in_fork(self, claims: list[Claim]) -> None:
        """Run tests in a child that has the state of the section and can change nothing of it."""

        def attempt() -> list[Problem]:
            nothing = os.open(os.devnull, os.O_RDWR)
            for descriptor in (1, 2):
                os.dup2(nothing, descriptor)
            testing.stage = self._stage
            return self._attempt(claims)

        answer = Fork(attempt).answer()
        if answer is not None:
            self._failed += answer
        else:
            what = f"the process that should prove {', '.join(c.name for c in claims)} died"
            advice = f"run it by itself: pytest {claims[0].file}"
            self._failed.append(Problem(what, advice, (claims[0].place,), claim=claims[0].name))


def _lacks(claim: Claim) -> bool:
    if not claim.devices:
        return False
    from snippets.engine import preload

    return preload.device_count() < claim.devices


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
        advice, place = f"pytest tests/{path.name} shows why", f"tests/{path.name}:1"
        raise SnippetError(Problem(what, advice, (place,))) from error
    return module


def _fails(claim: Claim, error: BaseException, tests: types.ModuleType) -> Problem:
    file = inspect.getfile(tests)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    line = frames[-1].lineno if frames else claim.line
    code = f"{frames[-1].line}\n" if frames else ""
    text = "".join(traceback.format_exception_only(error)).strip()
    return Problem(
        f"a claim does not hold: {claim.words['en']}\n{code}{text}",
        f"pytest {claim.file}::test_{claim.name} shows more; mend the claim or what it is about",
        (f"{claim.file}:{line}",),
        claim=claim.name,
    )

"""Reads the tests that prove the claims of the pages.

A claim is a test whose docstring has a paragraph for each language: what it proves.
"""

import ast
import hashlib
import os
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import PurePosixPath

from proven.problems import CONTROL, Problem, ProjectError, decode, read
from proven.scripts import Section, parse, text_hash
from proven.settings import Settings


@dataclass(frozen=True)
class Claim:
    """A test that proves one sentence."""

    name: str  # that of the test without its `test_`; marks on the pages name it
    section: str
    file: str  # inside the project
    line: int  # of `def`, counted from 1
    words: dict[str, str]  # what it proves, by language
    source: str
    tests: str  # the whole file, as it was read
    snippet: str | None  # the last one of the section that the source names
    needs_state: bool  # it looks at the state of the section, and not only at what is shown
    devices: int
    helpers: str = ""  # what else of the project ran with it, if a record may speak of it

    @property
    def place(self) -> str:
        """The file and the line of the test."""
        return f"{self.file}:{self.line}"

    @property
    def listing(self) -> str:
        """The name under which the site has the file of the test, beside the list of claims."""
        return f"{PurePosixPath(self.file).stem}.txt"

    @property
    def sha256(self) -> str:
        """The hash of the source, and of what it calls, in hexadecimal."""
        return hashlib.sha256((self.source + self.helpers).encode()).hexdigest()


def unanswered(claim: Claim, what: str, advice: str = "") -> Problem:
    """What is told of a claim whose test gives no answer that counts."""
    advice = advice or f"run it by itself: pytest {claim.file}::test_{claim.name}"
    return Problem(what, advice, (claim.place,), claim=claim.name)


def read_claims(
    settings: Settings, sections: dict[str, Section]
) -> tuple[dict[str, Claim], list[Problem]]:
    """Read the claims of all sections."""
    claims: dict[str, Claim] = {}
    problems: list[Problem] = []
    for section in sections.values():
        path = settings.project / settings.tests / f"test_{section.name}.py"
        place = f"{settings.tests}/{path.name}"
        try:
            data = read(path, place) if os.path.lexists(path) else b""
        except ProjectError as error:
            problems += error.problems
            continue
        found, tree, wrong = _read(data, place, section, settings.written)
        problems += wrong
        if any(claim.devices for claim in found):
            defined = _definitions(tree, found[0].tests.split("\n"), settings)
            found = tuple(
                replace(claim, helpers=_helpers(defined, claim.source)) if claim.devices else claim
                for claim in found
            )
        for claim in found:
            first = claims.setdefault(claim.name, claim)
            if first is not claim:
                what = f"two tests are called test_{claim.name}"
                problems.append(Problem(what, "rename one", (first.place, claim.place)))
    return claims, problems


@lru_cache(maxsize=64)
def _read(
    data: bytes, place: str, section: Section, written: tuple[str, ...]
) -> tuple[tuple[Claim, ...], ast.Module, list[Problem]]:
    try:
        text = decode(data, place)
        tree = parse(text, place)
    except ProjectError as error:
        return (), ast.Module([], []), list(error.problems)
    lines = text.split("\n")
    order = {snippet.name: number for number, snippet in enumerate(section.snippets)}
    claims: list[Claim] = []
    problems: list[Problem] = []
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
            continue
        paragraphs = (ast.get_docstring(node) or "").split("\n\n")
        if len(paragraphs) != len(written) or not all(paragraphs):
            continue
        name = node.name.removeprefix("test_")
        inside = [part for child in node.body[1:] for part in ast.walk(child)]
        words = [part.value for part in inside if isinstance(part, ast.Constant)]
        named = [word for word in words if isinstance(word, str) and word in order]
        devices = [_devices(decorator) for decorator in node.decorator_list]
        arguments = [part for part in ast.walk(node.args) if isinstance(part, ast.arg)]
        asserts = [part for part in inside if isinstance(part, ast.Assert)]
        lost = [part.lineno for part in asserts if isinstance(part.msg, ast.Compare)]
        if arguments or None in devices:
            what = f"test_{name} is a claim, and takes a fixture or a mark besides gpu"
            advice = (
                "let it stand alone, or leave one language in its docstring: then it is no claim"
            )
            problems.append(Problem(what, advice, (f"{place}:{node.lineno}",)))
            continue
        if lost:
            what = "what follows the comma of an assertion is its message: this one is not checked"
            problems.append(Problem(what, "join the two with and", (f"{place}:{lost[0]}",)))
        if any(map(CONTROL.search, paragraphs)):
            what = f"the docstring of test_{name} holds control characters"
            problems.append(
                Problem(what, "write what readers can see", (f"{place}:{node.lineno}",))
            )
        claims.append(
            Claim(
                name=name,
                section=section.name,
                file=place,
                line=node.lineno,
                words=dict(zip(written, map(_joined, paragraphs), strict=True)),
                source=_source(node, lines),
                tests=text,
                snippet=max(named, key=order.__getitem__, default=None),
                needs_state=any(isinstance(p, ast.Name) and p.id == "after" for p in inside),
                devices=max([count for count in devices if count], default=0),
            )
        )
    return tuple(claims), tree, problems


def _source(node: ast.stmt, lines: list[str]) -> str:
    """The lines of a statement of a module, those of its decorators included."""
    first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
    return "\n".join(lines[first - 1 : node.end_lineno])


# what a file of tests defines, by name: the source, or the hash of a module of the project, and the definition
Definitions = dict[str, tuple[str, ast.AST | None]]


def _definitions(tree: ast.Module, lines: list[str], settings: Settings) -> Definitions:
    defined: Definitions = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module:
            file = settings.project / f"{node.module.replace('.', '/')}.py"
            if file.is_file() and node.module.split(".")[0] != "proven":
                hashed = text_hash(file.read_bytes())
                for alias in node.names:
                    told = f"{node.module}.{alias.name} {hashed}"
                    defined[alias.asname or alias.name] = told, None
            continue
        its = _source(node, lines)
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined[node.name] = its, node
        else:
            targets = getattr(node, "targets", None) or [getattr(node, "target", node)]
            stored = (n for one in targets for n in ast.walk(one) if isinstance(n, ast.Name))
            names = (n.id for n in stored if isinstance(n.ctx, ast.Store))
            defined |= dict.fromkeys(names, (its, node))
    return defined


def _helpers(defined: Definitions, source: str) -> str:
    """What a test names in its file, and what that names in turn."""
    found, left = dict[str, str](), list[ast.AST | None]([ast.parse(source)])
    while left:
        for part in ast.walk(left.pop() or ast.Module([], [])):
            name = part.id if isinstance(part, ast.Name) else ""
            if name in defined and name not in found and defined[name][0] != source:
                found[name], node_of = defined[name]
                left.append(node_of)
    return "".join(f"\n\n{told}" for told in dict.fromkeys(found[name] for name in sorted(found)))


def _joined(paragraph: str) -> str:
    """Join the lines of a paragraph: with a space, but without one between Chinese characters or beside their stops."""
    text = "\n".join(" ".join(line.split()) for line in paragraph.strip().split("\n"))
    han, stop = r"[\u2e80-\u9fff]", r"[\u3000-\u303f\uff00-\uffef]"
    between = rf"(?<={han})\n(?={han})|(?<={stop})\n|\n(?={stop})"
    return re.sub(between, "", text).replace("\n", " ")


def _devices(decorator: ast.expr) -> int | None:
    """How many devices `@pytest.mark.gpu(count)` asks for; None for any other decorator."""
    found = re.fullmatch(r"pytest\.mark\.gpu\((\d+)\)", ast.unparse(decorator))
    return int(found[1]) if found else None

"""Reads section scripts: Python files in the percent format, whose cells are the snippets."""

import ast
import hashlib
import io
import re
import tokenize
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from proven.problems import Problem, ProjectError, decode, read
from proven.settings import Settings

MARKER = re.compile(r'^# %%(?: (?P<name>[^\s="]+))?(?P<options>(?: +\w+="[^"]*")*) *$')
OPTION = re.compile(r'(\w+)="([^"]*)"')
LOOKS_LIKE_MARKER = re.compile(r"^#\s*%%")
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
FOLDS = ("code", "output")
HOW = 'write # %% name, then any of needs="cuda:1", raises="TypeError, KeyError", fold="output"'


@dataclass(frozen=True)
class Snippet:
    """One cell of a section script.

    Attributes:
        name: The full name, such as `blocks.mlp`.
        source: The code, with the comments of all languages.
        line: The line of the script on which the code begins, counted from 1.
        kind: The kind of device that the cell needs, such as `cuda`; empty if it runs anywhere.
        devices: How many of that kind.
        raises: The types of the errors that statements of the cell raise, in order.
        fold: What a page folds away: `code` that only draws, an `output` that readers predict first.
    """

    name: str
    source: str
    line: int
    kind: str = ""
    devices: int = 0
    raises: tuple[str, ...] = ()
    fold: str | None = None

    @property
    def sha256(self) -> str:
        """The hash of the source, in hexadecimal."""
        return hashlib.sha256(self.source.encode()).hexdigest()


@dataclass(frozen=True)
class Section:
    """A section script.

    Attributes:
        name: The name of the script without its suffix.
        path: The absolute path of the script.
        place: Its path inside the project.
        snippets: Its cells, in order.
        sha256: The hash of the whole file, in hexadecimal.
    """

    name: str
    path: Path
    place: str
    snippets: tuple[Snippet, ...]
    sha256: str

    def find(self, name: str) -> Snippet:
        """The snippet of that full name."""
        return next(snippet for snippet in self.snippets if snippet.name == name)


def section_of(snippet: str) -> str:
    """The section that the full name of a snippet begins with, or that is named itself."""
    return snippet.split(".")[0]


def read_sections(settings: Settings) -> tuple[dict[str, Section], list[Problem]]:
    """Read every section script of a project; modules whose name begins with `_` are none."""
    sections: dict[str, Section] = {}
    problems: list[Problem] = []
    for path in sorted((settings.project / settings.sections).glob("[!_.]*.py")):
        try:
            sections[path.stem] = read_section(path, settings)
        except ProjectError as error:
            problems += error.problems
    if not sections and not problems:
        place = f"{settings.sections}/:1"
        problems = [Problem("there is no section script", "write one", (place,))]
    return sections, problems


def read_section(path: Path, settings: Settings) -> Section:
    """Read one section script."""
    place = f"{settings.sections}/{path.name}"
    return _read(path.resolve(), read(path, place), place, tuple(settings.devices))


@lru_cache(maxsize=64)
def _read(path: Path, data: bytes, place: str, kinds: tuple[str, ...]) -> Section:
    text = decode(data, place)

    def problem(what: str, advice: str, line: int = 1) -> Problem:
        return Problem(what, advice, (f"{place}:{line}",))

    if not path.stem.isidentifier():
        what = f"{path.name!r} is no name for a section: it begins the names of its snippets"
        raise ProjectError(problem(what, "rename the script"))
    for node in parse(text, place).body:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            what = "cells run statement by statement, so an import from __future__ has no effect"
            raise ProjectError(problem(what, "write the code without it", node.lineno))

    lines = text.split("\n")
    starts = [n for n, line in enumerate(lines) if LOOKS_LIKE_MARKER.match(line)]
    if any(line.strip() for line in lines[: starts[0] if starts else None]):
        what = "there is code outside the cells"
        raise ProjectError(problem(what, "begin the script with a marker: # %% name"))
    if not starts:
        what = "the script has no cell"
        raise ProjectError(problem(what, "begin it with # %% name"))
    snippets: list[Snippet] = []
    problems: list[Problem] = []
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        body = [n for n in range(start + 1, end) if lines[n].strip()]
        try:
            name, options = _marker(lines[start], kinds)
            if f"{path.stem}.{name}" in [snippet.name for snippet in snippets]:
                raise ValueError(f"a second cell is called {name!r}")
            if not body:
                raise ValueError(f"the cell {name!r} is empty")
        except ValueError as error:
            problems.append(problem(str(error), HOW, start + 1))
            continue
        source = "\n".join(lines[body[0] : body[-1] + 1])
        try:
            ast.parse(source)
        except SyntaxError:
            what = f"the cell {name!r} ends, or begins, inside of a statement"
            problems.append(problem(what, "move the marker", start + 1))
            continue
        kind, _, count = options.get("needs", "").partition(":")
        snippets.append(
            Snippet(
                f"{path.stem}.{name}",
                source,
                body[0] + 1,
                kind,
                int(count or 0),
                tuple(re.split(", *", options["raises"])) if "raises" in options else (),
                options.get("fold"),
            )
        )
    if problems:
        raise ProjectError(*problems)
    return Section(path.stem, path, place, tuple(snippets), text_hash(data))


def text_hash(data: bytes) -> str:
    """The hash of a text, in hexadecimal: the same with any line ends, and with or without a mark of UTF-8."""
    text = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return hashlib.sha256(text).hexdigest()


def _marker(line: str, kinds: tuple[str, ...]) -> tuple[str, dict[str, str]]:
    """Read the marker of a cell; a ValueError says what is wrong with it."""
    marker = MARKER.match(line)
    if not marker:
        told = f"{line.strip()!r} is no marker of a cell"
        if bare := re.search(r'\w+=[^"\s]\S*', line):
            told += f": {bare[0]} cannot be read, put the value in double quotes"
        elif not line.startswith("# %% "):
            told += ": one space belongs before and one behind %%"
        raise ValueError(told)
    name, pairs = marker["name"] or "", OPTION.findall(marker["options"])
    options = dict(pairs)
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name for a snippet: lower-case words joined by hyphens")
    if unknown := sorted(options.keys() - {"needs", "raises", "fold"}):
        raise ValueError(f"the marker of {name!r} has an unknown key: {', '.join(unknown)}")
    if len(options) < len(pairs):
        raise ValueError(f"the marker of {name!r} has a key twice")
    needs = re.fullmatch(r"(\w+):[1-9][0-9]*", options.get("needs", "")) or [None] * 2
    if "needs" in options and needs[1] not in kinds:
        told = f"{name!r} needs {options['needs']!r}, which is no number of devices"
        raise ValueError(f"{told} of a kind that proven.toml names: {', '.join(kinds) or 'none'}")
    for error in re.split(", *", options.get("raises", "x")):
        if not error.isidentifier():
            raise ValueError(f"{name!r} raises {error!r}, which is no name of an error")
    if options.get("fold", FOLDS[0]) not in FOLDS:
        told = f"{name!r} has fold={options['fold']!r}, which is neither of {', '.join(FOLDS)}"
        raise ValueError(told)
    return name, options


def parse(text: str, place: str) -> ast.Module:
    """Parse Python, whose place in the project is named in the error."""
    try:
        return ast.parse(text)
    # of a null byte, up to Python 3.11.3, and of an expression without end
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 1
        what = f"{type(error).__name__}: {getattr(error, 'msg', error)}"
        raise ProjectError(Problem(what, "correct the code", (f"{place}:{line}",))) from None


@cache
def swapped_comments(source: str, written: tuple[str, ...]) -> list[int]:
    """The lines on which only another half of a comment than the Chinese one has Han characters."""
    lines = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and "zh" in written:
            parts = token.string.removeprefix("#").split(" | ", len(written) - 1)
            han = [bool(re.search(r"[\u3400-\u9fff]", part)) for part in parts]
            if len(parts) == len(written) > 1 and any(han) and not han[written.index("zh")]:
                lines.append(token.start[0])
    return lines


@cache  # every writer asks for it
def localise(source: str, language: str, written: tuple[str, ...]) -> str:
    """Keep one language's part of each comment of the form `# English | 中文`."""
    lines = source.split("\n")
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            parts = token.string.removeprefix("#").split(" | ", len(written) - 1)
            if len(parts) == len(written) > 1:
                row, column = token.start
                kept = parts[written.index(language)].strip()
                lines[row - 1] = f"{lines[row - 1][:column]}# {kept}".rstrip()
    return "\n".join(lines)

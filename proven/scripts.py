"""Reads section scripts: Python files in the percent format, whose cells are the snippets."""

import ast
import hashlib
import io
import keyword
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
SECTION = re.compile(r"[a-z][a-z0-9_]*")
FOLDS = ("code", "output")
HOW = 'write # %% name, then any of needs="cuda:1", raises="TypeError, KeyError", fold="output" or "code"'
HAN = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True)
class Snippet:
    """One cell of a section script."""

    name: str  # with that of its section, such as `blocks.mlp`
    source: str  # with the comments of all languages
    line: int  # on which the code begins in the script, counted from 1
    kind: str = ""  # of the devices that it needs, such as `cuda`; empty if it runs anywhere
    devices: int = 0
    raises: tuple[str, ...] = ()  # the types of the errors of its statements, in order
    fold: str | None = None  # `code` that only draws, or an `output` that readers predict first

    @property
    def sha256(self) -> str:
        """The hash of the source, in hexadecimal."""
        return hashlib.sha256(self.source.encode()).hexdigest()


@dataclass(frozen=True)
class Section:
    """A section script; its `place` is its path inside the project."""

    name: str
    path: Path
    place: str
    snippets: tuple[Snippet, ...]
    sha256: str  # of the whole file

    def find(self, name: str) -> Snippet:
        """The snippet of that full name."""
        return next(snippet for snippet in self.snippets if snippet.name == name)


def section_of(snippet: str) -> str:
    """The section that the full name of a snippet begins with, or that is named itself."""
    return snippet.split(".")[0]


def names_section(name: str) -> bool:
    """Whether a script may be called so: what it is called begins the names of its snippets."""
    return bool(SECTION.fullmatch(name)) and not keyword.iskeyword(name)


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
    data = read(path, place)  # which tells of a link that leads to itself
    return _read(path.resolve(), data, place, tuple(settings.devices))


@lru_cache(maxsize=64)
def _read(path: Path, data: bytes, place: str, kinds: tuple[str, ...]) -> Section:
    text = decode(data, place)

    def problem(what: str, advice: str, line: int = 1) -> Problem:
        return Problem(what, advice, (f"{place}:{line}",))

    if not names_section(path.stem):
        what = f"{path.stem!r} is no name for a section: it begins the names of its snippets"
        raise ProjectError(problem(what, "use a-z, 0-9 and _, and no word of Python"))
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
        try:
            snippet = _snippet(path.stem, lines, start, end, kinds)
            for other in snippets:
                if other.name == snippet.name:
                    name = snippet.name.removeprefix(f"{path.stem}.")
                    told = f"a second cell is called {name!r}, as that before line {other.line}"
                    raise ValueError(told, "choose another name")
            snippets.append(snippet)
        except ValueError as error:
            what, advice = error.args
            problems.append(problem(what, advice, start + 1))
    if problems:
        raise ProjectError(*problems)
    return Section(path.stem, path, place, tuple(snippets), text_hash(data))


def text_hash(data: bytes) -> str:
    """The hash of a text, in hexadecimal: the same with any line ends, and with or without a mark of UTF-8."""
    text = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return hashlib.sha256(text).hexdigest()


def _snippet(
    section: str, lines: list[str], start: int, end: int, kinds: tuple[str, ...]
) -> Snippet:
    """Read a cell, from the line of its marker up to another; a ValueError tells what is wrong, and what to do."""
    line, body = lines[start], [n for n in range(start + 1, end) if lines[n].strip()]
    marker = MARKER.match(line)
    if not marker:
        told = f"{line.strip()!r} is no marker of a cell"
        if bare := re.search(r'\w+=[^"\s]\S*', line):
            told += f": {bare[0]} cannot be read, put the value in double quotes"
        elif not line.startswith("# %% "):
            told += ": one space belongs before and one behind %%"
        raise ValueError(told, HOW)
    name, pairs = marker["name"] or "", OPTION.findall(marker["options"])
    options = dict(pairs)
    needs = re.fullmatch(r"(\w+):([1-9][0-9]{0,3})", options.get("needs", ""))
    raises = tuple(re.split(", *", options["raises"])) if "raises" in options else ()
    told = ""
    if not NAME.fullmatch(name):
        told = f"{name!r} is no name for a snippet: lower-case words joined by hyphens"
    elif (length := len(f"{section}.{name}")) > 60:  # notebooks allow ids of 64 characters
        told = f"with its section, {name!r} has {length} characters, and 60 are allowed"
    elif unknown := sorted(options.keys() - {"needs", "raises", "fold"}):
        told = f"the marker of {name!r} has an unknown key: {', '.join(unknown)}"
    elif len(options) < len(pairs):
        told = f"the marker of {name!r} has a key twice"
    elif "needs" in options and (not needs or needs[1] not in kinds):
        told = f"{name!r} needs {options['needs']!r}, which is no number of devices, from 1 on,"
        told += f" of a kind that proven.toml names: {', '.join(kinds) or 'none'}"
    elif wrong := [error for error in raises if not error.isidentifier()]:
        told = f"{name!r} raises {wrong[0]!r}, which is no name of an error"
    elif options.get("fold", FOLDS[0]) not in FOLDS:
        told = f"{name!r} has fold={options['fold']!r}, which is neither of {', '.join(FOLDS)}"
    elif not body:
        told = f"the cell {name!r} is empty"
    if told:
        raise ValueError(told, HOW)
    source = "\n".join(lines[body[0] : body[-1] + 1])
    try:
        statements = ast.parse(source).body
    except SyntaxError:
        told = f"the cell {name!r} ends, or begins, inside of a statement"
        raise ValueError(told, "move the marker") from None
    if not statements:
        raise ValueError(
            f"the cell {name!r} holds comments only", "write a statement, or remove it"
        )
    kind, count = needs.groups() if needs else ("", 0)
    name, fold = f"{section}.{name}", options.get("fold")
    return Snippet(name, source, body[0] + 1, kind, int(count), raises, fold)


def parse(text: str, place: str) -> ast.Module:
    """Parse Python, whose place in the project is named in the error."""
    try:
        return ast.parse(text)
    # of a null byte, up to Python 3.11.3, and of an expression without end
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 1
        what = f"{type(error).__name__}: {getattr(error, 'msg', error)}"
        raise ProjectError(Problem(what, "correct the code", (f"{place}:{line}",))) from None


@cache  # the checks and every writer ask for them
def _halves(source: str, written: tuple[str, ...]) -> list[tuple[int, int, list[str]]]:
    """The comments with a part for each language: the line, counted from 1, the column, and the parts."""
    found = []
    for token in _comments(source):
        parts = token.string.removeprefix("#").split(" | ", len(written) - 1)
        # one without Chinese is in no language, as `a | b` in code is
        if len(parts) == len(written) > 1 and ("zh" not in written or HAN.search(token.string)):
            found.append((*token.start, parts))
    return found


@cache  # for the halves, and for what has none
def _comments(source: str) -> list[tokenize.TokenInfo]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return [token for token in tokens if token.type == tokenize.COMMENT]


def wrong_comments(source: str, written: tuple[str, ...]) -> list[tuple[int, str]]:
    """The lines with comments whose halves are swapped or cannot be told apart, each with what is wrong."""
    halves = {line: parts for line, _, parts in _halves(source, written)}
    wrong = [
        (n, "the halves of a comment are swapped") for n in halves if swapped(halves[n], written)
    ]
    for token in _comments(source) if "zh" in written and len(written) > 1 else ():
        count, line = token.string.count(" | "), token.start[0]
        if HAN.search(token.string) and line not in halves:
            wrong.append((line, "a comment has no ' | ' between its halves"))
        elif count >= len(written):
            wrong.append((line, "the halves of a comment cannot be told apart"))
    return wrong


def swapped(parts: list[str], written: tuple[str, ...]) -> bool:
    """Whether another one of these texts than the Chinese one has Han characters."""
    han = [bool(HAN.search(part)) for part in parts]
    return "zh" in written and any(han) and not han[written.index("zh")]


def localise(source: str, language: str, written: tuple[str, ...]) -> str:
    """Keep one language's part of each comment of the form `# English | 中文`."""
    lines = source.split("\n")
    for line, column, parts in _halves(source, written):
        kept = parts[written.index(language)].strip()
        lines[line - 1] = f"{lines[line - 1][:column]}# {kept}".rstrip()
    return "\n".join(lines)

"""Reads section scripts: Python files in the percent format, whose cells are the snippets."""

import ast
import hashlib
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from snippets.engine.errors import Problem, SnippetError, decode

MARKER = re.compile(r"^# %%", re.MULTILINE)
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
NEEDS = re.compile(r"cuda:([1-9][0-9]*)")
FOLDS = ("code", "output")
METADATA = {"needs", "raises", "fold"}


@dataclass(frozen=True)
class Snippet:
    """One cell of a section script.

    Attributes:
        name: The full name, such as `blocks.mlp`.
        source: The code, with the comments of both languages.
        line: The line of the script on which the code begins, counted from 1.
        devices: How many CUDA devices the cell needs; 0 if it runs anywhere.
        raises: The type of the error that the last statement of the cell shows, if it shows one.
        fold: What a page folds away: `code` that only draws, an `output` that readers predict first.
    """

    name: str
    source: str
    line: int
    devices: int = 0
    raises: str | None = None
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
        snippets: Its cells, in order.
        sha256: The hash of the whole file, in hexadecimal.
    """

    name: str
    path: Path
    snippets: tuple[Snippet, ...]
    sha256: str

    @property
    def place(self) -> str:
        """The script as messages name it, relative to the project."""
        return f"snippets/{self.path.name}"


def read_sections(folder: Path) -> dict[str, Section]:
    """Read every section script of a folder.

    Args:
        folder: The folder that holds the scripts; modules whose name begins with `_` are no scripts.

    Returns:
        The sections by name, in alphabetical order.

    Raises:
        SnippetError: All the problems of all the scripts at once.
    """
    sections: dict[str, Section] = {}
    problems: list[Problem] = []
    for path in sorted(folder.glob("[!_.]*.py")):
        try:
            sections[path.stem] = read_section(path)
        except SnippetError as error:
            problems += error.problems
    if not sections and not problems:
        problems = [Problem("there is no section script", "write one", ("snippets/:1",))]
    if problems:
        raise SnippetError(*problems)
    return sections


def read_section(path: Path) -> Section:
    """Read one section script.

    Args:
        path: The path of the script.

    Returns:
        The section, with a snippet for each cell.

    Raises:
        SnippetError: The file is no UTF-8, no Python, or a cell marker is not one of ours.
    """
    data = path.read_bytes()
    text = decode(data, f"snippets/{path.name}")
    return _parse(path.resolve(), text, hashlib.sha256(data).hexdigest())


@lru_cache(maxsize=64)
def _parse(path: Path, text: str, sha256: str) -> Section:
    import jupytext  # half a second, which passes while the fork server imports torch

    place = f"snippets/{path.name}"
    if not path.stem.isidentifier():
        what = f"{path.name!r} is no name for a section: it begins the names of its snippets"
        raise SnippetError(Problem(what, "rename the script", (f"{place}:1",)))
    for node in parse(text, place).body:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            what = "cells run statement by statement, so an import from __future__ has no effect"
            advice = "write the code without it"
            raise SnippetError(Problem(what, advice, (f"{place}:{node.lineno}",)))

    fmt = {"extension": ".py", "format_name": "percent", "comment_magics": False}
    try:
        cells = jupytext.reads(text, fmt=fmt).cells
    except Exception as error:  # it takes the first lines of a script for a header of its own
        what = f"jupytext cannot read the script: {type(error).__name__}: {error}"
        advice = "begin the script with a marker: # %% name"
        raise SnippetError(Problem(what, advice, (f"{place}:1",))) from None
    starts = [text.count("\n", 0, match.start()) + 1 for match in MARKER.finditer(text)]
    if len(cells) != len(starts):
        raise SnippetError(
            Problem(
                "there is code outside the cells",
                "begin the script with a marker: # %% name",
                (f"{place}:1",),
            )
        )
    lines = text.split("\n")
    snippets: list[Snippet] = []
    problems: list[Problem] = []
    for cell, start in zip(cells, starts, strict=True):
        # jupytext knows no line numbers
        line = next((n for n in range(start, len(lines)) if lines[n].strip()), start) + 1
        found = _marker_problem(
            cell.cell_type, cell.metadata, [s.name for s in snippets], path.stem
        )
        source = cell.source.strip("\n")
        if not found and not source.strip():
            found = "the cell is empty"
        if not found and lines[line - 1 : line + source.count("\n")] != source.split("\n"):
            # jupytext breaks lines at more characters than Python does, such as a form feed
            found = "the cell contains a character that breaks lines for some programs only"
        if found:
            advice = (
                'write # %% name, then any of needs="cuda:1", raises="TypeError", fold="output"'
            )
            problems.append(Problem(found, advice, (f"{place}:{start}",)))
            continue
        try:
            parse(source, place)
        except SnippetError:
            found = f"the cell {cell.metadata['title']!r} ends, or begins, inside of a statement"
            problems.append(Problem(found, "move the marker", (f"{place}:{start}",)))
            continue
        needs = NEEDS.fullmatch(cell.metadata.get("needs", ""))
        snippets.append(
            Snippet(
                name=f"{path.stem}.{cell.metadata['title']}",
                source=source,
                line=line,
                devices=int(needs[1]) if needs else 0,
                raises=cell.metadata.get("raises"),
                fold=cell.metadata.get("fold"),
            )
        )
    if not snippets and not problems:
        problems.append(
            Problem("the script has no cell", "begin it with # %% name", (f"{place}:1",))
        )
    if problems:
        raise SnippetError(*problems)
    return Section(path.stem, path, tuple(snippets), sha256)


def parse(text: str, place: str) -> ast.Module:
    """Parse Python.

    Args:
        text: The code.
        place: Its path inside the project.

    Returns:
        The tree.

    Raises:
        SnippetError: It is no Python.
    """
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError) as error:  # the latter of a null byte, up to Python 3.11.3
        line = getattr(error, "lineno", None) or 1
        what = f"{type(error).__name__}: {getattr(error, 'msg', error)}"
        raise SnippetError(Problem(what, "correct the code", (f"{place}:{line}",))) from None


def _marker_problem(
    kind: str, metadata: dict[str, Any], names: list[str], section: str
) -> str | None:
    """Say what is wrong with the marker of a cell, or None."""
    title = metadata.get("title", "")
    unknown = set(metadata) - METADATA - {"title", "lines_to_next_cell"}
    if kind != "code":
        return f"a {kind} cell: prose lives on the pages"
    if not NAME.fullmatch(title):
        return f"{title!r} is no name for a snippet: lower-case words joined by hyphens"
    if f"{section}.{title}" in names:
        return f"a second cell is called {title!r}"
    if unknown:
        return f"the marker of {title!r} has an unknown key: {', '.join(sorted(unknown))}"
    if "needs" in metadata and not NEEDS.fullmatch(str(metadata["needs"])):
        return f"{title!r} needs {metadata['needs']!r}, which is no number of CUDA devices"
    if "raises" in metadata and not str(metadata["raises"]).isidentifier():
        return f"{title!r} raises {metadata['raises']!r}, which is no name of an error"
    if metadata.get("fold", FOLDS[0]) not in FOLDS:
        return f"{title!r} has fold={metadata['fold']!r}, which is neither of {', '.join(FOLDS)}"
    return None


@cache  # pages, notebooks, scripts and plain text all ask for it
def localise(source: str, language: str) -> str:
    """Keep one language's half of each comment of the form `# English | 中文`.

    Args:
        source: The code of a snippet.
        language: `zh` or `en`.

    Returns:
        The code with the comments of that language; comments without ` | ` stay as they are.
    """
    import io
    import tokenize

    lines = source.split("\n")
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and " | " in token.string:
            english, chinese = token.string.split(" | ", 1)
            row, column = token.start
            half = english.rstrip() if language == "en" else f"# {chinese.strip()}"
            lines[row - 1] = lines[row - 1][:column] + half
    return "\n".join(lines)

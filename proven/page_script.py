"""Writes all the snippets of a page as one plain script, which runs from its first line to its last."""

import ast
import io
import textwrap
import tokenize
from collections.abc import Iterable

from proven.views import View
from proven.words import Words


def page_script(title: str, views: Iterable[View], words: Words) -> str:
    """Join the snippets of a page.

    A statement that shows an error is caught, so that what follows it still runs; what needs devices
    asks for them first.
    """
    parts = [f"# {title}\n# {words('script')}"]
    draws = False
    for view in views:
        code = view.source
        draws = draws or "pyplot" in code
        if view.error_type:
            code = _caught(code)
        if view.devices:
            need = words("script-needs", need=words.devices(view.kind, view.devices))
            told = f"{view.name}: {need}"
            code = (
                f"if {view.count} >= {view.devices}:\n{indented(code)}\nelse:\n    print({told!r})"
            )
        parts.append(f"# --- {view.name}\n{code}")
    if draws:
        parts.append(f"# {words('script-show')}\nplt.show()")
    return "\n\n\n".join(parts) + "\n"


def _caught(code: str) -> str:
    """Catch the error that the last statement of a cell shows."""
    last = ast.parse(code).body[-1]
    decorators = getattr(last, "decorator_list", [])
    start = min(node.lineno for node in (last, *decorators)) - 1
    lines = code.split("\n")
    before, shown = "\n".join(lines[:start]), "\n".join(lines[start:])
    catch = 'except Exception as error:\n    print(f"{type(error).__name__}: {error}")'
    return f"{before}\ntry:\n{indented(shown)}\n{catch}".lstrip("\n")


def indented(code: str) -> str:
    """Indent code, except the later lines of strings: indenting them would change their text."""
    inside: set[int] = set()
    starts: list[int] = []
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        name = tokenize.tok_name[token.type]
        if name in {"FSTRING_START", "TSTRING_START"}:
            starts.append(token.start[0])
        elif name in {"FSTRING_END", "TSTRING_END"}:
            inside.update(range(starts.pop() + 1, token.end[0] + 1))
        elif name == "STRING":
            inside.update(range(token.start[0] + 1, token.end[0] + 1))
    rows = enumerate(code.split("\n"), 1)
    return "\n".join(
        row if number in inside else textwrap.indent(row, "    ") for number, row in rows
    )

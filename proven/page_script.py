"""Writes all the snippets of a page as one plain script, which runs from its first line to its last."""

import ast
import io
import textwrap
import tokenize

from proven.views import View
from proven.words import Words


def page_script(title: str, views: list[View], words: Words) -> str:
    """Join the snippets of a page.

    A statement that shows an error is caught, so that what follows it still runs; what needs devices
    asks for them first.
    """
    parts = [f"# {title}\n# {words('script')}"]
    for view in views:
        code = _caught(view) if view.raises else view.source
        if view.devices:
            need = words("script-needs", need=words.devices(view.kind, view.devices))
            told, asks = f"{view.name}: {need}", f"if {view.count} >= {view.devices}:"
            code = f"{asks}\n{indented(code)}\nelse:\n    print({told!r})"
        parts.append(f"# --- {view.name}\n{code}")
    if name := _pyplot(views):
        parts.append(f"# {words('script-show')}\n{name}.show()")
    return "\n\n\n".join(parts) + "\n"


def _pyplot(views: list[View]) -> str:
    """By which name the script knows matplotlib.pyplot; empty if it does not, or not on every machine."""
    for view in views:
        for node in ast.parse("" if view.devices else view.source).body:
            module = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            for name in node.names if isinstance(node, ast.Import | ast.ImportFrom) else ():
                if f"{module}{name.name}" == "matplotlib.pyplot":
                    return name.asname or name.name
    return ""


def raising(view: View) -> list[tuple[int, int]]:
    """The first and the last line of each statement that raises an error, counted from 1, and of what stands beside it.

    Where nothing says which ones raise, since the snippet did not run, the last ones are taken.
    """
    spans: list[tuple[int, int]] = []
    for one in ast.parse(view.source).body:
        first = min(n.lineno for n in (one, *getattr(one, "decorator_list", [])))
        if spans and first <= spans[-1][1]:  # they stand on one line
            first, _ = spans.pop()
        spans.append((first, one.end_lineno or 0))
    rows = [piece.line for piece in view.pieces if piece.error]
    found = [span for span in spans if any(span[0] <= row <= span[1] for row in rows)]
    return found or spans[-len(view.raises) :]


def _caught(view: View) -> str:
    """The code of a snippet, which catches the errors that it shows."""
    lines, parts, done = view.source.split("\n"), [], 0
    for first, last in raising(view):
        parts += lines[done : first - 1]
        parts += ["try:", indented("\n".join(lines[first - 1 : last]))]
        parts += [
            "except Exception as error:",
            '    print(f"{type(error).__name__}: {error}".rstrip(": "))',
        ]
        done = last
    return "\n".join([*parts, *lines[done:]])


def indented(code: str) -> str:
    """Indent code, except the later lines of strings: indenting them would change their text."""
    inside, starts = set[int](), list[int]()
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        name = tokenize.tok_name[token.type]  # since Python 3.12, an f-string is several tokens
        if name in ("STRING", "FSTRING_START", "TSTRING_START"):
            starts.append(token.start[0])
        if name in ("STRING", "FSTRING_END", "TSTRING_END"):
            inside.update(range(starts.pop() + 1, token.end[0] + 1))
    rows = enumerate(code.split("\n"), 1)
    return "\n".join(
        row if number in inside else textwrap.indent(row, "    ") for number, row in rows
    )

"""Makes one plain script of all the snippets of a page, which runs from its first line to its last."""

import ast
import io
import textwrap
import tokenize
from collections.abc import Iterable

from snippets.engine.scripts import Snippet, localise
from snippets.engine.words import needs_named, word


def page_script(title: str, snippets: Iterable[Snippet], spoken: str) -> str:
    """Join the snippets of a page.

    A statement that shows an error is caught, so that what follows it still runs; what needs devices
    asks for them first.

    Args:
        title: The title of the page.
        snippets: The snippets, in the order in which the page shows them.
        spoken: The language of the page, `zh` or `en`.

    Returns:
        The source of the script, with the comments of one language.
    """
    parts = [f"# {title}\n# {word(spoken, 'script')}"]
    draws = False
    for snippet in snippets:
        code = localise(snippet.source, spoken)
        draws = draws or "pyplot" in code
        if snippet.raises:
            code = _caught(code)
        if snippet.devices:
            told = f"{snippet.name}: {needs_named(spoken, snippet.devices)}"
            code = (
                f"if torch.cuda.device_count() >= {snippet.devices}:\n{_indented(code)}\n"
                f"else:\n    print({told!r})"
            )
        parts.append(f"# --- {snippet.name}\n{code}")
    if draws:
        parts.append(f"# {word(spoken, 'script-show')}\nplt.show()")
    return "\n\n\n".join(parts) + "\n"


def _caught(code: str) -> str:
    """Catch the error that the last statement of a cell shows."""
    last = ast.parse(code).body[-1]
    decorators = getattr(last, "decorator_list", [])
    start = min(node.lineno for node in (last, *decorators)) - 1
    lines = code.split("\n")
    before, shown = "\n".join(lines[:start]), "\n".join(lines[start:])
    catch = 'except Exception as error:\n    print(f"{type(error).__name__}: {error}")'
    return f"{before}\ntry:\n{_indented(shown)}\n{catch}".lstrip("\n")


def _indented(code: str) -> str:
    """Indent code, but not the later lines of strings, whose text that would change."""
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

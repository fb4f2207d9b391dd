"""Questions on pages: their options, and the expression whose value decides which option fits.

!!! question "Predict first"
    How many parameters does an optimizer get?

    ```options
    len(list(net.parameters()))
    2 | two, those of `last`
    6 | six
    ```

The snippet that follows answers the question. The expression is evaluated after it, with the names of
the section, with `output`, what it printed, and with `errors`, the texts of its errors.
"""

import ast
import builtins
import contextlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from proven.cells import Outcome
from proven.pages import Box, Fence, Heading, Page, Part, Prose
from proven.problems import Problem, ProjectError

SEPARATOR = " | "
LONGEST = 1000  # characters of a value, which stands on the page


@dataclass(frozen=True)
class Question:
    """A question with options, of which one fits."""

    snippet: str  # the one that answers it
    key: str  # the expression
    options: tuple[tuple[str, str], ...]  # the value and the text of each, the same if one is there
    place: str  # of the expression

    def fitting(self, answer: str) -> list[int]:
        """Which options have the value of the expression, counted from 0."""
        return [number for number, (value, _) in enumerate(self.options) if value == answer]


def options_of(body: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The expression and the options that an `options` fence holds."""
    key, *rows = [line.strip() for line in body.strip().split("\n")]
    parts = [row.partition(SEPARATOR) for row in rows if row]
    return key, tuple((value.strip(), text.strip() or f"`{value}`") for value, _, text in parts)


def lettered(options: tuple[tuple[str, str], ...]) -> list[str]:
    """The texts of the options with letters before them, for readers of plain text."""
    return [f"{chr(ord('A') + number)}. {text}" for number, (_, text) in enumerate(options)]


def questions_of(page: Page) -> list[Question]:
    """The questions of a page, in order; those that are not complete are left out."""
    return [
        Question(snippet.name, *options_of(fence.body), page.at(fence.line + 1))
        for _, fence, snippet, _ in _boxes(page.parts)
        if fence and snippet
    ]


def wrong_questions(page: Page) -> Iterator[Problem]:
    """What is wrong with the questions of a page, before anything runs."""
    inside = []
    for box, fence, snippet, explained in _boxes(page.parts):
        if not fence:
            what = "the question has no options"
            advice = "let its box end with an options fence: an expression, then a line for each option, `value | text`"
            yield Problem(what, advice, (page.at(box.line),))
            continue
        inside.append(fence)
        key, options = options_of(fence.body)
        values, texts = zip(*options, strict=True) if options else ((), ())
        rows = [row.strip() for row in fence.body.strip().split("\n")[1:]]
        what = ""
        if not any(isinstance(p, Prose) and _says(p) for p in box.parts):
            what, advice = "the question asks nothing", "write what it asks in front of its options"
        elif not snippet:
            what, advice = "no snippet answers the question", "let a snippet fence follow its box"
        elif not explained:
            what, advice = "nothing explains the answer", "let a sentence follow its snippet"
        elif len(options) < 2:
            what, advice = "the question has fewer than two options", "write one on each line"
        elif broken := [row for row in rows if "|" in row and SEPARATOR not in row]:
            what = f"an option lacks its value, its text or a space beside the bar: {broken[0]}"
            advice = "write value | text, or the value alone"
        elif len(set(values)) < len(values):
            what, advice = "two options have the same value", "keep one of them"
        elif len(set(texts)) < len(texts):
            what, advice = "two options have the same text", "say what tells them apart"
        else:
            try:
                tree = ast.parse(key, mode="eval")
                compile(tree, "key", "eval")
            except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
                what = f"{key!r} is no expression: {error}"
                advice = "begin the options fence with the expression whose value decides"
        if what:
            yield Problem(what, advice, (page.at(fence.line),))
    for fence in page.fences:
        if fence.kind == "options" and fence not in inside:
            what = "options stand outside of a question, or are its second ones"
            advice = 'put them into a box: !!! question "…"'
            yield Problem(what, advice, (page.at(fence.line),))


def _looks_at_the_section(tree: ast.AST, namespace: Mapping[str, Any]) -> bool:
    """Whether an expression uses a name that is neither Python's nor its own."""
    parts = list(ast.walk(tree))
    names = [part for part in parts if isinstance(part, ast.Name)]
    its_own = {part.arg for part in parts if isinstance(part, ast.arg)}
    its_own |= {name.id for name in names if isinstance(name.ctx, ast.Store)}
    return not {name.id for name in names} <= its_own | (vars(builtins).keys() - namespace.keys())


def _says(part: Part) -> bool:
    """Whether there is more to it than a comment."""
    return not isinstance(part, Prose) or any(text.content.strip() for text in part.inlines)


def _boxes(parts: tuple[Part, ...]) -> Iterator[tuple[Box, Fence | None, Fence | None, bool]]:
    """Each question, its first options, the snippet that follows it, and whether its answer is explained."""
    following = zip(parts, (*parts[1:], None), (*parts[2:], None, None), strict=False)
    for part, second, third in following:
        if isinstance(part, Box) and part.kind == "question":
            options = [p for p in part.parts if isinstance(p, Fence) and p.kind == "options"]
            snippet = second if isinstance(second, Fence) and second.kind == "snippet" else None
            next_one = isinstance(third, Box) and third.kind == "question"
            heads = next_one or isinstance(third, Heading)
            explained = third is not None and not heads and _says(third)
            yield part, next(iter(options), None), snippet, explained
        elif isinstance(part, Box):
            yield from _boxes(part.parts)


def evaluate(key: str, outcome: Outcome, namespace: Mapping[str, Any]) -> str:
    """The value of an expression after a snippet, as `str` writes it; an expression may not print.

    The namespace has the names of the section; none where the outcome was recorded elsewhere.
    """
    names = {**namespace, "output": outcome.output, "errors": [e.text for e in outcome.errors]}
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            if not _looks_at_the_section(ast.parse(key, mode="eval"), namespace):
                raise ValueError("it uses nothing of the section")
            value = str(eval(key, names))
        if printed.getvalue():
            raise ValueError("it prints something")
        if len(value) > LONGEST:
            raise ValueError(f"it is longer than {LONGEST} characters")
    except BaseException as error:  # such as that of exit()
        what = f"the key of the question, {key!r}, has no value: {type(error).__name__}: {error}"
        advice = "use names of the section, output and errors"
        if not namespace:
            advice = "the snippet needs a device, so that its key can use output and errors only"
        raise ProjectError(Problem(what, advice, snippet=outcome.name)) from None
    return value

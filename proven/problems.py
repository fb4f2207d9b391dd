"""The one error that the engine raises: what is wrong, where, and what to do."""

import re
from dataclasses import dataclass

# what a terminal obeys, what turns the direction of a text, halves of characters
COMMANDS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


@dataclass(frozen=True)
class Problem:
    """One thing that keeps the site from being built.

    Attributes:
        what: What is wrong, in one sentence or as the text of an error.
        advice: What to do about it.
        places: Where, as `file:line`, the script before the pages.
        snippet: The full name of the snippet, if one is concerned.
        claim: The name of the claim, if one is concerned.
        sentence: The sentence of a page, if one is concerned.
    """

    what: str
    advice: str
    places: tuple[str, ...] = ()
    snippet: str | None = None
    claim: str | None = None
    sentence: str | None = None

    def __str__(self) -> str:
        rows = [
            ("snippet", self.snippet or ""),
            ("claim", self.claim or ""),
            ("sentence", self.sentence or ""),
            ("at", ", ".join(self.places)),
            ("do", self.advice),
        ]
        first, *rest = self.what.strip().splitlines() or [""]
        # text of others begins no line: CI obeys lines that begin with ::, spaces before it or not
        first = f"| {first}" if first.startswith(("::", "##[")) else first
        lines = [first, *(f"  | {line}" for line in rest)]
        text = "\n".join([*lines, *(f"  {label:<8} {plain(text)}" for label, text in rows if text)])
        return COMMANDS.sub(lambda one: ascii(one[0])[1:-1], text).replace("##[", "# #[")


def plain(text: str) -> str:
    """A text on one line."""
    return " ".join(text.splitlines())


class ProjectError(Exception):
    """Ends a build with all its problems, at least one."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("\n\n".join(str(problem) for problem in problems))


def decode(data: bytes, place: str) -> str:
    """Decode a file that a person wrote, with any line ends, with or without a byte order mark."""
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        what = f"the file is not UTF-8: {error.reason} at byte {error.start}"
        raise ProjectError(Problem(what, "save it as UTF-8", (f"{place}:1",))) from None

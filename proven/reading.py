"""Measures how much a page asks of its reader, and which part of it is the core."""

import re
from dataclasses import astuple, dataclass
from operator import add

from proven.pages import Box, Fence, Heading, Inline, Page, Part, Prose, plain_words

# How fast a learner reads, and works through a snippet or a question, in minutes.
WORD, CHARACTER, SNIPPET, QUESTION = 1 / 180, 1 / 300, 40 / 60, 1.0
HAN = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True)
class Measure:
    """How much there is to read.

    Attributes:
        words: Words that are not written in Han characters, names in code included.
        characters: Han characters.
        snippets: Snippets with what they show.
        questions: Questions to answer before an output is opened.
    """

    words: int = 0
    characters: int = 0
    snippets: int = 0
    questions: int = 0

    def __add__(self, other: "Measure") -> "Measure":
        """Both together."""
        return Measure(*map(add, astuple(self), astuple(other)))

    @property
    def minutes(self) -> int:
        """How long it takes to read."""
        text = self.words * WORD + self.characters * CHARACTER
        return max(1, round(text + self.snippets * SNIPPET + self.questions * QUESTION))


def measure(page: Page) -> tuple[Measure, Measure]:
    """Measure the core of a page and all of it, each without exercises and summary."""
    core = whole = Measure()
    kind, level = "", 0
    for part in page.parts:
        if isinstance(part, Heading) and (not kind or part.level <= level):
            kind, level = part.kind, part.level
        there = _measure(part)
        if kind in ("", "depth"):
            whole += there
        if not kind:
            core += there
    return core, whole


def letters(text: str) -> int:
    """How long a text is; a Han character says about as much as two letters of an alphabet."""
    return len(text) + len(HAN.findall(text))


def exercises_of(page: Page) -> list[str]:
    """The ids of the exercises of a page: the headings below the one that begins them."""
    found, level = list[str](), 0
    for heading in page.headings:
        if heading.kind == "exercises":
            level = heading.level
        elif level and heading.level > level:
            found.append(heading.id)
        else:
            level = 0
    return found


def _measure(part: Part) -> Measure:
    if isinstance(part, Fence):
        return Measure(snippets=int(part.kind == "snippet"))
    if isinstance(part, Heading):
        return _text(part.text)
    if isinstance(part, Prose):
        return sum(map(_text, part.inlines), Measure())
    assert isinstance(part, Box)
    inside = sum(map(_measure, part.parts), _text(part.title))
    return inside + Measure(questions=int(part.kind == "question"))


def _text(inline: Inline) -> Measure:
    text = re.sub(r"#!claim \w+", " ", plain_words(inline)).replace("#!math", " ")
    words = [word for word in HAN.sub(" ", text).split() if re.search(r"\w", word)]
    return Measure(len(words), len(HAN.findall(text)))

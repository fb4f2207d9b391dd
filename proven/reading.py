"""Measures how much a page asks of its reader, and which part of it is the core."""

import re
from dataclasses import dataclass
from functools import lru_cache

from proven.pages import Box, Fence, Heading, Page, Part, inlines_of, plain_words, walk

# How fast a learner reads, and works through a snippet or a question, in minutes.
WORD, CHARACTER, SNIPPET, QUESTION = 1 / 180, 1 / 300, 40 / 60, 1.0
HAN = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True)
class Measure:
    """How much there is to read."""

    words: int = 0  # not written in Han characters, names in code included
    characters: int = 0  # of Han
    snippets: int = 0
    questions: int = 0

    @property
    def minutes(self) -> int:
        """How long it takes to read."""
        text = self.words * WORD + self.characters * CHARACTER
        return max(1, round(text + self.snippets * SNIPPET + self.questions * QUESTION))


@lru_cache(maxsize=256)  # for `serve`, where most pages stay as they are
def measure(page: Page) -> tuple[Measure, Measure]:
    """Measure the core of a page and all of it, each without exercises and summary."""
    core, whole, kind, level = list[Part](), list[Part](), "", 0
    for part in page.parts:
        if isinstance(part, Heading) and (not kind or part.level <= level):
            kind, level = part.kind, part.level
        if kind in ("", "depth"):
            whole.append(part)
        if not kind:
            core.append(part)
    return _measure(tuple(core)), _measure(tuple(whole))


def _measure(parts: tuple[Part, ...]) -> Measure:
    text = " ".join(map(plain_words, inlines_of(parts)))
    text = re.sub(r"#!claim \w+", " ", text).replace("#!math", " ")
    words = [word for word in HAN.sub(" ", text).split() if re.search(r"\w", word)]
    snippets = sum(isinstance(part, Fence) and part.kind == "snippet" for part in walk(parts))
    questions = sum(isinstance(part, Box) and part.kind == "question" for part in walk(parts))
    return Measure(len(words), len(HAN.findall(text)), snippets, questions)


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

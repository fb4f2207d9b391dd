"""Finds numbers that a claim and its sentences do not share: part of `make lint`.

A number in the docstring of a claim stands in all its languages, as digits or as a word. And where a
sentence and the docstring of its claim each have a number that the other lacks, one of them is wrong:
"x is 2" marked with a claim that proves "x is 1". Numbers of sections, versions and dates do not count.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from proven.project import Project, read_project
from proven.settings import read_settings

PROJECT = Path(__file__).parents[1]
DIGITS = re.compile(r"(?<![A-Za-z0-9_.])\d+(?:\.\d+)?(?![\d_])")
PLACES = re.compile(  # 5.2.1; PyTorch 2.6 (January 2025); 从 1.8 版起; version 1.8; (2.13)
    r"\b\d\.\d\.\d\b|\b5\.\d\b|(PyTorch|Python) [\d.]+(\s*[（(][^）)]*[）)])?"
    r"|[\d.]+ 版|version [\d.]+|[（(]\d\.\d+[）)]"
)
WORDS = [
    "zero zeros no none nothing 零 没有",
    "one ones once first single 一 首 单",
    "two twice second seconds both pair double doubles doubled doubling half halves 二 两 双 倍 半",
    "three third thirds thrice triple 三",
    "four fourth quarter 四",
    "five fifth fifths 五",
    "six sixth 六",
    "seven seventh 七",
    "eight eighth 八",
    "nine ninth 九",
    "ten tenth 十",
]
VALUES = {word: str(value) for value, row in enumerate(WORDS) for word in row.split()}
VALUES |= {"twelve": "12", "twenty": "20", "hundred": "100", "thousand": "1000", "百": "100"}


def digits(text: str) -> set[str]:
    """The numbers that are written as digits."""
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", PLACES.sub(" ", text))
    return set(DIGITS.findall(re.sub(r"(?<=\d)x(?=\d)", " ", text)))


def said(text: str) -> set[str]:
    """The numbers that a text says, as digits or as words."""
    words = set(re.findall(r"[a-z]+", text.lower())) | set(re.findall(r"[\u4e00-\u9fff]", text))
    return digits(text) | {value for word, value in VALUES.items() if word in words}


def differing(project: Project) -> Iterator[str]:
    """What claims say in one language only, and what their sentences say otherwise, a line for each."""
    languages = {page.place: page.language for page in project.all_pages}
    for name, claim in project.claims.items():
        told = "".join(f"\n  {words}" for words in claim.words.values())
        for one in claim.words.values():
            for other in claim.words.values():
                if lacking := digits(one) - said(other):
                    yield f"{claim.place}  {name}: one language lacks {', '.join(sorted(lacking))}{told}"
        for mark in project.marks.get(name, []):
            words = claim.words[languages[mark.place.rpartition(":")[0]]]
            more = digits(mark.sentence) - said(words) - digits(claim.source)
            if more and (less := digits(words) - said(mark.sentence)):
                told = f"{', '.join(sorted(more))} here and {', '.join(sorted(less))} in its claim"
                yield f"{mark.place}  {name}: {told}\n  {mark.sentence}\n  {words}"


def main() -> int:
    """Print them; the exit status is 1 if there are any."""
    found = list(differing(read_project(read_settings(PROJECT))))
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

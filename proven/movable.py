"""Tables that a snippet prints and a page lets its reader move through: a row for each position.

sigma | layers | spread
0.01 | 1 | 0.04
0.01 | 2 | 0.002
"""

from collections.abc import Iterator
from math import prod

from proven.cells import Outcome
from proven.pages import Fence, Page
from proven.problems import Problem
from proven.questions import SEPARATOR


def moves_of(fence: Fence) -> int:
    """How many of its columns a reader sets; 0 if the fence shows no such table, -1 if it cannot be read."""
    option = fence.option("moves") or "0"
    return int(option) if option.isdecimal() else -1


def wrong_table(page: Page, fence: Fence, outcome: Outcome) -> Iterator[Problem]:
    """What is wrong with the table that a fence lets its reader move through."""
    count = moves_of(fence)
    if not count or outcome.state == "skipped":
        return
    head, *rows = [
        tuple(cell.strip() for cell in line.split(SEPARATOR.strip()))
        for line in outcome.output.strip().split("\n")
    ]
    positions = [row[:count] for row in rows]
    what, advice = "", "let it print a head and a row for each position, with ' | ' between cells"
    if not 0 < count < len(head):
        what = f"moves={fence.option('moves')!r} is no number of columns that leaves one to show"
    elif odd := next((row for row in rows if len(row) != len(head)), None):
        what = f"a row of its table has other columns than the head: {SEPARATOR.join(odd)}"
    elif len(set(positions)) < len(positions):
        what = "two rows of its table have the same position"
    elif len(positions) < prod(len({row[n] for row in rows}) for n in range(count)):
        what = "its table has no row for some positions"
    if what:
        yield Problem(what, advice, (page.at(fence.line),), outcome.name)

"""Prints sentences that state behaviour and carry no mark: `make unmarked`.

A sentence counts if it names code and has a verb of behaviour, and is neither a question, a task nor a
heading. Why one needs no mark stands in `tools/unmarked.toml`. It is a search that a person reads
through, and not a proof that nothing is missing.
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from proven.pages import Box, Fence, Heading, Inline, Page, Part, Prose
from proven.project import read_project
from proven.settings import read_settings

PROJECT = Path(__file__).parents[1]
REASONS = "tools/unmarked.toml"
NONE = f"no reason: mark it, or say in {REASONS} why it needs no mark"
ALLOWED = 40
BEHAVIOUR = {
    "en": re.compile(
        r"\b(is|are|has|have|does|do|raises?|returns?|gives?|keeps?|loses?|fails?|stops?|takes?|"
        r"makes?|moves?|copies|shares?|stores?|saves?|loads?|needs?|holds?|becomes?|stays?|draws?|"
        r"refuses?|accepts?|changes?|registers?|computes?|calls?|runs?|works?|cannot|must)\b"
    ),
    "zh": re.compile(
        r"是|有|会|报错|抛出|返回|给出|保留|保存|丢失|失败|需要|拒绝|接受|改变|登记|注册|计算|调用|"
        r"运行|移动|复制|共享|变成|不能|必须"
    ),
}
# a mark follows the full stop of its sentence
END = {
    "en": re.compile(r"(?<=[.!?:])\s+(?=[A-Z`*“\[])|(?<=\0)\s*"),
    "zh": re.compile(r"(?<=[。！？：])(?<!\*\*：)(?!\0)|(?<=\0)"),
}
OTHER = re.compile(r"(\*\*)?(Further reading|延伸阅读)")  # lists of links
TASK = {
    "en": re.compile(r"^(Level \d|Write|Build|Change|Take|Let|Show|Find|Compare|Do these)\b"),
    "zh": re.compile(r"^(难度|写|改|让|找|比较|先做)"),
}


def unmarked(page: Page) -> Iterator[tuple[str, str]]:
    """The sentences of a page that state behaviour without a mark, each with its place."""
    yield from _of(page, page.parts)


def _of(page: Page, parts: tuple[Part, ...]) -> Iterator[tuple[str, str]]:
    for part in parts:
        if isinstance(part, Heading | Fence):
            continue
        if isinstance(part, Box):
            if part.kind != "question":
                yield from _of(page, part.parts)
            continue
        assert isinstance(part, Prose)
        for inline in part.inlines:
            if not (OTHER.match(inline.content) or TASK[page.language].match(inline.content)):
                yield from _sentences(page, inline)


def _sentences(page: Page, inline: Inline) -> Iterator[tuple[str, str]]:
    text = re.sub(r"`#!claim\s+\w+`", "\0", inline.content.replace("\n", " "))
    for sentence in END[page.language].split(text):
        plain = sentence.strip(" -|>*0123456789.")
        if "\0" in sentence or plain.endswith(("?", "？", ":", "：")):
            continue
        code = re.search(r"`(?!#!math)[^`]+`", plain)
        if code and BEHAVIOUR[page.language].search(plain) and not TASK[page.language].match(plain):
            yield page.at(inline.line), plain


def main() -> int:
    """Print them; the exit status is 1 if one has no reason, or a language has more than are allowed."""
    project, wrong = read_project(read_settings(PROJECT)), False
    reasons: dict[str, str] = tomllib.loads((PROJECT / REASONS).read_text(encoding="utf-8"))
    unused = set(reasons)
    for language, pages in project.pages.items():
        found = [row for page in pages.values() if page.marks for row in unmarked(page)]
        for place, sentence in found:
            begins = {beginning for beginning in reasons if sentence.startswith(beginning)}
            unused -= begins
            wrong |= not begins
            print(f"{place}  {sentence}\n    {' '.join(reasons[one] for one in begins) or NONE}")
        print(f"{language}: {len(found)} sentences without a mark, {ALLOWED} may be")
        wrong |= len(found) > ALLOWED
    for beginning in sorted(unused):
        print(f"{REASONS}: no sentence begins with {beginning!r}")
    return 1 if wrong or unused else 0


if __name__ == "__main__":
    sys.exit(main())

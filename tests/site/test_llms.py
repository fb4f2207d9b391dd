"""The plain Markdown of the pages, and the list of them."""

import re
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from selectolax.lexbor import LexborNode

from tests.helpers.site import (
    LANGUAGES,
    PAGES,
    SECTIONS,
    every_language,
    every_page,
    parsed,
    shown,
)

LINK = re.compile(r"(?<!!)\[[^\]\n]+\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(`{3,})(\w*)\n(.*?)\n\1$", re.MULTILINE | re.DOTALL)


@cache
def markdown(site: Path, language: str, page: str) -> str:
    return (site / LANGUAGES[language] / page / "index.html.md").read_text(encoding="utf-8")


def fences(text: str, language: str) -> list[str]:
    return [body for _, kind, body in FENCE.findall(text) if kind == language]


def dead(text: str, folder: Path) -> list[str]:
    """The links of a text, without its code, that lead to no file."""
    links = LINK.findall(FENCE.sub("", text))
    return [link for link in links if not urlsplit(link).netloc and not (folder / link).is_file()]


def test_the_list_begins_as_llms_txt_prescribes(site: Path) -> None:
    lines = (site / "llms.txt").read_text(encoding="utf-8").split("\n")
    assert [line for line in lines if line.startswith("# ")] == ["# 实证笔记 · Proven Notes"]
    assert lines[2].startswith("> ")
    assert [line for line in lines if line.startswith("## ")] == ["## 实证笔记", "## Proven Notes"]


def test_the_list_names_every_page_of_both_languages_and_each_chapter(site: Path) -> None:
    text = (site / "llms.txt").read_text(encoding="utf-8")
    links = set(LINK.findall(text))
    roots = LANGUAGES.values()
    assert dead(text, site) == []
    assert {f"{root}{page}index.html.md" for root in roots for page in PAGES} <= links
    assert {f"{root}llms-full.txt" for root in roots} <= links


@every_language
@every_page
def test_the_markdown_of_a_page_holds_its_code_and_outputs_in_order(
    site: Path, language: str, page: str
) -> None:
    text = markdown(site, language, page)
    snippets = shown(parsed(site, language, page))
    code = [tag.css_first(".highlight code") for tag in snippets]
    assert fences(text, "python") == [tag.text().rstrip() for tag in code if tag]
    outputs = [samp.text().rstrip() for tag in snippets for samp in tag.css("samp")]
    assert fences(text, "text") == outputs


@every_language
@every_page
def test_the_markdown_of_a_page_has_its_headings_and_nothing_of_our_own(
    site: Path, language: str, page: str
) -> None:
    text = markdown(site, language, page)
    prose = FENCE.sub("", re.sub(r"^> ?", "", text, flags=re.MULTILINE))
    headings = parsed(site, language, page).css("article :is(h1, h2, h3, h4)")
    assert len(re.findall(r"^#+ \S", prose, re.MULTILINE)) == len(headings)
    assert not re.search(r"#!(claim|math)|\{\s*#|```|<!--|^(!!!|\?\?\?)", prose, re.MULTILINE)
    assert dead(text, site / LANGUAGES[language] / page) == []


@every_language
def test_a_question_or_an_answer_becomes_a_quotation(site: Path, language: str) -> None:
    def words(text: str) -> str:
        return re.sub(r"[^\w]", "", text)

    def of_the_engine(box: LexborNode) -> bool:
        return "snippet-fold" in str(box.parent and box.parent.attributes.get("class"))

    lines = markdown(site, language, "blocks/").split("\n")
    boxes = parsed(site, language, "blocks/").css(
        ".admonition-title, details:not(.depth) > summary"
    )
    titles = [words(box.text()) for box in boxes if not of_the_engine(box)]
    assert len(titles) > 5
    assert set(titles) <= {words(line) for line in lines if line.startswith("> **")}


@every_language
@pytest.mark.parametrize("part", SECTIONS)
def test_the_chapter_in_one_file_holds_every_section(site: Path, language: str, part: str) -> None:
    full = (site / LANGUAGES[language] / "llms-full.txt").read_text(encoding="utf-8")
    section = markdown(site, language, f"{part}/")
    assert section.partition("\n")[0] in full.split("\n")
    assert set(fences(section, "python")) <= set(fences(full, "python"))
    assert dead(full, site / LANGUAGES[language]) == []

"""The plain Markdown of the pages, and the list of them."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.site.test_html import (
    LANGUAGES,
    PAGES,
    SECTIONS,
    every_language,
    parsed,
    shown,
)

WRITTEN = [page for page in PAGES if page != "chapter/"]  # that one is all the sections again
every_page = pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page or "home")

LINK = re.compile(r"(?<!!)\[[^\]\n]+\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(`{3,})(\w*)\n(.*?)\n\1$", re.MULTILINE | re.DOTALL)


def markdown(site: Path, language: str, page: str) -> str:
    return (site / LANGUAGES[language] / page / "index.html.md").read_text(encoding="utf-8")


def fences(text: str, language: str) -> list[str]:
    return [body for _, kind, body in FENCE.findall(text) if kind == language]


def test_the_list_begins_as_llms_txt_prescribes(site: Path) -> None:
    lines = (site / "llms.txt").read_text(encoding="utf-8").split("\n")
    assert [line for line in lines if line.startswith("# ")] == ["# 实证笔记 · Proven Notes"]
    assert lines[2].startswith("> ")
    assert [line for line in lines if line.startswith("## ")] == ["## 实证笔记", "## Proven Notes"]


def test_the_list_names_every_page_of_both_languages_and_each_chapter(site: Path) -> None:
    links = LINK.findall((site / "llms.txt").read_text(encoding="utf-8"))
    for link in links:
        assert (site / link).is_file(), link
    roots = LANGUAGES.values()
    assert {f"{root}{page}index.html.md" for root in roots for page in WRITTEN} <= set(links)
    assert {f"{root}llms-full.txt" for root in roots} <= set(links)


@every_language
@every_page
def test_the_markdown_of_a_page_holds_its_code_and_outputs_in_order(
    site: Path, language: str, page: str
) -> None:
    text = markdown(site, language, page)
    snippets = shown(parsed(site, language, page))
    code = [snippet.select_one(".highlight code") for snippet in snippets]
    assert fences(text, "python") == [tag.get_text().rstrip() for tag in code if tag]
    outputs = [samp.get_text().rstrip() for snippet in snippets for samp in snippet.select("samp")]
    assert fences(text, "text") == outputs


@every_language
@every_page
def test_the_markdown_of_a_page_has_its_headings_and_nothing_of_our_own(
    site: Path, language: str, page: str
) -> None:
    text = markdown(site, language, page)
    prose = FENCE.sub("", text)
    headings = parsed(site, language, page).select("article :is(h1, h2, h3, h4)")
    assert len(re.findall(r"^#+ \S", prose, re.MULTILINE)) == len(headings)
    assert not re.search(r"#!(claim|math)|\{\s*#|```|<!--|^(!!!|\?\?\?)", prose, re.MULTILINE)
    here = site / LANGUAGES[language] / page
    for link in LINK.findall(prose):
        if not urlsplit(link).netloc:
            assert (here / link).is_file(), link


@every_language
def test_a_question_or_an_answer_becomes_a_quotation(site: Path, language: str) -> None:
    text = markdown(site, language, "blocks/")
    boxes = parsed(site, language, "blocks/").select(".admonition-title, details > summary")
    titles = [
        box.get_text()
        for box in boxes
        if not box.parent or "snippet-fold" not in str(box.parent.get("class"))
    ]
    assert len(titles) > 5
    for title in titles:
        plain = re.sub(r"[^\w]", "", title)
        quoted = [
            re.sub(r"[^\w]", "", line) for line in text.split("\n") if line.startswith("> **")
        ]
        assert plain in quoted


@every_language
@pytest.mark.parametrize("part", SECTIONS)
def test_the_chapter_in_one_file_holds_every_section(site: Path, language: str, part: str) -> None:
    full = (site / LANGUAGES[language] / "llms-full.txt").read_text(encoding="utf-8")
    section = markdown(site, language, f"{part}/")
    assert section.partition("\n")[0] in full.split("\n")
    assert set(fences(section, "python")) <= set(fences(full, "python"))
    for link in LINK.findall(FENCE.sub("", full)):
        if not urlsplit(link).netloc:
            assert (site / LANGUAGES[language] / link).is_file(), link

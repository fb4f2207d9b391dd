"""The names that the search knows besides the text."""

from pathlib import Path
from typing import Any

import pytest

from snippets.engine.errors import SnippetError
from snippets.engine.pages import read_pages
from snippets.engine.search import Names, complete, read_names, shrink
from tests.engine.projects import Project

GLOSSARY = "| **{}**<br>{} | What it is. [1](index.md#title), [2](index.md#tied) |\n"
PAGE = "# Title {#title}\n\n```snippet\npart.one\n```\n\n## Tied {#tied}\n"


def named(project: Project, language: str, table: str) -> dict[str, Names]:
    folder = project.write()
    (folder / "docs" / "search.toml").write_text(table, encoding="utf-8")
    for one, names in {"zh": ("`绑定`", "tying"), "en": ("tying", "`绑定`")}.items():
        path = folder / "docs" / one / "glossary.md"
        path.write_text("# Glossary {#glossary}\n\n" + GLOSSARY.format(*names), encoding="utf-8")
    return read_names(folder / "docs", language, read_pages(folder / "docs")[language])


def test_names_come_from_the_glossary_and_from_the_table(project: Project) -> None:
    project.pages = {"zh": PAGE, "en": PAGE}
    table = '["index.md#tied"]\nboth = ["tie_weights"]\nzh = ["权重共享"]\nen = ["sharing"]\n'
    assert named(project, "zh", table) == {
        "index.md#title": Names(["`绑定`", "tying"], []),
        "index.md#tied": Names(["`绑定`", "tying"], ["tie_weights", "权重共享"]),
    }
    assert named(project, "en", table)["index.md#tied"] == Names(
        ["tying"], ["tie_weights", "sharing"]
    )


def test_a_name_for_a_heading_that_is_gone_is_an_error(project: Project) -> None:
    project.pages = {"zh": PAGE, "en": PAGE}
    with pytest.raises(SnippetError, match=r"index\.md#gone[\s\S]*docs/search\.toml"):
        named(project, "en", '["index.md#gone"]\nboth = ["x"]\n')


def test_what_teaches_counts_more_than_exercises_and_than_a_page_says_of_itself(
    project: Project,
) -> None:
    project.pages["zh"] = project.pages["en"] = PAGE
    page = read_pages(project.write() / "docs")["en"]["index.md"]
    places = ["", "#tied", "#exercise-tie", "#summary"]
    entries: list[dict[str, Any]] = [{"location": place, "title": "Tied"} for place in places]
    entries += [{"location": "#numbered", "title": "5.1 Tied"}, {"location": "other/", "title": ""}]
    entries[1]["boost"] = 0.5  # of the front matter
    complete(entries, page, "", {"index.md#title": Names(["a tie"], ["tie knot", "tie clip"])})
    top, tied, exercise, summary, numbered, other = (entry.get("boost", 1) for entry in entries)
    assert numbered > 1 > top > exercise == summary
    assert tied == 0.5
    assert other == 1
    assert (entries[0]["taught"], entries[0]["names"]) == ("a tie", "tie knot clip")


def test_an_index_is_written_smaller_with_the_same_words(tmp_path: Path) -> None:
    path = tmp_path / "search_index.json"
    path.write_text('{"docs": ["\\u200b\\u5c42\\u200b\\u548c\\u200b\\uff0c"]}', encoding="utf-8")
    shrink(path)
    assert path.read_text(encoding="utf-8") == '{"docs":["层\u200b和，"]}'

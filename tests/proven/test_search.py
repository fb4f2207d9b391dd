"""The names that the search knows besides the text, and what its entries weigh."""

import json
from typing import Any

import pytest

from proven.problems import ProjectError
from proven.project import Project as Read
from proven.project import read_project
from proven.search import Names, improve, read_names, whole_words
from tests.helpers.projects import Project, page

GLOSSARY = """# Glossary {{#glossary}}

| Term | Meaning |
|---|---|
| **{}**<br>{} | What it is. [1](index.md#title), [2](index.md#tied), [3](https://example.org/) |
| no term | [4](index.md#title) |
"""
TABLE = '["index.md#tied"]\nboth = ["tie_weights"]\nzh = ["权重共享"]\nen = ["sharing"]\n'


def read(project: Project, table: str | None) -> Read:
    project.pages = dict.fromkeys(("zh", "en"), page("part.one") + "\n## Tied {#tied}\n")
    settings = project.read_settings()
    if table is not None:
        project.file("docs/search.toml", table)
    for one, names in {"zh": ("`绑定`", "tying"), "en": ("tying", "`绑定`")}.items():
        project.file(f"docs/{one}/glossary.md", GLOSSARY.format(*names))
    return read_project(settings)


def test_names_come_from_the_glossary_and_from_the_table(project: Project) -> None:
    made = read(project, TABLE)
    assert read_names(made, "zh") == {
        "index.md#title": Names(["`绑定`", "tying"], []),
        "index.md#tied": Names(["`绑定`", "tying"], ["tie_weights", "权重共享"]),
    }
    assert read_names(made, "en") == {
        "index.md#title": Names(["tying"], []),
        "index.md#tied": Names(["tying"], ["tie_weights", "sharing"]),
    }
    assert read_names(read(project, f"\ufeff{TABLE}"), "zh") == read_names(made, "zh")
    assert set(whole_words(made)) == {"绑定", "权重共享"}


def test_a_site_without_a_table_has_the_names_of_its_glossary(project: Project) -> None:
    assert read_names(read(project, None), "en")["index.md#tied"] == Names(["tying"], [])


@pytest.mark.parametrize(
    ("table", "what"),
    [
        ('["index.md#gone"]\nboth = ["x"]\n', r"index\.md#gone"),
        ('["more.md#title"]\nboth = ["x"]\n', r"more\.md#title"),
        ("[index", "it is no TOML"),
        ("\ufeff[index", "it is no TOML: Expected"),
    ],
)
def test_a_table_that_is_wrong_is_an_error(project: Project, table: str, what: str) -> None:
    with pytest.raises(ProjectError, match=rf"{what}[\s\S]*docs/search\.toml"):
        read_names(read(project, table), "en")


def test_what_teaches_counts_more_than_exercises_and_than_a_page_says_of_itself(
    project: Project,
) -> None:
    made = read(project, '["index.md#title"]\nboth = ["tie knot", "tie clip"]\n')
    entries: list[dict[str, Any]] = [
        {"location": place, "title": "Tied", "text": ""}
        for place in ("", "#tied", "#exercise-tie", "#summary")
    ]
    entries += [{"location": "#numbered", "title": "5.1 Tied"}, {"location": "other/", "title": ""}]
    entries[1]["boost"] = 0.5  # of the front matter
    found = json.loads(improve(json.dumps({"docs": entries}), made, "en"))["docs"]
    top, tied, exercise, summary, numbered, other = (entry.get("boost", 1) for entry in found)
    assert numbered > 1 > top > exercise == summary
    assert tied == 0.5
    assert other == 1
    assert (found[0]["taught"], found[0]["names"]) == ("tying", "tie knot clip")
    assert (found[2]["taught"], found[2]["names"]) == ("", "")


def test_an_index_is_written_smaller_with_the_same_words(project: Project) -> None:
    index = (
        '{"docs": [ {"location": "x/", "title": "\\u200b\\u5c42\\u200b\\u548c\\u200b\\uff0c"} ]}'
    )
    assert improve(index, read(project, None), "zh") == (
        '{"docs":[{"location":"x/","title":"层\u200b和，"}]}'
    )


def test_depth_counts_less_than_the_core_and_the_title_of_another_page_less_still(
    project: Project,
) -> None:
    headings = "\n## 5.1 Core {#core}\n## Plain {#plain}\n### Depth {#deep .depth}\n"
    headings += "## [5.1 Core](index.md#core) {#repeated}\n"
    project.pages = dict.fromkeys(("zh", "en"), page("part.one") + headings)
    made = read_project(project.read_settings())
    entries = [
        {"location": f"#{id}", "title": title, "text": ""}
        for id, title in {"core": "5.1", "plain": "", "deep": "", "repeated": "5.1"}.items()
    ]
    found = json.loads(improve(json.dumps({"docs": entries}), made, "en"))["docs"]
    core, plain, deep, repeated = (entry["boost"] for entry in found)
    assert core > plain == 1 > deep > 2 * repeated

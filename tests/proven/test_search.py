"""The names that the search knows besides the text, and what its entries weigh."""

import json
from typing import Any

import pytest

from proven.problems import ProjectError
from proven.project import Project as Read
from proven.project import read_project
from proven.search import improve, read_names, whole_words, without_markup
from proven.settings import read_settings
from tests.helpers.projects import PROJECT, Project, page

GLOSSARY = """# Glossary {{#glossary}}

| Term | Meaning |
|---|---|
| **{}**<br>{} | What it is. [1](index.md#title), [2](index.md#tied), [3](https://example.org/) |
| no term | [4](index.md#title) |
"""
TABLE = '["index.md#tied"]\nboth = ["tie_weights"]\nzh = ["权重共享"]\nen = ["sharing"]\n'


QUESTIONS = """
["index.md#tied"]
zh = ["怎样共用权重？", "两层一份参数"]
en = ["How do I share 权重 weights?", "one weight in two layers"]
"""


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
    found = {language: read_names(made, language) for language in ("zh", "en")}
    assert found["zh"]["index.md#title"].named == ["`绑定`", "tying"]
    assert found["zh"]["index.md#tied"].named == ["tie_weights", "权重共享"], (
        "a term is taught where the first link leads"
    )
    assert found["en"]["index.md#title"].named == ["tying"]
    assert found["en"]["index.md#tied"].named == ["tie_weights", "sharing"]
    assert read_names(read(project, f"\ufeff{TABLE}"), "zh") == read_names(made, "zh")
    assert set(whole_words(made)) == {"绑定"}, "longer names are several words"


def test_a_part_is_described_by_what_leads_to_it(project: Project) -> None:
    made = read(project, None)
    [meaning] = read_names(made, "en")["index.md#tied"].said
    assert " ".join(meaning.split()) == "tying `绑定` What it is. 1 , 2 , 3".replace("`", "")
    project.file(
        "docs/zh/section.md", "# S {#s}\n\nText [on tying](index.md#tied).\n\n## E {#e .summary}\n"
    )
    project.file(
        "docs/en/section.md", "# S {#s}\n\nText [on tying](index.md#tied).\n\n## E {#e .summary}\n"
    )
    made = read_project(project.read_settings())
    assert "on tying" in read_names(made, "en")["index.md#tied"].said, "of a section only the link"


def test_a_part_is_known_by_the_question_that_it_answers(project: Project) -> None:
    project.file("docs/questions.toml", QUESTIONS)
    made = read(project, TABLE)
    entry = {"location": "#tied", "title": "Tied", "text": ""}
    zh, en = (
        json.loads(improve(json.dumps({"docs": [entry]}), made, language))["docs"][0]
        for language in ("zh", "en")
    )
    assert zh["asked"] == ["怎样\u200b共用\u200b权重？"]
    assert en["asked"] == ["How do I share  weights?"], "an English entry holds no Chinese"
    assert en["named"] == ["tie_weights", "sharing"]
    (chinese, _), (english, _) = (
        zh["said"],
        en["said"],
    )  # what follows is the meaning in the glossary
    assert chinese.replace("\u200b", "") == "两层一份参数"
    assert chinese.endswith("\u200b参数")
    assert english == "one weight in two layers"
    project.file("docs/questions.toml", '["index.md#gone"]\nzh = ["？"]\nen = ["?"]\n')
    with pytest.raises(ProjectError, match=r"index\.md#gone[\s\S]*docs/questions\.toml"):
        read_names(made, "en")


@pytest.mark.parametrize("entry", ['"a text"', "{ en = 'a text' }", "{ en = [1] }", "5", "['a']"])
def test_an_entry_that_is_no_list_of_texts_is_refused(project: Project, entry: str) -> None:
    project.file("docs/questions.toml", f'"index.md#tied" = {entry}\n')
    with pytest.raises(ProjectError, match=r"index\.md#tied.*list[\s\S]*docs/questions\.toml"):
        read_names(read(project, TABLE), "en")


def test_a_site_without_a_table_has_the_names_of_its_glossary(project: Project) -> None:
    assert read_names(read(project, None), "en")["index.md#title"].named == ["tying"]


@pytest.mark.parametrize(
    ("table", "what"),
    [
        ('["index.md#gone"]\nboth = ["x"]\n', r"index\.md#gone"),
        ('["more.md#title"]\nboth = ["x"]\n', r"more\.md#title"),
        ('["index.md#title"]\nboht = ["x"]\n', "'boht', which is no language"),
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
    assert numbered > 1 > top > exercise > summary
    assert tied == 0.5
    assert other == 1
    assert found[0]["named"] == ["tying", "tie knot", "tie clip"]
    assert found[2]["named"] == []


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


def test_each_part_of_the_site_has_its_question_in_each_language() -> None:
    made = read_project(read_settings(PROJECT))
    for language, pages in made.pages.items():
        names = read_names(made, language)
        parts = [
            f"{page.path}#{heading.id}"
            for page in pages.values()
            if page.is_section
            for heading in page.headings
            if heading.kind not in ("exercises", "summary")
        ]
        assert len(parts) >= 150
        assert [part for part in parts if len(names[part].questions) != 1] == []


def test_an_index_gets_words_without_colours_and_pictures() -> None:
    html = '<p>One <span class="k">two</span></p><div data-search-exclude><svg>three</svg></div>'
    assert without_markup(html) == "<p>One two</p>"

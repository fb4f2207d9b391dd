"""How much a page asks of its reader: the core, and what stands beside it."""

import pytest

from proven.check import check
from proven.pages import read_page
from proven.problems import ProjectError
from proven.project import read_project
from proven.reading import Measure, measure
from tests.helpers.projects import Project

PAGE = """# Title {#title}

!!! question "Predict first"
    What?

    ```options
    x
    1
    2
    ```

```snippet
part.one
```

Three plain words.`#!claim holds` `x + y` and `#!math z`.

### Deep {#deep .depth}

More text here.

#### Deeper {#deeper}

Text.

```snippet
part.two
```

### Back {#back}

End.

## Exercises {#exercises .exercises}

### One {#exercise-one}

Nothing of this counts.

## Summary {#summary .summary}

- Nor this.
"""


def test_the_core_ends_where_a_heading_begins_what_is_in_depth() -> None:
    page, problems = read_page(PAGE, "index.md", "en", "docs/en/index.md")
    assert problems == []
    core, whole = measure(page)
    # title 1, paragraph 3 + "x + y" 2 + "and z" 2, question 2 + 1, heading 1, end 1
    assert core == Measure(words=13, snippets=1, questions=1)
    assert whole == Measure(words=13 + 6, snippets=2, questions=1)


def test_han_characters_are_counted_one_by_one_and_other_words_as_words() -> None:
    page, _ = read_page(
        "# 标题 {#t}\n\n用 `nn.Linear` 算一算。\n", "index.md", "zh", "docs/zh/index.md"
    )
    assert measure(page)[0] == Measure(words=1, characters=6)


def test_minutes_follow_from_what_there_is_to_do() -> None:
    assert Measure(words=1800).minutes == Measure(characters=3000).minutes == 10
    assert Measure(snippets=3, questions=4).minutes == 6
    assert Measure().minutes == 1


@pytest.mark.parametrize(
    ("limits", "what"),
    [
        ({"words": 12}, "the core of the page has 13 words, and 12 are allowed"),
        ({"snippets": 0}, "the core of the page has 1 snippets, and 0 are allowed"),
        ({"questions": 0}, "the core of the page has 1 questions, and 0 are allowed"),
        ({"words": 13, "snippets": 1, "questions": 1}, ""),
    ],
)
def test_a_section_whose_core_is_too_long_is_refused(
    project: Project, limits: dict[str, int], what: str
) -> None:
    project.script = '# %% one fold="output"\nx = 1\n# %% two\ny = 2\n'
    text = PAGE.replace("`#!claim holds`", "")
    project.settings["core"] = limits
    project.pages = dict.fromkeys(("zh", "en"), text)
    read = read_project(project.read_settings())
    if not what:
        check(read)
        return
    with pytest.raises(ProjectError) as error:
        check(read)
    assert [p.what for p in error.value.problems] == [what] * 2
    assert error.value.problems[0].places == ("docs/zh/index.md:1",)


def test_a_page_without_a_summary_is_no_section_and_may_be_long(project: Project) -> None:
    project.script = '# %% one fold="output"\nx = 1\n# %% two\ny = 2\n'
    project.settings["core"] = {"words": 1}
    text = PAGE.replace("`#!claim holds`", "").replace(" .summary", "")
    project.pages = dict.fromkeys(("zh", "en"), text)
    check(read_project(project.read_settings()))

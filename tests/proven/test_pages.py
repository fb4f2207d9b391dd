"""What the pages show, held against the scripts and against the other language."""

from pathlib import Path

import pytest

from snippets.engine.errors import Problem, SnippetError
from snippets.engine.pages import check_pages, read_page, read_pages
from snippets.engine.scripts import read_sections
from tests.engine.projects import Project, page

TWO = "# %% one\nx = 1\n# %% two\nx = 2\n"


def problems(project: Project) -> list[str]:
    folder = project.write()
    pages = read_pages(folder / "docs")
    return [str(p) for p in check_pages(pages, read_sections(folder / "snippets"), {})]


def test_fences_are_found_wherever_they_stand() -> None:
    text = """# Title {#title}

```snippet
part.one
```

??? question "Predict"

    ```snippet alt="a figure"
    part.two
    ```

````text
```snippet
part.not-a-fence
```
````
"""
    found: list[Problem] = []
    read = read_page(text, "index.md", "docs/zh/index.md", found)
    assert not found
    assert [(f.snippet, f.place) for f in read.fences] == [
        ("part.one", "docs/zh/index.md:3"),
        ("part.two", "docs/zh/index.md:9"),
    ]
    assert read.headings == ((1, "title", "docs/zh/index.md:1"),)


def test_pages_that_show_everything_in_both_languages_are_right(project: Project) -> None:
    project.script = TWO
    assert problems(project) == []


@pytest.mark.parametrize(
    ("zh", "en", "what"),
    [
        (("part.one", "part.two", "part.none"), ("part.one", "part.two"), "no snippet 'part.none'"),
        (("part.one", "part.two"), ("part.one",), "the pages in 'en' do not show the snippet"),
        (("part.one",), ("part.one",), "no page shows the snippet"),
        (("part.one", "part.two", "part.one"), ("part.one", "part.two"), "shown twice"),
        (("part.one", "part.two"), ("part.two", "part.one"), "differ in order"),
    ],
)
def test_every_snippet_is_shown_once_by_each_language(
    project: Project, zh: tuple[str, ...], en: tuple[str, ...], what: str
) -> None:
    project.script = TWO
    project.pages = {"zh": page(*zh), "en": page(*en)}
    found = problems(project)
    assert any(what in problem for problem in found)
    assert all("docs/" in problem or "snippets/part.py:" in problem for problem in found)


@pytest.mark.parametrize(
    "title", ["# Title {#other}", "# Title {#title}\n\n## More {#more}", "## Title {#title}"]
)
def test_headings_are_the_same_in_both_languages(project: Project, title: str) -> None:
    project.pages = {"zh": page("part.one"), "en": page("part.one", title=title)}
    (found,) = problems(project)
    assert "the headings differ" in found


def test_a_page_in_one_language_only_is_named(project: Project) -> None:
    folder = project.write()
    (folder / "docs" / "en" / "more.md").write_text("# More {#more}\n")
    (found,) = problems(project)
    assert "more.md exists in one language only" in found
    assert "docs/en/more.md" in found


@pytest.mark.parametrize(
    ("text", "what", "line"),
    [
        ("# Title\n", "'Title' has no id", 1),
        ("# Title {#title}\n\n```python\nx = 1\n```\n", "run by nothing", 3),
        ("# Title {#title}\n\n``` {.python}\nx = 1\n```\n", "run by nothing", 3),
        ("# Title {#title}\n\n```snippet\npart.one\n", "never closed", 3),
    ],
)
def test_a_wrong_page_is_refused_with_its_line(
    tmp_path: Path, text: str, what: str, line: int
) -> None:
    project = Project(tmp_path / "project", pages={"zh": text, "en": page("part.one")})
    folder = project.write()
    with pytest.raises(SnippetError) as caught:
        read_pages(folder / "docs")
    assert what in str(caught.value)
    assert f"docs/zh/index.md:{line}" in str(caught.value)

"""Reading pages: parts, fences wherever they stand, links, ids, and what may not stand there."""

import contextlib
import time
from collections.abc import Callable
from typing import Any

import pytest
from selectolax.lexbor import LexborHTMLParser

from proven.check import check
from proven.finish import _join_marks
from proven.pages import (
    Box,
    Fence,
    Heading,
    Page,
    Prose,
    anchor,
    plain_words,
    read_page,
    read_pages,
    target_of,
)
from proven.problems import ProjectError
from proven.project import read_project
from tests.helpers.projects import Project, page


def read(text: str, path: str = "index.md") -> Page:
    """Read a page that is right."""
    made, problems = read_page(text, path, "zh", f"docs/zh/{path}")
    assert problems == []
    return made


PAGE = """---
title: Other
---

# A *title* {#title}

Text with `code`,
two lines.

```snippet
part.one
```

??? question "Predict `it`"

    ## Inside {#inside}

    ```snippet alt="a figure with one line in it"
    part.two
    ```

- a list

````text
```snippet
part.not-a-fence
# no heading
```
````
"""


def test_a_page_consists_of_its_parts_in_order() -> None:
    made = read(PAGE)
    assert made.meta == {"title": "Other"}
    assert made.title == "A title"
    heading, prose, fence, box, rest, text = made.parts
    assert isinstance(heading, Heading)
    assert (heading.line, heading.level, heading.id) == (5, 1, "title")
    assert isinstance(prose, Prose)
    assert (prose.line, prose.lines) == (7, ("Text with `code`,", "two lines."))
    assert fence == Fence(10, "snippet", (), "part.one")
    assert isinstance(box, Box)
    assert (box.line, box.kind, box.folded) == (14, "question", True)
    assert plain_words(box.title) == "Predict it"
    assert isinstance(rest, Prose)
    assert isinstance(text, Fence)
    assert text.body == "```snippet\npart.not-a-fence\n# no heading\n```"
    assert [(h.id, h.line) for h in made.headings] == [("title", 5), ("inside", 16)]
    assert [(f.body, f.line, f.option("alt")) for f in made.shown] == [
        ("part.one", 10, ""),
        ("part.two", 18, "a figure with one line in it"),
    ]


@pytest.mark.parametrize("marks", ["```", "~~~", "````", "~~~~~"])
def test_a_fence_is_closed_by_its_own_marks_only(marks: str) -> None:
    other = "~~~" if marks[0] == "`" else "```"
    inside = f"{other}snippet\n{marks[:-1]}snippet\n{marks[:2]}\n# no heading"
    if len(marks) == 3:
        inside += f"\n{marks}snippet"  # a closing mark has no language
    made = read(f"# T {{#t}}\n\n{marks}text\n{inside}\n{marks}\n\n## B {{#b}}\n")
    assert [(fence.kind, fence.body) for fence in made.fences] == [("text", inside)]
    assert [heading.id for heading in made.headings] == ["t", "b"]


def test_links_pictures_and_marks_have_their_lines() -> None:
    text = """# T {#t}

One [a](b.md#c) and
![d](e.svg "f") and `[no](link.md)`, `code
over a line`, [r](s.md).

| [g](h.md) | i |
|---|---|
| j | ![k](l.png) |

!!! note "[m](n.md)"
    [o](p.md).`#!claim q`
"""
    made = read(text)
    assert [(link.target, link.place, link.picture) for link in made.links] == [
        ("b.md#c", "docs/zh/index.md:3", False),
        ("e.svg", "docs/zh/index.md:4", True),
        ("s.md", "docs/zh/index.md:5", False),
        ("h.md", "docs/zh/index.md:7", False),
        ("l.png", "docs/zh/index.md:9", True),
        ("n.md", "docs/zh/index.md:11", False),
        ("p.md", "docs/zh/index.md:12", False),
    ]
    assert [(mark.claim, mark.place) for mark in made.marks] == [("q", "docs/zh/index.md:12")]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("First. The second one.`#!claim a`", "The second one."),
        ("第一句。第二句！`#!claim a`", "第二句！"),
        ("Is it `a.b. c`? It is `x`,\nsays *he*.`#!claim a`", "It is `x`, says he."),
        ("- In a list.`#!claim a`", "In a list."),
        ("(It says “so”.)`#!claim a`", "(It says “so”.)"),
        ("> **Quoted** twice.`#!claim a`", "Quoted twice."),
        ("| a | In a cell.`#!claim a` |\n|---|---|", "In a cell."),
    ],
)
def test_a_mark_is_of_the_sentence_that_it_ends(text: str, sentence: str) -> None:
    (mark,) = read(f"# T {{#t}}\n\n{text}\n").marks
    assert (mark.claim, mark.sentence) == ("a", sentence)


def test_ids_stand_behind_headings_paragraphs_and_in_html() -> None:
    text = '# T {#t}\n\nWords.\n{: #p .c }\n\n<b id="h">x</b> `{#code}`\n\n**Term**{ #w }\n: x\n'
    made = read(text)
    assert [id for id, _ in made.ids] == ["t", "p", "h", "w"]
    assert made.ids[1][1] == "docs/zh/index.md:4"


@pytest.mark.parametrize(
    ("text", "what", "line"),
    [
        ("# Title\n", "'Title' has no id", 1),
        ("# T {#t}\n\n```python\nx = 1\n```\n", "language 'python' is run by nothing", 3),
        ("# T {#t}\n\n```\nx = 1\n```\n", "a fence has no language", 3),
        ("# T {#t}\n\n``` {.python}\nx = 1\n```\n", "run by nothing", 3),
        ("# T {#t}\n\n    x = 1\n", "an indented block is run by nothing", 3),
        ("# T {#t}\n\nText\n`#!python x = 1`.\n", "'python' is run by nothing", 4),
        ("# T {#t}\n\n```snippet\npart.one\n", "never closed", 3),
        ("# T {#t}\n\n```snippet\na.b\n\n```snippet\na.c\n```\n", "never closed", 3),
        ('# T {#t}\n\n??? success "S"\n\nText.\n', "the box is empty", 3),
        ("# T {#t}\n\nSo`#!claim a`.\n", "a mark stands before the end of its sentence", 3),
        ("# T {#t}\n\nSo. `#!claim a`\n", "a space stands before a mark", 3),
        ("# T {#t}\n\n```text\n````snippet\n```snippet\n", "never closed", 3),
        ('# T {#t}\n\n!!! note "N"\n\n    ```snippet\n    part.one\n', "never closed", 5),
        ("# T {#t}\n\n- a\n\n  ```snippet\n  part.one\n  ```\n", "a fence stands in a list", 5),
        ("# T {#t}\n\n> ## Q {#q}\n", "a heading stands in a list or a quotation", 3),
        ('# T {#t}\n\n```snippet size="big"\npart.one\n```\n', "no option size", 3),
        ("# T {#t}\n\n```snippet big\npart.one\n```\n", "no option big", 3),
        ('# T {#t}\n\n```text alt="x"\nx\n```\n', "a text fence has no option alt", 3),
        ("# T {#t}\n\nIt is so.`#!claim a``x`\n", "a mark cannot be read", 3),
        ("# T {#t}\n\nSo.<!-- `#!claim a` -->\n", "a mark cannot be read", 3),
        ("# T {#t}\n\n## U {#t}\n", "the page has the id 't' twice", 3),
        ("---\na: [\n---\n# T {#t}\n", "the front matter is no YAML", 1),
        ("---\na: !!bool x\n---\n# T {#t}\n", "the front matter is no YAML", 1),
        ("---\na: !!int ''\n---\n# T {#t}\n", "the front matter is no YAML", 1),
        ("---\na: !!timestamp x\n---\n# T {#t}\n", "the front matter is no YAML", 1),
        ("# T {#t}\n\n##U {#u}\n", "a heading has no space behind its #", 3),
        ("# T {#t}\n\n## U {#u depth}\n", "nothing reads 'depth' beside the id", 3),
        ("# T {#t}\n\nIt is so.`#! claim a`\n", "code of the language ''", 3),
        ("\n---\na: b\n\n---\n# T {#t}\n", "the front matter does not begin in line 1", 1),
        ("---\na:b\n---\n# T {#t}\n", "it is no mapping", 1),
        ("# T {#t}\n\n```snippet alt=“a line”\na.b\n```\n", "has no option alt=“a", 3),
        ("---\n- a\n---\n# T {#t}\n", "it is no mapping", 1),
        ('# T {#t}\n\n!!! tip ""\n\n    Text.\n', "the box has no title", 3),
        ('# T {#t}\n\n??? tip ""\n', "the box has no title", 3),
        ('# T {#t}\n\n!!! tip ""\n\n    ```text\n    x\n    ```\n', "the box has no title", 3),
        ("# T {#t}\n\nA[^1].\n\n[^1]: One.\n\n[^1]: Two.\n", "the footnote '1' has two texts", 7),
        ("# T {#t}\n\nA[^2].\n", "[^2] has no text", 3),
        ("# T {#t}\n\nA.\n\n[^3]: Three.\n", "nothing names the footnote '3'", 5),
    ],
)
def test_what_may_not_stand_there_is_named_with_its_line(text: str, what: str, line: int) -> None:
    _, problems = read_page(text, "index.md", "zh", "docs/zh/index.md")
    assert [(what in p.what, p.places[0]) for p in problems] == [(True, f"docs/zh/index.md:{line}")]


def test_a_backtick_that_keeps_a_fence_from_being_one_is_told_where_it_stands() -> None:
    text = '# T {#t}\n\n```snippet alt="A line of `x`"\npart.one\n```\n'
    _, problems = read_page(text, "index.md", "zh", "docs/zh/index.md")
    assert (
        "a backtick in its first line keeps a fence from being one",
        ("docs/zh/index.md:3",),
    ) in [(problem.what, problem.places) for problem in problems]


@pytest.mark.parametrize(
    ("change", "front"),
    [
        (lambda data: b"\xef\xbb\xbf" + data, True),
        (lambda data: data.replace(b"\n", b"\r\n"), True),
        (lambda data: b"\xef\xbb\xbf" + data.replace(b"\n", b"\r"), True),
        (lambda data: b"\n" + data.replace(b"---\n", b""), False),
    ],
    ids=["BOM", "Windows", "both", "no front matter"],
)
def test_front_matter_is_known_however_the_file_was_saved(
    project: Project, change: Callable[[bytes], bytes], front: bool
) -> None:
    project.languages = ("en",)
    settings = project.read_settings()
    path = project.folder / "docs" / "en" / "index.md"
    path.write_bytes(change(b"---\ntitle: Front\n---\n# T {#t}\n\nText.\n"))
    pages, problems = read_pages(settings)
    made = pages["en"]["index.md"]
    kinds = [type(part) for part in made.parts]
    assert made.meta == ({"title": "Front"} if front else {})
    assert (kinds == [Heading, Prose]) == front
    assert problems == []


def test_all_pages_are_read_and_what_is_wrong_with_any_of_them_is_told(project: Project) -> None:
    settings = project.read_settings()
    project.file("docs/zh/more/deep.md", "# Deep\n")
    project.file("docs/zh/.#hidden.md", "# Hidden\n")
    (project.folder / "docs" / "en" / "bad.md").write_bytes(b"\xff")
    project.file("docs/en/none.md", '<h1 id="t">T</h1>\n')
    pages, problems = read_pages(settings)
    assert {language: list(found) for language, found in pages.items()} == {
        "zh": ["index.md", "more/deep.md"],
        "en": ["index.md", "none.md"],
    }
    assert pages["zh"]["more/deep.md"].stem == "more-deep"
    wrong = ["docs/zh/more/deep.md:1", "docs/en/bad.md:1", "docs/en/none.md:1"]
    assert [p.places[0] for p in problems] == wrong
    assert problems[-1].what == "the page has no title"


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("b.md", ("more/b.md", "")),
        ("../b.md#c", ("b.md", "c")),
        ("#c", ("more/a.md", "c")),
        ("%E4%B8%80.md#%E4%BA%8C", ("more/一.md", "二")),
        ("https://example.org/b.md", None),
        ("mailto:a@example.org", None),
        ("../picture.svg", None),
    ],
)
def test_a_link_leads_to_a_page_and_a_place_on_it(link: str, target: Any) -> None:
    assert target_of(read(page(), "more/a.md"), link) == target


def test_the_id_of_a_snippet_has_no_dots() -> None:
    assert anchor("two_words.a-b") == "snippet-two-words-a-b"


@pytest.mark.parametrize(
    "line",
    [
        "{" + "#a" * 20_000,
        "# Title" + " " * 20_000 + "{",
        "`" * 20_000 + "x",
        "```text\n" + "\n" * 20_000 + "\n```",
        "```math\n" + "\\text{" * 20_000 + "\n```",
        "a" * 20_000 + ".`#!claim holds`",
        "a." * 20_000 + "`#!claim holds`",
        "[" * 20_000,
        "<a " * 8_000,
        ("[" * 70 + "\n") * 300,
        "*" * 700 + "a" + "*" * 700,
    ],
)
def test_no_line_takes_long(project: Project, line: str) -> None:
    text = f"# Title {{#title}}\n\n```snippet\npart.one\n```\n\n{line}\n"
    project.pages = dict.fromkeys(project.languages, text)
    begin = time.monotonic()
    with contextlib.suppress(ProjectError):
        check(read_project(project.read_settings()))
    tree = LexborHTMLParser(f'<p>{line}<span class="claim"></span></p>')
    _join_marks(tree)
    assert time.monotonic() - begin < 5

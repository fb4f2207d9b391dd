"""A page as a notebook: the site's Markdown in Jupyter's terms, and cells that run anywhere."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from snippets.engine.build import Build
from snippets.engine.notebooks import (
    Jupyter,
    Web,
    colab_link,
    notebook,
    notebook_text,
    section_pages,
    write_archive,
)
from tests.conftest import mkdocs_here
from tests.engine.projects import Project
from tests.engine.test_records import Hardware

PAGE = """---
description: Of no use in a notebook.
---

# Title {#title}

See [above](#title), [the `other` page](other.md#place) and [outside](https://example.org/).
It costs $5, `a[0](b.md)` is code, and `#!math x^2` is not. It holds.`#!claim three`

**A term**

:   What it means.

```math
y = x
```

!!! warning "Mind `this`"
    First line.

    ```snippet
    part.one
    ```

    - after it

??? success "Solution"

    ```snippet
    part.two
    ```

```text
$ kept **as it is** [x](y.md)
```

```snippet alt="a line"
part.three
```
"""
OTHER = "# Other {#other}\n\n## Place {#place}\n"
SCRIPT = """# %% one
print("1")  # one | 一
# %% two fold="output" raises="KeyError"
{}["key"]
# %% three fold="code"
import matplotlib.pyplot as plt
plt.plot([1])
"""


@pytest.fixture
def pages(project: Project) -> Project:
    project.script = SCRIPT
    text = PAGE.replace("`#!claim three`", "")
    project.pages = dict.fromkeys(("zh", "en"), text)
    return project


@contextmanager
def built(folder: Path) -> Iterator[Build]:
    build = Build(folder)
    try:
        build.wait()
        yield build
    finally:
        build.close()


def made(project: Project, language: str = "en", path: str = "index.md") -> Any:
    folder = project.write()
    for one in ("zh", "en"):
        (folder / "docs" / one / "other.md").write_text(OTHER, encoding="utf-8")
    with built(folder) as build:
        return notebook(build, language, [path], Jupyter(build, language))


def test_the_prose_becomes_what_jupyter_shows(
    pages: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SITE_URL", raising=False)
    cells = made(pages).cells
    assert [(cell.cell_type, cell.id) for cell in cells] == [
        ("markdown", "title"),
        ("code", "install"),
        ("markdown", "index_0"),
        ("code", "part-one"),
        ("markdown", "index_2"),
        ("code", "part-two"),
        ("markdown", "index_4"),
        ("code", "part-three"),
    ]
    assert cells[0].source.startswith("# Title\n\n> ")
    assert cells[2].source == (
        "See above, the `other` page and [outside](https://example.org/).\n"
        r"It costs \$5, `a[0](b.md)` is code, and $x^2$ is not. It holds."
        "\n\n**A term**\n\n-   What it means.\n\n$$\ny = x\n$$\n\n> **Mind `this`**\n>\n> First line."
    )
    assert cells[4].source == "> - after it\n\n> **Solution**"
    assert cells[6].source == "```text\n$ kept **as it is** [x](y.md)\n```"


def test_links_lead_to_the_site_where_its_address_is_known(
    pages: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SITE_URL", "https://example.org/notes/")
    assert (
        "See [above](https://example.org/notes/en/#title), "
        "[the `other` page](https://example.org/notes/en/other/#place)"
    ) in made(pages).cells[2].source
    assert "(https://example.org/notes/other/#place)" in made(pages, "zh").cells[2].source


def test_cells_have_their_outputs_and_are_closed_as_on_the_page(pages: Project) -> None:
    cells = {cell.id: cell for cell in made(pages, "zh").cells}
    one, two, three = (cells[f"part-{name}"] for name in ("one", "two", "three"))
    assert one.source == 'print("1")  # 一'
    assert one.outputs == [{"output_type": "stream", "name": "stdout", "text": "1\n"}]
    assert one.metadata == {}
    (error,) = two.outputs
    assert (error.ename, error.evalue) == ("KeyError", "'key'")
    assert error.traceback == ["报错 · 第 1 行", "KeyError: 'key'"]
    assert two.metadata.tags == ["raises-exception"]
    assert two.metadata.jupyter == {"source_hidden": True, "outputs_hidden": True}
    assert three.metadata.jupyter == {"source_hidden": True}
    assert three.source.endswith("plt.plot([1]);")
    (figure,) = three.outputs
    assert "<svg" in figure.data["image/svg+xml"]
    assert figure.data["text/plain"] == "a line"


def test_the_chapter_begins_each_section_afresh_and_links_inside_itself(pages: Project) -> None:
    folder = pages.write()
    for language in ("zh", "en"):
        text = pages.pages[language].split("??? success")[0].replace("other.md#place", "more.md")
        (folder / "docs" / language / "index.md").write_text(text, encoding="utf-8")
        rest = "# More {#more}\n\n[Back](index.md#title) `#!math x`\n\n"
        fences = '```snippet\npart.two\n```\n```snippet alt="a line"\npart.three\n```\n'
        (folder / "docs" / language / "more.md").write_text(rest + fences, encoding="utf-8")
    with built(folder) as build:
        assert section_pages(build, None) == ["index.md", "more.md"]
        nav = [{"Part": [{"Second": "more.md"}, "index.md"]}, "unknown.md"]
        assert section_pages(build, nav) == ["more.md", "index.md"]
        web = Web(build, "en", lambda path: f"../{path}/")
        chapter = notebook(build, "en", ["index.md", "more.md"], web)
        assert notebook_text(chapter) == notebook_text(
            notebook(build, "en", ["index.md", "more.md"], web)
        )
    cells = {cell.id: cell.source for cell in chapter.cells}
    assert "\n%reset -f\n" in cells["more_reset"]
    assert '<h2 id="index-title">Title</h2>' in cells["index_0"]
    assert "[the `other` page](#more-more)" in cells["index_0"]
    assert "[Back](#index-title) <math" in cells["more_0"]


def test_a_cell_without_its_device_says_so_and_shows_the_record(tmp_path: Path) -> None:
    hardware = Hardware(tmp_path)
    for count in (1, 0):
        hardware.keep(1) if count else None
        hardware.count.write_text(str(count))
        with built(hardware.folder) as build:
            cells = {
                cell.id: cell
                for cell in notebook(build, "en", ["index.md"], Jupyter(build, "en")).cells
            }
        one, refused, two = (cells[f"part-{name}"] for name in ("one", "refused", "two"))
        told = "Not run: this code needs one CUDA GPU."
        assert one.source == (
            f'if torch.cuda.device_count() < 1:\n    print("{told}")\nelse:\n'
            '    print("one device,", count, "there")'
        )
        texts = [output.get("text") or output.data["text/plain"] for output in one.outputs]
        if count:
            assert texts == ["one device, 1 there\n"]
            assert [output.output_type for output in refused.outputs] == ["error"]
        else:
            assert texts[0] == f"{told}\n"
            assert "recorded on another machine on 2026-11-23: 1 × Made-up GPU" in texts[1]
            assert texts[2] == "one device, 1 there\n"
            assert refused.outputs[-1].output_type == "error"
        assert refused.metadata.tags == ["raises-exception"]
        assert [output.text for output in two.outputs] == [
            "Not run: this code needs 2 CUDA GPUs.\n"
        ]


def test_a_build_writes_the_same_notebooks_and_the_same_zip_each_time(pages: Project) -> None:
    pages.pages = {}
    pages.script = '# %% one\nprint("1")\n'
    folder = pages.write()

    def files() -> dict[str, bytes]:
        assert mkdocs_here(folder, "build").returncode == 0
        paths = [p for p in (folder / "site").rglob("*") if p.parent.name == "notebooks"]
        return {path.name: path.read_bytes() for path in paths}

    first = files()
    assert {"index.zh.ipynb", "index.en.ipynb", "proven-notes-notebooks.zip"} <= set(first)
    assert files() == first


def test_the_zip_does_not_depend_on_dates(tmp_path: Path) -> None:
    note = tmp_path / "a.ipynb"
    note.write_text("{}")
    write_archive([note], tmp_path / "one.zip")
    os.utime(note, (0, 10**9))
    write_archive([note], tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


@pytest.mark.parametrize(
    ("repository", "link"),
    [
        ("https://github.com/o/r", "https://colab.research.google.com/github/o/r/blob/notebooks/x"),
        (
            "https://github.com/o/r.js.git/",
            "https://colab.research.google.com/github/o/r.js/blob/notebooks/x",
        ),
        ("https://gitlab.com/o/r", None),
        ("https://github.com.example.org/o/r", None),
        ("", None),
    ],
)
def test_colab_is_offered_for_repositories_on_github_only(
    repository: str, link: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPO_URL", repository)
    assert colab_link("x") == link

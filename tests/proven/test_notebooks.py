"""A page as a notebook: the site's Markdown in Jupyter's terms, and cells that run anywhere."""

import contextlib
import io
import json
from typing import Any

import pytest

from proven.cells import Raised
from proven.notebooks import as_page, colab_link, notebooks
from proven.records import make_record, write_record
from proven.views import Site
from tests.helpers.projects import Project, page
from tests.helpers.sites import FIGURE, GPU, GPUS, made_up

PAGE = """---
description: Of no use in a notebook.
---

# Title {#title}

See [above](#title) and [the `other` page](other.md#place).

```math
y = x
```

```snippet
part.one
```

??? success "Solution"

    ```snippet
    part.two
    ```

```text
```snippet
part.nothing
```

```snippet alt="a line that rises from left to right"
part.three
```
"""
OTHER = "# Other {#other}\n\n## Place {#place}\n\n[Back](index.md) `#!math x`\n"
SCRIPT = """# %% one
print("1")  # one | 一
# %% two fold="output" raises="KeyError"
{}["key"]
# %% three fold="code"
plt.plot([1])
"""
DONE: dict[str, dict[str, Any]] = {
    "part.one": {"output": "1\n"},
    "part.two": {"errors": (Raised("KeyError: 'key'", 1, 0),)},
    "part.three": {"figures": (FIGURE,)},
}


@pytest.fixture
def pages(project: Project) -> Project:
    """A project with a page that has what notebooks have to write in another way."""
    project.script, project.settings = SCRIPT, {"packages": ["numpy"]}
    project.pages = dict.fromkeys(("zh", "en"), PAGE)
    for language in ("zh", "en"):
        project.file(f"docs/{language}/other.md", OTHER)
    return project


def cells(site: Site, name: str = "index.en.ipynb") -> dict[str, Any]:
    """The cells of a notebook by their ids, in order."""
    language = name.split(".")[1]
    return {cell["id"]: cell for cell in json.loads(notebooks(site, language)[name])["cells"]}


def source(cell: Any) -> str:
    return "".join(cell["source"])


def test_the_prose_becomes_what_jupyter_shows(
    pages: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SITE_URL", raising=False)
    made = cells(made_up(pages, DONE))
    assert [(id, cell["cell_type"]) for id, cell in made.items()] == [
        ("title", "markdown"),
        ("install", "code"),
        ("index_0", "markdown"),
        ("part-one", "code"),
        ("index_2", "markdown"),
        ("part-two", "code"),
        ("index_4", "markdown"),
        ("part-three", "code"),
    ]
    title = source(made["title"])
    assert title.startswith("# Title\n\n> A notebook from Notes en. Its outputs were made by numpy")
    assert title.endswith(" Free")
    assert "\n# %pip install numpy==2.4.0\n" in source(made["install"])
    assert source(made["index_0"]) == "See above and the `other` page.\n\n$$\ny = x\n$$"
    assert source(made["index_2"]) == "> **Solution**"
    assert source(made["index_4"]) == "````text\n```snippet\npart.nothing\n````"


def test_links_lead_to_the_site_where_its_address_is_known(
    pages: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SITE_URL", "https://example.org/notes/")
    site = made_up(pages, DONE)
    for name, root in (("index.en.ipynb", "en/"), ("index.zh.ipynb", "")):
        assert source(cells(site, name)["index_0"]).startswith(
            f"See [above](https://example.org/notes/{root}#title) and "
            f"[the `other` page](https://example.org/notes/{root}other/#place)."
        )


def test_a_link_to_a_file_beside_the_pages_leads_there_or_nowhere(
    pages: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for language in ("zh", "en"):
        pages.pages[language] = PAGE.replace("[above](#title)", "[rows](rows.csv) ![curve](c.svg)")
        pages.file(f"docs/{language}/rows.csv", "1,2\n")
        pages.file(
            f"docs/{language}/c.svg", '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>'
        )
    made = source(cells(made_up(pages, DONE))["index_0"])
    assert made.startswith("See rows curve and the `other` page.")
    monkeypatch.setenv("SITE_URL", "https://example.org/notes/")
    made = source(cells(made_up(pages, DONE))["index_0"])
    there = "https://example.org/notes/en"
    assert made.startswith(f"See [rows]({there}/rows.csv) ![curve]({there}/c.svg) and ")


def test_cells_have_their_outputs_and_are_closed_as_on_the_page(pages: Project) -> None:
    made = cells(made_up(pages, DONE), "index.zh.ipynb")
    one, two, three = (made[f"part-{name}"] for name in ("one", "two", "three"))
    assert source(one) == 'print("1")  # 一'
    assert one["outputs"] == [{"output_type": "stream", "name": "stdout", "text": ["1\n"]}]
    assert one["metadata"] == {}
    (error,) = two["outputs"]
    assert (error["ename"], error["evalue"]) == ("KeyError", "'key'")
    assert error["traceback"] == ["报错 · 第 1 行", "KeyError: 'key'"]
    assert two["metadata"] == {
        "tags": ["raises-exception"],
        "jupyter": {"source_hidden": True, "outputs_hidden": True},
    }
    assert three["metadata"] == {"jupyter": {"source_hidden": True}}
    assert source(three) == "plt.plot([1]);"
    (figure,) = three["outputs"]
    assert "<svg" in "".join(figure["data"]["image/svg+xml"])
    assert figure["data"]["text/plain"] == ["a line that rises from left to right"]
    counts = [cell["execution_count"] for cell in made.values() if cell["cell_type"] == "code"]
    assert counts == [1, 2, 3, 4]


def add_page(pages: Project, stem: str, fence: str = "") -> None:
    """Add a page with a snippet of its own, in both languages."""
    pages.script += "# %% four\nx = 4\n"
    pages.write()
    text = f"# More {{#more}}\n\n{fence}## Part {{#part}}\n\n```snippet\npart.four\n```\n"
    for language in ("zh", "en"):
        pages.file(f"docs/{language}/{stem}.md", text)


def test_the_chapter_begins_each_section_afresh(pages: Project) -> None:
    add_page(pages, "more")
    site = made_up(pages, DONE, order=("more.md", "other.md", "index.md"))
    assert list(notebooks(site, "en")) == ["more.en.ipynb", "index.en.ipynb", "chapter.en.ipynb"]
    made = cells(site, "chapter.en.ipynb")
    assert source(made["title"]).startswith("# The chapter as a notebook\n")
    assert source(made["more_0"]) == "## More\n\n### Part"
    assert "\n%reset -f\n" in source(made["index_reset"])
    assert list(made).index("part-four") < list(made).index("index_reset")
    assert source(made["index_0"]).startswith("## Title\n")


def test_a_cell_without_its_device_says_so_and_shows_the_record(project: Project) -> None:
    project.settings = {"devices": {"cuda": "cards"}, "packages": ["numpy"]}
    project.script = (
        '# %% one needs="cuda:1"\nprint("one")\n# %% two needs="cuda:2"\nif x:\n    y\n'
    )
    there = made_up(project, {"part.one": {"output": "theirs\n"}}, GPU)
    folder = project.folder / "snippets" / "records"
    write_record(folder, make_record(there.results["part"], "2026-11-23", None))
    made = cells(made_up(project))
    told = "Not run: this code needs one CUDA GPU."
    assert source(made["part-one"]) == (
        f'if cards.count() < 1:\n    print("{told}")\nelse:\n    print("one")'
    )
    skip, record, output = made["part-one"]["outputs"]
    assert skip["text"] == [f"{told}\n"]
    label = "1 × Made-up GPU 80GB, recorded 2026-11-23"
    assert record["data"]["text/plain"] == [label]
    assert f"with the label “{label}” were recorded" in source(made["title"])
    assert output["text"] == ["theirs\n"]
    (two,) = made["part-two"]["outputs"]
    assert two["text"] == ["Not run: this code needs 2 CUDA GPUs.\n"]
    assert source(made["part-two"]).endswith("else:\n    if x:\n        y")
    ran = cells(made_up(project, {"part.one": {"output": "ours\n"}}, GPUS))["part-one"]
    assert [output["text"] for output in ran["outputs"]] == [["ours\n"]]


def test_of_two_runs_a_cell_has_both_outputs_up_to_each_error(project: Project) -> None:
    project.settings = {"devices": {"cuda": "cards"}, "packages": ["numpy"]}
    project.script = '# %% one raises="KeyError"\nprint(1)\n{}["key"]\nprint(2)\n# %% two needs="cuda:1"\nx = 1\n'

    def done(word: str) -> dict[str, dict[str, Any]]:
        error = Raised(f"KeyError: {word}", 2, len(word))
        return {"part.one": {"output": f"{word}{word}", "errors": (error,)}}

    folder = project.folder / "snippets" / "records"
    there = made_up(project, done("there"), GPU)
    write_record(folder, make_record(there.results["part"], "2026-11-23", None))
    made = cells(made_up(project, done("here")))
    labels = "1 × Made-up GPU 80GB, recorded 2026-11-23", "CPU, this build"

    def told(output: Any) -> str:
        return "".join(output.get("text") or output.get("evalue") or output["data"]["text/plain"])

    for id, outputs in (("part-one", ["there", "here"]), ("part-one--2", ["there", "here"])):
        errors = [[word] for word in outputs] if id == "part-one" else [[], []]
        expected = []
        for label, word, error in zip(labels, outputs, errors, strict=True):
            expected += [label, word, *error]
        assert [told(output) for output in made[id]["outputs"]] == expected


def test_the_cells_of_a_notebook_run_from_top_to_bottom(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.settings["devices"] = {"cuda": "cards"}
    project.script = (
        '# %% one\nimport os\nopen("here", "w").close()\nprint(os.listdir())\n'
        '# %% two needs="cuda:1"\nprint("""a\n  b""")\n'
    )
    monkeypatch.chdir(project.folder.parent)
    state: dict[str, Any] = {}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        for cell in cells(made_up(project)).values():
            if cell["cell_type"] == "code":
                code = source(cell).replace("cards.count()", "1")
                exec(compile(code, cell["id"], "exec"), state)
    assert printed.getvalue() == "['here']\na\n  b\n"


def test_the_same_site_gives_the_same_bytes(pages: Project) -> None:
    assert notebooks(made_up(pages, DONE), "en") == notebooks(made_up(pages, DONE), "en")


def test_a_notebook_stands_on_a_page_without_scripts_and_styles(pages: Project) -> None:
    for language in pages.languages:
        pages.pages[language] += (
            '\nSee <img src="p.png" alt="another one, which nobody drew here">.\n'
        )
    site = made_up(pages, DONE)
    html = as_page(site, site.page("en", "index.md"))
    assert "<script" not in html
    assert "<style" not in html
    assert "<h1" not in html
    assert "tabindex" not in html
    assert "<math" in html
    assert 'src="data:image/svg+xml;base64,' in html
    assert 'alt="a line that rises from left to right"' in html
    assert "KeyError: 'key'" in html or "KeyError: &#39;key&#39;" in html


@pytest.mark.parametrize(
    ("repository", "place"),
    [
        ("https://github.com/o/r", "o/r"),
        ("https://github.com/o/r.js.git/", "o/r.js"),
        ("https://gitlab.com/o/r", None),
        ("https://github.com.example.org/o/r", None),
        ("", None),
    ],
)
def test_colab_is_offered_for_repositories_on_github_only(
    repository: str, place: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPO_URL", repository)
    colab = f"https://colab.research.google.com/github/{place}/blob/notebooks/x"
    assert colab_link("x") == (colab if place else None)


def test_a_page_without_snippets_has_no_notebook(project: Project) -> None:
    project.pages = {"zh": page("part.one"), "en": page("part.one")}
    project.write()
    for language in ("zh", "en"):
        project.file(f"docs/{language}/about.md", "# About {#about}\n")
    assert list(notebooks(made_up(project), "zh")) == ["index.zh.ipynb"]


def test_the_value_of_the_last_call_of_a_drawing_is_not_shown(pages: Project) -> None:
    pages.script = SCRIPT.replace("plt.plot([1])", "plt.plot([1])  # “;” | 画")
    assert source(cells(made_up(pages, DONE))["part-three"]) == "plt.plot([1]);  # “;”"
    pages.script = SCRIPT.replace("plt.plot([1])", "plt.plot([1]);")
    assert source(cells(made_up(pages, DONE))["part-three"]) == "plt.plot([1]);"
    pages.script = SCRIPT.replace("plt.plot([1])", "plt.plot([1])\n{}[1]\n# done | 完").replace(
        'fold="code"', 'fold="code" raises="KeyError"'
    )
    three = {"figures": (FIGURE,), "errors": (Raised("KeyError: 1", 2, 0),)}
    made = cells(made_up(pages, DONE | {"part.three": three}))
    assert source(made["part-three--2"]) == "# done"


def test_a_page_of_any_name_and_a_comment_in_a_shell_fit_into_the_chapter(pages: Project) -> None:
    add_page(pages, "a" * 60, "```sh\n# install\npip\n```\n\n")
    site = made_up(pages, DONE, order=("index.md", f"{'a' * 60}.md"))
    texts = [source(cell) for cell in cells(site, "chapter.en.ipynb").values()]
    assert "## More\n\n```sh\n# install\npip\n```\n\n### Part" in texts


def test_each_error_of_a_snippet_ends_a_cell(pages: Project) -> None:
    pages.script = SCRIPT.replace(
        'raises="KeyError"\n{}["key"]',
        'raises="KeyError, TypeError"\nprint(1)\n{}["key"]\n\nprint(2)\nlen(3)\nprint(4)',
    )
    errors = (Raised("KeyError: 'key'", 2, 2), Raised("TypeError: no", 5, 4))
    done = DONE | {"part.two": {"output": "1\n2\n4\n", "errors": errors}}
    made = cells(made_up(pages, done))
    parts = [made[id] for id in ("part-two", "part-two--2", "part-two--3")]
    assert [source(part) for part in parts] == [
        'print(1)\n{}["key"]',
        "print(2)\nlen(3)",
        "print(4)",
    ]
    assert [
        ["".join(o.get("text", o.get("ename"))) for o in part["outputs"]] for part in parts
    ] == [
        ["1\n", "KeyError"],
        ["2\n", "TypeError"],
        ["4\n"],
    ]
    assert [part["metadata"].get("tags") for part in parts] == [["raises-exception"]] * 2 + [None]

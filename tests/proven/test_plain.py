"""Every page as plain Markdown, and the list of them."""

from dataclasses import replace
from typing import Any

import pytest

from proven.cells import Raised
from proven.plain import texts
from proven.records import make_record, write_record
from tests.helpers.projects import Project, page
from tests.helpers.sites import FIGURE, GPU, made_up

SCRIPT = """# %% fence
print("`" * 3)
# %% error raises="ValueError"
raise ValueError("wrong") # on purpose | 故意的
# %% device needs="cuda:99"
print("never")
# %% figure
plot()
"""
TESTS = '''def test_marks() -> None:
    """It prints `marks`.

    它会打印。
    """
'''
PAGE = """---
description: About fences.
---

# Title {#title}

It prints [three](claims.md#marks) marks.`#!claim marks`

```snippet
part.fence
```

```snippet
part.error
```

```text
```snippet
part.nothing
```

```snippet
part.device
```

```snippet alt="a line that rises from left to right"
part.figure
```

```math
x^2
```
"""
MARKDOWN = """# Title

It prints [three](claims/index.html.md) marks.

```python
print("`" * 3)
```

**Output**

````text
```
three marks
````

```python
raise ValueError("wrong") # on purpose
```

**Error · line 1**

```text
ValueError: wrong
```

````text
```snippet
part.nothing
````

```python
print("never")
```

This code needs 99 CUDA GPUs, and this build had no CUDA device.

```python
plot()
```

[a line that rises from left to right]

$$
x^2
$$

The outputs on this site were made by numpy 2.4.0 and Python 3.13.0 on a CPU (no CUDA device).
"""
OUT, DEEP = "https://example.org/", "more/deep/index.html.md"
DONE: dict[str, dict[str, Any]] = {
    "part.fence": {"output": "```\nthree marks\n"},
    "part.error": {"errors": (Raised("ValueError: wrong", 1, 0),)},
    "part.figure": {"figures": (FIGURE,)},
}


@pytest.fixture
def shown(project: Project) -> Project:
    """A project whose page shows what is rare on real ones."""
    project.script, project.tests = SCRIPT, TESTS
    project.pages = {"zh": PAGE, "en": PAGE}
    project.settings = {"devices": {"cuda": "cards"}, "packages": ["numpy"]}
    return project


def test_the_markdown_of_a_page_is_what_a_reader_sees(shown: Project) -> None:
    for language in ("zh", "en"):
        text = "# Errors {#errors}\n\n```error\npart.error 1\n```\n"
        shown.file(f"docs/{language}/errors.md", text)
        text = "# Notebooks {#notebooks}\n\n```downloads\n```\n"
        shown.file(f"docs/{language}/notebooks.md", text)
    made = texts(made_up(shown, DONE))
    errors = made["en/errors/index.html.md"]
    assert errors.startswith("# Errors\n\n```text\nValueError: wrong\n```\n\nThe outputs on this")
    assert made["en/notebooks/index.html.md"].startswith("# Notebooks\n\nThe outputs on this")
    assert made["en/index.html.md"] == MARKDOWN
    assert made["claims/index.html.md"].startswith(
        "# Claims\n\n- **已证明** 它会打印。由一个例子证明。 `test_marks`\n"
    )
    assert made["en/llms-full.txt"] == MARKDOWN.replace("](claims/", "](claims/")
    assert "故意的" in made["llms-full.txt"]


def test_a_link_to_a_file_beside_the_pages_leads_there(project: Project) -> None:
    project.pages = dict.fromkeys(("zh", "en"), page("part.one"))
    for language in ("zh", "en"):
        rows = (
            f"[rows](../data/rows.csv#row=2), ![curve](curve.svg), [lost](lost.csv), [out]({OUT})"
        )
        project.file(f"docs/{language}/more/deep.md", f"# Deep {{#deep}}\n\n{rows}\n")
        project.file(f"docs/{language}/data/rows.csv", "1,2\n")
        project.file(
            f"docs/{language}/more/curve.svg",
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>',
        )
    site = made_up(project)
    site = replace(site, order=("index.md", "more/deep.md"))
    made, told = texts(site), f", [lost](lost.csv), [out]({OUT})"
    assert f"[rows](../../data/rows.csv#row=2), ![curve](../curve.svg){told}" in made[DEEP]
    for name in ("llms-full.txt", "en/llms-full.txt"):
        assert "rows" not in made[name]  # it shows no snippet


def test_both_runs_stand_one_after_the_other_with_their_labels(shown: Project) -> None:
    shown.script = shown.script.replace("cuda:99", "cuda:1")
    there = made_up(shown, {**DONE, "part.fence": {"output": "theirs\n"}}, GPU)
    folder = shown.folder / "snippets" / "records"
    write_record(folder, make_record(there.results["part"], "2026-11-23", None))
    text = texts(made_up(shown, DONE))["en/index.html.md"]
    label = "1 × Made-up GPU 80GB, recorded 2026-11-23"
    theirs, ours = f"**Output · {label}**\n\n```text\ntheirs", "**Output · CPU, this build**"
    assert 0 < text.index(theirs) < text.index(ours)
    assert f'print("never")\n```\n\n**{label}**\n' in text  # it ran there, and printed nothing
    assert text.endswith(", at commit ?.\n")


def test_the_list_names_every_page_of_every_language(shown: Project) -> None:
    made = texts(made_up(shown, DONE, order=("index.md", "claims.md")))
    assert made["llms.txt"] == (
        "# Notes zh · Notes en\n\n> About zh\n> About en\n\n"
        "## Notes zh\n\n- [Title](index.html.md): About fences.\n"
        "- [Claims](claims/index.html.md)\n- [全部各节，一个文件](llms-full.txt)\n\n"
        "## Notes en\n\n- [Title](en/index.html.md): About fences.\n"
        "- [Claims](en/claims/index.html.md)\n- [All sections in one file](en/llms-full.txt)\n"
    )


def test_the_front_matter_of_a_page_with_a_bom_is_no_text(shown: Project) -> None:
    shown.write()
    for language in ("zh", "en"):
        shown.pages[language] = "\ufeff" + PAGE
    made = texts(made_up(shown, DONE))
    assert made["en/index.html.md"] == MARKDOWN
    assert "About fences." in made["llms.txt"]

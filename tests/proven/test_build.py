"""Whole builds: what is wrong is found before anything runs, and what has run is used again."""

import json
from pathlib import Path

import pytest

from proven.build import read_and_check, run_sections
from proven.problems import ProjectError
from proven.scripts import read_section
from tests.helpers.faults import EN, ZH, Plant, edit, fails, fences, place, read, sound
from tests.helpers.projects import Project

SCRIPT = "snippets/part.py"
FENCE = "```snippet\npart.second\n```\n"
HINT = '# %% second fold="output"'


def add(text: str, what: str, *pages: str) -> Plant:
    """Plant text at the end of pages; the build must say `what`, and the line of its first row."""

    def plant(project: Project) -> list[str]:
        for page in pages:
            project.file(page, f"{read(project, page)}\n{text}\n")
        row = text.split("\n")[0]
        return [what, place(project, pages[0], row, last=True)]

    return plant


def swap(path: str, old: str, new: str, what: str, *at: tuple[str, str]) -> Plant:
    """Plant other text in a file; the build must say `what`, and where the files have the pieces."""

    def plant(project: Project) -> list[str]:
        edit(project, path, old, new)
        return [what, ", ".join(place(project, file, piece) for file, piece in at)]

    return plant


def snippet_shown_never(project: Project) -> list[str]:
    for page in (ZH, EN):
        edit(project, page, FENCE, "")
    at = place(project, SCRIPT, "numbers.append")
    return [f"no page shows the snippet\n  snippet  part.second\n  at       {at}\n"]


def snippet_in_one_language(project: Project) -> list[str]:
    at = f"{fences(project, 'part.second')[0]}, {place(project, SCRIPT, 'numbers.append')}"
    edit(project, EN, FENCE, "")
    what = "the pages in 'en' do not show the snippet"
    return [f"{what}\n  snippet  part.second\n  at       {at}\n"]


def page_in_one_language(project: Project) -> list[str]:
    project.file("docs/en/more.md", "# More {#more}\n")
    return ["the page more.md exists in one language only", "docs/en/more.md:1"]


def broken_bytes(project: Project) -> list[str]:
    path = project.folder / ZH
    path.write_bytes(path.read_bytes() + b"\xff")
    return ["the file is not UTF-8: invalid start byte", f"{ZH}:1"]


def record(snippet: str, what: str) -> Plant:
    """Plant a record that has the hash of the script, and holds one snippet."""

    def plant(project: Project) -> list[str]:
        project.pretend(0)
        project.write()
        settings = project.read_settings()
        section = read_section(project.folder / SCRIPT, settings)
        outcome = {"name": snippet, "state": "ran", "output": [""], "error": None, "figures": []}
        data = {
            "section": "part",
            "sha256": section.sha256,
            "machine": {
                "versions": {},
                "python": "3",
                "platform": "Linux",
                "devices": ["Made-up GPU"],
            },
            "date": "2026-11-23",
            "commit": None,
            "outcomes": [outcome],
            "claims": {},
        }
        path = "snippets/records/part.made-up-gpu-x1.json"
        project.file(path, json.dumps(data, indent=1))
        return [what, place(project, path, f'"name": "{snippet}"')]

    return plant


BEFORE: dict[str, Plant] = {
    "unknown snippet": swap(
        EN, "part.second", "part.none", "there is no snippet 'part.none'\n  at       docs/en"
    ),
    "snippet shown twice": add(FENCE, "the snippet is shown twice\n  snippet  part.second", ZH),
    "snippet shown never": snippet_shown_never,
    "snippet that one language has": snippet_in_one_language,
    "page that one language has": page_in_one_language,
    "page that is not UTF-8": broken_bytes,
    "heading that one language has": swap(
        EN, "## Title {#second}\n", "", "the headings differ: ## second / none", (ZH, "{#second}")
    ),
    "heading without an id": add("## More", "the heading 'More' has no id", ZH),
    "id of two headings": add("## Again {#second}", "the page has the id 'second' twice", EN),
    "fence that one language has": add("```sh\nls\n```", "the fences differ: sh ls / none", ZH),
    "fence that is never closed": add("```sh\nls", "the fence is never closed", EN),
    "section of claims that is unknown": add(
        "```claims\nnowhere\n```", "there is no section 'nowhere'", EN
    ),
    "Python on a page": add("```python\nx = 1\n```", "a fence of the language 'python'", EN),
    "Python inside a sentence": add("So `#!python x = 1`.", "code of the language 'python'", EN),
    "claim that one language has": swap(
        EN,
        "`#!claim three_numbers`",
        "",
        "the claims differ in order: three_numbers / none",
        (ZH, "three_numbers"),
    ),
    "claim that no test proves": add("So.`#!claim so_it_is`", "no test proves it", EN),
    "picture that one language has": add(
        "![A diagram](diagram.svg)", "one language only has a picture: picture 1 / none", ZH
    ),
    "figure that one language describes": swap(
        EN,
        "```snippet\npart.first",
        '```snippet alt="A line"\npart.first',
        "one language only describes its figure",
        (ZH, "```snippet"),
        (EN, "```snippet"),
    ),
    "dead link": add("[there](nowhere.md)", "the link 'nowhere.md' leads to no page", EN),
    "dead anchor": add(
        "[there](claims.md#nowhere)", "the page claims.md has no heading or other place", EN
    ),
    "translation with another command": swap(
        EN, "ls -a", "ls", "the fences differ: sh ls -a / sh ls", (ZH, "```sh"), (EN, "```sh")
    ),
    "translation with another formula": swap(
        EN, "a + b", "a - b", "the fences differ: math a + b / math a - b", (ZH, "```math")
    ),
    "formula that cannot be set": swap(
        EN, "a + b", "a^2^3", "'a^2^3' cannot be set as mathematics", (EN, "```math")
    ),
    "broken script": swap(
        SCRIPT,
        "numbers.append(4)",
        "numbers.append(4",
        "SyntaxError: '(' was never closed",
        (SCRIPT, "numbers.append"),
    ),
    "marker with an unknown key": swap(
        SCRIPT,
        HINT,
        '# %% second run="no"',
        "the marker of 'second' has an unknown key: run",
        (SCRIPT, "# %% second"),
    ),
    "marker with an unknown need": swap(
        SCRIPT,
        HINT,
        '# %% second needs="tpu"',
        "'second' needs 'tpu', which is no number of devices",
        (SCRIPT, "# %% second"),
    ),
    "marker of another cell": swap(
        SCRIPT, HINT, "# %% first ", "a second cell is called 'first'", (SCRIPT, "# %% first ")
    ),
    "marker of prose": swap(
        SCRIPT, HINT, "# %% [markdown]", "'[markdown]' is no name for a snippet", (SCRIPT, "[m")
    ),
    "broken test": swap(
        "tests/test_part.py",
        "def test_three_numbers() ",
        "def test_three_numbers(",
        "SyntaxError",
        ("tests/test_part.py", "def test"),
    ),
    "record of an unknown snippet": record(
        "part.none", "the record holds part.none, and the script"
    ),
    "record of a snippet that needs no device": record(
        "part.first", "the record holds part.first, which needs 0 device(s), and is of 1"
    ),
}


@pytest.mark.parametrize("fault", BEFORE)
def test_a_fault_is_found_before_anything_runs(tmp_path: Path, fault: str) -> None:
    project = sound(tmp_path / "project")
    assert "Section part" not in fails(project, BEFORE[fault](project))


def test_settings_that_cannot_be_read_fail_the_build(tmp_path: Path) -> None:
    project = sound(tmp_path / "project")
    project.file("proven.toml", "languages = []\nname = 'x'\n")
    fails(project, ["names no language", "proven.toml:1"])


def test_a_figure_that_no_page_describes_fails_the_build(tmp_path: Path) -> None:
    project = sound(tmp_path / "project")
    project.settings = {"ahead": ["matplotlib.pyplot"]}
    project.write()
    code = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\n\n# %% second"
    edit(project, SCRIPT, "\n# %% second", code)
    first = "its figure is not described\n  snippet  part.first\n  at       "
    said = fails(project, [first + fences(project, "part.first")[0]])
    assert first + fences(project, "part.first")[1] in said


def test_what_has_not_changed_is_not_run_again(tmp_path: Path) -> None:
    project = sound(tmp_path / "project")
    settings = project.read_settings()
    project.file("snippets/other.py", '# %% one\nprint("other")\n')
    for page in (ZH, EN):
        project.file(page, f"{read(project, page)}\n```snippet\nother.one\n```\n")
    first = run_sections(read_and_check(settings))
    again = run_sections(read_and_check(settings), first)
    assert again == first
    assert again["part"] is first["part"]

    project.file("snippets/other.py", '# %% one\nprint("another")\n')
    third = run_sections(read_and_check(settings), again)
    assert third["part"] is first["part"]
    assert third["other"].outcomes["other.one"].output == "another\n"


def test_claims_that_were_put_off_are_proven_the_next_time(tmp_path: Path) -> None:
    project = sound(tmp_path / "project")
    found = read_and_check(project.read_settings())
    quick = run_sections(found, prove=False)
    assert quick["part"].proofs == {}
    assert run_sections(found, quick, prove=False)["part"] is quick["part"]
    whole = run_sections(found, quick)
    assert whole["part"].proofs == {"three_numbers": "proven"}
    assert run_sections(found, whole, prove=False)["part"] is whole["part"]

    edit(project, "tests/test_part.py", "[1, 2, 3]", "[1]")
    changed = read_and_check(found.settings)
    assert run_sections(changed, whole, prove=False)["part"].proofs == {}
    with pytest.raises(ProjectError, match="a claim does not hold: The list has three numbers"):
        run_sections(changed, whole)

"""Whole builds: what is wrong is found before anything runs, and what has run is used again."""

import json
import marshal
import os
import tempfile
from pathlib import Path

import pytest

from proven.build import begin_site, complete, read_and_check, run_sections
from proven.config import read_configs
from proven.html import highlight, snippet
from proven.problems import ProjectError
from proven.publish import put_file, staging
from proven.records import sealed
from proven.scripts import read_section
from tests.helpers.faults import EN, ZH, Plant, edit, fails, place, read, sound
from tests.helpers.projects import Project, contents
from tests.helpers.sites import made_up

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
        outcome = {"name": snippet, "state": "ran", "output": [""], "errors": [], "figures": []}
        data = {
            "section": "part",
            "files": {"snippets/part.py": section.sha256},
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
        project.file(path, json.dumps(sealed(data), indent=1))
        return [what, place(project, path, f'"name": "{snippet}"')]

    return plant


BEFORE: dict[str, Plant] = {
    "unknown snippet": swap(
        EN, "part.second", "part.none", "there is no snippet 'part.none'\n  at       docs/en"
    ),
    "page that one language has": page_in_one_language,
    "page that is not UTF-8": broken_bytes,
    "fence that is never closed": add("```sh\nls", "the fence is never closed", EN),
    "section of claims that is unknown": add(
        "```claims\nnowhere\n```", "there is no section 'nowhere'", EN
    ),
    "Python on a page": add("```python\nx = 1\n```", "a fence of the language 'python'", EN),
    "Python inside a sentence": add("So `#!python x = 1`.", "code of the language 'python'", EN),
    "claim that no test proves": add("So.`#!claim so_it_is`", "no test proves it", EN),
    "dead link": add("[there](nowhere.md)", "the link 'nowhere.md' leads to no page", EN),
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
}


@pytest.mark.parametrize("fault", BEFORE)
def test_a_fault_is_found_before_anything_runs(tmp_path: Path, fault: str) -> None:
    project = sound(tmp_path / "project")
    assert "Section part" not in fails(project, BEFORE[fault](project))


def test_settings_that_cannot_be_read_fail_the_build(tmp_path: Path) -> None:
    project = sound(tmp_path / "project")
    project.file("proven.toml", "languages = []\nname = 'x'\n")
    fails(project, ["names no language", "proven.toml:1"])


def test_all_code_is_set_while_sections_run(tmp_path: Path) -> None:
    project = sound(tmp_path / "project")
    settings = project.read_settings()
    highlight.cache_clear()
    site = begin_site(settings, read_configs(settings))
    done = highlight.cache_info().misses
    for language in settings.languages:
        for name in ("part.first", "part.second"):
            snippet(site.view(name, language), "", site.words(language))
    assert highlight.cache_info().misses == done == 2


def test_the_word_list_of_the_search_is_no_file_that_somebody_put_among_temporary_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import jieba

    settings = sound(tmp_path / "project").read_settings()
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    for name in ("jieba.cache", f"jieba-{os.getuid()}.cache"):
        (temporary / name).write_bytes(marshal.dumps(({"更新参数": 9_000_000}, 9_000_000)))
    before = contents(temporary)
    for name, value in {"initialized": False, "FREQ": {}, "total": 0}.items():
        monkeypatch.setattr(jieba.dt, name, value)
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(temporary))
        begin_site(settings, read_configs(settings))
    assert jieba.lcut("优化器更新参数")[-2:] == ["更新", "参数"]
    assert contents(temporary) == before


def test_a_page_that_stands_twice_in_the_navigation_is_one(tmp_path: Path) -> None:
    settings = sound(tmp_path / "project").read_settings()
    configs = read_configs(settings)
    configs["zh"] = {**configs["zh"], "nav": ["claims.md", {"Part": ["index.md", "claims.md"]}]}
    assert begin_site(settings, configs).order == ("claims.md", "index.md")


@pytest.mark.parametrize("downloads", [True, False])
def test_a_sitemap_is_not_packed_and_not_empty(tmp_path: Path, downloads: bool) -> None:
    site = made_up(Project(tmp_path / "project"), downloads=downloads)
    made = {"sitemap.xml": "<urlset/>", "sitemap.xml.gz": "packed", "en/sitemap.xml": "\n"}
    with staging(tmp_path / "site", "made-up") as folder:
        for name, text in made.items():
            put_file(text.encode(), folder / name)
        complete(site, {}, folder, tmp_path / "site")
    assert list((tmp_path / "site").rglob("sitemap*")) == [tmp_path / "site" / "sitemap.xml"]


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

"""`make chapter` begins a chapter that builds and passes, or touches nothing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from proven.build import read_and_check, run_sections
from proven.chapter import begin_chapter
from proven.problems import ProjectError
from proven.settings import read_settings
from tests.helpers.projects import PROJECT, copy_chapter

NEW = [
    "docs/en/attention-basics.md",
    "docs/zh/attention-basics.md",
    "snippets/attention_basics.py",
    "tests/test_attention_basics.py",
]
CHANGED = [
    "docs/en/claims.md",
    "docs/en/errors.md",
    "docs/en/index.md",
    "docs/zh/claims.md",
    "docs/zh/errors.md",
    "docs/zh/index.md",
    "mkdocs.yml",
]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of what a chapter is begun in."""
    shutil.copytree(PROJECT / "skeleton", tmp_path / "skeleton")
    copy_chapter(tmp_path)
    return tmp_path


def begin(folder: Path, name: str) -> tuple[list[str], list[str]]:
    return begin_chapter(read_settings(folder), name)


def files(folder: Path) -> dict[str, bytes]:
    """The content of every file that a chapter may touch."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.suffix in {".py", ".md", ".yml"} and "__pycache__" not in path.parts
    }


def test_a_new_chapter_is_right_and_its_claims_hold(copy: Path) -> None:
    before = files(copy)
    new, changed = begin(copy, "attention-basics")
    after = files(copy)
    assert sorted(new) == sorted(after.keys() - before.keys()) == NEW
    assert sorted(changed) == sorted(p for p in before if after[p] != before[p]) == CHANGED
    for path in CHANGED:  # lines are added, and none is lost
        rest = iter(after[path].splitlines())
        assert all(line in rest for line in before[path].splitlines())

    with pytest.raises(ProjectError, match="the name 'attention-basics' is taken"):
        begin(copy, "attention-basics")
    assert files(copy) == after

    # the whole project fits together, and what is new runs; the rest of it is tried by other tests
    project = read_and_check(read_settings(copy))
    section = project.sections["attention_basics"]
    claims = [claim for claim in project.claims.values() if claim.section == section.name]
    assert claims
    result = run_sections(project, names=[section.name])[section.name]
    assert result.proofs == {claim.name: "proven" for claim in claims}

    # what tests/site/test_html.py asks of every section
    assert any(outcome.figures for outcome in result.outcomes.values())
    for pages in project.pages.values():
        page = pages["attention-basics.md"]
        assert sum(heading.id.startswith("exercise-") for heading in page.headings) >= 2
        assert page.is_section


def test_the_tests_of_a_new_chapter_pass(copy: Path) -> None:
    """Those that are no claims, too, which no build runs."""
    begin(copy, "attention-basics")
    command = "-m", "pytest", "--noconftest", "tests/test_attention_basics.py"
    done = subprocess.run(
        [sys.executable, *command],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert "6 passed" in done.stdout


@pytest.mark.parametrize(
    "linter",
    [
        ["ruff", "check", *NEW[2:]],
        ["ruff", "format", "--check", *NEW[2:]],
        ["codespell_lib", *(path for path in NEW if not path.startswith("docs/zh"))],
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_a_new_chapter_is_well_formed(copy: Path, linter: list[str]) -> None:
    begin(copy, "attention-basics")
    (copy / "proven").symlink_to(PROJECT / "proven")  # its imports are the project's own
    done = subprocess.run(
        [sys.executable, "-m", *linter],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_chapters_follow_one_another(copy: Path) -> None:
    begin(copy, "one-more")
    begin(copy, "two")
    navigation = (copy / "mkdocs.yml").read_text("utf-8")
    assert "  - own-module.md\n  - one-more.md\n  - two.md\n  - errors.md\n" in navigation


@pytest.mark.parametrize(
    "name", ["", "Attention", "two words", "under_scored", "-x", "5th", "a/b", "a" * 41]
)
def test_what_is_no_name_is_refused(copy: Path, name: str) -> None:
    before = files(copy)
    with pytest.raises(ProjectError, match="is no name for a chapter"):
        begin(copy, name)
    assert files(copy) == before


@pytest.mark.parametrize("name", ["lambda", "random", "torch"])
def test_the_name_of_a_word_or_a_module_of_python_is_refused(copy: Path, name: str) -> None:
    before = files(copy)
    with pytest.raises(ProjectError, match="is no name for a chapter"):
        begin(copy, name)
    assert files(copy) == before


@pytest.mark.parametrize("name", ["gpu", "saving-and-loading", "glossary", "records", "en"])
def test_a_name_that_is_taken_is_refused(copy: Path, name: str) -> None:
    before = files(copy)
    with pytest.raises(ProjectError, match=f"the name '{name}' is taken"):
        begin(copy, name)
    assert files(copy) == before


@pytest.mark.parametrize(
    ("place", "line", "message"),
    [
        ("mkdocs.yml", "  - own-module.md\n", "the navigation has no line `- own-module.md`"),
        ("docs/en/index.md", "| [", "the home page has no table of sections"),
    ],
)
def test_where_the_page_has_no_place_nothing_is_written(
    copy: Path, place: str, line: str, message: str
) -> None:
    text = (copy / place).read_text("utf-8")
    assert line in text
    (copy / place).write_text(text.replace(line, ""), "utf-8")
    before = files(copy)
    with pytest.raises(ProjectError, match=message):
        begin(copy, "attention-basics")
    assert files(copy) == before


def test_a_page_without_a_description_begins_no_chapter(copy: Path) -> None:
    page = copy / "skeleton/docs/en/new-chapter.md"
    text = page.read_text("utf-8").replace("description:", "title:")
    page.write_text(text, "utf-8")
    with pytest.raises(ProjectError, match="has no title or no description") as error:
        begin(copy, "attention-basics")
    assert "skeleton/docs/en/new-chapter.md:1" in str(error.value)


def test_a_project_that_lacks_what_a_chapter_is_begun_from_is_told(copy: Path) -> None:
    shutil.rmtree(copy / "skeleton")
    with pytest.raises(ProjectError, match="begun is missing") as error:
        begin(copy, "attention-basics")
    assert "skeleton/docs/zh/new-chapter.md:1" in str(error.value)

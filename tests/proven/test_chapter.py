"""`make chapter` begins a chapter that builds and passes, or touches nothing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from snippets.engine.chapter import begin_chapter
from snippets.engine.errors import SnippetError
from tests.conftest import PROJECT

NEW = [
    "docs/en/attention-basics.md",
    "docs/zh/attention-basics.md",
    "snippets/attention_basics.py",
    "tests/test_attention_basics.py",
]
CHANGED = [
    "docs/en/claims.md",
    "docs/en/index.md",
    "docs/zh/claims.md",
    "docs/zh/index.md",
    "mkdocs.yml",
]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the project, without what was made in it."""
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("docs", "skeleton", "snippets", "tests"):
        shutil.copytree(PROJECT / name, tmp_path / name, ignore=ignored)
    for path in (*PROJECT.glob("*.md"), *PROJECT.glob("*.yml"), PROJECT / "pyproject.toml"):
        shutil.copy(path, tmp_path)
    return tmp_path


def run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a module of Python in a copy of the project, in a pytest of its own if it is one."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env={**own, "PYTHONPATH": str(folder)},
        encoding="utf-8",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def files(folder: Path) -> dict[str, bytes]:
    """The content of every file that a chapter may touch."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.suffix in {".py", ".md", ".yml"} and "__pycache__" not in path.parts
    }


def test_a_new_chapter_builds_and_passes_in_both_languages(copy: Path) -> None:
    before = files(copy)
    done = run(copy, "snippets", "chapter", "attention-basics")
    assert done.returncode == 0, done.stdout
    after = files(copy)
    assert sorted(after.keys() - before.keys()) == NEW
    assert sorted(path for path in before if after[path] != before[path]) == CHANGED
    for path in CHANGED:  # lines are added, and none is lost
        rest = iter(after[path].splitlines())
        assert all(line in rest for line in before[path].splitlines())

    again = run(copy, "snippets", "chapter", "attention-basics")
    assert again.returncode == 1
    assert again.stdout.startswith("the name 'attention-basics' is taken\n")
    assert files(copy) == after

    # the build of the site, which proves the claims, and what the site is asked for
    chosen = ["-k", "attention_basics or attention-basics or the_same_sections or every_claim"]
    done = run(copy, "pytest", "tests/test_attention_basics.py", "tests/site/test_html.py", *chosen)
    assert done.returncode == 0, done.stdout
    for linter in (
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["codespell_lib", *(path for path in NEW if not path.startswith("docs/zh"))],
        ["tests.typography"],
    ):
        done = run(copy, *linter)
        assert done.returncode == 0, done.stdout


def test_chapters_follow_one_another(copy: Path) -> None:
    begin_chapter(copy, "one-more")
    begin_chapter(copy, "two")
    navigation = (copy / "mkdocs.yml").read_text("utf-8")
    assert "  - together.md\n  - one-more.md\n  - two.md\n  - glossary.md\n" in navigation


@pytest.mark.parametrize("name", ["", "Attention", "two words", "under_scored", "-x", "5th", "a/b"])
def test_what_is_no_name_is_refused(copy: Path, name: str) -> None:
    before = files(copy)
    with pytest.raises(SnippetError, match="is no name for a chapter"):
        begin_chapter(copy, name)
    assert files(copy) == before


@pytest.mark.parametrize(
    "name", ["gpu", "saving-and-loading", "glossary", "engine", "en", "chapter"]
)
def test_a_name_that_is_taken_is_refused(copy: Path, name: str) -> None:
    before = files(copy)
    with pytest.raises(SnippetError, match=f"the name '{name}' is taken"):
        begin_chapter(copy, name)
    assert files(copy) == before


@pytest.mark.parametrize(
    ("place", "line", "message"),
    [
        ("mkdocs.yml", "  - together.md\n", "the navigation has no line `- together.md`"),
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
    with pytest.raises(SnippetError, match=message):
        begin_chapter(copy, "attention-basics")
    assert files(copy) == before

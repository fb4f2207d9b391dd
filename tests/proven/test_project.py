"""A project as a whole: its snippets, where pages show them, and the commit that is checked out."""

import subprocess
from pathlib import Path

import pytest

from proven.problems import Problem
from proven.project import commit, read_project
from tests.helpers.projects import Project, page

TWO = "# %% one\nx = 1\n# %% two\nx = 2\n"
HELD = 'def test_holds() -> None:\n    """It holds.\n\n    成立。\n    """\n'


def test_everything_is_read_at_once(project: Project) -> None:
    project.script, project.tests = TWO, HELD
    read = read_project(project.read_settings())
    assert (list(read.sections), list(read.snippets)) == (["part"], ["part.one", "part.two"])
    assert (list(read.claims), list(read.pages)) == (["holds"], ["zh", "en"])
    assert (read.records, read.problems) == ((), ())
    assert read.in_script("part.one", 1) == "snippets/part.py:2"
    assert read.in_script("part.two", 1) == "snippets/part.py:4"


def test_what_is_wrong_with_single_files_comes_together(project: Project) -> None:
    project.script, project.pages = "x = 1\n", {"zh": "# No id\n"}
    settings = project.read_settings()
    project.file("snippets/records/part.gpu-x1.json", "{")
    places = [problem.places[0] for problem in read_project(settings).problems]
    assert places == [
        "snippets/part.py:1",
        "docs/zh/index.md:1",
        "snippets/records/part.gpu-x1.json:1",
    ]


def test_a_section_to_start_first_has_to_be_there(project: Project) -> None:
    project.settings = {"first": ["part", "gone"]}
    [problem] = read_project(project.read_settings()).problems
    assert "first names gone" in problem.what
    assert problem.places == ("proven.toml:1",)


def test_what_nothing_reads_is_told(project: Project) -> None:
    project.tests = HELD
    project.pretend(0)
    settings = project.read_settings()
    settings.words.update(
        {"en": {"output-": "x", "output": "x", "madeup-none": "x"}, "fr": {"a": "x"}}
    )
    for path in ("docs/fr/more/index.md", "docs/.hidden/index.md", "docs/theme/main.html"):
        project.file(path, "# Title {#title}\n")
    told = [(p.places[0], p.what, p.advice) for p in read_project(settings).problems]
    assert told == [
        (
            "docs/fr/more/index.md:1",
            "nothing reads the page: fr is no language of the project",
            "move it to the folder of one, or name fr in proven.toml",
        ),
        ("proven.toml:1", "[words.en] has output-, which nothing shows", "did you mean output?"),
        ("proven.toml:1", "[words.fr] has a, which nothing shows", "take it out"),
    ]


def test_a_problem_is_told_with_the_pages_that_it_concerns(project: Project) -> None:
    project.script, project.tests = TWO, HELD
    marks = {"zh": "成立。`#!claim holds`", "en": "It holds.`#!claim holds`"}
    shown = page("part.one", "part.two")
    project.pages = {key: f"{shown}\n{mark}\n" for key, mark in marks.items()}
    read = read_project(project.read_settings())
    assert read.places("part.two") == ("docs/zh/index.md:7", "docs/en/index.md:7")
    assert read.places("part.two", "en") == ("docs/en/index.md:7",)

    of_snippet = read.with_pages(Problem("wrong", "do", ("snippets/part.py:2",), "part.one"))
    assert of_snippet.places == ("snippets/part.py:2", "docs/zh/index.md:3", "docs/en/index.md:3")
    of_claim = read.with_pages(Problem("wrong", "do", ("docs/en/index.md:11",), claim="holds"))
    assert of_claim.places == ("docs/en/index.md:11", "docs/zh/index.md:11")
    assert of_claim.sentence == "成立。 / It holds."
    assert read.with_pages(Problem("wrong", "do")) == Problem("wrong", "do")


def git(folder: Path, *words: str) -> None:
    """Run git as a person who has a name."""
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True)


def test_the_commit_says_whether_files_differ_from_it(tmp_path: Path) -> None:
    assert commit(tmp_path) is None
    git(tmp_path, "init", "-q")
    assert commit(tmp_path) is None
    (tmp_path / "proven.toml").write_text("1")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    clean = commit(tmp_path)
    assert clean
    assert len(clean) == 40
    (tmp_path / "proven.toml").write_text("2")
    assert commit(tmp_path) == f"{clean}+"


def test_the_commit_of_another_project_is_not_told(tmp_path: Path) -> None:
    for name in ("ignored", "untracked", "ours"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "proven.toml").write_text("1")
    (tmp_path / ".gitignore").write_text("ignored\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".gitignore", "ours")
    git(tmp_path, "commit", "-q", "-m", "first")
    (tmp_path / "elsewhere").write_text("what lies beside the project does not differ")
    assert commit(tmp_path / "ignored") is commit(tmp_path / "untracked") is None
    assert len(commit(tmp_path / "ours") or "") == 40


def test_a_hook_of_another_repository_tells_no_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("theirs", "ours"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "proven.toml").write_text("1")
    git(tmp_path / "theirs", "init", "-q")
    git(tmp_path / "theirs", "add", ".")
    git(tmp_path / "theirs", "commit", "-q", "-m", "first")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "theirs" / ".git"))
    assert commit(tmp_path / "ours") is None

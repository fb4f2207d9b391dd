"""The workflows are thin: pinned actions, least privilege, and make targets that exist."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from mkdocs.config import load_config

from tests.conftest import PROJECT

FOLDER = PROJECT / ".github" / "workflows"
PATHS = sorted(FOLDER.glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))

every_workflow = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def read(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    return data


def test_there_are_four() -> None:
    assert [path.stem for path in PATHS] == ["ci", "drift", "gpu", "pages"]


@every_workflow
def test_permissions_are_granted_per_job(path: Path) -> None:
    data = read(path)
    assert data["permissions"] == {}
    assert "concurrency" in data
    for job in data["jobs"].values():
        assert "uses" in job or int(job["timeout-minutes"]) <= 60


@every_workflow
def test_every_step_is_a_pinned_action_or_a_make_target(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for line in re.findall(r"uses: (\S+@.*)", text):
        assert re.fullmatch(r"[\w/.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line
    for job in read(path)["jobs"].values():
        for step in job.get("steps", []):
            if "run" in step:
                command = step["run"].split()
                assert command[0] == "make"
                assert next(word for word in command[1:] if "=" not in word) in TARGETS
            elif "checkout" in step["uses"]:
                assert step["with"]["persist-credentials"] == "false"


@every_workflow
def test_the_first_comment_says_what_red_and_skipped_mean(path: Path) -> None:
    comment = path.read_text(encoding="utf-8").split("\nname:")[0]
    assert all(line.startswith("#") for line in comment.splitlines())
    assert "Red:" in comment
    assert "Skipped:" in comment


def test_the_gpu_job_is_not_for_pull_requests_and_is_skipped_without_a_runner() -> None:
    data = read(FOLDER / "gpu.yml")
    assert set(data["on"]) == {"workflow_call", "schedule", "workflow_dispatch"}
    (job,) = data["jobs"].values()
    assert "vars.GPU_RUNNER != ''" in job["if"]
    assert "github.event_name != 'pull_request'" in job["if"]


def test_pages_runs_on_main_only_and_prefers_the_site_that_a_gpu_built() -> None:
    data = read(FOLDER / "pages.yml")
    assert data["on"]["push"]["branches"] == ["main"]
    assert "pull_request" not in data["on"]
    jobs = data["jobs"]
    assert all(jobs[name]["if"] == "github.ref == 'refs/heads/main'" for name in ("gpu", "cpu"))
    chosen = jobs["choose"]["steps"][0]["with"]["name"]
    assert chosen == "${{ needs.gpu.result == 'success' && 'site-gpu' || 'site-cpu' }}"
    steps = {
        str(step.get("uses", step.get("run"))).split("@")[0]: step
        for step in jobs["notebooks"]["steps"]
    }
    assert steps["actions/download-artifact"]["with"]["name"] == chosen
    assert jobs["notebooks"]["permissions"] == {"contents": "write"}
    assert "notebooks" in jobs["deploy"]["needs"]  # before a page links to them
    assert jobs["deploy"]["permissions"] == {"pages": "write", "id-token": "write"}
    assert jobs["deploy"]["environment"]["name"] == "github-pages"


def test_a_fork_deploys_under_its_own_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SITE_URL", "https://somebody.github.io/fork/")
    monkeypatch.setenv("REPO_URL", "https://github.com/somebody/fork")
    for name, language in (("mkdocs.yml", "zh"), ("mkdocs.en.yml", "en")):
        config = load_config(str(PROJECT / name))
        assert config.site_url == "https://somebody.github.io/fork/"
        assert config.repo_url == "https://github.com/somebody/fork"
        assert config.edit_uri == f"edit/main/docs/{language}/"


def test_the_branch_for_colab_holds_the_notebooks_of_the_site_and_no_past(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True
        )
        return done.stdout

    shutil.copy(PROJECT / "Makefile", tmp_path)
    for folder, name in (("site/notebooks", "a.zh.ipynb"), ("site/en/notebooks", "a.en.ipynb")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / name).write_text("{}")
    (tmp_path / "site/notebooks/all.zip").write_text("not for the branch")
    git("init", "--quiet", "--bare", "remote.git")
    git("init", "--quiet")
    git("commit", "--quiet", "--allow-empty", "--message", "main")
    for _ in range(2):
        subprocess.run(
            ["make", "notebooks-branch"],
            cwd=tmp_path,
            env={**os.environ, "REPO_URL": (tmp_path / "remote.git").as_uri()},
            check=True,
            capture_output=True,
        )
    remote = ["--git-dir", "remote.git"]
    assert git(*remote, "ls-tree", "--name-only", "notebooks").split() == [
        "a.en.ipynb",
        "a.zh.ipynb",
    ]
    assert git(*remote, "rev-list", "--count", "notebooks").strip() == "1"

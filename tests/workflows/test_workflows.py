"""The workflows call make targets that exist, and trust no stranger; what the targets for a fork and for Colab do."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from mkdocs.config import load_config

from tests.helpers.projects import PROJECT


def test_every_command_of_a_workflow_is_a_make_target() -> None:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    commands = [
        step["run"].split()
        for path in (PROJECT / ".github" / "workflows").glob("*.yml")
        for job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values()
        for step in job.get("steps", [])
        if "run" in step
    ]
    assert len(commands) >= 5
    for command in commands:
        assert command[0] == "make"
        assert next(word for word in command[1:] if "=" not in word) in targets


def test_nothing_is_published_unless_all_tests_passed() -> None:
    folder = PROJECT / ".github" / "workflows"
    jobs = yaml.safe_load((folder / "pages.yml").read_text(encoding="utf-8"))["jobs"]
    tests = yaml.safe_load((folder / "ci.yml").read_text(encoding="utf-8"))["jobs"]["test"]
    assert "make PYTHON=python test" in [step.get("run") for step in tests["steps"]]
    assert jobs["ci"]["uses"] == "./.github/workflows/ci.yml"
    assert jobs["ci"]["if"] == "github.ref == 'refs/heads/main'"  # no other branch publishes
    # a job whose condition begins with !cancelled() runs after failures, unless it asks
    assert "needs.ci.result == 'success' &&" in jobs["choose"]["if"]
    for name in ("notebooks", "deploy"):
        assert "&& needs.choose.result == 'success'" in jobs[name]["if"]
    changing = [
        name for name, job in jobs.items() if "write" in job.get("permissions", {}).values()
    ]
    assert changing == ["notebooks", "deploy"]
    assert "notebooks" in jobs["deploy"]["needs"]  # they are there before a page links to them
    sites = [
        step["with"]["name"]
        for name in ("choose", "notebooks")
        for step in jobs[name]["steps"]
        if step.get("uses", "").startswith("actions/download-artifact@")
    ]
    assert sites == ["${{ needs.gpu.result == 'success' && 'site-gpu' || 'site-cpu' }}"] * 2


def test_a_pull_request_gets_no_rights_and_no_machine_of_ours() -> None:
    """Its code is anybody's."""
    begun = 0
    for path in (PROJECT / ".github" / "workflows").glob("*.yml"):
        text = path.read_text(encoding="utf-8")
        assert re.search(r"\A(#.*\n)*# .*Red: (.*\n#)*.* Skipped: ", text), path.name
        workflow = yaml.load(text, Loader=yaml.BaseLoader)  # which takes `on` for no truth value
        if not {"pull_request", "pull_request_target"} & workflow["on"].keys():
            continue
        begun += 1
        for job in workflow["jobs"].values():
            rights = job.get("permissions", workflow["permissions"])
            assert "write" not in str(rights), path.name
            assert "uses" not in job, path.name
            names = [job["runs-on"], *job.get("strategy", {}).get("matrix", {}).get("system", [])]
            assert "vars." not in str(names), path.name
            assert "self-hosted" not in str(names), path.name
            assert "secrets." not in str(job), path.name
    assert begun == 1  # ci
    gpu = yaml.safe_load((PROJECT / ".github" / "workflows" / "gpu.yml").read_text("utf-8"))
    [job] = gpu["jobs"].values()
    assert job["if"] == "vars.GPU_RUNNER != '' && github.event_name != 'pull_request'"


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

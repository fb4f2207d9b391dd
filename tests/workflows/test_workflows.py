"""The workflows are thin: pinned actions, least privilege, and make targets that exist."""

import re
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

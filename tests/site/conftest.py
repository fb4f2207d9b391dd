"""The site built for an address of its own, from two checkouts of one commit."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.projects import PROJECT, copy_chapter
from tests.helpers.workers import once

ADDRESS = "https://somebody.github.io/notes/"
EPOCH = "1000000000"
# All but the last one change what a careless build writes, and must not change what this one does.
SETTINGS = [
    {"PYTHONHASHSEED": "1", "TZ": "Pacific/Honolulu", "SOURCE_DATE_EPOCH": EPOCH},
    {"PYTHONHASHSEED": "2", "TZ": "Asia/Tokyo"},
]


@pytest.fixture(scope="session")
def twins(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two sites from two checkouts of one commit; the first with `SOURCE_DATE_EPOCH`."""
    folder = once(tmp_path_factory, "twins", _build)
    return folder / "one" / "site", folder / "deeper" / "a second checkout" / "site"


@pytest.fixture(scope="session")
def published(twins: tuple[Path, Path]) -> Path:
    """The site as it is built when its address is known."""
    return twins[0]


def _git(*arguments: str | Path) -> None:
    identity = ("user.name=t", "user.email=t@example.org", "core.autocrlf=false")
    options = [word for setting in identity for word in ("-c", setting)]
    subprocess.run(["git", *options, *map(str, arguments)], check=True, capture_output=True)


def _build(folder: Path) -> str:
    one, two = folder / "one", folder / "deeper" / "a second checkout"
    copy_chapter(one)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PROJECT / "proven", one / "proven", ignore=ignored)
    shutil.copy(PROJECT / ".gitignore", one)
    _git("init", "--quiet", one)
    _git("-C", one, "add", ".")
    _git("-C", one, "commit", "--quiet", "--message", "all")
    _git("clone", "--quiet", one, two)
    builds: list[subprocess.Popen[str]] = []
    for project, setting in zip((one, two), SETTINGS, strict=True):
        temporary = folder / f"t{len(builds)}"  # short: a socket with a path of its own goes there
        temporary.mkdir()
        inherited = {key: value for key, value in os.environ.items() if key != "SOURCE_DATE_EPOCH"}
        environment = {
            **inherited,
            **setting,
            "PYTHONPATH": str(project),
            "TMPDIR": str(temporary),
            "SITE_URL": ADDRESS,
            "REPO_URL": "https://github.com/somebody/notes",
        }
        build = subprocess.Popen(
            [sys.executable, "-m", "mkdocs", "build", "--strict"],
            cwd=project,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        builds.append(build)
    said = [build.communicate(timeout=600)[0] for build in builds]
    return "".join(text for build, text in zip(builds, said, strict=True) if build.returncode)

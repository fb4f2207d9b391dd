"""The same commit gives the same site, byte for byte, wherever and whenever it is built."""

import io
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.engine.projects import contents

EPOCH, DATE = "1000000000", b"2001-09-09T01:46:40Z"  # the same
# All that may differ between two builds: docs-dev/design.md says so, under "A build".
REPORT, DATED = "build.json", re.compile(rb'(?<=^ "date": ")[\dTZ:-]+(?=",$)', re.MULTILINE)
OFFLINE = "proven-notes-offline.zip"  # holds build.json, and so its date


def git(*arguments: str | Path) -> None:
    identity = ("user.name=t", "user.email=t@example.org", "core.autocrlf=false")
    options = [word for setting in identity for word in ("-c", setting)]
    subprocess.run(["git", *options, *map(str, arguments)], check=True, capture_output=True)


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two sites from two checkouts of one commit; the first with `SOURCE_DATE_EPOCH`."""
    folder = tmp_path_factory.mktemp("same")
    one, two = folder / "one", folder / "deeper" / "a second checkout"
    for name in ("docs", "snippets", "tests"):
        shutil.copytree(
            PROJECT / name, one / name, ignore=shutil.ignore_patterns("__pycache__", ".*")
        )
    for name in (".gitignore", "mkdocs.yml", "mkdocs.en.yml"):
        shutil.copy(PROJECT / name, one)
    git("init", "--quiet", one)
    git("-C", one, "add", ".")
    git("-C", one, "commit", "--quiet", "--message", "all")
    git("clone", "--quiet", one, two)

    settings = [
        {"PYTHONHASHSEED": "1", "TZ": "Pacific/Honolulu", "SOURCE_DATE_EPOCH": EPOCH},
        {"PYTHONHASHSEED": "2", "TZ": "Asia/Tokyo"},
    ]
    builds: list[subprocess.Popen[str]] = []
    for project, setting in zip((one, two), settings, strict=True):
        temporary = folder / f"t{len(builds)}"  # short: a socket with a path of its own goes there
        temporary.mkdir()
        inherited = {key: value for key, value in os.environ.items() if key != "SOURCE_DATE_EPOCH"}
        environment = {
            **inherited,
            **setting,
            "PYTHONPATH": str(project),
            "TMPDIR": str(temporary),
            "SITE_URL": "https://somebody.github.io/notes/",
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
    for build in builds:
        said, _ = build.communicate(timeout=600)
        assert build.returncode == 0, said
    return one / "site", two / "site"


def undated(report: bytes) -> bytes:
    """The report of a build without its date."""
    text, count = DATED.subn(b"", report)
    assert count == 1
    return text


def entries(archive: bytes) -> list[tuple[object, ...]]:
    """All that the zip file is made from, without the date."""
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        return [
            (
                entry.filename,
                entry.date_time,
                entry.external_attr,
                entry.create_system,
                entry.compress_type,
                undated(file.read(entry))
                if entry.filename.endswith(f"/{REPORT}")
                else file.read(entry),
            )
            for entry in file.infolist()
        ]


def test_two_checkouts_of_one_commit_differ_in_the_stated_date_and_in_no_other_byte(
    sites: tuple[Path, Path],
) -> None:
    one, two = map(contents, sites)
    assert one.keys() == two.keys()
    assert len(one) > 100
    assert {name for name in one if one[name] != two[name]} == {REPORT, OFFLINE}
    assert undated(one[REPORT]) == undated(two[REPORT])
    assert entries(one[OFFLINE]) == entries(two[OFFLINE])


def test_the_date_of_the_source_sets_the_stated_date(sites: tuple[Path, Path]) -> None:
    assert DATED.findall(contents(sites[0])[REPORT]) == [DATE]

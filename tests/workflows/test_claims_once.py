"""What a build has proven is not proven again by the tests of the same run, and nothing else is left out."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import LONGEST
from tests.helpers.projects import PROJECT

SECTION = """def test_proven():
    assert False, "it ran: proven"


def test_recorded():
    assert False, "it ran: recorded"


def test_that_is_no_claim():
    assert False, "it ran: no claim"
"""
CONFTEST = """import pytest
from pathlib import Path
from tests.helpers.claims import *  # of the real project


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items, config):
    prove_once(items, config)


@pytest.fixture(scope="session")
def site():
    assert {built}, "the build failed"
    return Path(__file__).parent
"""


def ran(folder: Path, *chosen: str, built: bool = True) -> set[str]:
    """Run the tests of a section and one that needs the site; tell which of the first ran."""
    claims = [{"name": name, "state": name} for name in ("proven", "recorded")]
    files = {
        "pytest.ini": "",
        "build.json": json.dumps({"claims": claims}),
        "conftest.py": CONFTEST.format(built=built),
        "tests/test_part.py": SECTION,
        "tests/site/test_pages.py": "def test_page(site): pass\n",
        "tests/site/test_other.py": SECTION.replace("it ran", "elsewhere"),
    }
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "--import-mode=importlib", *chosen]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    names = {"proven", "recorded", "no claim"}
    if chosen == ("tests",):
        assert {
            name for name in names if f"AssertionError: elsewhere: {name}" in done.stdout
        } == names
    return {name for name in names if f"AssertionError: it ran: {name}" in done.stdout}


def test_what_is_said_to_take_longest_is_there() -> None:
    assert all((PROJECT / "tests" / path).is_file() for path in LONGEST)


@pytest.mark.parametrize(
    ("chosen", "built", "those"),
    [
        (["tests"], True, {"recorded", "no claim"}),
        (["tests"], False, {"proven", "recorded", "no claim"}),
        (["tests/test_part.py"], True, {"proven", "recorded", "no claim"}),
        (["tests", "-k", "part"], True, {"proven", "recorded", "no claim"}),
    ],
)
def test_a_claim_runs_by_itself_unless_the_build_of_the_same_run_has_proven_it(
    tmp_path: Path, chosen: list[str], built: bool, those: set[str]
) -> None:
    assert ran(tmp_path, *chosen, built=built) == those

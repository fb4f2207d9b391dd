"""Takes the word of a build for the claims that it has proven, so that one run of the tests does not prove them twice.

Where some test of a run needs the site, every claim is proven by the build of that site: a test that
is a claim then does nothing more. Where no test needs the site, or its build failed, each claim runs
as any other test, and shows what does not hold.
"""

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def proved_by_the_build(request: pytest.FixtureRequest) -> set[str]:
    """The tests whose claims the build of the site has proven; none where there is no such site."""
    try:
        site: Path = request.getfixturevalue("site")
    except AssertionError:  # the tests of the site tell it
        return set()
    report = json.loads((site / "build.json").read_text(encoding="utf-8"))
    return {f"test_{row['name']}" for row in report["claims"] if row["state"] == "proven"}


def prove_once(items: list[pytest.Item], config: pytest.Config) -> None:
    """Let the claims wait for the build, if a test of this run makes it."""
    functions = [item for item in items if isinstance(item, pytest.Function)]
    if any("site" in item.fixturenames for item in functions):
        for item in functions:
            if item.path.parent == config.rootpath / "tests":  # a module of a section
                item.fixturenames.append(proved_by_the_build.__name__)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    proved: Any = pyfuncitem.funcargs.get(proved_by_the_build.__name__, ())
    return pyfuncitem.name in proved or None

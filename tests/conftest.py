"""What all tests share: the skip of what needs a GPU, one build of the real site, and the claims that it proves."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.helpers.claims import prove_once, proved_by_the_build, pytest_pyfunc_call  # noqa: F401
from tests.helpers.projects import PROJECT, Project, mkdocs
from tests.helpers.themed import build_themed
from tests.helpers.workers import once

if TYPE_CHECKING:
    from playwright.sync_api import Browser


# What takes longest starts first, so that no process is alone with it at the end.
LONGEST = [
    "proven/generators/test_mkdocs.py",
    "site/test_downloads_run.py",
    "proven/test_reversals.py",
    "site/test_same_again.py",
    "browser/test_desk.py",
    "browser/test_phone.py",
    "proven/generators/test_preview.py",
    "proven/test_prove.py",
    "test_custom_layers.py",
    "test_together.py",
]


@pytest.hookimpl(trylast=True)  # once those are gone that -k and -m leave out
def pytest_collection_modifyitems(items: list[pytest.Item], config: pytest.Config) -> None:
    prove_once(items, config)
    order = {PROJECT / "tests" / path: number for number, path in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path, len(order)))


@pytest.hookimpl(optionalhook=True)  # mutants are tried without pytest-xdist
def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are cores: those with a browser wait for it, and for the clock."""
    return (os.cpu_count() or 1) + 1


def pytest_runtest_setup(item: pytest.Item) -> None:
    mark = item.get_closest_marker("gpu")
    if mark:
        import torch

        need, had = mark.args[0], torch.cuda.device_count()
        if had < need:
            pytest.skip(f"needs {need} CUDA device(s), and this machine has {had}")


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """A Chromium for all tests of a worker: Playwright allows no second one beside it.

    Yields:
        The browser.
    """
    from playwright.sync_api import sync_playwright

    from tools.chromium import launch

    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real site, built once for all tests of all workers."""

    def make(folder: Path) -> str:
        done = mkdocs(PROJECT, "build", "--site-dir", str(folder))
        return done.stdout if done.returncode else ""

    return once(tmp_path_factory, "real-site", make)


@pytest.fixture(scope="session")
def themed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small site in the real theme, which knows its address and its repository."""
    return once(tmp_path_factory, "themed", build_themed) / "site"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A small project that is not written yet."""
    return Project(tmp_path / "project")

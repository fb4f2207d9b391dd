"""What all tests share: the skip of what needs a GPU, and one build of the real site."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.helpers.projects import PROJECT, Project, mkdocs

if TYPE_CHECKING:
    from playwright.sync_api import Browser

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
    """The real site, built once for all tests of all workers.

    Args:
        tmp_path_factory: Where temporary folders come from.

    Returns:
        The folder of the site.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / "real-site"
    lock = shared / "real-site.lock"
    try:
        os.close(os.open(lock, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        import time

        log = shared / "real-site.log"
        while not log.exists():
            time.sleep(0.1)
    else:
        done = mkdocs(PROJECT, "build", "--site-dir", str(folder))
        (shared / "real-site.part").write_text(done.stdout, encoding="utf-8")
        (shared / "real-site.part").rename(shared / "real-site.log")
    assert (folder / "build.json").is_file(), (shared / "real-site.log").read_text(encoding="utf-8")
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A small project that is not written yet."""
    return Project(tmp_path / "project")

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.helpers.looking import leave, tab
from tests.helpers.server import served

# The other processes of a run may hold both cores for longer than the five seconds that are usual.
expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """The real site in a sub-path, as the hosts of projects serve it."""
    with served(site, under="/some/where/") as address:
        yield address


@pytest.fixture(scope="session")
def root(site: Path) -> Iterator[str]:
    """The real site at the root of its host, which the page for what is not there needs."""
    with served(site) as address:
        yield address


@pytest.fixture(scope="session")
def marked(themed: Path) -> Iterator[str]:
    """The small site, with a skipped snippet and two marks."""
    with served(themed) as address:
        yield address


@pytest.fixture(scope="module")
def only(browser: Browser) -> Iterator[Page]:
    """The one tab of a module, a phone's; a module with other wishes has an `only` of its own."""
    with tab(browser, viewport={"width": 360, "height": 740}) as view:
        yield view


@pytest.fixture
def view(only: Page) -> Iterator[Page]:
    """That tab, which remembers nothing of the test before."""
    yield only
    leave(only)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests measured, which the workers of xdist cannot.

    Args:
        terminalreporter: What pytest prints with.
    """
    for report in terminalreporter.stats.get("passed", []) + terminalreporter.stats.get(
        "failed", []
    ):
        for name, value in report.user_properties:
            if name == "printed" and report.when == "call":
                terminalreporter.write_line(str(value))

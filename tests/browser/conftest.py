from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.server import served


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

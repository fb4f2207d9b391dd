import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.projects import CUDA, PROJECT, Project, mkdocs
from tests.helpers.server import served

TESTS = '''import pytest


def test_it_prints_hello() -> None:
    """The cell prints `hello`.

    这段代码打印 `hello`。
    """


@pytest.mark.gpu(8)
def test_eight_devices_agree() -> None:
    """All devices agree.

    所有设备一致。
    """
'''
PAGE = """# Title {#title}

```snippet
part.one
```

```snippet
part.two
```

A sentence long enough to need a second line on a phone, and then a third one, is proven by its
test.`#!claim it_prints_hello` Another one is not.`#!claim eight_devices_agree`

## Second heading {#second}

A paragraph after it.
"""


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
def marked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A small site in the real theme, with a repository, a skipped snippet and two marks.

    Args:
        tmp_path_factory: Where temporary folders come from.

    Yields:
        The address of the site, with a slash at its end.
    """
    script = '# %% one\nprint("hello")\n# %% two needs="cuda:8"\nprint(8)\n'
    project = Project(
        tmp_path_factory.mktemp("marked"),
        script,
        dict.fromkeys(("zh", "en"), PAGE),
        TESTS,
        settings={"devices": CUDA},
    )
    folder = project.write()
    for name in ("mkdocs.yml", "mkdocs.en.yml"):
        text = (PROJECT / name).read_text(encoding="utf-8")
        (folder / name).write_text(re.sub(r"\nnav:(\n  .*)+", "", text), encoding="utf-8")
    project.file("docs/search.toml", "")
    shutil.copytree(PROJECT / "docs" / "theme", folder / "docs" / "theme")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPO_URL", "https://github.com/example/example")
        done = mkdocs(folder, "build")
    assert (folder / "site").is_dir(), done.stdout
    with served(folder / "site") as address:
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

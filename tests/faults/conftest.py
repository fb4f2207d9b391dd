import shutil
import sys
import time
from pathlib import Path

import pytest

from tests.faults.chapter import Chapter, cut, whole

if sys.platform != "linux":  # elsewhere there is no /proc, in which processes are looked for
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory) -> Chapter:
    """One section of the real chapter, built without a fault.

    Args:
        tmp_path_factory: Where temporary folders come from.

    Returns:
        The copy, with its site.
    """
    chapter = cut(tmp_path_factory.mktemp("good") / "project")
    begin = time.perf_counter()
    done = chapter.build()
    assert done.returncode == 0, done.stdout
    chapter.seconds = time.perf_counter() - begin
    return chapter


@pytest.fixture(scope="session")
def good_whole(good: Chapter, tmp_path_factory: pytest.TempPathFactory) -> Chapter:
    """The whole chapter, with the site of one section: for faults that keep it from being built.

    Args:
        good: The copy of one section.
        tmp_path_factory: Where temporary folders come from.

    Returns:
        The copy, with that site.
    """
    chapter = whole(tmp_path_factory.mktemp("whole") / "project")
    shutil.copytree(good.folder / "site", chapter.folder / "site")
    return chapter


@pytest.fixture
def section(good: Chapter, tmp_path: Path) -> Chapter:
    """A fresh copy of one section and its good site.

    Args:
        good: The copy that is kept good.
        tmp_path: Where the copy goes.

    Returns:
        The copy.
    """
    return Chapter(Path(shutil.copytree(good.folder, tmp_path / "project")))


@pytest.fixture
def chapter(good_whole: Chapter, tmp_path: Path) -> Chapter:
    """A fresh copy of the whole chapter and a good site.

    Args:
        good_whole: The copy that is kept good.
        tmp_path: Where the copy goes.

    Returns:
        The copy.
    """
    return Chapter(Path(shutil.copytree(good_whole.folder, tmp_path / "project")))

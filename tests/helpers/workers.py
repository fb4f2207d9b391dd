"""What is made once for all processes that run the tests."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], str]) -> Path:
    """Let the first process that asks for a folder make it, and the others wait for it.

    Args:
        factory: Where temporary folders come from.
        name: The name of the folder.
        make: Makes it; returns what went wrong, or nothing.

    Returns:
        The folder.
    """
    shared = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder, log = shared / name, shared / f"{name}.log"
    with FileLock(shared / f"{name}.lock"):
        if not log.exists():
            log.write_text(make(folder), encoding="utf-8")
    wrong = log.read_text(encoding="utf-8")
    assert not wrong, wrong
    return folder

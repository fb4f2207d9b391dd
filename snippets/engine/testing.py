"""Lets a test run a section up to a snippet, and look at what is there then.

assert after("parameters.init-constant").net[0].weight.eq(1).all()
assert "no attribute 'bias'" in shown("parameters.relu-has-no-bias").error
"""

import os
import tempfile
import types
from functools import cache
from pathlib import Path

from snippets.engine.cells import Outcome, run_cells
from snippets.engine.scripts import Section, read_section

SNIPPETS = Path(__file__).parents[1]


@cache
def _section(name: str) -> Section:
    return read_section(SNIPPETS / f"{name}.py")


def after(name: str) -> types.ModuleType:
    """Run a section from its first cell to the named one, in this process.

    Args:
        name: The full name of a snippet.

    Returns:
        The namespace of the section: `after("blocks.mlp").net`.

    Raises:
        SnippetError: A cell ended otherwise than it declares.
    """
    return _run(name)[0]


def shown(name: str) -> Outcome:
    """Run a section from its first cell to the named one, and return what that one shows.

    Args:
        name: The full name of a snippet.

    Raises:
        SnippetError: A cell ended otherwise than it declares.
    """
    return _run(name)[1]


def _run(name: str) -> tuple[types.ModuleType, Outcome]:
    section = _section(name.split(".")[0])
    assert name in [snippet.name for snippet in section.snippets], f"there is no snippet {name!r}"
    module = types.ModuleType("__main__")
    outcome = None
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            for message in run_cells(section, module, name):
                outcome = message
        finally:
            os.chdir(before)
    assert isinstance(outcome, Outcome)
    return module, outcome

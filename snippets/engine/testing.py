"""Lets a test run a section up to a snippet, and look at what is there then.

assert after("parameters.init-constant").net[0].weight.eq(1).all()
assert "no attribute 'bias'" in shown("parameters.relu-has-no-bias").error
"""

import os
import tempfile
import types
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from snippets.engine.cells import Outcome, run_cells
from snippets.engine.scripts import Section, read_section

SNIPPETS = Path(__file__).parents[1]


@dataclass
class Stage:
    """How far a section has come in the process of a build that runs a test.

    Attributes:
        section: The section.
        module: Its namespace; None once it was handed out, since a test may change it.
        outcomes: What its snippets did so far, by full name.
    """

    section: Section
    module: types.ModuleType | None
    outcomes: dict[str, Outcome]


stage: Stage | None = (
    None  # set by a build; under pytest there is none, and every section runs afresh
)


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
    if stage and stage.module and stage.outcomes and name == list(stage.outcomes)[-1]:
        module, stage.module = stage.module, None
        return module
    return _run(name)[0]


def shown(name: str) -> Outcome:
    """Run a section from its first cell to the named one, and return what that one shows.

    Args:
        name: The full name of a snippet.

    Returns:
        Its output, its error and its figures.

    Raises:
        SnippetError: A cell ended otherwise than it declares.
    """
    if stage and name in stage.outcomes:
        return stage.outcomes[name]
    return _run(name)[1]


def _run(name: str) -> tuple[types.ModuleType, Outcome]:
    here = name.split(".")[0]
    section = stage.section if stage and stage.section.name == here else _section(here)
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

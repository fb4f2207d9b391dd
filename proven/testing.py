"""Lets a test run a section up to a snippet, and look at what is there then.

assert after("blocks.mlp").net(torch.rand(2, 20)).shape == (2, 10)
assert "no attribute 'bias'" in shown("parameters.by-index").error
for seed in over(range(20), "seeds | 个随机种子"):
    ...
"""

import contextlib
import tempfile
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from proven.assertions import Ledger
from proven.cells import UNSTABLE, Outcome, run_cells
from proven.problems import CONTROL
from proven.scripts import Section, read_section, section_of
from proven.settings import Settings, find_project, read_settings

Case = TypeVar("Case")
# how many cases there were of what, in the words of each language
Reach = tuple[tuple[str, int], ...]


@dataclass
class SectionState:
    """How far a section has come in the process of a build that runs a test."""

    settings: Settings
    section: Section
    module: types.ModuleType | None  # None once it was handed out, since a test may change it
    outcomes: dict[str, Outcome]  # of its snippets so far, by full name


state: SectionState | None = None  # set by a build; under pytest every section runs afresh
ledger = Ledger()  # of the test that runs
case = ""  # the one that is being tried: an error names it


def over(cases: Iterable[Case], words: str) -> Iterator[Case]:
    """Try each member of a family, so that the page can tell on how many a claim was tried.

    The words say what the members are, in the languages of the project: `seeds | 个随机种子`. Members
    with the same name count as one; one for which no assertion ran counts as none, unless a later
    assertion is about what a loop made of all of them.
    """
    global case
    parts = words.split(" | ")
    assert not state or len(parts) == len(state.settings.written), f"{words!r} lacks a language"
    assert not CONTROL.search(words), f"{words!a} holds control characters"
    assert all(map(str.strip, parts)), f"{words!r} does not say what the cases are"
    its, names = ledger, ledger.cases.setdefault(words, set())
    its.tried.setdefault(words, set())
    for one in cases:
        its.trying[words] = case = _name(one)
        unnamed = f"a case of {words!r} has an address for a name: try texts, numbers or functions"
        assert not UNSTABLE.search(case), unnamed
        names.add(case)
        yield one
    case = ""
    its.trying.pop(words, None)
    assert names, f"there is no case of {words!r}"


def _name(one: object) -> str:
    if isinstance(one, tuple):
        return ", ".join(map(_name, one))
    return getattr(one, "__qualname__", None) or repr(one)


def reach() -> Reach:
    """How far the test went that has just ended."""
    return tuple((words, len(names)) for words, names in ledger.tried.items())


@cache
def _settings() -> Settings:
    return read_settings(find_project())


@cache
def section(name: str) -> Section:
    """The section of that name, as it stands in the project of the working directory."""
    settings = _settings()
    return read_section(settings.project / settings.sections / f"{name}.py", settings)


def after(name: str) -> types.ModuleType:
    """Run a section from its first cell to the named one, in this process."""
    if state and state.module and state.outcomes and name == list(state.outcomes)[-1]:
        module, state.module = state.module, None
        return module
    return _run(name)[0]


def shown(name: str) -> Outcome:
    """Run a section from its first cell to the named one, and return what that one shows."""
    if state and name in state.outcomes:
        return state.outcomes[name]
    if not state and name in _shown:
        return _shown[name]
    return _run(name)[1]


def shown_afresh(name: str) -> Outcome:
    """Return what `shown` returns, from a run of its own: for a test that compares two runs."""
    return _run(name)[1]


_shown: dict[str, Outcome] = {}  # an outcome cannot be changed, so that one run serves all tests


def _run(name: str) -> tuple[types.ModuleType, Outcome]:
    here = section_of(name)
    its_own = state and state.section.name == here
    settings = state.settings if state else _settings()
    its_section = state.section if state and its_own else section(here)
    known = [snippet.name for snippet in its_section.snippets]
    assert name in known, f"there is no snippet {name!r}"
    module, outcome = types.ModuleType("__main__"), None
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for message in run_cells(settings, its_section, module, name):
            if isinstance(message, Outcome):
                outcome = message
                if not state:
                    _shown[message.name] = message
    assert outcome
    return module, outcome

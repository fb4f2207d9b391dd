"""A test looks at a section: what is there after a snippet, and what a snippet shows."""

import functools
import os
import subprocess
import sys

import pytest

from proven import testing
from proven.assertions import Ledger
from proven.scripts import read_sections
from proven.testing import over
from tests.helpers.projects import PROJECT, Project

SCRIPT = """# %% one
numbers = [1, 2, 3]
print("three")
# %% two raises="ValueError"
numbers.append(4)
raise ValueError("four")
"""
TESTS = """import os
import pytest
from proven.testing import after, shown, shown_afresh

HERE = os.getcwd()


def test_each_test_gets_a_state_of_its_own():
    first = after("part.one")
    assert first.numbers == [1, 2, 3]
    first.numbers.clear()
    assert after("part.one").numbers == [1, 2, 3]
    assert after("part.two").numbers == [1, 2, 3, 4]
    assert os.getcwd() == HERE


def test_what_a_snippet_shows_is_run_once():
    assert shown("part.one").output == "three\\n"
    assert shown("part.two").error == "ValueError: four"
    first = shown("part.one")
    assert shown("part.one") is first
    assert shown_afresh("part.one") is not first


def test_a_snippet_that_is_not_there_is_named():
    with pytest.raises(AssertionError, match="there is no snippet 'part.none'"):
        after("part.none")
"""


def test_under_pytest_a_section_is_run_where_its_tests_ask_for_it(project: Project) -> None:
    project.script = SCRIPT
    folder = project.write()
    path = project.file("tests/test_looks.py", TESTS)
    for where in (folder, folder / "docs"):  # the project is found from inside, too
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(path)],
            cwd=where,
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
            text=True,
            capture_output=True,
        )
        assert "3 passed" in done.stdout, done.stdout


def test_a_case_is_counted_under_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(testing, "ledger", Ledger())
    cases = [int, str, (int, 3), (int, 3), len]
    for case in over(cases, "things | 样"):
        testing.ledger.asserted(case in cases, 1, True, False)
    assert testing.reach() == (("things | 样", 4),)


def test_a_family_is_named_in_each_language(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = project.read_settings()
    section = read_sections(settings)[0]["part"]
    state = testing.SectionState(settings, section, None, {})
    monkeypatch.setattr(testing, "state", state)
    monkeypatch.setattr(testing, "ledger", Ledger())
    assert list(over([1, 2], "numbers | 个数")) == [1, 2]
    with pytest.raises(AssertionError, match="'numbers' lacks a language"):
        list(over([1, 2], "numbers"))
    with pytest.raises(AssertionError, match=r"u202e | 个数' holds control characters"):
        list(over([1, 2], "\u202e | 个数"))
    with pytest.raises(AssertionError, match=r"'numbers \| ' does not say what the cases are"):
        list(over([1, 2], "numbers | "))


@pytest.mark.parametrize("case", [object(), (1, object()), functools.partial(lambda: 1)])
def test_a_case_that_only_an_address_names_is_refused(
    monkeypatch: pytest.MonkeyPatch, case: object
) -> None:
    monkeypatch.setattr(testing, "ledger", Ledger())
    with pytest.raises(AssertionError, match="a case of 'things' has an address for a name"):
        list(over([1, case], "things"))

"""Reading the tests of a section: which of them are claims, and what they say and need."""

import pytest

from proven.claims import Claim, read_claims
from proven.problems import Problem
from proven.scripts import read_sections
from tests.helpers.projects import Project

SCRIPT = "# %% one\nx = 1\n# %% two\nx = 2\n"
HELD = '''
def test_holds() -> None:
    """It holds.

    成立。
    """
    assert True
'''


def read(project: Project, tests: str) -> tuple[dict[str, Claim], list[Problem]]:
    project.script, project.tests = SCRIPT, tests
    settings = project.read_settings()
    return read_claims(settings, read_sections(settings)[0])


def test_a_test_with_a_paragraph_for_each_language_is_a_claim(project: Project) -> None:
    tests = '''import pytest

def helper() -> str:
    """No.

    不是。
    """
    return "part.two"


@pytest.mark.gpu(2)
def test_holds() -> None:
    """It holds, on
    two `lines`.

    两行
    也成立 so
    it goes。
    """
    assert shown("part.two").output != shown("part.one").output


def test_only_for_programmers() -> None:
    """One paragraph."""
    assert after("part.one")
'''
    claims, problems = read(project, tests)
    assert problems == []
    (claim,) = claims.values()
    assert (claim.name, claim.section, claim.place) == ("holds", "part", "tests/test_part.py:12")
    assert claim.words == {"en": "It holds, on two `lines`.", "zh": "两行也成立 so it goes。"}
    assert claim.source.startswith("@pytest.mark.gpu(2)\ndef test_holds()")
    assert claim.source.endswith('shown("part.one").output')
    assert (claim.snippet, claim.devices, claim.needs_state) == ("part.two", 2, False)


def test_the_order_of_the_paragraphs_and_their_number_are_settings(project: Project) -> None:
    project.languages = ("fr", "en", "de")
    project.settings["written"] = ["de", "fr", "en"]
    claims, _ = read(
        project, HELD.replace("成立。", "Oui.\n\n    Yes.") + HELD.replace("holds", "b")
    )
    assert {name: claim.words for name, claim in claims.items()} == {
        "holds": {"de": "It holds.", "fr": "Oui.", "en": "Yes."}
    }


@pytest.mark.parametrize(
    ("body", "snippet", "needs_state"),
    [
        ('assert after("part.one").x == 1', "part.one", True),
        ('assert shown("part.one").output == "part.nothing"', "part.one", False),
        ("assert 1 + 1 == 2", None, False),
    ],
)
def test_a_claim_follows_the_last_snippet_that_it_names(
    project: Project, body: str, snippet: str | None, needs_state: bool
) -> None:
    claims, _ = read(project, HELD.replace("assert True", body))
    assert (claims["holds"].snippet, claims["holds"].needs_state) == (snippet, needs_state)


def test_the_hash_of_a_claim_is_that_of_its_test(project: Project) -> None:
    first = read(project, HELD)[0]["holds"]
    assert read(project, "\n\n" + HELD + "x = 1\n")[0]["holds"].sha256 == first.sha256
    assert read(project, HELD.replace("True", "1"))[0]["holds"].sha256 != first.sha256


@pytest.mark.parametrize(
    ("tests", "what", "place"),
    [
        (HELD.replace("()", "(tmp_path)"), "takes a fixture or a mark", ":2"),
        (HELD.replace("()", "(tmp_path, /)"), "takes a fixture or a mark", ":2"),
        (HELD.replace("()", "(*, tmp_path)"), "takes a fixture or a mark", ":2"),
        (HELD.replace("True", "HELD, HELD == 1"), "this one is not checked", ":7"),
        (HELD.replace("It holds", "It \\u202eholds"), "holds control characters", ":2"),
        (HELD.replace("\ndef", "\n@pytest.mark.skip\ndef"), "takes a fixture or a mark", ":3"),
        (HELD.replace("\ndef", "\n@pytest.mark.gpu\ndef"), "takes a fixture or a mark", ":3"),
        (HELD + HELD, "two tests are called test_holds", ":2"),
        (HELD + "def broken(:\n", "SyntaxError", ":8"),
    ],
)
def test_a_test_that_can_be_no_claim_is_named_with_its_line(
    project: Project, tests: str, what: str, place: str
) -> None:
    _, (problem,) = read(project, tests)
    assert what in str(problem)
    assert problem.places[0] == f"tests/test_part.py{place}"


def test_tests_that_are_not_utf8_or_not_there(project: Project) -> None:
    settings = project.read_settings()
    sections = read_sections(settings)[0]
    assert read_claims(settings, sections) == ({}, [])
    path = project.file("tests/test_part.py", "")
    path.write_bytes(b"# \xff")
    claims, problems = read_claims(settings, sections)
    assert not claims
    assert "tests/test_part.py:1" in str(problems[0])


def test_two_sections_share_no_name_of_a_claim(project: Project) -> None:
    project.script, project.tests = SCRIPT, HELD
    settings = project.read_settings()
    project.file("snippets/more.py", "# %% one\nx = 1\n")
    project.file("tests/test_more.py", "\n" + HELD)
    _, (problem,) = read_claims(settings, read_sections(settings)[0])
    assert problem.what == "two tests are called test_holds"
    assert problem.places == ("tests/test_more.py:3", "tests/test_part.py:2")


@pytest.mark.parametrize(
    ("lines", "joined"),
    [
        ("a b\n    c", "a b c"),
        ("中文，\n中文", "中文，中文"),
        ("中文\n`code`", "中文 `code`"),
        ("code\n中文", "code 中文"),
        ("code，\ncode", "code，code"),
        ("中\n文", "中文"),
    ],
)
def test_lines_of_a_docstring_are_joined_as_their_language_is_written(
    project: Project, lines: str, joined: str
) -> None:
    found, _ = read(project, f'def test_x() -> None:\n    """E.\n\n    {lines}\n    """\n')
    assert found["x"].words["zh"] == joined

"""What says more than its proof, and what states behaviour without a proof, is found."""

import pytest

from proven.pages import read_page
from proven.project import read_project
from tests.helpers.projects import Project, page
from tools import unmarked as looking
from tools.reach import too_far
from tools.unmarked import unmarked

TESTS = '''def test_wide() -> None:
    """A.

    甲。
    """
    assert 1 < 2


def test_narrow() -> None:
    """B.

    乙。
    """
    assert 1 < 2
'''


def test_a_universal_word_whose_proof_is_one_example_is_found(project: Project) -> None:
    project.tests = TESTS
    project.pages = {
        "zh": page("part.one") + "\n每一个都是。`#!claim wide` 这个是。`#!claim narrow`\n",
        "en": page("part.one") + "\nThis one is.`#!claim wide` Each one is.`#!claim narrow`\n",
    }
    read = read_project(project.read_settings())
    found = too_far(read, {})
    assert [(name, [mark.sentence for mark in marks]) for name, marks in found] == [
        ("wide", ["每一个都是。"]),
        ("narrow", ["Each one is."]),
    ]
    assert [name for name, _ in too_far(read, {"wide": True})] == ["narrow"]


PAGE = """# `nn.Linear` is a title {#title}

`nn.Linear` has a bias. It is `float32`.`#!claim holds` Nothing is said of code here.
Does `nn.Linear` have a bias?

Level 1 of 3. Write `count`, which returns a number.

!!! question "Predict first"
    The layer `x` is one. Which?

!!! warning "A box"
    `nn.ReLU` keeps nothing.

Further reading: `nn.ReLU` is in the documentation.
"""


def test_a_sentence_on_code_without_a_mark_is_found() -> None:
    read, problems = read_page(PAGE, "index.md", "en", "docs/en/index.md")
    assert problems == []
    assert list(unmarked(read)) == [
        ("docs/en/index.md:3", "`nn.Linear` has a bias"),
        ("docs/en/index.md:12", "`nn.ReLU` keeps nothing"),
    ]


def test_each_sentence_of_the_site_on_code_has_a_mark_or_a_reason(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status = looking.main()
    assert status == 0, capsys.readouterr().out

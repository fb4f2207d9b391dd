"""Numbers that a claim and its sentences do not share are found; others are left alone."""

import pytest

from proven.project import read_project
from tests.helpers.projects import Project, page
from tools.numbers import differing, digits, said

TESTS = '''def test_holds() -> None:
    """{en}

    {zh}
    """
    assert len([7]) == 1
'''


def found(project: Project, en: str, zh: str, sentence: str, satz: str = "一样。") -> list[str]:
    project.tests = TESTS.format(en=en, zh=zh)
    project.pages = {
        "zh": page("part.one") + f"\n{satz}`#!claim holds`\n",
        "en": page("part.one") + f"\n{sentence}`#!claim holds`\n",
    }
    return [line.split("\n")[0] for line in differing(read_project(project.read_settings()))]


@pytest.mark.parametrize(
    ("en", "zh", "sentence", "says"),
    [
        ("It has 2 rows.", "有 2 行。", "It has 2 rows.", ""),
        ("It has two rows.", "有 2 行。", "It has both.", ""),
        ("It is zero.", "它是 0。", "See 5.2.1 for PyTorch 2.6 (January 2025).", ""),
        ("It has 1,024.", "有 1024 个。", "It has 1024 of `float32`.", ""),
        (
            "It has 2 rows.",
            "有 3 行。",
            "It has rows.",
            "test_part.py:1  holds: one language lacks",
        ),
        ("It has rows.", "有 0 行。", "It has rows.", "holds: one language lacks 0"),
        ("x is 4.", "x 是 4。", "x is 5.", "index.md:7  holds: 5 here and 4 in its claim"),
        ("It is 0.25.", "是 0.25。", "It is 0.5.", "holds: 0.5 here and 0.25 in its claim"),
        ("x is 4.", "x 是 4。", "x is 7.", ""),  # the test has it
    ],
)
def test_what_differs_is_found(
    project: Project, en: str, zh: str, sentence: str, says: str
) -> None:
    lines = found(project, en, zh, sentence)
    assert bool(lines) == bool(says), lines
    assert says in "\n".join(lines)


def test_a_sentence_in_chinese_counts_as_well(project: Project) -> None:
    [line] = found(project, "x is 4.", "x 是 4。", "x is it.", "x 是 5。")
    assert line == "docs/zh/index.md:7  holds: 5 here and 4 in its claim"


def test_numbers_are_those_that_a_reader_sees() -> None:
    assert digits("2x256, `m1`, float64, 1.5 and 从 1.8 版起") == {"2", "256", "1.5"}
    assert said("三行 twice") == {"3", "2"}

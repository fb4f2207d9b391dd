"""A table that a page lets its reader move through has a row for each position."""

from pathlib import Path

import pytest

from proven.build import read_and_check, run_sections
from proven.problems import ProjectError
from tests.helpers.projects import Project

PAGE = "# Title {#title}\n\n```snippet moves=%s\npart.one\n```\n"
TABLE = ["a | b | c", "1 | x | 3", "1 | y | 4", "2 | x | 5", "2 | y | 6"]


def run(folder: Path, rows: list[str], moves: str = '"2"', other: str = "") -> None:
    project = Project(folder, script="# %% one\nprint(*" + repr(rows) + ', sep="\\n")\n')
    project.pages = {"zh": PAGE % (other or moves), "en": PAGE % moves}
    run_sections(read_and_check(project.read_settings()))


def test_a_whole_table_is_taken(tmp_path: Path) -> None:
    run(tmp_path, TABLE)


@pytest.mark.parametrize(
    ("rows", "moves", "told"),
    [
        (TABLE[:-1], '"2"', "its table has no row for 2 | y"),
        ([*TABLE, "1 | x | 7"], '"2"', "two rows of its table have the same position"),
        ([*TABLE, "3 | z"], '"2"', "a row of its table has other columns than the head: 3 | z"),
        (TABLE, '"3"', "moves='3' is no number of columns that leaves one to show"),
        (TABLE, '"two"', "moves='two' is no number of columns"),
        (["words"], '"1"', "is no number of columns that leaves one to show"),
    ],
)
def test_a_table_with_gaps_is_refused(
    tmp_path: Path, rows: list[str], moves: str, told: str
) -> None:
    with pytest.raises(ProjectError) as caught:
        run(tmp_path, rows, moves)
    assert told in str(caught.value)
    assert "docs/en/index.md:3" in str(caught.value)


def test_all_languages_let_the_same_columns_move(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as caught:
        run(tmp_path, TABLE, '"2"', other='"1"')
    assert "the snippets differ in order: part.one 1 / part.one 2" in str(caught.value)

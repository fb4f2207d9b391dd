"""The message of an error, and how files that people wrote are decoded."""

import errno
import os
import re
from pathlib import Path
from typing import Any

import pytest

from proven.problems import Problem, ProjectError, decode, read, unforeseen


def test_a_problem_says_what_where_and_what_to_do() -> None:
    problem = Problem(
        "it fails:\nTypeError: no", "mend it", ("a.py:1", "b.md:2"), "part.one", "holds", "It does."
    )
    assert str(problem) == (
        "it fails:\n  | TypeError: no\n"
        "  snippet  part.one\n  claim    holds\n  sentence It does.\n"
        "  at       a.py:1, b.md:2\n  do       mend it"
    )
    assert str(Problem("it fails", "mend it")) == "it fails\n  do       mend it"


def test_an_error_tells_all_its_problems() -> None:
    one, two = Problem("one", "do"), Problem("two", "do")
    error = ProjectError(one, two)
    assert error.problems == (one, two)
    assert str(error) == f"{one}\n\n{two}"


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("begins", [b"", b"\xef\xbb\xbf"])
def test_a_file_reads_the_same_whichever_editor_saved_it(ending: str, begins: bytes) -> None:
    assert decode(begins + f"一{ending}two{ending}".encode(), "a.md") == "一\ntwo\n"


def test_a_file_is_read_and_what_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one\r\n")
    assert read(tmp_path / "a", "a") == b"one\r\n"
    with pytest.raises(ProjectError, match=r"cannot be read: Is a directory[\s\S]*docs/b:1"):
        read(tmp_path, "docs/b")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")  # to read it would wait for its writer
        with pytest.raises(ProjectError, match=r"cannot be read: it is no file[\s\S]*pipe:1"):
            read(tmp_path / "pipe", "pipe")


@pytest.mark.parametrize("mark", ["\u202e", "\x1b", "\x0c", "\ufeff"])
def test_what_nobody_sees_in_a_file_is_named_with_its_lines(mark: str) -> None:
    with pytest.raises(ProjectError, match="control characters") as error:
        decode(f"a\nb{mark}\nc\n{mark}d\n".encode(), "tests/test_a.py")
    assert "tests/test_a.py:2, tests/test_a.py:4" in str(error.value)


def test_what_is_no_utf8_is_named_with_its_byte() -> None:
    with pytest.raises(ProjectError, match="not UTF-8: invalid start byte at byte 2") as error:
        decode(b"ab\xff", "docs/en/a.md")
    assert "docs/en/a.md:1" in str(error.value)


@pytest.mark.parametrize(
    "what",
    [
        "::error file=a::owned",
        "it fails\n::error::owned",
        "it fails\n   ::stop-commands::x",
        "it fails\r::error::owned",
        "it fails\u2028::error::owned\x0b::error::owned\x85::error::owned",
        "##[error]owned",
        "it \x1b[2J\x1b]0;owned\x07 \x9b31m \u202e fails",
    ],
)
@pytest.mark.parametrize("field", ["what", "advice", "snippet", "sentence", "places"])
def test_text_of_others_commands_neither_a_terminal_nor_a_log(what: str, field: str) -> None:
    fields: dict[str, Any] = {"what": "it fails", "advice": "mend it"}
    fields[field] = (what,) if field == "places" else what
    text = str(ProjectError(Problem(**fields), Problem(**fields)))
    for line in text.splitlines():
        assert not line.strip().startswith("::"), line
    assert "##[" not in text
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.EFBIG, "give the build more room: df and ulimit -a tell what this machine allows"),
        (errno.EMFILE, "give the build more room: df and ulimit -a tell what this machine allows"),
        (
            errno.EXDEV,
            "correct what is named here, if it is wrong; if not, this is a bug of the engine: report it",
        ),
    ],
)
def test_a_machine_at_its_limits_is_no_bug_of_the_engine(number: int, advice: str) -> None:
    problem = unforeseen(OSError(number, os.strerror(number), "a.txt"), "a.md:1")
    assert problem.what == f"OSError: [Errno {number}] {os.strerror(number)}: 'a.txt'"
    assert problem.places[0] == "a.md:1"
    assert problem.advice == advice

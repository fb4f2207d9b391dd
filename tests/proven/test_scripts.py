"""Reading section scripts: cells, markers, comments of two languages."""

import os
from pathlib import Path

import pytest

from snippets.engine.errors import SnippetError
from snippets.engine.scripts import Section, localise, read_section, read_sections


def read(folder: Path, text: str) -> Section:
    (folder / "part.py").write_text(text, encoding="utf-8")
    return read_section(folder / "part.py")


def problem(folder: Path, text: str) -> str:
    with pytest.raises(SnippetError) as caught:
        read(folder, text)
    return str(caught.value)


def test_cells_become_snippets_with_their_names_and_lines(tmp_path: Path) -> None:
    section = read(tmp_path, "# %% one\nx = 1\n\n# %% two-words\n\n\ny = 2\nz = 3\n")
    assert [(s.name, s.source, s.line) for s in section.snippets] == [
        ("part.one", "x = 1", 2),
        ("part.two-words", "y = 2\nz = 3", 7),
    ]


def test_a_marker_declares_needs_raises_and_fold(tmp_path: Path) -> None:
    text = '# %% one needs="cuda:2" raises="TypeError" fold="code"\nx = 1\n# %% two\ny = 2\n'
    one, two = read(tmp_path, text).snippets
    assert (one.devices, one.raises, one.fold) == (2, "TypeError", "code")
    assert (two.devices, two.raises, two.fold) == (0, None, None)


def test_the_hash_of_a_snippet_is_that_of_its_source(tmp_path: Path) -> None:
    one, two = read(tmp_path, "# %% one\nx = 1\n# %% two\nx = 1\n").snippets
    assert one.sha256 == two.sha256
    assert one.sha256 != read(tmp_path, "# %% one\nx = 2\n").snippets[0].sha256


def test_a_comment_that_looks_like_a_magic_stays_a_comment(tmp_path: Path) -> None:
    assert read(tmp_path, "# %% one\n# !ls\nx = 1\n").snippets[0].source == "# !ls\nx = 1"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("x = 1\n# %% one\ny = 2\n", "outside the cells"),
        ("# %%\nx = 1\n", "no name for a snippet"),
        ("# %% Camel Case\nx = 1\n", "no name for a snippet"),
        ("# %% one\nx = 1\n# %% one\ny = 2\n", "a second cell is called 'one'"),
        ('# %% one need="cuda:1"\nx = 1\n', "unknown key: need"),
        ('# %% one needs="cuda"\nx = 1\n', "no number of CUDA devices"),
        ('# %% one needs="cuda:0"\nx = 1\n', "no number of CUDA devices"),
        ('# %% one raises="Type Error"\nx = 1\n', "no name of an error"),
        ('# %% one fold="yes"\nx = 1\n', "neither of code, output"),
        ("# %% [markdown]\n# prose\n", "prose lives on the pages"),
        ("# %% one\n# %% two\nx = 1\n", "the cell is empty"),
        ("", "no cell"),
        ("# %% one\n# a\x0cx = 7\n", "breaks lines for some programs only"),
        ("# %% one\nif True:\n# %% two\n    x = 1\n", "inside of a statement"),
        ("# -*- coding: ascii -*-\n# %% one\nx = 1\n", "jupytext cannot read the script"),
        ("# %% one\nfrom __future__ import annotations\n", "import from __future__ has no effect"),
    ],
)
def test_a_wrong_script_is_refused_with_its_place(tmp_path: Path, text: str, what: str) -> None:
    message = problem(tmp_path, text)
    assert what in message
    assert "snippets/part.py:" in message


def test_a_syntax_error_is_named_with_its_line(tmp_path: Path) -> None:
    message = problem(tmp_path, "# %% one\nx = 1\nif x\n    pass\n")
    assert "SyntaxError" in message
    assert "snippets/part.py:3" in message


def test_a_script_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "part.py").write_bytes(b"# %% one\nx = '\xff'\n")
    with pytest.raises(SnippetError, match="not UTF-8"):
        read_section(tmp_path / "part.py")


def test_a_script_may_be_saved_as_on_windows(tmp_path: Path) -> None:
    (tmp_path / "part.py").write_bytes(b"\xef\xbb\xbf# %% one\r\nx = 1\r\ny = 2\r\n")
    (one,) = read_section(tmp_path / "part.py").snippets
    assert (one.source, one.line) == ("x = 1\ny = 2", 2)


def test_all_scripts_report_their_problems_together(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "b.py").write_text("# %%\nx = 1\n")
    (tmp_path / "__init__.py").write_text("no script")
    with pytest.raises(SnippetError) as caught:
        read_sections(tmp_path)
    assert [p.places[0] for p in caught.value.problems] == ["snippets/a.py:1", "snippets/b.py:1"]


SOURCE = """x = 1  # one | 一
# both lines | 两行
# the same for all
y = "# not | a comment"
"""


def test_a_page_shows_the_comments_of_its_language() -> None:
    assert localise(SOURCE, "en") == (
        'x = 1  # one\n# both lines\n# the same for all\ny = "# not | a comment"\n'
    )
    assert localise(SOURCE, "zh") == (
        'x = 1  # 一\n# 两行\n# the same for all\ny = "# not | a comment"\n'
    )


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need a privilege there")
def test_a_name_that_is_no_identifier_is_refused_and_hidden_files_are_not_read(
    tmp_path: Path,
) -> None:
    (tmp_path / ".#part.py").symlink_to("nowhere")
    (tmp_path / "a.b.py").write_text("# %% one\nx = 1\n")
    with pytest.raises(SnippetError, match="is no name for a section"):
        read_sections(tmp_path)
    (tmp_path / "a.b.py").unlink()
    with pytest.raises(SnippetError, match="there is no section script"):
        read_sections(tmp_path)

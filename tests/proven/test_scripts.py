"""Reading section scripts: cells, markers, comments of several languages."""

import os
from pathlib import Path

import pytest

from proven.problems import ProjectError
from proven.scripts import Section, localise, read_section, read_sections
from proven.settings import Settings

KINDS = {"cuda": {"module": "none", "count": "0"}, "tpu": {"module": "none", "count": "0"}}


def read(folder: Path, data: str | bytes) -> Section:
    (folder / "part.py").write_bytes(data.encode() if isinstance(data, str) else data)
    settings = Settings(folder, "", ("zh", "en"), ("en", "zh"), devices=KINDS)
    return read_section(folder / "part.py", settings)


def test_cells_become_snippets_with_their_names_and_lines(tmp_path: Path) -> None:
    section = read(tmp_path, "# %% one\nx = 1\n\n# %% two-words\n\n\ny = 2\nz = 3\n")
    assert [(s.name, s.source, s.line) for s in section.snippets] == [
        ("part.one", "x = 1", 2),
        ("part.two-words", "y = 2\nz = 3", 7),
    ]
    assert section.find("part.two-words") is section.snippets[1]


def test_a_marker_declares_needs_raises_and_fold(tmp_path: Path) -> None:
    text = (
        '# %% one needs="tpu:2" raises="TypeError, KeyError" fold="code"\nx = 1\n# %% two\ny = 2\n'
    )
    one, two = read(tmp_path, text).snippets
    assert (one.kind, one.devices, one.raises, one.fold) == (
        "tpu",
        2,
        ("TypeError", "KeyError"),
        "code",
    )
    assert (two.kind, two.devices, two.raises, two.fold) == ("", 0, (), None)


def test_the_hash_of_a_snippet_is_that_of_its_source(tmp_path: Path) -> None:
    one, two = read(tmp_path, "# %% one\nx = 1\n# %% two\nx = 1\n").snippets
    assert one.sha256 == two.sha256
    assert one.sha256 != read(tmp_path, "# %% one\nx = 2\n").snippets[0].sha256


@pytest.mark.parametrize(
    "source",
    [
        "# !ls\nx = 1",
        "# %load a\nx = 1",
        '"""\n\n# not %% one\n"""',
        "x = 1  # %% two",
    ],
)
def test_only_a_line_that_begins_with_a_marker_begins_a_cell(tmp_path: Path, source: str) -> None:
    (one,) = read(tmp_path, f"# %% one\n{source}\n").snippets
    assert one.source == source


@pytest.mark.parametrize(
    ("text", "what", "line"),
    [
        ("x = 1\n# %% one\ny = 2\n", "outside the cells", 1),
        ("# %%\nx = 1\n", "'' is no name for a snippet", 1),
        ("# %% Camel\nx = 1\n", "'Camel' is no name for a snippet", 1),
        ("# %% two words\nx = 1\n", "is no marker of a cell", 1),
        ("#%% one\nx = 1\n", "is no marker of a cell", 1),
        ("# %% one needs=cuda\nx = 1\n", "needs=cuda cannot be read, put the value in double", 1),
        ("# %% one\nx = 1\n# %% [markdown]\n# prose\n", "no name for a snippet", 3),
        (
            "# %% one\nx = 1\n# %% one\ny = 2\n",
            "a second cell is called 'one', as that before line 2",
            3,
        ),
        ('# %% one need="cuda:1"\nx = 1\n', "unknown key: need", 1),
        ('# %% one fold="code" fold="output"\nx = 1\n', "has a key twice", 1),
        ('# %% one needs="cuda"\nx = 1\n', "no number of devices", 1),
        ('# %% one needs="cuda:0"\nx = 1\n', "no number of devices", 1),
        (f'# %% one needs="cuda:{"9" * 5000}"\nx = 1\n', "no number of devices", 1),
        ('# %% one needs="npu:1"\nx = 1\n', "of a kind that proven.toml names: cuda, tpu", 1),
        ('# %% one raises="Type Error"\nx = 1\n', "no name of an error", 1),
        ('# %% one fold="yes"\nx = 1\n', "neither of code, output", 1),
        ("# %% one\n\n# %% two\nx = 1\n", "the cell 'one' is empty", 1),
        ("# %% one\n# x = 1\n", "the cell 'one' holds comments only", 1),
        ("", "no cell", 1),
        ("# %% one\nif True:\n# %% two\n    x = 1\n", "inside of a statement", 1),
        ("# %% one\nx = 1\nif x\n    pass\n", "SyntaxError", 3),
        ("# %% one\nx = '\x00'\n", "control characters", 2),
        ("# %% one\n\nfrom __future__ import annotations\n", "has no effect", 3),
        (b"# %% one\nx = '\xff'\n", "not UTF-8", 1),
    ],
)
def test_a_wrong_script_is_refused_with_its_line(
    tmp_path: Path, text: str | bytes, what: str, line: int
) -> None:
    with pytest.raises(ProjectError) as error:
        read(tmp_path, text)
    assert what in str(error.value)
    assert f"snippets/part.py:{line}\n" in str(error.value)


def test_all_markers_of_a_script_report_together(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as error:
        read(tmp_path, "# %%\nx = 1\n# %% one\n# %% two\ny = 2\n# %% two\nz = 3\n")
    places = [problem.places[0] for problem in error.value.problems]
    assert places == [f"snippets/part.py:{line}" for line in (1, 3, 6)]


def test_a_script_may_be_saved_as_on_windows(tmp_path: Path) -> None:
    (one,) = read(tmp_path, b"\xef\xbb\xbf# %% one\r\nx = 1\r\ny = 2\r\n").snippets
    assert (one.source, one.line) == ("x = 1\ny = 2", 2)


def test_all_scripts_of_a_project_report_together(tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    folder.mkdir()
    settings = Settings(tmp_path, "", ("en",), ("en",), sections="parts")
    for name, text in {
        "a.py": "x = 1\n",
        "b.py": "# %%\nx = 1\n",
        "good.py": "# %% one\nx = 1\n",
        "a.b.py": "# %% one\nx = 1\n",
        "_shared.py": "no script",
        "__init__.py": "no script",
    }.items():
        (folder / name).write_text(text)
    if os.name != "nt":  # a symbolic link needs a privilege there
        (folder / ".#part.py").symlink_to("nowhere")  # an editor's
    sections, problems = read_sections(settings)
    assert list(sections) == ["good"]
    assert [(p.places[0], "no name for a section" in p.what) for p in problems] == [
        ("parts/a.b.py:1", True),
        ("parts/a.py:1", False),
        ("parts/b.py:1", False),
    ]
    for path in folder.glob("[a-z]*"):
        path.unlink()
    assert "there is no section script" in read_sections(settings)[1][0].what


TWO = """x = 1  # one | 一
# both lines | 两行
# the same for all
y = "# not | a comment"
"""


@pytest.mark.parametrize(
    ("language", "one", "both"), [("en", "one", "both lines"), ("zh", "一", "两行")]
)
def test_a_page_shows_the_comments_of_its_language(language: str, one: str, both: str) -> None:
    assert localise(TWO, language, ("en", "zh")) == (
        f'x = 1  # {one}\n# {both}\n# the same for all\ny = "# not | a comment"\n'
    )


def test_comments_are_split_into_as_many_parts_as_there_are_languages() -> None:
    three = "x = 1  # one | eins | un\ny = 2  # a | b\n"
    written = ("en", "de", "fr")
    assert localise(three, "de", written) == "x = 1  # eins\ny = 2  # a | b\n"
    assert localise(three, "fr", written) == "x = 1  # un\ny = 2  # a | b\n"
    assert localise(three, "en", ("en",)) == three
    assert localise("# x | 甲 | 乙", "zh", ("en", "zh")) == "# 甲 | 乙"
    assert localise("# the union: a | b", "zh", ("en", "zh")) == "# the union: a | b"

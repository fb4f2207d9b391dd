"""`python -m proven` shows in a terminal what a page shows, and does what maintainers need."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from proven.cli import main
from tests.helpers.faults import sound
from tests.helpers.projects import PROJECT, Project, mkdocs_here

SCRIPT = """# %% one
x = 1
print("one", x)
# %% two raises="TypeError"
y = 2
x + "a"
# %% three needs="madeup:2"
z = 3
# %% four
print("four", x, y)
"""


@pytest.fixture
def here(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose folder is the working directory."""
    project.script = SCRIPT
    project.pretend(0)
    monkeypatch.chdir(project.write())
    return project


Out = pytest.CaptureFixture[str]


@pytest.mark.usefixtures("here")
def test_list_names_every_snippet_and_what_it_declares(capsys: Out) -> None:
    assert main(["list"]) == 0
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["part.one"],
        ["part.two", "raises", "TypeError"],
        ["part.three", "needs", "madeup:2"],
        ["part.four"],
    ]


@pytest.mark.usefixtures("here")
def test_run_of_a_section_shows_outputs_errors_and_skips(capsys: Out) -> None:
    assert main(["run", "part"]) == 0
    said = capsys.readouterr().out
    assert "one 1\n" in said
    assert "line 2: TypeError: unsupported operand type(s) for +: 'int' and 'str'" in said
    assert "needs 2 devices of the kind madeup, and this build had none" in said
    assert "four 1 2\n" in said
    assert '│ x + "a"\n' in said


def test_run_of_a_snippet_runs_what_it_builds_on_and_shows_it_alone(
    here: Project, capsys: Out
) -> None:
    here.file("snippets/part.py", SCRIPT + "# %% five\n1 / 0\n")
    assert main(["run", "part.four"]) == 0
    said = capsys.readouterr().out
    assert "four 1 2\n" in said
    assert "one 1" not in said


def test_a_figure_is_told_of(here: Project, capsys: Out) -> None:
    here.settings["ahead"] = ["matplotlib.pyplot"]
    here.script = "# %% one\nimport matplotlib.pyplot as plt\n\nplt.plot([1])\nplt.figure()\n"
    here.write()
    assert main(["run", "part"]) == 0
    said = capsys.readouterr().out
    assert "(figure 1 of 2: shown on the page)\n(figure 2 of 2" in said


def test_the_output_is_utf8_whatever_the_locale(
    here: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.file("snippets/part.py", '# %% one\nprint("中文")\n')
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    assert main(["run", "part"]) == 0
    out.flush()
    assert '│ print("中文")' in out.buffer.getvalue().decode("utf-8")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["run", "part.one"], ["ZeroDivisionError", "snippets/part.py:2"]),
        (["run", "part.none"], ["no snippet and no section 'part.none'", "did you mean part.one?"]),
        (["run", "zzz"], ["no snippet and no section 'zzz'", "python -m proven list"]),
        (["record", "none"], ["there is no section 'none'"]),
        (["stats"], ["there is no site/build.json", "make build"]),
        (["chapter", "new"], ["begun is missing", "new-chapter.md:1"]),
    ],
)
def test_errors_go_to_standard_error_with_a_status(
    here: Project, capsys: Out, arguments: list[str], told: list[str]
) -> None:
    here.file("snippets/part.py", "# %% one\n1 / 0\n")
    assert main(arguments) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert all(piece in said.err for piece in told), said.err


def test_outside_of_a_project_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["list"]) == 1
    assert "there is no proven.toml in this folder" in capsys.readouterr().err


ON_DEVICE = '# %% one\nx = 1\n# %% two needs="madeup:1"\nprint("on the device")\n'


def test_record_writes_one_file_for_the_hardware(here: Project, capsys: Out) -> None:
    here.script = ON_DEVICE
    here.pretend(1)
    here.write()
    assert main(["record", "part"]) == 0
    [path] = (here.folder / "snippets" / "records").iterdir()
    assert path.name == "part.made-up-gpu-x1.json"
    told = "snippets/records/part.made-up-gpu-x1.json: 2 snippets and 0 claims recorded\n"
    assert capsys.readouterr().out == told
    assert '"on the device"' in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("devices", "script", "told"),
    [
        (0, ON_DEVICE, "so there is nothing to record"),
        (1, "# %% one\nx = 1\n", "no snippet of part needs a device"),
    ],
)
def test_record_refuses_a_machine_without_a_device_and_a_section_that_needs_none(
    here: Project, capsys: Out, devices: int, script: str, told: str
) -> None:
    here.script = script
    here.pretend(devices)
    here.write()
    assert main(["record", "part"]) == 1
    assert told in capsys.readouterr().err
    assert not (here.folder / "snippets" / "records").exists()


def test_stats_count_what_the_sources_and_the_last_build_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    project = sound(tmp_path / "project")
    monkeypatch.chdir(project.folder)
    assert mkdocs_here(project.folder, "build").returncode == 0
    capsys.readouterr()
    assert main(["stats"]) == 0
    said = capsys.readouterr().out.splitlines()
    counts = {row[0]: row[1:] for row in (line.rsplit(maxsplit=2) for line in said)}
    assert counts["snippets"] == counts["ran"] == ["2", "2"]
    assert counts["claims"] == counts["claims proven"] == ["1", "1"]
    assert counts["to predict"] == ["1", "1"]
    assert counts["skipped"] == counts["claims skipped"] == ["0", "0"]
    assert not any(line.startswith("docs/") for line in said)  # no page of it is a section
    assert [line.split() for line in said if line.startswith("marks")] == [
        ["marks", "in", x, "1"] for x in ("zh", "en")
    ]


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"snippets": [{}], "claims": []}'])
def test_stats_of_another_build_are_told(here: Project, capsys: Out, text: str) -> None:
    here.file("site/build.json", text)
    assert main(["stats"]) == 1
    said = capsys.readouterr().err
    assert "site/build.json is of another engine" in said
    assert "make build" in said


def test_notebooks_writes_every_page_in_all_languages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    project = sound(tmp_path / "project")
    monkeypatch.chdir(project.folder)
    assert main(["notebooks", "build/notebooks"]) == 0
    folder = project.folder / "build" / "notebooks"
    assert {"index.zh.ipynb", "index.en.ipynb"} <= {path.name for path in folder.iterdir()}
    told = capsys.readouterr().out.splitlines()
    assert sorted(told) == sorted(f"build/notebooks/{path.name}" for path in folder.glob("*.ipynb"))
    assert all(json.loads(path.read_bytes())["cells"] for path in folder.glob("*.ipynb"))


@pytest.mark.usefixtures("here")
def test_check_runs_the_named_section_and_says_what_holds(capsys: Out) -> None:
    assert main(["check", "part"]) == 0
    assert "part: 4 snippets, 0 questions and 0 claims hold" in capsys.readouterr().out
    assert main(["check", "lost"]) == 1
    assert "there is no section 'lost'" in capsys.readouterr().err


def test_a_python_that_is_not_set_up_says_how_it_is(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-m", "proven", "list"],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "it is not set up for the site" in done.stderr
    assert "  do       make serve sets up .venv" in done.stderr
    assert "Traceback" not in done.stderr

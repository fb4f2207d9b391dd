"""The process of a section: what it has imported, what it tells, and what it leaves out."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from proven.project import read_project
from proven.runner import run
from tests.helpers.projects import CUDA, PROJECT, Project, mkdocs, refused, run_part


def test_a_module_that_is_missing_is_one_clear_sentence(project: Project) -> None:
    project.settings = {"ahead": ["no_such_module"]}
    message = refused(project, "# %% one\nx = 1\n")
    assert message.startswith(
        "'no_such_module' cannot be used: ModuleNotFoundError: No module named"
    )
    assert "proven.toml:1" in message
    assert "pip install -r requirements.txt" in message


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"ahead": ["part_help"]}, "'part_help' cannot be used: SystemExit: 3"),
        ({"ahead": [""]}, "'' cannot be used: ValueError: Empty module name"),
        ({"ahead": [".x"]}, "'.x' cannot be used: TypeError"),
        ({"devices": {"x": ""}}, "'' cannot be used: ValueError"),
        (
            {"devices": {"x": "os"}},
            "'os' cannot be used: AttributeError: .* no attribute 'watch'",
        ),
        ({"packages": [""]}, "packages names '', and no package"),
    ],
)
def test_what_is_no_module_is_told_with_the_settings(
    project: Project, settings: dict[str, object], told: str
) -> None:
    project.file("part_help.py", "import sys\nsys.exit(3)\n")
    project.settings = settings
    message = refused(project, "# %% one\nx = 1\n")
    assert re.match(told, message)
    assert "proven.toml:1" in message
    assert "the engine itself" not in message


def test_a_module_that_cannot_be_imported_ahead_is_told_where_sections_run(
    project: Project,
) -> None:
    project.file("part_help.py", "def (\n")
    project.settings = {"ahead": ["part_help"]}
    done = mkdocs(project.write(), "build")  # with a fork server of its own
    assert "'part_help' cannot be used: SyntaxError: invalid syntax" in done.stdout
    assert "proven.toml:1" in done.stdout
    assert "Traceback" not in done.stdout


def test_an_error_of_the_engine_in_the_process_is_told_as_one(project: Project) -> None:
    project.pretend(1)
    text = "def watch(): raise OSError('no more files')\ncount = describe = may_fork = watch\n"
    project.file("machine.py", text)
    message = refused(project, "# %% one\nx = 1\n")
    assert message.startswith("the engine itself failed:")
    assert "OSError: no more files" in message
    assert "snippets/part.py:1" in message


def test_a_result_tells_where_it_ran(project: Project) -> None:
    project.pretend(2)
    project.settings["packages"] = ["markdown", "nbformat"]
    result = run_part(project, "# %% one\nx = 1\n")
    assert result.machine.devices == ("Made-up GPU", "Made-up GPU")
    assert result.machine.python == ".".join(map(str, sys.version_info[:3]))
    assert list(result.machine.versions) == ["markdown", "nbformat"]
    assert all(version[0].isdigit() for version in result.machine.versions.values())


def test_the_version_of_torch_is_plain_text(project: Project) -> None:
    import torch

    project.settings = {"ahead": ["torch"], "packages": ["torch"], "devices": CUDA}
    machine = run_part(project, "# %% one\nx = 1\n").machine
    assert machine.versions["torch"] == torch.__version__
    assert type(machine.versions["torch"]) is str  # torch's own kind imports torch where it is read
    assert len(machine.devices) == torch.cuda.device_count()


def test_a_result_names_the_modules_of_the_project_that_it_used(project: Project) -> None:
    helper = project.file("part_help.py", "VALUE = 1\n")
    project.file("part_other.py", "VALUE = 2\n")
    result = run_part(project, "# %% one\nfrom part_help import VALUE\n")
    assert result.modules == ((helper, hashlib.sha256(b"VALUE = 1\n").hexdigest()),)


@pytest.mark.parametrize("start_method", ["spawn", None])
def test_a_cell_sees_nothing_of_how_its_process_was_made(
    project: Project, start_method: str | None
) -> None:
    script = """# %% one
import gc, os
print(gc.isenabled(), "TORCHINDUCTOR_CACHE_DIR" in os.environ)
"""
    options = {"start_method": start_method} if start_method else {}
    (outcome,) = run_part(project, script, **options).outcomes.values()
    assert outcome.output == "True False\n"


SURROUNDINGS = """# %% one
import argparse, datetime, getpass, locale, os, shutil, subprocess, sys, time
import matplotlib.pyplot as plt
before = locale.setlocale(locale.LC_ALL)
print(argparse.ArgumentParser().parse_args(), sys.argv[0])
print({"relu", "tanh", "gelu"}, hash("a"))
print(time.tzname, datetime.datetime.fromtimestamp(0))
print(shutil.get_terminal_size(), locale.getlocale(), locale.setlocale(locale.LC_ALL, ""))
locale.setlocale(locale.LC_ALL, before)
print(getpass.getuser(), plt.get_backend(), plt.rcParams["lines.linewidth"])
code = "import sys, time; print(hash('a'), time.tzname, sys.argv)"
print(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout)
"""
RUNS = """if __name__ == "__main__":
    import pathlib
    from proven.build import read_and_check, run_sections
    from proven.settings import read_settings

    for result in run_sections(read_and_check(read_settings(pathlib.Path.cwd()))).values():
        print(result.outcomes["part.one"].output)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="it has no tzset")
def test_a_cell_sees_nothing_of_who_runs_it_and_how(project: Project, tmp_path: Path) -> None:
    project.script = SURROUNDINGS
    project.settings = {"ahead": ["matplotlib.pyplot"]}
    folder = project.write()
    (tmp_path / ".config/matplotlib").mkdir(parents=True)
    (tmp_path / ".config/matplotlib/matplotlibrc").write_text("lines.linewidth: 9\nbackend: svg\n")
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    own = {
        "COLUMNS": "33",
        "HOME": str(tmp_path),
        "LANG": "zh_CN.UTF-8",
        "LC_ALL": "C",
        "LOGNAME": "somebody",
        "MPLBACKEND": "pdf",
        "PYTHONHASHSEED": "7",
        "TZ": "Asia/Shanghai",
        "XDG_CACHE_HOME": cache,  # matplotlib takes seconds to look for the fonts
    }
    said = set()
    for more in ({}, own):
        done = subprocess.run(
            [sys.executable, "-c", RUNS, "some", "--arguments"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(PROJECT), **more},
            text=True,
            capture_output=True,
            check=True,
        )
        said.add(done.stdout)
    [output] = said
    assert "Namespace() snippets/part.py" in output
    assert "('UTC', 'UTC') 1970-01-01 00:00:00" in output
    assert "columns=80" in output
    assert "reader agg 1.5" in output


def test_the_process_of_a_section_runs_the_engine_that_started_it(
    project: Project, tmp_path: Path
) -> None:
    shutil.copytree(PROJECT / "proven", tmp_path / "proven")
    with (tmp_path / "proven" / "devices.py").open("a") as file:
        file.write("\n\ndef count(*_: object) -> int:\n    return 3\n")
    project.settings["devices"] = {"madeup": "machine"}
    project.script = '# %% one needs="madeup:3"\nprint("copied")\n'
    folder = project.write()
    project.pretend(0)
    begin = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
    done = subprocess.run(
        [sys.executable, "-c", begin + RUNS], cwd=folder, text=True, capture_output=True, check=True
    )
    assert done.stdout.strip() == "copied"


def test_a_result_names_the_files_of_the_project_that_it_and_its_claims_read(
    project: Project,
) -> None:
    table, list_ = project.file("data/x.csv", "1"), project.file("data/y.csv", "2")
    project.script = f"# %% one\nimport numpy\nx = numpy.loadtxt({str(table)!r})\n"
    project.tests = f'''from pathlib import Path

from proven.testing import after


def test_holds() -> None:
    """It holds.

    成立。
    """
    assert after("part.one").x < int(Path({str(list_)!r}).read_text())
'''
    time.sleep(0.02)  # what is edited while a section runs counts as changed
    read = read_project(project.read_settings())
    result = run(read.settings, read.sections.values(), read.claims.values())["part"]
    assert [path for path, _ in result.modules] == [table, list_]
    assert result.is_current(result.section, result.claims, {})
    table.write_text("0")
    assert not result.is_current(result.section, result.claims, {})

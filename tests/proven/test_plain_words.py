"""Whatever a person types, sets or misplaces is told in plain words, with its place and what to do."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from proven.cli import main
from tests.helpers.faults import Plant, fails, sound
from tests.helpers.projects import PROJECT, Project, mkdocs, mkdocs_here


def at(path: str, make: Callable[[Path], object], *says: str) -> Plant:
    """Plant something that is no file where a file should be."""

    def plant(project: Project) -> list[str]:
        shutil.rmtree(project.folder / path, ignore_errors=True)
        (project.folder / path).unlink(missing_ok=True)
        (project.folder / path).parent.mkdir(exist_ok=True)
        make(project.folder / path)
        return [*says, f"{path}:1"]

    return plant


def set_to(text: str, *says: str) -> Plant:
    """Plant a line in proven.toml."""

    def plant(project: Project) -> list[str]:
        file = project.folder / "proven.toml"
        file.write_text(f"{text}\n{file.read_text()}")
        return [*says, "proven.toml:1"]

    return plant


def leads_nowhere(path: Path) -> None:
    path.symlink_to("/nowhere")


def leads_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def turned(path: Path) -> None:
    path.write_text("# a \u202e b\n", encoding="utf-8")


def without_end(path: Path) -> None:
    path.write_text(f"# %% one\nx = {' + '.join(['1'] * 20_000)}\n")


PIPE = "cannot be read: it is no file"
FAULTS: dict[str, Plant] = {
    "page that is a pipe": at("docs/zh/more.md", os.mkfifo, PIPE),
    "script that is a pipe": at("snippets/more.py", os.mkfifo, PIPE),
    "tests that are a pipe": at("tests/test_part.py", os.mkfifo, PIPE),
    "record that is a pipe": at("snippets/records/part.gpu-x1.json", os.mkfifo, PIPE),
    "picture that is a pipe": at(
        "docs/zh/more.png", os.mkfifo, "or leads to nothing, or is no file"
    ),
    "script that holds a sum without end": at("snippets/more.py", without_end, "RecursionError"),
    "tests that hold a sum without end": at("tests/test_part.py", without_end, "RecursionError"),
    "settings that are too deep": set_to(f"x = {'[' * 2000}{']' * 2000}", "recursion depth"),
    "page that is a folder": at("docs/zh/more.md", Path.mkdir, "cannot be read: Is a directory"),
    "page that leads nowhere": at("docs/zh/more.md", leads_nowhere, "cannot be read: No such file"),
    "script that is a folder": at("snippets/more.py", Path.mkdir, "cannot be read: Is a directory"),
    "script that leads nowhere": at("snippets/more.py", leads_nowhere, "cannot be read: No such"),
    "tests that are a folder": at("tests/test_part.py", Path.mkdir, "cannot be read: Is a dir"),
    "tests that lead nowhere": at("tests/test_part.py", leads_nowhere, "cannot be read: No such"),
    "record that is a folder": at(
        "snippets/records/part.gpu-x1.json", lambda path: path.mkdir(), "Is a directory"
    ),
    "package that is not there": set_to('packages = ["nope"]', "no package of this name"),
    "module of devices that is not there": set_to(
        'devices.x = {module = "nope", count = "1"}', "'nope' cannot be used: ModuleNotFoundError"
    ),
    "script that turns its direction": at("snippets/more.py", turned, "control characters"),
    "tests that turn their direction": at("tests/test_part.py", turned, "control characters"),
    "script that leads to itself": at("snippets/more.py", leads_to_itself, "cannot be read: "),
    "setting that is a date": set_to("first = [1979-05-27]", 'cannot be "1979-05-27"'),
    "value that ends Python": set_to(
        'same = ["exit()"]', "'exit()', which has no value: SystemExit"
    ),
    "kind of devices without a module": set_to("devices.x = {}", "has a module and a count"),
}


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right")
@pytest.mark.parametrize("fault", FAULTS)
def test_what_cannot_be_read_or_found_is_told_with_its_place(tmp_path: Path, fault: str) -> None:
    project = sound(tmp_path / "project")
    fails(project, FAULTS[fault](project))


@pytest.mark.parametrize("date", ["", "text", "-5", "1e9", "1.5", "99999999999", "\u0663"])
def test_a_date_that_is_none_is_told_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, date: str
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", date)
    said = fails(sound(tmp_path / "project"), ["no number of seconds since 1970"])
    assert "Section part" not in said


@pytest.mark.skipif(sys.platform != "linux", reason="there is no fork server")
def test_a_folder_for_temporary_files_with_a_long_name_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = sound(tmp_path / "project").folder
    (tmp_path / ("x" * 104)).mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / ("x" * 104)))
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))
    done = subprocess.run(  # with a fork server of its own
        [sys.executable, "-m", "mkdocs", "build"], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "AF_UNIX path too long" in done.stderr
    assert "TMPDIR=/tmp" in done.stderr
    assert "Traceback" not in done.stderr


def fail(*_: object, **__: object) -> None:
    """Stand in for a function of the engine, or of MkDocs, with a mistake in it."""
    raise KeyError("nobody thought of it")


@pytest.mark.parametrize(
    ("where", "place"),
    [
        ("proven.generators.mkdocs.begin_site", "proven/generators/mkdocs.py:"),
        ("proven.generators.mkdocs.make_files", "proven/generators/mkdocs.py:"),
        ("proven.generators.mkdocs.without_markup", "docs/zh/"),
        ("proven.generators.mkdocs.finish", "proven/generators/mkdocs.py:"),
        ("proven.build.publish", "proven/build.py:"),
        ("mkdocs.commands.build.get_navigation", "test_plain_words.py:"),
    ],
)
def test_what_nobody_foresaw_is_told_as_what_where_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, place: str
) -> None:
    project = sound(tmp_path / "project")
    monkeypatch.setattr(where, fail)
    done = mkdocs_here(project.folder, "build")
    assert done.returncode == 1
    assert "Traceback" not in done.stdout
    assert "KeyError: 'nobody thought of it'" in done.stdout
    assert "this is a bug of the engine" in done.stdout
    assert place in done.stdout


def test_the_command_line_tells_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(sound(tmp_path / "project").folder)
    monkeypatch.setattr("proven.cli.read_project", fail)
    assert main(["list"]) == 1
    assert "this is a bug of the engine" in capsys.readouterr().err

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("proven.cli.read_project", interrupted)
    assert main(["list"]) == 130


@pytest.mark.parametrize(
    ("name", "theme"),
    [
        ("mkdocs.yml", "theme: null"),
        ("mkdocs.yml", "theme: {name: material, language: fr}"),
        ("mkdocs.en.yml", "theme: {name: material, language: zh}"),
        ("mkdocs.en.yml", "theme: {name: material, language: fr}"),
    ],
)
def test_a_theme_of_another_language_is_told(tmp_path: Path, name: str, theme: str) -> None:
    project = sound(tmp_path / "project")
    text = (project.folder / name).read_text()
    project.file(name, re.sub("^theme: .*", theme, text, flags=re.MULTILINE))
    done = mkdocs(project.folder, "build")
    assert done.returncode == 1
    assert "the language of its theme is" in done.stdout
    assert f"at       {name}\n" in done.stdout
    assert not (project.folder / "site").exists()


SHADOWS = {
    "random.py": "the module random of Python",
    "torch.py": "the module torch in ",
    "snippets/json.py": "the module json of Python",
    "snippets/_torch.py": "",
    "tests/typing.py": "the module typing of Python",
    "tests/yaml.py": "the module yaml in ",
    "tests/families.py": "",
}


@pytest.mark.parametrize("path", SHADOWS)
def test_a_file_that_would_be_imported_for_another_module_is_told(
    tmp_path: Path, path: str
) -> None:
    project = sound(tmp_path / "project")
    project.file(path, "# %% one\nx = 1\n")
    if SHADOWS[path]:
        fails(project, [f"the file has the name of {SHADOWS[path]}", f"at       {path}:1"])
    else:
        assert mkdocs_here(project.folder, "build").returncode == 0


def shell(folder: Path, command: str) -> "subprocess.CompletedProcess[str]":
    """Run a command line in a folder; PROVEN and MKDOCS stand for our two commands."""
    command = command.replace("PROVEN", f"{sys.executable} -m proven")
    command = command.replace("MKDOCS", f"{sys.executable} -m mkdocs")
    own = {**os.environ, "PYTHONPATH": str(PROJECT), "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env=own, text=True, capture_output=True, timeout=120
    )


@pytest.mark.parametrize("name", ["random.py", "json.py", "typing.py"])
def test_a_module_that_keeps_the_engine_from_being_imported_is_told(
    tmp_path: Path, name: str
) -> None:
    project = sound(tmp_path / "project")
    project.file(name, "x = 1\n")
    told = (
        f"the file has the name of the module {name[:-3]} of Python, and would be imported for it\n"
        f"  at       {project.folder / name}:1\n  do       rename it\n"
    )
    assert shell(project.folder, "PROVEN list").stderr == told
    if name == "json.py":  # MkDocs itself can do without it until the plugin is imported
        assert shell(project.folder, "MKDOCS build").stderr == told
    safe = shell(project.folder, f"{sys.executable} -P -m mkdocs build")  # as make build does
    assert told.partition("\n")[0] in safe.stderr
    assert "Traceback" not in safe.stderr


def test_what_lies_in_another_working_directory_than_the_project_matters_to_nobody(
    tmp_path: Path,
) -> None:
    sound(tmp_path / "project")
    (tmp_path / "this.py").write_text("1 / 0\n")
    done = shell(tmp_path, "MKDOCS build -f project/mkdocs.yml")
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere, nobody can remove such a folder")
@pytest.mark.parametrize(
    "command",
    ["MKDOCS build -f $OLDPWD/mkdocs.yml", "PROVEN list", "PROVEN.generators.zensical site"],
)
def test_a_working_directory_that_was_removed_is_told(tmp_path: Path, command: str) -> None:
    folder = sound(tmp_path / "project").folder
    done = shell(folder, f"mkdir gone; cd gone; rmdir $OLDPWD/gone; {command}")
    assert done.returncode == 1
    assert "the folder in which this was started is gone" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "site").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such shell")
@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("PROVEN list >&-", 0),
        ("PROVEN run part >&- 2>&-", 0),
        ("PROVEN check part <&- >&- 2>&-", 0),
        ("PROVEN check nope 2>&-", 1),
        ("PROVEN run part | true; exit ${PIPESTATUS[0]}", 1),
        ("MKDOCS build 2>&-", 0),
        # without this, MkDocs asks an output that is not there for colours, before it reads any plugin
        ("MKDOCS --no-color build >&- 2>&-", 0),
        ("MKDOCS build 2>&1 | true; exit ${PIPESTATUS[0]}", 0),
        ("rm docs/en/index.md; MKDOCS build 2>&1 | true; exit ${PIPESTATUS[0]}", 1),
        ("rm docs/en/index.md; MKDOCS build 2>&-", 1),
    ],
)
def test_somebody_who_does_not_listen_changes_nothing(
    tmp_path: Path, command: str, status: int
) -> None:
    done = shell(sound(tmp_path / "project").folder, command)
    assert (done.returncode, done.stderr) == (status, "")
    assert "Traceback" not in done.stdout


def test_addresses_without_folders_are_refused(tmp_path: Path) -> None:
    done = mkdocs_here(sound(tmp_path / "project").folder, "build", "--no-directory-urls")
    assert done.returncode == 1
    assert "leave out --no-directory-urls" in done.stdout
    assert "Section part" not in done.stdout

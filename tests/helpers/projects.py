"""Small projects that tests make up, break and build."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

from proven.problems import ProjectError
from proven.publish import MARKER, publish, staging
from proven.runner import Result, run
from proven.scripts import read_section
from proven.settings import Settings, read_settings

if TYPE_CHECKING:
    import jinja2

PROJECT = Path(__file__).parents[2]

CONFIG = """
site_name: Made up
docs_dir: docs/{language}
strict: true
theme: {{name: material, language: {language}, font: false}}
plugins: {{proven: {{}}}}
markdown_extensions:
  - attr_list
  - pymdownx.details
  - pymdownx.highlight: {{pygments_lang_class: true}}
"""
CLAIMS = "# Claims {#claims}\n\n```claims\npart\n```\n"
CUDA = {"cuda": "proven.cuda"}
MACHINE = """from pathlib import Path

COUNT, FORKS = Path(__file__).with_name("machine.txt").read_text().split()


def watch() -> None:
    pass


def count() -> int:
    return int(COUNT)


def describe() -> tuple[tuple[str, ...], dict[str, str]]:
    return ("Made-up GPU",) * count(), {}


def may_fork() -> bool:
    return FORKS == "True"
"""


def page(*names: str, title: str = "# Title {#title}") -> str:
    """Write a page that shows the named snippets."""
    return "\n\n".join([title, *(f"```snippet\n{name}\n```" for name in names)]) + "\n"


@dataclass
class Project:
    """A project with one section, `part`, which all languages show on their home page.

    Where there are tests, each language has a page of claims, too.

    Attributes:
        folder: Where it is written.
        script: The script of the section.
        pages: The home page of each language, where it is not the plain one.
        tests: The tests of the section.
        languages: The codes of its languages.
        settings: What `proven.toml` says besides.
    """

    folder: Path
    script: str = '# %% one\nprint("hello")\n'
    pages: dict[str, str] = field(default_factory=dict)
    tests: str = ""
    languages: tuple[str, ...] = ("zh", "en")
    settings: dict[str, object] = field(default_factory=dict)

    def write(self) -> Path:
        """Write the project to disk; pages that are not given show all cells in order."""
        written = ("en", "zh") if self.languages == ("zh", "en") else self.languages
        values = {
            "name": "made-up",
            "languages": self.languages,
            "written": written,
            **self.settings,
        }
        lines = [
            f"{key} = {json.dumps(value)}"
            for key, value in values.items()
            if not isinstance(value, dict)
        ]
        core: Any = values.get("core", {})
        lines += ["[core]", *(f"{name} = {count}" for name, count in core.items())]
        devices: Any = values.get("devices", {})
        for kind, module in devices.items():
            lines += [f"[devices.{kind}]", f'module = "{module}"', f'count = "{module}.count()"']
        self.file("proven.toml", "\n".join(lines))
        self.file("snippets/part.py", self.script)
        if self.tests:
            self.file("tests/test_part.py", self.tests)
        markers = [line.split() for line in self.script.splitlines() if line.startswith("# %% ")]
        for language in self.languages:
            text = self.pages.get(language, page(*(f"part.{words[2]}" for words in markers)))
            self.file(f"docs/{language}/index.md", text)
            if self.tests:
                self.file(f"docs/{language}/claims.md", CLAIMS)
            name = "mkdocs.yml" if language == self.languages[0] else f"mkdocs.{language}.yml"
            self.file(name, CONFIG.format(language=language))
        return self.folder

    def pretend(self, count: int, forks: bool = True) -> None:
        """Let the machine have so many devices of a kind that is made up, as a module of the project says."""
        self.settings["devices"] = {"madeup": "machine"}
        self.file("machine.py", MACHINE)
        self.file("machine.txt", f"{count} {forks}")

    def file(self, path: str, text: str) -> Path:
        """Write one file of the project."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        return target

    def read_settings(self) -> Settings:
        """Write the project and read its settings."""
        return read_settings(self.write())


def copy_chapter(folder: Path) -> Path:
    """Copy all that a build of the real chapter reads."""
    for name in ("docs", "snippets"):
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns(".*", "__*"))
    (folder / "tests").mkdir()
    for path in (*PROJECT.glob("tests/*.py"), *PROJECT.glob("*.yml"), *PROJECT.glob("*.toml")):
        shutil.copy2(path, folder / path.relative_to(PROJECT))
    return folder


def run_part(project: Project, script: str, **options: Any) -> Result:
    """Run the one section of a project, without proofs."""
    project.script = script
    settings = project.read_settings()
    section = read_section(settings.project / "snippets" / "part.py", settings)
    return run(settings, [section], **options)["part"]


def refused(project: Project, script: str, **options: Any) -> str:
    """Run a section that is to fail; return what is said."""
    with pytest.raises(ProjectError) as caught:
        run_part(project, script, **options)
    return str(caught.value)


def mkdocs(
    project: Path, *arguments: str, engine: Path = PROJECT
) -> "subprocess.CompletedProcess[str]":
    """Run mkdocs in a project, as a user would, with the engine that lies in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", *arguments],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(engine), "NO_MKDOCS_2_WARNING": "1"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=300,
    )


def started(
    project: Path, *arguments: str, temporary: Path | None = None
) -> "subprocess.Popen[str]":
    """Start mkdocs in a project; it can be interrupted, whatever shell started the tests."""
    own = {"TMPDIR": str(temporary)} if temporary else {}
    return subprocess.Popen(
        [sys.executable, "-m", "mkdocs", *arguments],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "NO_MKDOCS_2_WARNING": "1", **own},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=None if os.name == "nt" else _may_be_ended,
    )


def _may_be_ended() -> None:
    """In the background of a shell, and under nohup, some signals are ignored, and children inherit that."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@cache
def _compiled() -> "jinja2.BytecodeCache":
    """The theme's templates, compiled once in a process and not for each build: a quarter of the time of a small one."""
    import jinja2
    from jinja2.bccache import Bucket

    known: dict[str, bytes] = {}

    class Known(jinja2.BytecodeCache):
        def load_bytecode(self, bucket: Bucket) -> None:
            if bucket.key in known:
                bucket.bytecode_from_string(known[bucket.key])  # unless its source is another one

        def dump_bytecode(self, bucket: Bucket) -> None:
            known[bucket.key] = bucket.bytecode_to_string()

    return Known()


def mkdocs_here(project: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """The same in this process, which has imported everything already: for the many builds."""
    import click.testing
    from mkdocs.__main__ import cli
    from mkdocs.theme import Theme

    get_env = Theme.get_env

    def with_known_templates(theme: Theme) -> "jinja2.Environment":
        env = get_env(theme)
        env.bytecode_cache = _compiled()
        return env

    before = os.getcwd()
    os.chdir(project)
    try:
        with mock.patch.object(Theme, "get_env", with_known_templates):
            result = click.testing.CliRunner().invoke(cli, arguments)
    finally:
        os.chdir(before)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return subprocess.CompletedProcess(arguments, result.exit_code, result.output)


def processes(mark: str) -> list[str]:
    """The processes that have something in their command, environment or working directory."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended
            told = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
            if mark.encode() in told + os.fsencode(os.readlink(folder / "cwd")):
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                found.append(f"{folder.name}: {command}")
    return found


def publish_by_hand(site: Path, project: str = "made-up", **files: str) -> Path:
    """Let a folder be the site of an earlier build that wrote these files, or one."""
    with staging(site, project) as folder:
        for name, text in (files or {"good.html": "the last good site"}).items():
            (folder / name).write_text(text, encoding="utf-8")
        publish(folder, site)
    return site


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder but the mark of a build: what is in it, by its path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != MARKER
    }

"""Whole builds with MkDocs: what fails fails loudly, and the last good site stays."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from tests.conftest import mkdocs, mkdocs_here
from tests.engine.projects import Project, contents, page, processes

posix = pytest.mark.skipif(os.name == "nt", reason="a server is stopped with a signal")


def start(
    folder: Path,
    *arguments: str,
    output: IO[str] | int = subprocess.DEVNULL,
    temporary: Path | None = None,
) -> "subprocess.Popen[bytes]":
    """Start mkdocs in a project; it can be interrupted, whatever shell started the tests."""
    return subprocess.Popen(
        [sys.executable, "-m", "mkdocs", *arguments],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(folder),
            **({"TMPDIR": str(temporary)} if temporary else {}),
        },
        stdout=output,
        stderr=subprocess.STDOUT,
        # in the background of a shell SIGINT is ignored, and children inherit that
        preexec_fn=None
        if os.name == "nt"
        else lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def printed(project: Project, before: str, after: str = "") -> str:
    """Build a project in a process that runs code before and after that; return what it prints."""
    build = "from mkdocs.__main__ import cli; cli(['build'], standalone_mode=False)"
    done = subprocess.run(
        [sys.executable, "-c", f"{before}\n{build}\n{after}"],
        cwd=project.write(),
        env={**os.environ, "PYTHONPATH": str(project.folder)},
        text=True,
        capture_output=True,
        check=True,
    )
    return done.stdout


def test_one_command_builds_both_languages(project: Project) -> None:
    folder = project.write()
    done = mkdocs(folder, "build")
    assert done.returncode == 0, done.stdout
    assert 'lang="zh"' in (folder / "site" / "index.html").read_text(encoding="utf-8")
    assert 'lang="en"' in (folder / "site" / "en" / "index.html").read_text(encoding="utf-8")
    assert re.search(r"Section part +[\d.]+ s +1 ran", done.stdout)
    report = json.loads((folder / "site" / "build.json").read_text())
    assert [(s["name"], s["state"]) for s in report["snippets"]] == [("part.one", "ran")]
    assert report["commit"] is None
    assert sorted(p.name for p in folder.iterdir() if p.name.startswith("site")) == ["site"]


def test_torch_is_imported_by_the_fork_server_and_not_where_pages_are_set(project: Project) -> None:
    assert printed(project, "import sys", "print('torch' in sys.modules)") == "False\n"


def test_no_page_waits_for_a_section_while_one_of_an_earlier_section_could_be_set(
    project: Project,
) -> None:
    project.pages = dict.fromkeys(("zh", "en"), "# Title {#title}\n")
    folder = project.write()
    (folder / "snippets" / "quiet.py").write_text("# %% one\nx = 1\n")
    for language in ("zh", "en"):
        (folder / "docs" / language / "a.md").write_text(page("quiet.one", title="# A {#a}"))
        (folder / "docs" / language / "b.md").write_text(page("part.one", title="# B {#b}"))
    done = mkdocs(folder, "build", "-v")
    assert done.returncode == 0, done.stdout
    assert re.findall(r"Reading: (\S+)", done.stdout) == ["index.md", "b.md", "a.md"]


def test_all_code_is_set_before_a_page_waits_for_its_first_section(project: Project) -> None:
    code = (
        "import snippets.engine.fences as f\nask = f.build.Build.outcome\n"
        "def asked(self, name):\n    print(*f.highlighted, sep=';')\n    return ask(self, name)\n"
        "f.build.Build.outcome = asked"
    )
    project.script = "# %% one\nx = 1  # one | 一\n"
    assert printed(project, code).split("\n")[0] == "x = 1  # 一;x = 1  # one"


@pytest.mark.parametrize("arguments", [(), ("--strict",), ("-q",), ("-q", "--strict")])
def test_a_failing_snippet_fails_the_build_and_the_last_good_site_stays(
    project: Project, arguments: tuple[str, ...]
) -> None:
    folder = project.write()
    assert mkdocs_here(folder, "build").returncode == 0
    before = contents(folder / "site")

    project.script = "# %% one\nx = 1\n# %% two\n1 / 0\n"
    project.write()
    done = mkdocs(folder, "build", *arguments)
    assert done.returncode != 0
    assert "ZeroDivisionError: division by zero" in done.stdout
    assert "part.two" in done.stdout
    assert "snippets/part.py:4, docs/zh/index.md:7, docs/en/index.md:7" in done.stdout
    assert "Traceback" not in done.stdout
    assert contents(folder / "site") == before
    assert sorted(p.name for p in folder.iterdir() if p.name.startswith("site")) == ["site"]


@pytest.mark.parametrize("arguments", [(), ("-q",)])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_dead_link_fails_the_build_in_either_language(
    project: Project, language: str, arguments: tuple[str, ...]
) -> None:
    project.pages = {language: page("part.one") + "\n[nowhere](nowhere.md)\n"}
    folder = project.write()
    done = mkdocs_here(folder, "build", *arguments)
    assert done.returncode != 0
    assert not (folder / "site").exists()
    if not arguments:
        assert "nowhere.md" in done.stdout


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("# Title {#title}\n\n    ```snippet\n    part.one\n    ```\n", 3),
        ("# Title {#title}\n\n<!--\n```snippet\npart.one\n```\n-->\n", 4),
        ("# Title {#title}\n\n```snippet\npart.one\n```\n\n> ```python\n> x = 1\n> ```\n", 8),
    ],
    ids=["indented", "in a comment", "python in a quotation"],
)
def test_a_page_shows_what_its_fences_name_and_nothing_else(
    project: Project, text: str, line: int
) -> None:
    project.pages = {"en": text}
    folder = project.write()
    done = mkdocs(
        folder, "build"
    )  # the English half has a process, and with it a stderr, of its own
    assert done.returncode != 0
    assert f"docs/en/index.md:{line}\n" in done.stdout
    assert not (folder / "site").exists()


def test_mathematics_that_cannot_be_set_fails_the_build(project: Project) -> None:
    project.pages = dict.fromkeys(("zh", "en"), page("part.one") + "\n```math\nx^2^3\n```\n")
    folder = project.write()
    for name in ("mkdocs.yml", "mkdocs.en.yml"):
        text = (folder / name).read_text()
        fence = "format: !!python/name:snippets.engine.fences.math"
        (folder / name).write_text(
            f"{text}        - name: math\n          class: math\n          {fence}\n"
        )
    done = mkdocs_here(folder, "build")
    assert done.returncode != 0
    assert "cannot be set as mathematics" in done.stdout


def test_the_english_half_is_not_built_by_itself(project: Project) -> None:
    folder = project.write()
    assert mkdocs(folder, "build").returncode == 0
    before = contents(folder / "site")
    done = mkdocs(folder, "build", "-f", "mkdocs.en.yml")
    assert done.returncode != 0
    assert "Build both languages with mkdocs.yml" in done.stdout
    assert contents(folder / "site") == before


def test_two_builds_do_not_write_to_one_site_at_once(project: Project) -> None:
    folder = project.write()
    assert mkdocs_here(folder, "build").returncode == 0
    project.script = "# %% one\nimport time\ntime.sleep(8)\nprint('slow')\n"
    project.write()
    slow = start(folder, "build")
    while not (folder / "site.new").exists():
        time.sleep(0.1)
    done = mkdocs_here(folder, "build")
    assert done.returncode != 0
    assert "Another build is writing to site/" in done.stdout
    assert slow.wait(60) == 0
    assert "slow" in (folder / "site" / "index.html").read_text(encoding="utf-8")


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_a_build_that_is_killed_leaves_the_good_site_and_no_process(
    project: Project, how: str, tmp_path: Path
) -> None:
    folder = project.write()
    assert mkdocs_here(folder, "build").returncode == 0
    before = contents(folder / "site")
    project.script = "# %% one\nwhile True:\n    pass\n"
    project.write()
    process = start(folder, "build", temporary=tmp_path)
    while not list(tmp_path.glob("snippets-*/work")):  # its one section is running
        time.sleep(0.1)
    process.send_signal(signal.Signals[how])
    assert process.wait(60) != 0
    deadline = time.monotonic() + 20

    def left() -> list[str]:
        return [*processes(str(folder)), *map(str, tmp_path.glob("snippets-*"))]

    while left() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not left()
    assert contents(folder / "site") == before


def test_all_failures_come_in_one_message(project: Project) -> None:
    project.script = "# %% one\n1 / 0\n"
    folder = project.write()
    (folder / "snippets" / "other.py").write_text("# %% one\nraise SystemExit(0)\n")
    for language in ("zh", "en"):
        (folder / "docs" / language / "other.md").write_text(page("other.one"))
    done = mkdocs_here(folder, "build")
    assert done.returncode != 0
    assert done.stdout.count("ZeroDivisionError: division") == 1
    assert done.stdout.count("SystemExit: 0") == 1


def test_a_build_that_was_killed_between_its_last_steps_is_repaired(project: Project) -> None:
    folder = project.write()
    assert mkdocs_here(folder, "build").returncode == 0
    (folder / "site").rename(folder / "site.old")
    project.script = "# %% one\n1 / 0\n"
    project.write()
    assert mkdocs_here(folder, "build").returncode != 0
    assert (folder / "site" / "index.html").is_file()


class Server:
    """`mkdocs serve` in a project, with what it says."""

    def __init__(self, folder: Path) -> None:
        import socket

        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self.log = folder / "serve.log"
        self.process = start(folder, "serve", "--dev-addr", self.address, output=self.log.open("w"))

    def get(self, path: str = "") -> str:
        with urllib.request.urlopen(f"http://{self.address}/{path}", timeout=120) as answer:
            return str(answer.read().decode())

    def until(self, true: Callable[[], bool], limit: float = 60) -> None:
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            if true():
                return
            time.sleep(0.1)
        raise AssertionError(self.log.read_text())

    def says(self, text: str, times: int = 1) -> None:
        self.until(lambda: self.log.read_text().count(text) >= times)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture
def server(project: Project) -> Iterator[Server]:
    server = Server(project.write())
    yield server
    server.stop()


@posix
def test_serve_keeps_the_last_good_site_and_runs_only_what_changed(
    project: Project, server: Server
) -> None:
    server.says("Serving on")
    assert "hello" in server.get()
    assert "hello" in server.get("en/")

    # an edit of prose runs nothing
    ran = server.log.read_text().count("Section part")
    project.pages = dict.fromkeys(("zh", "en"), page("part.one") + "\nNew prose.\n")
    project.write()
    server.says("Reloading browsers")
    server.until(lambda: "New prose." in server.get() and "New prose." in server.get("en/"))
    assert server.log.read_text().count("Section part") == ran
    # … and does not wait for what readers download, which stays there
    server.says("Only prose has changed")
    for download in ("notebooks/index.zh.ipynb", "en/index.html.md", "llms.txt"):
        assert "New prose." not in server.get(download)
    assert "hello" in server.get("notebooks/index.zh.ipynb")

    # an error is said, and the site stays up
    project.script = '# %% one\nprint("hello")\n1 / 0\n'
    project.write()
    server.says("The last good site stays up")
    assert "snippets/part.py:3" in server.log.read_text()
    assert "hello" in server.get()
    assert "New prose." in server.get("en/")

    # the same error is said again after the next save
    project.pages = dict.fromkeys(("zh", "en"), page("part.one") + "\nStill wrong.\n")
    project.write()
    server.says("The last good site stays up", times=2)
    assert server.log.read_text().count("ZeroDivisionError: division by zero") >= 2

    # the next good save recovers
    project.script = '# %% one\nprint("good again")\n'
    project.write()
    server.until(lambda: "good again" in server.get())
    server.until(lambda: "good again" in server.get("en/"))
    for download in ("notebooks/index.zh.ipynb", "en/index.html.md"):
        assert "good again" in server.get(download)

    # it also ends when it is told to in the middle of a build
    project.script = "# %% one\nimport time\ntime.sleep(100)\n"
    builds = server.log.read_text().count("Building documentation...")
    project.write()
    server.says("Building documentation...", times=builds + 1)
    server.stop()
    assert server.process.returncode == 143

"""`mkdocs build`, as a user runs it: all or nothing, in every language, whenever it is ended."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from mkdocs.exceptions import Abort

from proven.generators.mkdocs import ProvenPlugin
from tests.helpers.faults import EN, edit, left_by, place, read, sound
from tests.helpers.projects import (
    CUDA,
    PROJECT,
    Project,
    contents,
    copy_chapter,
    mkdocs,
    mkdocs_here,
    page,
    publish_by_hand,
    started,
)


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


def test_torch_is_imported_where_sections_run_and_not_where_pages_are_set(
    project: Project,
) -> None:
    project.settings = {"ahead": ["torch"], "packages": ["torch"], "devices": CUDA}
    project.script = "# %% one\nimport torch\n\nprint(torch.ones(2).sum())\n"
    build = (
        "import sys\nfrom mkdocs.__main__ import cli\ncli(['build'], standalone_mode=False)\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", build],
        cwd=project.write(),
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        text=True,
        capture_output=True,
        check=True,
    )
    assert done.stdout == "False\n"
    assert "tensor(2.)" in (project.folder / "site" / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("arguments", [(), ("--strict",), ("-q",), ("-q", "--strict")])
def test_a_failing_snippet_fails_the_build_however_it_is_called(
    project: Project, arguments: tuple[str, ...]
) -> None:
    project.script = "# %% one\nx = 1\n# %% two\n1 / 0\n"
    folder = project.write()
    publish_by_hand(project.folder / "site")
    done = mkdocs_here(folder, "build", *arguments)
    assert done.returncode != 0
    assert "ZeroDivisionError: division by zero" in done.stdout
    assert "snippets/part.py:4, docs/zh/index.md:7, docs/en/index.md:7" in done.stdout
    assert contents(folder / "site") == {"good.html": b"the last good site"}
    assert sorted(p.name for p in folder.iterdir() if p.name.startswith("site")) == ["site"]


@pytest.mark.parametrize("arguments", [(), ("-q",)])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_warning_of_mkdocs_fails_the_build_in_either_language(
    project: Project, language: str, arguments: tuple[str, ...]
) -> None:
    text = page("part.one") + "\n![A picture](there.svg)\n"
    project.pages = {"zh": text, "en": text, language: text.replace("there", "nowhere")}
    project.file("docs/zh/there.svg", "<svg/>")
    project.file("docs/en/there.svg", "<svg/>")
    folder = project.write()
    done = mkdocs_here(folder, "build", *arguments)
    assert done.returncode != 0
    assert not (folder / "site").exists()


@pytest.mark.parametrize("name", ["late.md", "late.html", "late.js"])
def test_what_came_after_the_project_was_read_is_not_published(project: Project, name: str) -> None:
    folder = project.write()
    text = "# Late {#late}\n\n<script>alert(1)</script>\n"
    hook = f"def on_config(config):\n    open('docs/zh/{name}', 'w').write({text!r})\n"
    project.file("hook.py", hook)
    edit(project, "mkdocs.yml", "plugins:", "hooks: [hook.py]\nplugins:")
    done = mkdocs_here(folder, "build")
    assert done.returncode != 0
    assert f"docs/zh/{name}, which was not read as a part of the project" in done.stdout
    assert not (folder / "site").exists()


def test_pages_are_those_of_the_folder_that_was_read(project: Project) -> None:
    folder = project.write()
    project.file("pages/zh/index.md", "# T {#t}\n")
    edit(project, "mkdocs.yml", "docs_dir: docs/zh", "docs_dir: pages/zh")
    done = mkdocs_here(folder, "build")
    assert done.returncode != 0
    assert "docs_dir is another folder than that of the pages, docs/zh" in done.stdout


def test_words_of_a_page_command_neither_a_terminal_nor_a_log(project: Project) -> None:
    link = "\n[x](a%0A%20::error%20file=x::owned.png)\n\n[y](a%1b]0;owned%07.png)\n"
    project.pages = dict.fromkeys(("zh", "en"), page("part.one") + link)
    done = mkdocs_here(project.write(), "build")
    assert done.returncode != 0
    assert "owned.png" in done.stdout
    assert not re.search(r"^\s*::error|[\x1b\x07]", done.stdout, re.MULTILINE)


def test_what_is_wrong_in_a_language_that_has_a_process_of_its_own_is_told(tmp_path: Path) -> None:
    project = sound(tmp_path / "project")
    code = '<p class="highlight"><code>x = 1</code></p>'
    project.file(EN, f"{read(project, EN)}\n{code}\n")
    done = mkdocs(project.folder, "build")
    assert done.returncode != 0
    assert "the page shows code that is run by nothing" in done.stdout
    assert f"at       {place(project, EN, code)}\n" in done.stdout
    assert "Traceback" not in done.stdout
    assert not (project.folder / "site").exists()


def test_a_language_that_fails_leaves_the_folder_to_the_process_that_made_it() -> None:
    """The main language may still write there."""
    plugin, removed = ProvenPlugin(), list[str]()
    plugin.cleanup.callback(removed.append, "the folder")

    def fails() -> None:
        raise Abort("why")

    assert plugin._in_fork(fails) == "why"
    plugin.on_shutdown()
    assert removed == []


def test_a_part_of_the_site_is_not_built_by_itself(project: Project) -> None:
    folder = project.write()
    publish_by_hand(project.folder / "site")
    done = mkdocs(folder, "build", "-f", "mkdocs.en.yml")
    assert done.returncode != 0
    assert "Build all languages with mkdocs.yml; mkdocs.en.yml is a part of it." in done.stdout
    assert contents(folder / "site") == {"good.html": b"the last good site"}


def test_a_configuration_of_a_language_that_is_missing_is_named(project: Project) -> None:
    folder = project.write()
    (folder / "mkdocs.en.yml").unlink()
    done = mkdocs_here(folder, "build")
    assert done.returncode != 0
    assert "mkdocs.en.yml cannot be read" in done.stdout
    assert not (folder / "site").exists()


# --- builds that are killed

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
SEED = random.SystemRandom().randrange(2**32)
SIGNALS = ("SIGINT", "SIGTERM", "SIGKILL", "SIGHUP", "SIGQUIT")
WORDS = "Words of the next site."


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, float]:
    """A project with its good site, and how long a build takes."""
    project = sound(tmp_path_factory.mktemp("good") / "project")
    begin = time.monotonic()
    done = mkdocs(project.folder, "build")
    assert done.returncode == 0, done.stdout
    seconds = time.monotonic() - begin
    for path in ("docs/zh/index.md", EN):
        project.file(path, f"{read(project, path)}\n{WORDS}\n")
    return project, seconds


@pytest.fixture
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a short name for the temporary files of a build."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="fault-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def killed(process: "subprocess.Popen[str]", name: str) -> str:
    process.send_signal(signal.Signals[name])
    try:
        return process.communicate(timeout=60)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        raise


@linux
@pytest.mark.parametrize("number", range(10))
def test_a_build_that_is_killed_at_any_moment_leaves_a_whole_site_and_no_process(
    good: tuple[Project, float], temporary: Path, number: int
) -> None:
    project, seconds = good
    name = SIGNALS[number % len(SIGNALS)]
    moment = random.Random(f"{SEED} {number}").uniform(0, seconds)
    print(f"seed {SEED}: {name} after {moment:.2f} s of {seconds:.2f} s")  # shown if it fails
    site = project.folder / "site"
    before = contents(site)
    process = started(project.folder, "build", temporary=temporary)
    time.sleep(moment)
    output = killed(process, name)
    assert not [left for left in left_by(temporary, project.folder) if ":" in left]
    after = contents(site)
    if after != before:  # it was too late: the next site stands, and is complete
        print(output)
        assert "Documentation built" in output
        assert after.keys() == before.keys()
        for path in ("index.html", "en/index.html"):
            assert WORDS in after[path].decode()
        for path, content in before.items():  # so that the next one is killed before a change
            (site / path).write_bytes(content)


@linux
@pytest.mark.parametrize("name", SIGNALS)
def test_a_section_ends_with_the_build_that_is_killed(
    project: Project, temporary: Path, name: str
) -> None:
    project.script = "# %% one\nwhile True:\n    pass\n"
    folder = project.write()
    publish_by_hand(project.folder / "site")
    process = started(folder, "build", temporary=temporary)
    while not list(temporary.glob("snippets-*/work")):  # its one section is running
        assert process.poll() is None
        time.sleep(0.05)
    killed(process, name)
    assert process.returncode != 0
    deadline = time.monotonic() + 20
    while list(temporary.glob("snippets-*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [left for left in left_by(temporary, folder) if ":" in left or "snippets-" in left]
    assert contents(folder / "site") == {"good.html": b"the last good site"}


@linux
def test_a_build_of_the_real_chapter_that_is_killed_leaves_the_good_site(
    tmp_path: Path, temporary: Path
) -> None:
    folder, name = copy_chapter(tmp_path), random.Random(SEED).choice(SIGNALS)
    moment = random.Random(SEED).uniform(1, 8)  # a build takes about ten seconds, or more
    print(f"seed {SEED}: {name} after {moment:.2f} s")
    publish_by_hand(folder / "site")
    process = started(folder, "build", temporary=temporary)
    time.sleep(moment)
    output = killed(process, name)
    assert not [left for left in left_by(temporary, folder) if ":" in left]
    if "Documentation built" not in output:
        assert contents(folder / "site") == {"good.html": b"the last good site"}

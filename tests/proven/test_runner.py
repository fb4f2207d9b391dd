"""Sections run beside one another, each in its process, within limits, and are used again."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from proven import runner
from proven.problems import ProjectError
from proven.runner import START_METHOD, run
from proven.scripts import read_section, read_sections
from tests.helpers.projects import PROJECT, Project, processes, refused, run_part


@pytest.fixture(params=sorted({START_METHOD, "spawn"}))
def start_method(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_sections_run_the_same_with_and_without_a_fork_server(
    project: Project, start_method: str
) -> None:
    script = '# %% one\nprint("hello")\n# %% two raises="ZeroDivisionError"\n1 / 0\n'
    one, two = run_part(project, script, start_method=start_method).outcomes.values()
    assert (one.state, one.output) == ("ran", "hello\n")
    assert (two.state, two.error) == ("raised", "ZeroDivisionError: division by zero")


def test_a_process_that_dies_is_named(project: Project, start_method: str) -> None:
    message = refused(project, "# %% one\nimport os\nos._exit(3)\n", start_method=start_method)
    assert "its process died (exit status 3)" in message
    assert "part.one" in message


def test_a_loop_without_end_is_ended_with_its_children(project: Project, tmp_path: Path) -> None:
    script = f"""# %% one
x = 1
# %% two
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", {str(tmp_path)!r}])
while True:
    pass
"""
    message = refused(project, script, time_limit=1.0)
    assert "it was still running after 1 s, the limit of a section" in message
    assert "look for a loop without end" in message
    assert "part.two" in message
    assert "snippets/part.py:4" in message
    assert not processes(str(tmp_path))


def test_the_limit_until_the_first_cell_has_a_message_of_its_own(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "START_LIMIT", 0.5)
    project.file("slow.py", "import time\n\ntime.sleep(60)\n")
    project.settings = {"ahead": ["slow"]}
    message = refused(project, "# %% one\nx = 1\n")
    assert message.startswith("no cell had begun after 0.5 s: the imports took too long")
    assert "limit of a section" not in message
    assert "import less in proven.toml" in message
    assert "snippet " not in message  # none had begun
    assert not processes(str(project.folder))


def test_the_limit_of_a_section_begins_with_its_first_cell(project: Project) -> None:
    project.file("slow.py", "import time\n\ntime.sleep(1)\n")
    project.settings = {"ahead": ["slow"]}
    result = run_part(project, "# %% one\nprint('in time')\n", time_limit=0.8)
    assert result.outcomes["part.one"].output == "in time\n"


def test_an_error_of_this_process_is_told_too(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> str:
        raise OSError("no space left")

    monkeypatch.setattr("tempfile.mkdtemp", broken)
    message = refused(project, "# %% one\nx = 1\n")
    assert "its process could not be run: OSError: no space left" in message
    assert "snippets/part.py:2" in message


def test_all_that_goes_wrong_comes_in_one_error(project: Project) -> None:
    project.script = "# %% one\n1 / 0\n"
    settings = project.read_settings()
    project.file("snippets/other.py", "# %% one\nraise SystemExit(0)\n")
    sections, _ = read_sections(settings)
    with pytest.raises(ProjectError) as caught:
        run(settings, sections.values())
    found = {problem.snippet: problem.what for problem in caught.value.problems}
    assert found.keys() == {"part.one", "other.one"}
    assert "ZeroDivisionError" in found["part.one"]
    assert "SystemExit" in found["other.one"]


def test_sections_that_are_named_first_start_first(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    project.settings = {"first": ["zz_other"]}
    settings = project.read_settings()
    project.file("snippets/zz_other.py", project.script)
    sections, _ = read_sections(settings)
    results = run(settings, sections.values())
    assert list(sections) == ["part", "zz_other"]
    assert results["zz_other"].started < results["part"].started


def test_a_run_can_be_ended(project: Project) -> None:
    cancelled = threading.Event()
    script = "# %% one\nwhile True:\n    pass\n"
    begin = time.monotonic()
    threading.Timer(0.5, cancelled.set).start()
    assert "the run was ended" in refused(project, script, cancelled=cancelled)
    assert time.monotonic() - begin < 20
    assert not processes(str(project.folder))


MEDDLING = """# %% one
import builtins, os, random, sys, tempfile
import torch
torch.use_deterministic_algorithms(True)
torch.nn.Linear.forward = None
torch.meddled = True
os.environ["TORCH_LOGS"] = os.environ["PYTHONWARNINGS"] = "error"
random.seed(7)
random.meddled = True
for folder in (".", tempfile.gettempdir()):
    open(os.path.join(folder, "x.pt"), "w").close()
builtins.meddled = shared = 1
sys.modules["json"].dumps = None  # a module that it imports is looked at
"""
OTHER = """# %% one
import builtins, json, os, random, tempfile
import torch
torch.nn.Linear(1, 1)(torch.ones(1))
print(torch.are_deterministic_algorithms_enabled(), hasattr(torch, "meddled"))
print("shared" in globals(), "TORCH_LOGS" in os.environ)
print(hasattr(builtins, "meddled"), hasattr(random, "meddled"), json.dumps(1))
print(os.listdir("."), os.listdir(tempfile.gettempdir()))
"""


def test_one_section_can_change_nothing_of_another(project: Project) -> None:
    project.script = MEDDLING
    settings = project.read_settings()
    project.file("snippets/zz_other.py", OTHER)
    sections, _ = read_sections(settings)
    for _ in range(2):  # also the processes that are made after it
        results = run(settings, sections.values())
        assert results["zz_other"].outcomes["zz_other.one"].output == (
            "False False\nFalse False\nFalse False 1\n[] []\n"
        )


def test_a_result_is_current_until_the_script_or_a_module_it_imports_changes(
    project: Project,
) -> None:
    helper = project.file("part_help.py", "VALUE = 1\n")
    script = "# %% one\nfrom part_help import VALUE\nprint(VALUE)\n"
    time.sleep(0.02)  # what is edited while a section runs counts as changed
    result = run_part(project, script)
    settings = project.read_settings()
    path = project.folder / "snippets" / "part.py"
    section = read_section(path, settings)
    assert result.is_current(section, (), {})

    path.write_text(f"{script}print('more')\n", encoding="utf-8")
    assert not result.is_current(read_section(path, settings), (), {})

    helper.write_text("VALUE = 2\n")
    assert not result.is_current(section, (), {})
    helper.unlink()
    assert not result.is_current(section, (), {})


@pytest.mark.skipif(sys.platform != "linux", reason="there is no fork server")
def test_the_fork_server_imports_what_sections_share(project: Project) -> None:
    project.file("shared_by_all.py", "import os\n\nprint(os.getpid(), flush=True)\n")
    project.settings = {"ahead": ["shared_by_all"]}
    code = """if __name__ == "__main__":
    import os, pathlib
    from proven.project import read_project
    from proven.runner import run
    from proven.settings import read_settings

    project = read_project(read_settings(pathlib.Path.cwd()))
    for _ in range(2):
        run(project.settings, project.sections.values())
"""
    folder = project.write()
    done = subprocess.run(  # with a fork server of its own: this one's was started without that
        [sys.executable, "-c", code], cwd=folder, text=True, capture_output=True, check=True
    )
    assert len(done.stdout.split()) == 1, done.stdout  # imported once, by one process


INTERRUPTED = """import os, signal, time, multiprocessing.forkserver, proven.ahead
child = os.fork()
try:
    os.kill(os.getpid(), signal.SIGINT) if not child else os.waitpid(child, 0)
except KeyboardInterrupt:
    print("a section can be interrupted", flush=True)
    os._exit(0)
os.kill(os.getpid(), signal.SIGINT)
print("the fork server goes on")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork server")
def test_ctrl_c_ends_the_fork_server_without_a_traceback() -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, cwd=PROJECT
    )
    assert done.stderr == ""
    assert done.stdout == "a section can be interrupted\n"
    assert done.returncode == 1


def test_a_run_ends_although_a_library_has_lost_the_exit(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The handler of a signal raises wherever the program is, and that may be a callback that catches all."""
    ending = list[int]()
    monkeypatch.setattr("proven.runner.told_to_end", ending)
    project.script = "# %% one\nwhile True:\n    pass\n"
    settings = project.read_settings()
    sections = read_sections(settings)[0]
    with pytest.raises(ProjectError, match="the run was ended"):
        run(settings, sections.values(), meanwhile=lambda: ending.append(signal.SIGTERM))


@pytest.mark.parametrize(
    "code",
    [
        "import os, sys\nsys.setprofile(lambda *_: os.write(2, b'::error::owned\\n'))",
        "import atexit, os, weakref\nclass A: pass\na = A()\n"
        "weakref.finalize(a, os.write, 1, b'::error::owned\\n')",
        "import os\nclass A:\n    def __del__(self): os.write(1, b'::error::owned\\n')\na = A()\nos.abort()",
    ],
)
def test_what_a_section_writes_beside_its_cells_reaches_no_log(
    project: Project, capfd: pytest.CaptureFixture[str], code: str
) -> None:
    with contextlib.suppress(ProjectError):
        run_part(project, f"# %% one\n{code}\n")
    assert "owned" not in "".join(capfd.readouterr())

"""What a cell shows, and every way in which it may end: in a process of its own, both ways."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from snippets.engine import preload
from snippets.engine.cells import Outcome
from snippets.engine.errors import SnippetError
from snippets.engine.runner import START_METHOD, Result, Runner, warm_up
from snippets.engine.scripts import read_section
from tests.engine.projects import Project


def run(project: Project, script: str, **options: object) -> Result:
    project.script = script
    project.write()
    runner = Runner({"part": read_section(project.section_path)}, **options)  # type: ignore[arg-type]
    try:
        return runner.result("part")
    finally:
        runner.close()


def outcomes(project: Project, script: str) -> list[Outcome]:
    return list(run(project, script).outcomes.values())


def failure(project: Project, script: str, **options: object) -> str:
    with pytest.raises(SnippetError) as caught:
        run(project, script, **options)
    return str(caught.value)


# --- what is shown


def test_output_is_the_real_standard_output(project: Project) -> None:
    script = """# %% one
import os, subprocess, sys
print("a", "b", sep="-", end="!\\n")
sys.stdout.write("written\\n")
os.write(1, "descriptor 汉字\\n".encode())
subprocess.run([sys.executable, "-c", "print('child')"], check=True)
print("last")
"""
    (outcome,) = outcomes(project, script)
    lines = outcome.output.splitlines()
    assert sorted(lines) == sorted(["a-b!", "written", "descriptor 汉字", "child", "last"])
    assert lines == ["a-b!", "written", "descriptor 汉字", "child", "last"]


def test_a_print_inside_an_imported_function_is_shown(project: Project) -> None:
    project.write()
    (project.folder / "part_help.py").write_text("def say(): print('said')\n")
    (outcome,) = outcomes(project, "# %% one\nfrom part_help import say\nsay()\n")
    assert outcome.output == "said\n"


def test_state_flows_and_each_output_belongs_to_its_cell(project: Project) -> None:
    one, two, three = outcomes(
        project, "# %% one\nx = 1\n# %% two\nprint(x)\nx += 1\n# %% three\nprint(x)\n"
    )
    assert (one.output, two.output, three.output) == ("", "1\n", "2\n")


def test_open_figures_become_svg_that_is_the_same_every_time(project: Project) -> None:
    script = """# %% one
import matplotlib.pyplot as plt
plt.plot([1, 2, 3])
plt.figure()
# %% two
print("no figure")
"""
    first, second = outcomes(project, script)
    assert len(first.figures) == 2
    assert all("<svg" in figure for figure in first.figures)
    assert second.figures == ()
    assert outcomes(project, script)[0].figures == first.figures


def test_a_declared_error_is_shown_with_its_line(project: Project) -> None:
    (outcome,) = outcomes(project, '# %% one raises="ZeroDivisionError"\nx = 0\n1 / x\n')
    assert (outcome.state, outcome.error_line) == ("raised", 2)
    assert outcome.error == "ZeroDivisionError: division by zero"


def test_a_declared_error_of_a_library_is_known_by_its_short_name(project: Project) -> None:
    script = """# %% one raises="UnpicklingError"
import pickle
raise pickle.UnpicklingError("no")
"""
    assert outcomes(project, script)[0].error == "_pickle.UnpicklingError: no"


def test_colours_for_a_terminal_are_taken_out(project: Project) -> None:
    script = """# %% one
print("\\x1b[1mbold\\x1b[0m")
# %% two raises="ValueError"
raise ValueError("\\x1b[31mred\\x1b[0m")
"""
    one, two = outcomes(project, script)
    assert (one.output, two.error) == ("bold\n", "ValueError: red")


def test_the_cells_are_the_main_module(project: Project) -> None:
    script = """# %% one
import inspect, pickle

class Thing:
    size = 3

print(__name__, Thing.__module__)
print(inspect.getsource(Thing), end="")
print(pickle.loads(pickle.dumps(Thing())).size)
"""
    assert outcomes(project, script)[0].output == (
        "__main__ __main__\nclass Thing:\n    size = 3\n3\n"
    )


def test_each_run_works_in_a_fresh_directory_and_leaves_nothing(project: Project) -> None:
    script = """# %% one
import os
print(os.listdir())
open("file", "w").close()
# %% two
print(os.listdir())
"""
    before = {path for path in project.write().rglob("*") if "__pycache__" not in path.parts}
    for _ in range(2):
        one, two = outcomes(project, script)
        assert (one.output, two.output) == ("[]\n", "['file']\n")
    after = {path for path in project.folder.rglob("*") if "__pycache__" not in path.parts}
    assert after == before


def test_a_section_may_use_files_and_processes_of_its_own(project: Project) -> None:
    script = """# %% one
import multiprocessing, os, shutil, subprocess, sys, tempfile
import torch
from torch.utils.data import DataLoader

with multiprocessing.Pool(2) as pool:
    print(pool.map(abs, [-1, -2]))
with multiprocessing.Manager() as manager:
    print(list(manager.list([1, 2])))
loader = DataLoader(torch.arange(4), batch_size=2, num_workers=1)
print([batch.sum().item() for batch in loader])
print(torch.ones(2).share_memory_().is_shared())
# %% two
write = "open('child.txt', 'w').close()"
subprocess.run([sys.executable, "-c", write], check=True)
os.mkdir("folder")
os.rename("child.txt", "folder/moved.txt")
torch.save(1, "folder/x.pt")
with tempfile.NamedTemporaryFile("w") as file:
    file.write("text")
print(sorted(os.listdir("folder")), file=open(os.devnull, "w"))
shutil.rmtree("folder")
print(os.listdir())
"""
    one, two = outcomes(project, script)
    assert one.output == "[1, 2]\n[1, 2]\n[1, 5]\nTrue\n"
    assert two.output == "[]\n"


def test_a_warning_that_the_cell_catches_can_be_shown(project: Project) -> None:
    script = """# %% one
import warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.warn("careful")
print(caught[0].message)
"""
    assert outcomes(project, script)[0].output == "careful\n"


@pytest.mark.parametrize("had", [0, 1, 2])
def test_a_cell_runs_only_with_the_devices_that_it_needs(
    had: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import types

    from snippets.engine.cells import run_cells

    monkeypatch.setattr(preload, "device_count", lambda: had)
    project = Project(tmp_path / "project")
    project.script = '# %% a\nx = 1\n# %% b needs="cuda:1"\nx = 2\n# %% c needs="cuda:2"\nx = 3\n'
    project.write()
    messages = list(run_cells(read_section(project.section_path), types.ModuleType("__main__")))
    states = [(m.state, m.had) for m in messages if isinstance(m, Outcome)]
    assert states == [
        ("ran", 0),
        ("ran", 0) if had >= 1 else ("skipped", had),
        ("ran", 0) if had >= 2 else ("skipped", had),
    ]


# --- what ends a build

FAILURES = {
    "exception": ("x = 1\n1 / 0", "ZeroDivisionError: division by zero", 3),
    "exception in an older function": ("f = lambda: 1 / 0\n\nf()", "ZeroDivisionError", 4),
    "syntax at run time": ("exec('a b')", "SyntaxError", 2),
    "sys.exit(0)": ("import sys\nsys.exit(0)", "SystemExit: 0: it ends Python", 3),
    "sys.exit with a text": ("raise SystemExit('bye')", "SystemExit: bye", 2),
    "input()": ("input('name? ')", "cannot read from standard input", 2),
    "reading stdin": ("import sys\nsys.stdin.read()", "cannot read from standard input", 3),
    "reading descriptor 0": ("import os\nos.read(0, 1)", "Bad file descriptor", 3),
    "warning": ("import warnings\nwarnings.warn('old')", "UserWarning: old", 3),
    "standard error": ("import sys\nprint('oops', file=sys.stderr)", "oops", 2),
    "memory address": ("print(object())", "a memory address", 2),
    "temporary directory": ("import os\nprint(os.getcwd())", "the temporary directory", 2),
    "path of the machine": ("print(__file__)", "a path of this machine", 2),
    "too much output": ("print('x' * 200_000)", "200,001 bytes", 2),
    "not UTF-8": ("import os\nos.write(1, b'\\xff')", "not UTF-8", 2),
    "control characters": ("print('a\\x02b')", "control characters", 2),
    "a path in the temporary directory": (
        "import tempfile\nprint(tempfile.gettempdir() + '/x')",
        "the temporary directory",
        2,
    ),
    "a long error": ("raise ValueError('x' * 200_000)", "ValueError: xxx", 2),
    "return": ("return 1", "SyntaxError: 'return' outside function", 2),
    "a figure that cannot be drawn": (
        "import matplotlib.pyplot as plt\nplt.title('$\\\\frac{1}$')",
        "its figure cannot be drawn",
        2,
    ),
    "sys.stdout replaced": (
        "import io, sys\nsys.stdout = io.StringIO()",
        "output may be lost",
        2,
    ),
    "descriptor closed": ("import os\nos.close(1)", "output may be lost", 2),
    "output cut": (
        "print('a', flush=True)\nopen('/dev/stdout', 'w').close()",
        "output may be lost",
        2,
    ),
    "a thread that still runs": (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(9,)).start()",
        "a thread still runs",
        2,
    ),
    "os._exit(0)": ("import os\nos._exit(0)", "its process died (exit status 0)", 2),
    "crash": ("import ctypes\nctypes.string_at(0)", "its process died (SIGSEGV)", 2),
}


if sys.platform == "win32":  # no /dev/stdout, no signals, and another error for descriptor 0
    for name in ("output cut", "crash", "reading descriptor 0"):
        del FAILURES[name]


@pytest.mark.parametrize("case", FAILURES)
def test_whatever_ends_otherwise_than_declared_is_an_error(project: Project, case: str) -> None:
    code, what, line = FAILURES[case]
    if case == "too much output":
        what = "at most 100,000"
    message = failure(project, f"# %% one\n{code}\n# %% two\nprint('never')\n")
    assert what in message
    assert "part.one" in message
    assert f"snippets/part.py:{line}" in message


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_does_not_run_the_cells_of_its_parent(project: Project) -> None:
    script = """# %% one
import os, warnings
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Python 3.12 warns of forking with threads
    child = os.fork()
if child:
    os.waitpid(child, 0)
# %% two
print("two", child > 0)
"""
    one, two = outcomes(project, script)
    assert (one.output, two.output) == ("", "two True\n")


def test_a_cell_sees_the_start_method_of_a_plain_script(project: Project) -> None:
    script = "# %% one\nimport multiprocessing\nprint(multiprocessing.get_start_method())\n"
    plain = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert outcomes(project, script)[0].output == plain.stdout


def test_an_error_of_the_engine_is_an_error_too(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError("no more files")

    monkeypatch.setattr(Runner, "_listen", broken)
    assert "could not be run: OSError: no more files" in failure(project, "# %% one\nx = 1\n")


def test_a_declared_error_that_does_not_come_is_an_error(project: Project) -> None:
    message = failure(project, '# %% one raises="TypeError"\nx = 1\n')
    assert "declares TypeError, and nothing was raised" in message


def test_a_declared_error_of_another_type_is_an_error(project: Project) -> None:
    message = failure(project, '# %% one raises="TypeError"\n1 / 0\n')
    assert "declares TypeError and raised ZeroDivisionError: division by zero" in message


def test_a_declared_error_before_the_end_of_the_cell_is_an_error(project: Project) -> None:
    message = failure(project, '# %% one raises="ZeroDivisionError"\n1 / 0\nprint("never")\n')
    assert "the rest never ran" in message


def test_a_loop_without_end_is_ended_with_its_children(project: Project, tmp_path: Path) -> None:
    script = f"""# %% one
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", {str(tmp_path)!r}])
while True:
    pass
"""
    message = failure(project, script, time_limit=2.0)
    assert "still running after 2 s" in message
    assert "part.one" in message
    if sys.platform == "linux":
        commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline")]
        assert not [command for command in commands if str(tmp_path).encode() in command]


def test_the_second_snippet_is_named_when_it_is_the_one_that_dies(project: Project) -> None:
    message = failure(project, "# %% one\nx = 1\n# %% two\nimport os\nos._exit(3)\n")
    assert "part.two" in message
    assert "exit status 3" in message


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_printing_without_end_stops_before_the_disk_is_full(project: Project) -> None:
    message = failure(project, "# %% one\nwhile True:\n    print('x' * 10_000)\n")
    assert "OSError: [Errno 27] File too large" in message
    assert "snippets/part.py:3" in message


def test_a_missing_torch_is_one_clear_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SnippetError, match=r"^torch is not installed\n.*requirements.txt"):
        warm_up()


# --- the two ways to start a process, and using results again


@pytest.fixture(params=sorted({START_METHOD, "spawn"}))
def start_method(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_sections_run_the_same_with_and_without_a_fork_server(
    project: Project, start_method: str
) -> None:
    script = """# %% one
import torch
from torch import nn
torch.manual_seed(0)
net = nn.Linear(3, 2)
print(net(torch.ones(1, 3)).shape)
# %% two raises="RuntimeError"
net(torch.ones(1, 4))
"""
    result = run(project, script, start_method=start_method)
    one, two = result.outcomes.values()
    assert one.output == "torch.Size([1, 2])\n"
    assert two.error == ("RuntimeError: mat1 and mat2 shapes cannot be multiplied (1x4 and 3x2)")
    assert result.machine.torch == torch.__version__
    assert type(result.machine.torch) is str  # torch's own kind imports torch where it is unpickled
    assert result.machine.python == ".".join(map(str, sys.version_info[:3]))


@pytest.mark.skipif(sys.platform != "linux", reason="there is no fork server")
def test_what_the_fork_server_holds_lies_in_huge_pages() -> None:
    code = """
import ctypes, mmap, re, sys
libc = ctypes.CDLL(None)
libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
held = mmap.mmap(-1, 8 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
held.write(bytes(8 << 20))
aligned = -(-ctypes.addressof(ctypes.c_char.from_buffer(held)) // (2 << 20)) * (2 << 20)
def huge():
    return int(re.search(r"AnonHugePages: +(\\d+)", open("/proc/self/smaps_rollup").read())[1])
if libc.madvise(aligned, 2 << 20, 25):
    sys.exit("this kernel has no such thing")
before = huge()
import snippets.engine.huge_pages
print(huge() - before)
"""
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True)
    if "no such thing" in done.stderr:
        pytest.skip(done.stderr)
    assert int(done.stdout) >= 4096, done.stderr  # in KB: two whole ones at least were left


def test_a_spawned_process_that_dies_is_named(project: Project) -> None:
    message = failure(project, "# %% one\nimport os\nos._exit(3)\n", start_method="spawn")
    assert "part.one" in message
    assert "exit status 3" in message


def test_a_result_is_used_again_until_the_script_or_a_module_it_imports_changes(
    project: Project,
) -> None:
    project.write()
    helper = project.folder / "part_help.py"
    helper.write_text("VALUE = 1\n")
    script = "# %% one\nfrom part_help import VALUE\nprint(VALUE)\n"
    first = run(project, script)

    again = run(project, script, known={"part": first})
    assert again is first

    helper.write_text("VALUE = 2\n")
    changed = run(project, script, known={"part": first})
    assert changed.outcomes["part.one"].output == "2\n"

    edited = run(project, script + "print('more')\n", known={"part": changed})
    assert edited.outcomes["part.one"].output == "2\nmore\n"


def test_one_section_knows_nothing_of_another(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", script="# %% one\nimport torch\ntorch.x = shared = 1\n")
    folder = project.write() / "snippets"
    (folder / "other.py").write_text(
        "# %% one\nimport torch\nprint('shared' in globals(), hasattr(torch, 'x'))\n"
    )
    sections = {name: read_section(folder / f"{name}.py") for name in ("part", "other")}
    runner = Runner(sections)
    try:
        runner.result("part")
        assert runner.result("other").outcomes["other.one"].output == "False False\n"
    finally:
        runner.close()

"""What a section may not do, and what it may: memory, files, network, processes of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.helpers.faults import Plant, cell, fails, sound
from tests.helpers.projects import Project, refused, run_part

FIRST = "numbers = [1, 2, 3]"
MEMORY = "a section may use 4 GiB of memory, the limit in proven/guard.py"
WRITES = "a section may write only to its temporary directory, and this one wanted to change"
NETWORK = "a section may use no network, and this one wanted"

FAULTS: dict[str, Plant] = {
    "file outside of the temporary directory": cell(
        'open(__file__, "a")', f"{WRITES} snippets/part.py"
    ),
    "file removed outside of it, and the error caught": cell(
        "import contextlib, os\nwith contextlib.suppress(OSError):\n    os.remove(__file__)",
        f"{WRITES} snippets/part.py",
    ),
    "folder made beside it": cell(
        'import os\nos.mkdir("../../proven-tests")', f"{WRITES} ", at='os.mkdir("'
    ),
    "link to the outside that is followed": cell(
        'import os\nos.symlink(__file__, "link")\nopen("link", "w")', f"{WRITES} snippets/part.py"
    ),
    "database outside of it": cell(
        'import sqlite3\nsqlite3.connect(__file__ + ".db")', f"{WRITES} snippets/part.py.db"
    ),
    "network": cell(
        'import urllib.request\nurllib.request.urlopen("http://127.0.0.1:9/")',
        f"{NETWORK} 127.0.0.1",
    ),
    "network, and the error caught": cell(
        "import contextlib, socket\nwith contextlib.suppress(OSError):\n"
        '    socket.create_connection(("example.org", 80))',
        f"{NETWORK} example.org",
    ),
    "recursion without a limit": cell(
        "import sys\nsys.setrecursionlimit(10**9)",
        "a section may call functions 3,000 deep, and this one wanted 1,000,000,000",
        at="sys.setrecursionlimit",
    ),
    "limit of recursion that stays": cell(
        "import sys\nsys.setrecursionlimit(2000)",
        "it changed sys.getrecursionlimit(), which later cells and the engine use as well",
        at=FIRST,
    ),
}
if sys.platform == "linux" and not torch.accelerator.is_available():
    # with a GPU the kernel sets no limits; the message of the kernel needs Landlock, which CI has
    FAULTS |= {
        "attribute of a file": cell(
            'import os\nos.setxattr(__file__, "user.x", b"x")', f"{WRITES} snippets/part.py"
        ),
        "5 GB of Python": cell("x = bytes(5_000_000_000)", "MemoryError\n", MEMORY),
        "file that a child writes": cell(
            'import subprocess; subprocess.run(["touch", __file__ + ".txt"])',
            "Permission denied",
            "a section may write only to its temporary directory",
            at=FIRST,
        ),
        "5 GB of torch": cell(
            "import torch\nx = torch.empty(5_000_000_000, dtype=torch.uint8).fill_(1)",
            "DefaultCPUAllocator: can't allocate memory",
            MEMORY,
        ),
        "file that C++ writes": cell(
            'import torch\ntorch.save(1, f"{__file__}.pt")',
            "Permission denied",
            "a section may write only to its temporary directory",
        ),
    }


A_CLASS = "class A:\n    def __del__(self):\n        print('bye')\n\n"
WHEN_PYTHON_ENDS = {
    "atexit": ("import atexit\natexit.register(print, 'bye')", "atexit.register"),
    "decorator": ("import atexit\n\n@atexit.register\ndef ends():\n    print('bye')", "@atexit"),
    "handed on": ("import atexit\nlist(map(atexit.register, [lambda: print('bye')]))", "list(map"),
    "standard error": (
        "import atexit, os\natexit.register(os.write, 2, b'bye')",
        "atexit.register",
    ),
    "error": ("import atexit\natexit.register(lambda: {}['bye'])", "atexit.register"),
    "finalizer": (
        "import weakref\nclass A: pass\na = A()\nweakref.finalize(a, print, 'bye')",
        "weakref.finalize",
    ),
    "finalizer that ends Python": (
        "import sys, weakref\nclass A: pass\na = A()\nweakref.finalize(a, sys.exit, 'bye')",
        "weakref.finalize",
    ),
    "finalizer of multiprocessing": (
        "from multiprocessing.util import Finalize\nFinalize(None, print, ('bye',), exitpriority=1)",
        FIRST,
    ),
    "thread": ("import threading\nthreading._register_atexit(print, 'bye')", FIRST),
    "warning": (
        "class A:\n    def __del__(self):\n        import warnings\n        warnings.warn('bye')\na = A()",
        "def __del__",
    ),
    "object": (f"{A_CLASS}a = A()", "def __del__"),
    "object that holds itself": (f"{A_CLASS}a = A()\na.a = a", "def __del__"),
    "log that is written at last": (
        "import logging, logging.handlers\n"
        "handler = logging.handlers.MemoryHandler(9, target=logging.StreamHandler())\n"
        "logging.getLogger('x').addHandler(handler)\nlogging.getLogger('x').warning('bye')",
        FIRST,
    ),
    "file of another buffer": (
        "import io, os\nf = os.fdopen(os.dup(1), 'w')\nf.write('bye')",
        FIRST,
    ),
}


@pytest.mark.parametrize("way", WHEN_PYTHON_ENDS)
def test_what_would_be_written_when_python_ends_is_no_secret(project: Project, way: str) -> None:
    code, at = WHEN_PYTHON_ENDS[way]
    script = f"# %% one\nnumbers = [1, 2, 3]\n{code}\n\n# %% two\nnumbers\n"
    message = refused(project, script)
    assert "it writes when Python ends, and no page shows that:" in message
    assert "bye" in message
    if at != FIRST:
        line = next(n for n, text in enumerate(script.split("\n"), 1) if at in text)
        assert f"at       snippets/part.py:{line}\n" in message
        assert "snippet  part.one\n" in message


def test_what_happens_in_silence_when_python_ends_is_allowed(project: Project) -> None:
    script = """# %% one
import atexit, tempfile, weakref
folder = tempfile.TemporaryDirectory()
atexit.register(list)
ended = weakref.finalize(folder, list)
# %% two
del folder, tempfile
"""
    run_part(project, script)


def test_a_refusal_and_a_loop_when_python_ends_are_told_as_of_a_cell(project: Project) -> None:
    script = "# %% one\nimport atexit, os\n\n\n@atexit.register\ndef ends():\n    {}\n"
    message = refused(project, script.format("open(__file__, 'a')"))
    assert message.startswith(f"{WRITES} snippets/part.py, when Python ends")
    message = refused(project, script.format("while True: pass"), time_limit=1.0)
    assert "it was still running after 1 s, the limit of a section" in message


@pytest.mark.parametrize("fault", FAULTS)
def test_a_section_that_does_what_it_may_not_fails_the_build(tmp_path: Path, fault: str) -> None:
    project = sound(tmp_path / "project")
    fails(project, FAULTS[fault](project))


def test_a_section_draws_where_nobody_has_drawn_before(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    script = "# %% one\nimport matplotlib.pyplot as plt\n\nplt.plot([1])\n"
    assert run_part(project, script, start_method="spawn").outcomes["part.one"].figures
    assert not list((tmp_path / "home").iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_printing_without_end_stops_before_the_disk_is_full(project: Project) -> None:
    message = refused(project, "# %% one\nwhile True:\n    print('x' * 10_000)\n")
    assert "OSError: [Errno 27] File too large" in message
    assert "files of 256 MiB each, the limit in proven/guard.py" in message
    assert "declare it" not in message
    assert "snippets/part.py:3" in message


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
    one, two = run_part(project, script).outcomes.values()
    assert one.output == "[1, 2]\n[1, 2]\n[1, 5]\nTrue\n"
    assert two.output == "[]\n"


@pytest.mark.skipif(sys.platform != "linux", reason="needs Landlock")
def test_a_section_reads_no_variables_of_the_processes_that_started_it(
    project: Project,
) -> None:
    marker = subprocess.Popen(
        [sys.executable, "-c", "input()"],
        stdin=subprocess.PIPE,
        env={**os.environ, "PROVEN_TOKEN": "a secret"},
    )
    script = f"""# %% one
import pathlib
found = []
for path in pathlib.Path("/proc").glob("[0-9]*/environ"):
    try:
        found.append(b"PROVEN_TOKEN" in path.read_bytes())
    except OSError:
        pass
print(any(found), pathlib.Path("/proc/{marker.pid}").exists(), len(found) > 0)
"""
    try:
        [one] = run_part(project, script).outcomes.values()
    finally:
        marker.communicate(b"\n")
    assert one.output == "False True True\n"


def test_each_run_works_in_a_fresh_directory_and_leaves_nothing(project: Project) -> None:
    script = """# %% one
import os
print(os.listdir())
open("file", "w").close()
# %% two
print(os.listdir())
"""
    project.script = script
    before = set(project.write().rglob("*"))
    for _ in range(2):
        one, two = run_part(project, script).outcomes.values()
        assert (one.output, two.output) == ("[]\n", "['file']\n")
    assert set(project.folder.rglob("*")) == before

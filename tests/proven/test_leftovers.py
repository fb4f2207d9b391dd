"""Nothing that a section or a claim started is left when it has ended, and nothing takes longer than its limit."""

import os
import sys
import tempfile
import time
from pathlib import Path

import pytest

from proven import guard
from proven.problems import ProjectError
from proven.project import read_project
from proven.runner import run
from tests.helpers.projects import Project, processes, refused, run_part

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="others cannot adopt orphans")

# Each starts a process that has this mark, and whose end nobody waits for.
SLEEP = "[sys.executable, '-c', 'import time; time.sleep(600)', {mark!r}]"
BEGIN = "import os, signal, subprocess, sys, time\n"
WAYS = {
    "child": f"subprocess.Popen({SLEEP})",
    "child in a session of its own": f"subprocess.Popen({SLEEP}, start_new_session=True)",
    "daemon by two forks": f"""if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv(sys.executable, {SLEEP})
    os._exit(0)
os.wait()""",
    "child that ignores what it is told": f"""if os.fork() == 0:
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    os.setsid()
    os.execv(sys.executable, {SLEEP})""",
    "child that is stopped": (
        f"os.kill(subprocess.Popen({SLEEP}, start_new_session=True).pid, signal.SIGSTOP)"
    ),
    "chain of daemons": f"""for _ in range(5):
    if os.fork():
        os._exit(0) if _ else os.wait()
        break
    os.setsid()
else:
    os.execv(sys.executable, {SLEEP})""",
}
ENDS = {
    "at its end": "",
    "in a loop": "\nwhile True:\n    pass",
    "by itself": "\nos._exit(3)",
    "by a signal": "\nos.kill(os.getpid(), signal.SIGKILL)",
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("way", WAYS)
def test_what_a_section_started_has_ended_with_it(
    project: Project, tmp_path: Path, way: str, end: str
) -> None:
    mark = f"proven-{os.getpid()}-{time.monotonic_ns()}"
    script = f"# %% one\n{BEGIN}{WAYS[way].format(mark=mark)}\ntime.sleep(0.3){ENDS[end]}\n"
    refused(project, script, time_limit=1.5)
    assert not processes(mark)


def test_a_process_that_dies_is_told_by_its_signal(project: Project) -> None:
    script = "# %% one\nimport os, signal\nos.kill(os.getpid(), signal.SIGABRT)\n"
    assert "its process died (SIGABRT)" in refused(project, script)


def test_calls_that_go_too_deep_for_the_stack_are_told(project: Project) -> None:
    script = "# %% one\nimport threading\nthreading.stack_size(2**16)\nx = 1\n"
    script += "def deep(n):\n    return sorted([n], key=deep)\nt = threading.Thread(target=deep, args=(1,))\n"
    message = refused(project, f"{script}t.start()\nt.join()\n")
    assert "its process died (SIGSEGV)" in message
    assert "calls inside of too many calls end so" in message


def test_folders_without_permission_and_shared_memory_are_removed(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders, make = list[str](), tempfile.mkdtemp

    def remembered(**named: str) -> str:
        folders.append(make(**named))
        return folders[-1]

    monkeypatch.setattr("tempfile.mkdtemp", remembered)
    script = """# %% one
import os, subprocess, sys
from multiprocessing.shared_memory import SharedMemory
memory = SharedMemory(create=True, size=1000)
os.makedirs("a/b/c")
open("a/b/c/file", "w").close()
os.symlink("/", "a/link")
os.chmod("a/b/c", 0o500)
os.chmod("a/b", 0)
deep = "import os\\nfor _ in range(1500): os.mkdir('deep'); os.chdir('deep')"
subprocess.run([sys.executable, "-c", deep], check=True)
"""
    before = set(os.listdir("/dev/shm"))
    run_part(project, script)
    assert not [path for path in folders if "snippets-" in path and Path(path).exists()]
    assert not [name for name in set(os.listdir("/dev/shm")) - before if name.startswith("psm_")]


SHARES = "open('/dev/shm/{mark}', 'wb').write(bytes({size}))"
IN_SHARED_MEMORY = {
    "child": "subprocess.run([sys.executable, '-c', {shares!r}], check=True)",
    "child in a session of its own": (
        "subprocess.run([sys.executable, '-c', {shares!r}], check=True, start_new_session=True)"
    ),
    "library": (
        "import ctypes\nmemory = ctypes.CDLL(None).shm_open(b'/{mark}', os.O_CREAT | os.O_RDWR, 0o600)\n"
        "os.write(memory, bytes({size}))\nos.close(memory)"
    ),
    "block that nobody unlinks": (
        "from multiprocessing import resource_tracker\n"
        "from multiprocessing.shared_memory import SharedMemory\n"
        "memory = SharedMemory('{mark}', create=True, size={size})\n"
        "memory.buf[:] = bytes({size})\n"
        "resource_tracker.unregister(memory._name, 'shared_memory')"
    ),
}
own = os.fork() if sys.platform == "linux" else 1
if not own:
    os._exit(guard.own_shared_memory())
needs_its_own = pytest.mark.skipif(
    sys.platform != "linux" or not os.waitpid(own, 0)[1], reason="this kernel lets us mount nothing"
)


@needs_its_own
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("way", IN_SHARED_MEMORY)
def test_shared_memory_that_a_section_leaves_is_gone(
    project: Project, monkeypatch: pytest.MonkeyPatch, way: str, end: str
) -> None:
    mark = f"proven-{os.getpid()}-{time.monotonic_ns()}"
    code = IN_SHARED_MEMORY[way].format(mark=mark, size=9, shares=SHARES.format(mark=mark, size=9))
    script = f"# %% one\n{BEGIN}{code}\nassert os.listdir('/dev/shm') == [{mark!r}]{ENDS[end]}\n"
    if end == "at its end":
        run_part(project, script)
    else:
        assert "AssertionError" not in refused(project, script, time_limit=1.5)
    assert mark not in os.listdir("/dev/shm")


@needs_its_own
@pytest.mark.parametrize("way", IN_SHARED_MEMORY)
def test_shared_memory_that_nobody_has_open_counts_for_the_limit(
    project: Project, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(guard, "SUM_LIMIT", 2**20)
    code = IN_SHARED_MEMORY[way].format(
        mark="x", size=2**21, shares=SHARES.format(mark="x", size=2**21)
    )
    message = refused(project, f"# %% one\n{BEGIN}{code}\ntime.sleep(60)\n")
    assert "files and shared memory of more than" in message


@needs_its_own
def test_a_project_in_shared_memory_is_there(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        project = Project(Path(folder) / "project")
        assert run_part(project, "# %% one\nprint(1)\n").outcomes["part.one"].output == "1\n"


def test_a_section_that_hangs_says_what_it_wrote(project: Project) -> None:
    script = """# %% one
import sys
print("step 7")
print("no more steps", file=sys.stderr)
while True:
    pass
"""
    message = refused(project, script, time_limit=1.0)
    assert "step 7" in message
    assert "no more steps" in message


def test_files_have_a_limit_together(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "SUM_LIMIT", 2**20)
    script = """# %% one
import time
for number in range(8):
    with open(f"{number}", "wb") as file:
        file.write(bytes(2**18))
time.sleep(60)
"""
    begin = time.monotonic()
    assert "files and shared memory of more than" in refused(project, script)
    assert time.monotonic() - begin < 30


@pytest.mark.parametrize(
    "shares",
    [
        "x = [torch.ones(2**16).share_memory_() for _ in range(8)]",
        "x = mmap.mmap(-1, 2**21)\nx.write(bytes(2**21))",
        "x = SharedMemory(create=True, size=2**21)\nx.buf[:] = bytes(2**21)",
        "x = os.memfd_create('x')\nos.ftruncate(x, 2**21)\ny = mmap.mmap(x, 2**21)\ny.write(bytes(2**21))",
    ],
)
def test_shared_memory_has_the_same_limit(
    project: Project, monkeypatch: pytest.MonkeyPatch, shares: str
) -> None:
    monkeypatch.setattr(guard, "SUM_LIMIT", 2**20)
    imports = "import mmap, os, time, torch\nfrom multiprocessing.shared_memory import SharedMemory"
    script = f"# %% one\n{imports}\n{shares}\ntime.sleep(60)\n"
    begin = time.monotonic()
    assert "files and shared memory of more than" in refused(project, script)
    assert time.monotonic() - begin < 30


CLAIM = '''{imports}from proven.testing import after


def test_holds() -> None:
    """It holds.

    成立。
    """
    part = after("part.one")
    {code}
    assert part.x.sum() >= 0


def test_also_holds() -> None:
    """It also holds.

    也成立。
    """
    assert after("part.one").x.sum() >= 0
'''


def proved(project: Project, code: str, **options: float) -> None:
    """Run the section with claims, the first of which does something more."""
    project.tests = CLAIM.format(imports="import os\nimport subprocess\n", code=code)
    read = read_project(project.read_settings())
    result = run(read.settings, read.sections.values(), read.claims.values(), **options)["part"]  # type: ignore[arg-type]
    assert set(result.proofs.values()) == {"proven"}


THREADS = """# %% one
import torch
torch.set_num_threads(4)
x = torch.rand(1000, 1000)
y = x @ x
x.requires_grad_().sum().backward()
"""


@pytest.mark.parametrize("code", ["part.y = part.x @ part.x", "(part.x @ part.x).sum().backward()"])
def test_a_claim_computes_where_a_cell_had_threads(project: Project, code: str) -> None:
    project.script, project.settings = THREADS, {"ahead": ["torch"]}
    proved(project, code, time_limit=60.0)


PLAIN = "# %% one\nimport numpy\nx = numpy.ones(3)\n"


def test_a_claim_that_wants_too_much_memory_is_told_the_limit(project: Project) -> None:
    project.script = PLAIN
    with pytest.raises(ProjectError, match="a section may use 4 GiB of memory"):
        proved(project, "bytes(5_000_000_000)")


def test_a_claim_without_end_is_named(project: Project) -> None:
    project.script = PLAIN
    with pytest.raises(ProjectError) as caught:
        proved(project, "while True: pass", time_limit=4.0)
    [problem] = caught.value.problems
    assert problem.what == "the test of a claim was still running after 2 s"
    assert problem.claim == "holds"
    assert problem.places[0].startswith("tests/test_part.py:")


@pytest.mark.parametrize(
    "code",
    [
        "subprocess.Popen(['sleep', '600'], start_new_session=True)",
        "os.fork() or os.execvp('sleep', ['sleep', '600'])",
        "os.fork() or __import__('time').sleep(600)",
    ],
)
def test_a_claim_that_leaves_a_process_does_not_hang(project: Project, code: str) -> None:
    project.script = PLAIN
    begin = time.monotonic()
    proved(project, code, time_limit=60.0)
    assert time.monotonic() - begin < 25
    assert not processes(str(project.folder))


def test_what_runs_where_a_process_is_forked_is_of_no_cell(project: Project) -> None:
    project.script = f"""{PLAIN}import os
os.register_at_fork(after_in_child=lambda: print("child"))
# %% two
print("two")
"""
    project.tests = CLAIM.format(imports="", code="pass")
    read = read_project(project.read_settings())
    result = run(read.settings, read.sections.values(), read.claims.values())["part"]
    assert [outcome.output for outcome in result.outcomes.values()] == ["", "two\n"]

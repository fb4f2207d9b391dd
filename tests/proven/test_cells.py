"""What a cell shows, and every way in which it may end otherwise than it should."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from proven.cells import Outcome, Raised
from tests.helpers.faults import Plant, cell, fails, sound
from tests.helpers.projects import Project, refused, run_part


def outcomes(project: Project, script: str) -> list[Outcome]:
    return list(run_part(project, script).outcomes.values())


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
    assert lines == ["a-b!", "written", "descriptor 汉字", "child", "last"]


def test_a_print_inside_an_imported_function_is_shown(project: Project) -> None:
    project.file("part_help.py", "def say(): print('said')\n")
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
    project.settings = {"ahead": ["matplotlib.pyplot"]}
    first, second = outcomes(project, script)
    assert len(first.figures) == 2
    assert all("<svg" in figure for figure in first.figures)
    assert second.figures == ()
    assert outcomes(project, script)[0].figures == first.figures


def test_a_declared_error_is_shown_with_its_line_and_under_its_short_name(project: Project) -> None:
    script = """# %% one raises="ZeroDivisionError"
x = 0
1 / x
# %% two raises="UnpicklingError"
import pickle
raise pickle.UnpicklingError("no")
"""
    one, two = outcomes(project, script)
    assert one.state == "raised"
    assert one.errors == (Raised("ZeroDivisionError: division by zero", 2, 0),)
    assert two.error == "_pickle.UnpicklingError: no"


def test_a_cell_goes_on_after_each_error_that_it_declares(project: Project) -> None:
    script = """# %% one raises="KeyError, TypeError"
print("a")
{}["b"]
print("ç")
len(
    7
)
print("d")
"""
    (one,) = outcomes(project, script)
    assert one.output == "a\nç\nd\n"
    assert one.errors == (
        Raised("KeyError: 'b'", 2, 2),
        Raised("TypeError: object of type 'int' has no len()", 4, 4),
    )


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


def test_a_warning_that_the_cell_catches_can_be_shown(project: Project) -> None:
    script = """# %% one
import warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.warn("careful")
print(caught[0].message)
"""
    assert outcomes(project, script)[0].output == "careful\n"


@pytest.mark.parametrize("had", [0, 1, 2])
def test_a_cell_runs_only_with_the_devices_that_it_needs(project: Project, had: int) -> None:
    project.pretend(had)
    script = '# %% a\nx = 1\n# %% b needs="madeup:1"\nx = 2\n# %% c needs="madeup:2"\nx = 3\n'
    assert [(outcome.state, outcome.had) for outcome in outcomes(project, script)] == [
        ("ran", 0),
        ("ran", 0) if had >= 1 else ("skipped", had),
        ("ran", 0) if had >= 2 else ("skipped", had),
    ]


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


@pytest.mark.skipif(
    not hasattr(os, "memfd_create"), reason="a file that is cut is noticed, where that is all"
)
def test_all_that_is_written_to_standard_output_by_whatever_name_is_shown(project: Project) -> None:
    script = """# %% one
import subprocess, sys
print("first", file=sys.__stdout__)
with open("/dev/stdout", "a") as file:
    file.write("second\\n")
print("third, which is longer")
subprocess.run(["sh", "-c", "echo fourth >> /dev/stdout"])
print("fifth")
# %% two
print("another cell")
"""
    one, two = outcomes(project, script)
    assert one.output.split("\n")[:-1] == [
        "first",
        "second",
        "third, which is longer",
        "fourth",
        "fifth",
    ]
    assert two.output == "another cell\n"


def test_a_number_in_hexadecimal_is_no_address(project: Project) -> None:
    [one] = outcomes(project, "# %% one\nprint(hex(2**63 - 1), hex(2**30))\n")
    assert one.output == "0x7fffffffffffffff 0x40000000\n"


def test_a_cell_sees_the_start_method_of_a_plain_script(project: Project) -> None:
    script = "# %% one\nimport multiprocessing\nprint(multiprocessing.get_start_method())\n"
    plain = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert outcomes(project, script)[0].output == plain.stdout


@pytest.mark.parametrize(
    ("home", "text", "is_one"),
    [
        ("/data", "./data/x ../data/x a/data https://pytorch.org/data/x /database /data-2", False),
        ("/data", "saved to /data/x", True),
        ("/data", "'/data'", True),
        ("/data", "file:///data/x", True),
        ("/data", "PATH=/bin:/data/bin", True),
        ("/", "/bin a/b", False),
    ],
)
def test_a_path_of_the_machine_is_found_as_a_whole(
    project: Project, monkeypatch: pytest.MonkeyPatch, home: str, text: str, is_one: bool
) -> None:
    monkeypatch.setenv("HOME", home)
    script = f"# %% one\nprint({text!r})\n"
    if is_one:
        said = refused(project, script, start_method="spawn")
        assert "contains a path of this machine" in said
    else:
        result = run_part(project, script, start_method="spawn")
        assert result.outcomes["part.one"].output == f"{text}\n"


# --- what ends a build

FIRST = "numbers = [1, 2, 3]"  # the first line of the cell: errors without a line of their own


def drawing(code: str, *says: str) -> Plant:
    """Plant code that draws; what matplotlib writes for itself was written when it was imported."""

    def plant(project: Project) -> list[str]:
        project.settings = {"ahead": ["matplotlib.pyplot"]}
        project.write()
        return cell(f"import matplotlib.pyplot as plt\n{code}", *says, at=FIRST)(project)

    return plant


FAULTS: dict[str, Plant] = {
    "exception": cell("x = 1\n1 / 0", "ZeroDivisionError: division by zero"),
    "exception in an older function": cell(
        "f = lambda: 1 / 0\n\nf()", "ZeroDivisionError: division"
    ),
    "syntax at run time": cell("exec('a b')", "SyntaxError: invalid syntax"),
    "return": cell("return 1", "SyntaxError: 'return' outside function"),
    "sys.exit(0)": cell("import sys\nsys.exit(0)", "SystemExit: 0: it ends Python"),
    "sys.exit, declared": cell("exit(1)", "SystemExit: 1: it ends Python", raises="SystemExit"),
    "Ctrl-C": cell("raise KeyboardInterrupt", "KeyboardInterrupt: it ends Python"),
    "Ctrl-C, declared": cell(
        "raise KeyboardInterrupt", "KeyboardInterrupt: it ends Python", raises="KeyboardInterrupt"
    ),
    "return, declared": cell(
        "return 1", "SyntaxError: 'return' outside function: it ends Python", raises="SyntaxError"
    ),
    "sys.exit with a text": cell("raise SystemExit('bye')", "SystemExit: bye"),
    "os._exit(0)": cell("import os\nos._exit(0)", "its process died (exit status 0)", at=FIRST),
    "input()": cell('input("name? ")', "a snippet cannot read from standard input"),
    "reading stdin": cell("import sys\nsys.stdin.read()", "cannot read from standard input"),
    "warning": cell('import warnings\nwarnings.warn("old")', "UserWarning: old"),
    "standard error": cell(
        'import sys; print("oops", file=sys.stderr)', "it wrote to standard error", at=FIRST
    ),
    "memory address": cell("print(object())", "contains a memory address", at=FIRST),
    "temporary directory": cell(
        "import os\nprint(os.getcwd())", "contains the temporary directory", at=FIRST
    ),
    "path in the temporary directory": cell(
        "import tempfile\nprint(tempfile.gettempdir() + '/x')",
        "contains the temporary directory",
        at=FIRST,
    ),
    "the folder above the temporary directory": cell(
        "import os\nprint(os.path.dirname(os.getcwd()))",
        "contains the temporary directory",
        at=FIRST,
    ),
    "home": cell(
        "import os\nprint(os.path.expanduser('~'))", "contains a path of this machine", at=FIRST
    ),
    "path of the environment": cell(
        "import sys\nprint(sys.prefix)", "contains a path of this machine", at=FIRST
    ),
    "path of the machine": cell("print(__file__)", "contains a path of this machine", at=FIRST),
    "50 MB of output": cell(
        'print("x" * 50_000_000)', "more than a page shows: at most 100,000 bytes", at=FIRST
    ),
    "output that is not UTF-8": cell(
        r'import os; os.write(1, b"\xff")', "its output is not UTF-8: invalid start byte", at=FIRST
    ),
    "control characters with their line": cell(
        r'print("a\nb\x07")', r"control characters: '\x07' on line 3 of it", at=FIRST
    ),
    "progress bar": cell(
        r'print("step 1\rstep 2")', r"'\r' on line 2 of it", "tqdm: disable=True", at=FIRST
    ),
    "progress bar on standard error": cell(
        r'import sys; sys.stderr.write("1\r2")', "standard error", "tqdm: disable=True", at=FIRST
    ),
    "a daemon thread that still runs": cell(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(9,), daemon=True).start()",
        "a thread still runs",
        at=FIRST,
    ),
    "a thread without a name": cell(
        "import _thread, time\n_thread.start_new_thread(time.sleep, (9,))\ntime.sleep(0.3)",
        "a thread still runs (without a name)",
        at=FIRST,
    ),
    "Chinese in a figure": drawing("plt.title('损失')", "missing from font", "such as English"),
    "a figure of 60,000 points": drawing(
        "plt.scatter(range(60_000), range(60_000))", "more than 2,000,000", "rasterized=True"
    ),
    "two hundred figures": drawing(
        "plt.rcParams['figure.max_open_warning'] = 0\nfor _ in range(200): plt.figure()",
        "it left 200 figures open; a page shows at most 20",
    ),
    "control characters": cell(r'print("a\x02b")', "contains control characters", at=FIRST),
    "output that turns text round": cell(
        r'print("\u202egnorw")', "its output contains control characters", at=FIRST
    ),
    "half a character in an error": cell(
        r'raise ValueError("\ud800")',
        "its output contains control characters",
        at=FIRST,
        raises="ValueError",
    ),
    "a long error": cell(
        "raise ValueError('x' * 200_000)",
        "its error has 200,012 characters",
        raises="ValueError",
    ),
    "sys.stdout replaced": cell(
        "import io, sys\nsys.stdout = io.StringIO()", "output may be lost", at=FIRST
    ),
    "descriptor closed": cell("import os\nos.close(1)", "output may be lost", at=FIRST),
    "a thread that still runs": cell(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(9,)).start()",
        "a thread still runs",
        at=FIRST,
    ),
    "a figure that cannot be drawn": drawing(
        "plt.title('$\\\\frac{1}$')", "its figure cannot be drawn"
    ),
    "a figure that ends Python": drawing(
        "class Line(plt.Line2D):\n    def draw(self, renderer):\n        raise SystemExit\n"
        "plt.gca().add_line(Line([0, 1], [0, 1]))",
        "its figure cannot be drawn",
    ),
    "a function for the end of Python that fails": cell(
        "import threading\nthreading._register_atexit(lambda: 1 / 0)",
        "when Python ends: ZeroDivisionError",
    ),
    "the name of the temporary directory": cell(
        "import os\nprint(os.path.relpath(os.getcwd(), '/'))",
        "contains the name of the temporary directory",
        at=FIRST,
    ),
    "an address in hexadecimal": cell("print(hex(id(object())))", "a memory address", at=FIRST),
    "figure with the temporary directory": drawing(
        "import os\nplt.title(os.getcwd())", "its figure contains the temporary directory"
    ),
    "figure with an address": drawing(
        "plt.title(repr(object()))", "its figure contains a memory address"
    ),
    "figure with a link": drawing(
        'plt.title("a", url="javascript:alert(1)")', "its figure holds a link"
    ),
    "declared error that does not come": cell(
        "x = 1", "it declares TypeError, and nothing was raised", at=FIRST, raises="TypeError"
    ),
    "declared error of another type": cell(
        "1 / 0", "it declares TypeError and raised ZeroDivisionError", raises="TypeError"
    ),
    "an error that is not declared after one that is": cell(
        "1 / 0\nprint('on')\n{}['a']",
        'raises="ZeroDivisionError, KeyError"',
        at="{}['a']",
        raises="ZeroDivisionError",
    ),
    "the second of two declared errors does not come": cell(
        "1 / 0\nprint('on')", "and raised 1 of them", at=FIRST, raises="ZeroDivisionError, KeyError"
    ),
    "declared errors in another order": cell(
        "1 / 0\n{}['a']",
        "it declares KeyError and raised ZeroDivisionError",
        at="1 / 0",
        raises="KeyError, ZeroDivisionError",
    ),
}
if sys.platform != "win32":  # no signals, no /dev/stdout, and another error for descriptor 0
    FAULTS |= {
        "crash": cell("import ctypes\nctypes.string_at(0)", "its process died (SIGSEGV)", at=FIRST),
        "reading descriptor 0": cell("import os\nos.read(0, 1)", "Bad file descriptor"),
        "a timer of processor time that still runs": cell(
            "import signal\nsignal.signal(signal.SIGVTALRM, lambda *_: print('tick'))\n"
            "signal.setitimer(signal.ITIMER_VIRTUAL, 600)",
            "a timer still runs",
            at=FIRST,
        ),
        "another working directory": cell(
            "import os\nos.chdir('/')",
            "it changed the working directory, in which the later cells work",
            at=FIRST,
        ),
        "a folder of its own that is left": cell(
            "import os\nos.mkdir('own')\nos.chdir('own')\nos.chdir('../..')",
            "it changed the working directory, in which the later cells work",
            at=FIRST,
        ),
        "a timer that still runs": cell(
            "import signal\nsignal.signal(signal.SIGALRM, print)\nsignal.alarm(60)",
            "a timer still runs",
            at=FIRST,
        ),
        "output cut": cell(
            "print('a', flush=True)\nopen('/dev/stdout', 'w').close()", "PermissionError: "
        )
        if hasattr(os, "memfd_create")
        else cell(
            "print('a', flush=True)\nopen('/dev/stdout', 'w').close()",
            "output may be lost",
            at=FIRST,
        ),
        "a folder to work in that is gone": cell(
            "import os, tempfile\nwith tempfile.TemporaryDirectory() as own:\n    os.chdir(own)",
            "it changed the working directory, in which the later cells work",
            at=FIRST,
        ),
        "child that is not waited for": cell(
            'import subprocess; subprocess.Popen(["sleep", "60"])',
            "it did not wait for a process that it started",
            at=FIRST,
        ),
    }


@pytest.mark.parametrize("fault", FAULTS)
def test_a_cell_that_ends_otherwise_than_declared_fails_the_build(
    tmp_path: Path, fault: str
) -> None:
    project = sound(tmp_path / "project")
    fails(project, FAULTS[fault](project))


def test_the_second_snippet_is_named_when_it_is_the_one_that_dies(project: Project) -> None:
    message = refused(project, "# %% one\nx = 1\n# %% two\nimport os\nos._exit(3)\n")
    assert "part.two" in message
    assert "exit status 3" in message


# --- what is said of errors that need more than their text


@pytest.mark.parametrize(
    ("code", "told", "advice"),
    [
        ("import numpyy", "No module named 'numpyy'", "install numpyy and add it to requirements.txt"),
        (
            "def check(x):\n    assert x == 5, 'too few'\n\n\ncheck(4)",
            "AssertionError: too few\n  | assert x == 5, 'too few'  (line 3)",
            "mend it, or declare it",
        ),
        ("import errno\nraise OSError(errno.ENOSPC, 'No space left')", "No space left", "make room in "),
    ],
)  # fmt: skip
def test_an_error_says_where_it_really_lies(
    project: Project, code: str, told: str, advice: str
) -> None:
    message = refused(project, f"# %% one\n{code}\n")
    assert told in message
    assert f"  do       {advice}" in message

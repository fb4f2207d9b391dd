"""A cell leaves what later cells and the engine use as it was."""

import os
import subprocess
import sys

import pytest

from tests.helpers.projects import CUDA, PROJECT, Project, refused, run_part

SAME = [
    "torch",
    "torch.nn",
    "torch.nn.functional",
    "torch.nn.Module",
    "vars(torch._tensor_str.PRINT_OPTS)",
    "torch.get_default_dtype()",
]


@pytest.mark.parametrize(
    ("code", "thing"),
    [
        ("torch.equal = lambda *_: True", "torch.equal"),
        ("torch.add = torch.sub", "torch.add"),
        ("del torch.add", "torch.add"),
        ("torch.__version__ = '9.9'", "torch.__version__"),
        ("torch.nn.Linear = torch.nn.Identity", "torch.nn.Linear"),
        ("torch.nn.functional.relu = torch.sigmoid", "torch.nn.functional.relu"),
        ("torch.nn.Module.__call__ = lambda *_: 1", "torch.nn.Module.__call__"),
        ("torch.set_printoptions(precision=1)", "vars(torch._tensor_str.PRINT_OPTS)"),
        ("torch.set_default_dtype(torch.float64)", "torch.get_default_dtype()"),
        ("import builtins\nbuiltins.print = lambda *_: None", "print"),
        ("import builtins\nbuiltins.bin = functools.wraps(bin)(lambda x: 1)", "bin"),
        (
            "import proven.cells\nproven.cells.traceback = 1\nproven.cells.Fault = 1",
            "proven.cells.Fault",
        ),
        ("import warnings\nwarnings.simplefilter('ignore')", "the filter of warnings"),
        ("import warnings\nwarnings.filterwarnings('ignore', '.*')", "the filter of warnings"),
        ("import warnings\nwarnings.filterwarnings('ignore', module='')", "the filter of warnings"),
        (
            "import warnings\nwarnings.simplefilter('ignore', RuntimeWarning)",
            "the filter of warnings",
        ),
        ("import time\ntime.perf_counter = lambda: 'x'", "time.perf_counter"),
        ("import builtins, numpy\nbuiltins.input = numpy.arange(3)", "input"),
        (
            "import gc\nclass Odd:\n    def __call__(self, *_): pass\n    def __repr__(self): raise ValueError\n"
            "gc.callbacks.append(Odd())",
            "gc.callbacks",
        ),
        ("import sys\nsys.setprofile(lambda *_: None)", "sys.getprofile()"),
        ("import sys\nsys.settrace(lambda *_: None)", "sys.gettrace()"),
        ("import gc\ngc.callbacks.append(lambda *_: None)", "gc.callbacks"),
        ("import gc\ngc.disable()", "gc.isenabled()"),
        ("import gc\ngc.set_threshold(0)", "gc.get_threshold()"),
        ("import os\nos.umask(0o777)", "os.umask()"),
        ("import time\ntime.time = lambda: 0.0", "time.time"),
        ("import os.path\nos.path.exists = bool", "os.path.exists"),
        ("from random import seed\nimport random\nrandom.random = seed", "random.random"),
        ("from os import path\npath.isdir = bool", "os.path.isdir"),
        ("import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)", "what a signal does"),
        ("import decimal\ndecimal.getcontext().prec = 5", "decimal.getcontext()"),
        (
            "import decimal\ndecimal.getcontext().traps[decimal.Inexact] = True",
            "decimal.getcontext()",
        ),
        ("import locale\nlocale.setlocale(locale.LC_ALL, 'C')", "locale.setlocale()"),
        ("import sys\nsys.set_int_max_str_digits(0)", "sys.get_int_max_str_digits()"),
        ("import sys\nsys.path.insert(0, 'beside')", "sys.path"),
        ("import sys\nsys.path = sys.path[1:]", "sys.path"),
        ("import sys\nsys.unraisablehook = lambda *_: None", "sys.unraisablehook"),
        ("import threading\nthreading.excepthook = lambda *_: None", "threading.excepthook"),
        ("import os\nos.environ['COLUMNS'] = '40'", "os.environ.COLUMNS"),
        ("import os\nos.environ.pop('TZ')", "os.environ.TZ"),
        ("import json, sys\nsys.modules['json'] = 'another'", "sys.modules.json"),
        ("import json, sys\ndel sys.modules['json']", "sys.modules.json"),
    ],
)
def test_a_cell_that_changes_what_others_use_is_refused(
    project: Project, code: str, thing: str
) -> None:
    project.settings = {"ahead": ["torch"], "devices": CUDA, "same": SAME}
    said = refused(project, f"# %% one\nimport functools, torch\n# %% two\n{code}\n")
    assert said.startswith(f"it changed {thing}, which later cells and the engine use as well")
    assert "part.two" in said
    assert "snippets/part.py:4" in said


def test_a_cell_may_change_things_and_put_them_back(project: Project) -> None:
    project.settings = {"ahead": ["torch"], "devices": CUDA, "same": SAME}
    code = """# %% one
import decimal, gc, os, sys, tempfile, warnings
import torch
from torch import nn

add, torch.add = torch.add, torch.sub
torch.add = add
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
warnings.filterwarnings("ignore", message="nothing says this")
torch.set_printoptions(precision=1)
torch.set_printoptions(profile="default")
net = nn.Linear(1, 1)
torch.optim.SGD(net.parameters(), 1.0).step()  # torch wraps step() when the first is made
gc.disable()
gc.enable()
with decimal.localcontext(prec=5):
    decimal.Decimal(1) / 3  # sets a flag
decimal.Decimal(1) / 3
os.umask(os.umask(0))
os.environ["COLUMNS"] = str(80)
os.environ["OF_THE_SECTION"] = "what a cell adds is for later ones, as its variables are"
sys.modules["of_the_section"] = torch
sys.path.append(os.path.join(torch.__path__[0], "_vendor"))  # as setuptools does, once torch imports it
with tempfile.TemporaryDirectory() as folder:
    sys.path.insert(0, folder)
    sys.path.remove(folder)
print(torch.ones(1))
"""
    assert run_part(project, code).outcomes["part.one"].output == "tensor([1.])\n"


def test_standard_output_keeps_its_methods(project: Project) -> None:
    code = "# %% one\nimport sys\nsys.stdout.write = lambda text: len(text)\n"
    assert "replaced, closed, moved or cut stdout" in refused(project, code)


def test_what_a_build_tells_of_its_machine_is_asked_before_a_cell_runs(project: Project) -> None:
    project.settings = {"packages": ["markdown"]}
    code = "# %% one\nimport sys\nsys.modules['platform'].python_version = lambda: '9'\n"
    code += "import markdown\nmarkdown.__version__ = '9'\n"
    machine = run_part(project, code).machine
    assert machine.python != "9"
    assert machine.versions["markdown"] != "9"


@pytest.mark.parametrize("how", ["option", "environment"])
@pytest.mark.parametrize("command", [["mkdocs", "build"], ["proven", "list"]])
def test_nothing_runs_where_python_leaves_assertions_out(
    project: Project, how: str, command: list[str]
) -> None:
    folder = project.write()
    done = subprocess.run(
        [sys.executable, *(["-O"] if how == "option" else []), "-m", *command],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(PROJECT),
            **({"PYTHONOPTIMIZE": "1"} if how == "environment" else {}),
        },
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == 1
    assert "leaves assertions out (-O or PYTHONOPTIMIZE)" in done.stdout
    assert "Traceback" not in done.stdout
    assert not (folder / "site").exists()


def test_what_the_settings_name_has_a_value(project: Project) -> None:
    project.settings = {"same": ["1 / 0"]}
    message = refused(project, "# %% one\nx = 1\n")
    assert message.startswith("same names '1 / 0', which has no value: ZeroDivisionError")
    assert "proven.toml:1" in message

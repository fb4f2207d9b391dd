"""Faults that a build finds by running: planted in a cell of a real section, or on its page."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from snippets.engine.runner import Runner
from snippets.engine.scripts import read_sections
from tests.faults.chapter import PAGE, SECTION, Chapter, fails, whole

SCRIPT = f"snippets/{SECTION}.py"
PAGE_ZH = f"docs/zh/{PAGE}"
CELL, SNIPPET = "# %% before", f"{SECTION}.before"
FIRST = "def lazy_net():"  # the first line of that cell
LAST = 'attempt("LazyLinear()", lambda: nn.LazyLinear())'  # and its last one

Plant = Callable[[Chapter], list[str]]


def cell(code: str, *says: str, at: str = "", raises: str = "") -> Plant:
    """Plant code at the end of a cell.

    The build must say `says`, the line of the script that has `at` (the last one of the code, where
    nothing else is given), the snippet, and the line of its fence on both pages.
    """

    def plant(chapter: Chapter) -> list[str]:
        chapter.replace(SCRIPT, LAST, f"{LAST}\n{code}")
        if raises:
            chapter.replace(SCRIPT, f"{CELL}\n", f'{CELL} raises="{raises}"\n')
        place = chapter.place(SCRIPT, at or code.split("\n")[-1])
        places = ", ".join([place, *chapter.fences(SNIPPET)])
        return [*says, f"  snippet  {SNIPPET}\n  at       {places}\n"]

    return plant


def endless(chapter: Chapter) -> list[str]:
    chapter.replace("snippets/engine/runner.py", "TIME_LIMIT = 120.0", "TIME_LIMIT = 2.0")
    says = "it was still running after 2 s, the limit of a section"
    return cell("while True:\n    pass", says, at=FIRST)(chapter)


def fence_in_a_comment(chapter: Chapter) -> list[str]:
    fence = f"```snippet\n{SECTION}.dry-run\n```\n"
    chapter.replace(PAGE_ZH, fence, f"<!--\n{fence}-->\n")
    what = "the page does not show the snippets that its fences name"
    return [what, chapter.fences(f"{SECTION}.dry-run")[0]]


def mark_in_a_comment(chapter: Chapter) -> list[str]:
    chapter.replace(PAGE_ZH, "`#!claim shape_before_the_first_call_is_an_error`", "<!--\\g<0>-->")
    mark = "`#!claim shape_before_the_first_call_is_an_error`"
    chapter.replace(PAGE_ZH, "<!--\\g<0>-->", f"<!-- {mark} -->")
    what = "the page does not show the marks of claims that stand in its Markdown"
    return [what, chapter.place(PAGE_ZH, mark)]


def on_the_page(text: str) -> Plant:
    def plant(chapter: Chapter) -> list[str]:
        chapter.write(PAGE_ZH, f"{chapter.read(PAGE_ZH)}\n{text}\n")
        return ["the page shows code that is run by nothing", chapter.place(PAGE_ZH, "net.eval()")]

    return plant


def figure(chapter: Chapter) -> list[str]:
    says = cell("import matplotlib.pyplot as plt\nplt.plot([1, 2])", at=FIRST)(chapter)
    assert says
    return ["its figure is not described", f"  snippet  {SNIPPET}", chapter.fences(SNIPPET)[0]]


MEMORY = "a section may use 4 GiB of memory, the limit in snippets/engine/guard.py"
WRITES = "a section may write only to its temporary directory, and this one wanted to change"
NETWORK = "a section may use no network, and this one wanted"

FAULTS: dict[str, Plant] = {
    "exception": cell("1 / 0", "ZeroDivisionError: division by zero"),
    "sys.exit(0)": cell("import sys\nsys.exit(0)", "SystemExit: 0: it ends Python"),
    "os._exit(0)": cell("import os\nos._exit(0)", "its process died (exit status 0)", at=FIRST),
    "endless loop": endless,
    "crash": cell("import ctypes\nctypes.string_at(0)", "its process died (SIGSEGV)", at=FIRST),
    "reading input": cell('input("name? ")', "a snippet cannot read from standard input"),
    "50 MB of output": cell(
        'print("x" * 50_000_000)',
        "it printed more than a page shows: at most 100,000 bytes",
        at=FIRST,
    ),
    "output that is not UTF-8": cell(
        r'import os; os.write(1, b"\xff")', "its output is not UTF-8: invalid start byte", at=FIRST
    ),
    "output that turns text round": cell(
        r'print("\u202egnorw")', "its output contains control characters", at=FIRST
    ),
    "half a character in an error": cell(
        r'raise ValueError("\ud800")',
        "its output contains control characters",
        at=FIRST,
        raises="ValueError",
    ),
    "standard error": cell(
        'import sys; print("oops", file=sys.stderr)', "it wrote to standard error", at=FIRST
    ),
    "warning": cell('import warnings\nwarnings.warn("old")', "UserWarning: old"),
    "declared error that does not come": cell(
        "x = 1", "it declares TypeError, and nothing was raised", at=FIRST, raises="TypeError"
    ),
    "declared error of another type": cell(
        "1 / 0", "it declares TypeError and raised ZeroDivisionError", raises="TypeError"
    ),
    "file outside of the temporary directory": cell(
        'open(__file__, "a")', f"{WRITES} snippets/lazy_initialization.py"
    ),
    "file removed outside of it, and the error caught": cell(
        "import contextlib, os\nwith contextlib.suppress(OSError):\n    os.remove(__file__)",
        f"{WRITES} snippets/lazy_initialization.py",
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
    "child that is not waited for": cell(
        'import subprocess; subprocess.Popen(["sleep", "60"])',
        "it did not wait for a process that it started",
        at=FIRST,
    ),
    "figure with a link": cell(
        'import matplotlib.pyplot as plt\nplt.title("a", url="javascript:alert(1)")',
        "its figure holds a link",
        at=FIRST,
    ),
    "figure that no page describes": figure,
    "fence in a comment": fence_in_a_comment,
    "claim in a comment": mark_in_a_comment,
    "Python in a quotation": on_the_page("> ```python\n> net.eval()\n> ```"),
    "code that is indented": on_the_page("A line.\n\n    net.eval()"),
}
if not torch.accelerator.is_available():  # with a GPU the kernel sets no limits
    FAULTS |= {
        "5 GB of Python": cell("x = bytes(5_000_000_000)", "MemoryError\n", MEMORY),
        "5 GB of torch": cell(
            "x = torch.empty(5_000_000_000, dtype=torch.uint8).fill_(1)",
            "DefaultCPUAllocator: can't allocate memory",
            MEMORY,
        ),
        "file that C++ writes": cell(
            'torch.save(net, f"{__file__}.pt")',
            "Permission denied",
            "a section may write only to its temporary directory",
        ),
        "file that a child writes": cell(
            'import subprocess; subprocess.run(["touch", __file__ + ".txt"])',
            "Permission denied",
            "a section may write only to its temporary directory",
            at=FIRST,
        ),
    }


@pytest.mark.parametrize("fault", FAULTS)
def test_a_build_with_a_fault_says_where_and_leaves_all_as_it_was(
    section: Chapter, fault: str
) -> None:
    fails(section, FAULTS[fault](section))


MEDDLING = """
import builtins, os, random, tempfile
from multiprocessing import shared_memory
os.environ["TORCH_LOGS"] = os.environ["PYTHONWARNINGS"] = "error"
torch.set_default_dtype(torch.float64)
torch.manual_seed(7)
random.seed(7)
nn.Linear.forward = torch.save = torch.load = None
for folder in (".", tempfile.gettempdir()):
    open(os.path.join(folder, "x.pt"), "w").close()
    open(os.path.join(folder, "mydict.pt"), "w").close()
builtins.sorted = builtins.len = lambda *_: 0
"""


def test_a_section_that_changes_all_it_can_changes_no_other(tmp_path: Path) -> None:
    chapter = whole(tmp_path / "project")
    others = ("custom_layers", "saving_and_loading", "together")

    def shown() -> list[object]:
        sections = read_sections(chapter.folder / "snippets")
        runner = Runner({name: sections[name] for name in (SECTION, *others)})
        try:
            results = [runner.result(name).outcomes.values() for name in others]
        finally:
            runner.close()
        return [(o.name, o.state, o.output, o.error, o.figures) for r in results for o in r]

    before = shown()
    chapter.replace(SCRIPT, f"{CELL}\n", f"{CELL}\n{MEDDLING}")
    assert shown() == before

"""The script of a page: strings keep their text, errors do not end it, devices are asked for."""

import subprocess
import sys
from dataclasses import replace

import pytest

from proven.page_script import page_script
from proven.settings import Settings
from proven.views import Piece, Run, View
from proven.words import Words
from tests.helpers.projects import PROJECT


def view(name: str, source: str, devices: int = 0, raises: str = "") -> View:
    return View(
        name=f"a.{name}",
        source=source,
        kind="cuda" if devices else "",
        devices=devices,
        count="count()",
        fold=None,
        state="ran",
        skipped="",
        raises=(raises,) if raises else (),
        runs=(),
    )


def ran(*views: View, language: str = "en") -> str:
    """What the script of these snippets prints."""
    words = Words(Settings(PROJECT, "", (language,), (language,)), language)
    script = page_script("Title", list(views), words)
    done = subprocess.run([sys.executable, "-I", "-c", script], text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_each_error_is_printed_where_it_comes() -> None:
    code = "print(1)\n{}['a']\nprint(\n    2\n)\nlen(3)\nprint(4)"
    pieces = Piece("", "", "KeyError", 2), Piece("", "", "TypeError", 6)
    snippet = replace(view("one", code, raises="KeyError"), runs=(Run("", pieces),))
    told = "KeyError: 'a'", "2", "TypeError: object of type 'int' has no len()", "4"
    assert ran(snippet) == "\n".join(["1", *told, ""])


def test_an_error_is_printed_and_what_follows_still_runs() -> None:
    code = "x = 1\n\n\n@staticmethod\ndef f():\n    raise KeyError('a')\n\n\nf()"
    assert ran(view("one", code, raises="KeyError"), view("two", "print(x + 1)")) == (
        "KeyError: 'a'\n2\n"
    )
    decorated = "def f(g):\n    raise KeyError('b')\n\n\n@f\ndef h():\n    pass"
    assert ran(view("one", decorated, raises="KeyError")) == "KeyError: 'b'\n"


def test_strings_over_several_lines_keep_their_text() -> None:
    code = 'name = "x"\nprint(\n    """one\n  two""", f"""{name}\nthree""")\nraise ValueError("""a\nb""")'
    one = view("one", f"if True:\n    pass\n{code}", raises="ValueError")
    assert ran(one) == "one\n  two x\nthree\nValueError: a\nb\n"
    count = view("count", "count = lambda: 2")
    assert ran(count, view("one", code.split("\nraise")[0], devices=2)) == "one\n  two x\nthree\n"


@pytest.mark.parametrize(
    ("language", "told"),
    [("zh", "a.one: 未运行，需要 2 块 CUDA GPU\n"), ("en", "a.one: not run, needs 2 CUDA GPUs\n")],
)
def test_a_snippet_without_its_devices_says_so(language: str, told: str) -> None:
    one = view("one", "print(nothing)", devices=2, raises="NameError")
    assert ran(view("count", "count = lambda: 1"), one, language=language) == told
    assert ran(view("count", "count = lambda: 2"), one, language=language) == (
        "NameError: name 'nothing' is not defined\n"
    )


def test_what_was_drawn_is_shown_at_the_end() -> None:
    module = (
        "import sys, types\nplt = types.SimpleNamespace(show=lambda: print('shown'))\n"
        "sys.modules |= {'matplotlib': types.SimpleNamespace(pyplot=plt), 'matplotlib.pyplot': plt}\n"
    )
    for line in (
        "import matplotlib.pyplot as p",
        "from matplotlib import pyplot",
        "import matplotlib.pyplot",
    ):
        assert ran(view("one", module + line)) == "shown\n"
    assert ran(view("one", f"{module}# pyplot is mentioned")) == ""
    assert ran(view("one", f"{module}def draw():\n    import matplotlib.pyplot as inner")) == ""
    drawing = view("two", "import matplotlib.pyplot as plt", devices=2)
    assert ran(view("count", "count = lambda: 1"), drawing) == "a.two: not run, needs 2 CUDA GPUs\n"


def test_statements_that_share_a_line_run_once() -> None:
    code = "print(1); {}['a']; print(2)\nprint(3); print(\n4)"
    snippet = view("one", code, raises="KeyError")
    caught = replace(snippet, runs=(Run("", (Piece("", "", "KeyError", 1),)),))
    assert ran(caught) == "1\nKeyError: 'a'\n3\n4\n"

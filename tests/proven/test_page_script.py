"""The script of a page: strings keep their text, errors do not end it, devices are asked for."""

import subprocess
import sys

import pytest

from snippets.engine.page_script import page_script
from snippets.engine.scripts import Snippet


def ran(*snippets: Snippet, spoken: str = "en") -> str:
    """What the script of these snippets prints."""
    script = page_script("Title", snippets, spoken)
    done = subprocess.run([sys.executable, "-I", "-c", script], text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_error_is_printed_and_what_follows_still_runs() -> None:
    code = "x = 1\n\n\n@staticmethod\ndef f():\n    raise KeyError('a')\n\n\nf()  # fails | 出错"
    output = ran(Snippet("a.one", code, 1, raises="KeyError"), Snippet("a.two", "print(x + 1)", 9))
    assert output == "KeyError: 'a'\n2\n"


def test_strings_over_several_lines_keep_their_text() -> None:
    code = 'name = "x"\nprint(\n    """one\n  two""", f"""{name}\nthree""")\nraise ValueError("""a\nb""")'
    assert ran(Snippet("a.one", f"if True:\n    pass\n{code}", 1, raises="ValueError")) == (
        "one\n  two x\nthree\nValueError: a\nb\n"
    )
    torch = Snippet(
        "a.torch",
        "import types\ntorch = types.SimpleNamespace()\ntorch.cuda = types.SimpleNamespace(device_count=lambda: 2)",
        1,
    )
    assert ran(torch, Snippet("a.one", code.split("\nraise")[0], 1, devices=2)) == (
        "one\n  two x\nthree\n"
    )


@pytest.mark.parametrize(
    ("spoken", "told"),
    [("zh", "a.one: 未运行，需要 2 块 CUDA GPU\n"), ("en", "a.one: not run, needs 2 CUDA GPUs\n")],
)
def test_a_snippet_without_its_devices_says_so(spoken: str, told: str) -> None:
    torch = Snippet(
        "a.torch",
        "import types\ntorch = types.SimpleNamespace()\ntorch.cuda = types.SimpleNamespace(device_count=lambda: 1)",
        1,
    )
    one = Snippet("a.one", "print(torch.cuda.nothing)", 1, devices=2, raises="AttributeError")
    assert ran(torch, one, spoken=spoken) == told

"""Runs scripts and notebooks as those do who have downloaded them, all in one process.

A program of its own, which cannot import the project. Its arguments are the files; it prints as JSON
what each of them did. A notebook runs in IPython, as in a kernel, but torch is imported once.
"""

import contextlib
import gc
import importlib.util
import io
import json
import os
import sys
import tempfile
from types import ModuleType
from typing import Any

sys.path = [path for path in sys.path if not os.path.isdir(os.path.join(path, "proven"))]
assert not importlib.util.find_spec("proven")
assert not importlib.util.find_spec("snippets")

from IPython.core.displaypub import CapturingDisplayPublisher  # noqa: E402
from IPython.core.interactiveshell import InteractiveShell  # noqa: E402
from traitlets.config import Config  # noqa: E402


class Shell(InteractiveShell):
    """IPython that keeps errors to itself; the cell tells them."""

    def showtraceback(self, *_: Any, **__: Any) -> None:
        """Write nothing: a test reads the type of the error."""

    def enable_gui(self, gui: str | None = None) -> None:
        """There is none."""


def run_script(path: str) -> str:
    """What a script prints."""
    main = sys.modules["__main__"] = ModuleType("__main__")
    with open(path, encoding="utf-8") as file, contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(file.read(), path, "exec"), main.__dict__)
        if pyplot := sys.modules.get("matplotlib.pyplot"):
            pyplot.close("all")  # as the end of a process does
    return printed.getvalue()


def run_notebook(path: str) -> list[dict[str, Any]]:
    """What each code cell of a notebook prints, which error it ends in, and how many pictures it shows."""
    with open(path, encoding="utf-8") as file:
        cells = json.load(file)["cells"]
    if not Shell.initialized():
        config = Config({"HistoryManager": {"enabled": False}})
        Shell.instance(user_module=ModuleType("__main__"), config=config).enable_matplotlib(
            "inline"
        )
    shell = Shell.instance()
    shell.InteractiveTB.set_mode("Minimal")  # IPython keeps each traceback; a long one takes long
    shell.reset()
    did = []
    for cell in cells:
        if cell["cell_type"] != "code":
            continue
        shown = shell.display_pub = CapturingDisplayPublisher()
        with (
            contextlib.redirect_stdout(io.StringIO()) as printed,
            contextlib.redirect_stderr(io.StringIO()) as warned,
        ):
            result = shell.run_cell("".join(cell["source"]), store_history=True)
        error = result.error_before_exec or result.error_in_exec
        images = [o for o in shown.outputs if {"image/png", "image/svg+xml"} & o["data"].keys()]
        did.append(
            {
                "id": cell["id"],
                "text": printed.getvalue(),
                "warned": warned.getvalue(),
                "errors": [type(error).__name__] if error else [],
                "images": len(images),
            }
        )
    return did


if __name__ == "__main__":
    import matplotlib.pyplot  # noqa: F401
    import torch._dynamo  # which the first optimiser imports  # noqa: F401

    gc.freeze()  # %reset collects garbage, and need not look at all that was imported
    here = os.getcwd()
    done: dict[str, Any] = {}
    for file in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            if file.endswith(".py"):
                done[file] = run_script(file)
            else:
                done[file] = run_notebook(file)
                assert not os.listdir(folder), f"{file} left files beside itself"
            os.chdir(here)
    print(json.dumps(done))

"""Measures how long a build takes, as ratios: `make bench`.

A cold build of both languages is held against its floor: one Python process that imports torch and
runs all section scripts once, plus the same site built with nothing executed. The three are run in
turn, several times; each ratio is taken within one turn, and the median is printed.
"""

import os
import pickle
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).parents[1]
TURNS = 5

# Runs the cells of all scripts in one process, with no more machinery than that takes.
RAW = """
import contextlib, io, os, re, sys, tempfile, torch
from pathlib import Path
os.environ["MPLBACKEND"] = "agg"
torch.set_num_threads(1)
os.chdir(sys.argv[1])
for path in sorted(Path(sys.argv[2]).glob("[!_]*.py")):
    namespace = {"__name__": "__main__", "__file__": str(path)}
    sys.modules["__main__"].__dict__.update(namespace)
    for cell in re.split(r"^# %% ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        marker, source = cell.split("\\n", 1)
        if "needs=" in marker and not torch.cuda.is_available():
            continue
        with contextlib.redirect_stdout(io.StringIO()):
            try:
                exec(compile(source, str(path), "exec"), vars(sys.modules["__main__"]))
            except Exception:
                assert "raises=" in marker, (path, marker)
"""

# Builds the site from results that an earlier run left: no process is started, no torch imported.
RENDER = """
import pickle, sys
from pathlib import Path
import snippets.engine.build as build

results = pickle.loads(Path(sys.argv.pop(1)).read_bytes())

class Stored:
    def __init__(self, sections, **options): pass
    def result(self, name): return results[name]
    def results(self): return results
    def problems(self): return []
    def close(self): pass

build.warm_up = lambda: None
build.Runner = Stored
from mkdocs.__main__ import cli
cli()
"""


def seconds(*command: str) -> float:
    """Run a command in the project and return its wall time.

    Args:
        command: The program and its arguments.

    Returns:
        Seconds.

    Raises:
        subprocess.CalledProcessError: It failed.
    """
    begin = time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    subprocess.run(command, cwd=PROJECT, env=environment, check=True, capture_output=True)
    return time.perf_counter() - begin


def main() -> None:
    """Print the ratios."""
    from snippets.engine.build import Build

    build = Build(PROJECT)
    results = build.results()
    build.close()
    with tempfile.TemporaryDirectory() as folder:
        stored, empty = Path(folder, "results"), Path(folder, "empty")
        stored.write_bytes(pickle.dumps(results))
        empty.mkdir()
        python, site = sys.executable, str(Path(folder, "site"))
        rows = []
        for turn in range(TURNS + 1):
            cold = seconds(python, "-m", "mkdocs", "build", "--site-dir", site)
            raw = seconds(python, "-c", RAW, str(empty), str(PROJECT / "snippets"))
            render = seconds(python, "-c", RENDER, str(stored), "build", "--site-dir", site)
            if turn:  # the first warms the disk
                rows.append((cold, raw, render))
                print(f"turn {turn}: cold {cold:.1f} s, raw {raw:.1f} s, render {render:.1f} s")
    for name, ratio in (
        ("cold / (raw + render)", [c / (raw + render) for c, raw, render in rows]),
        ("cold / raw", [c / raw for c, raw, _ in rows]),
        ("cold / render", [c / render for c, _, render in rows]),
    ):
        print(f"{name:<24}{statistics.median(ratio):.2f}  ({min(ratio):.2f} … {max(ratio):.2f})")


if __name__ == "__main__":
    main()

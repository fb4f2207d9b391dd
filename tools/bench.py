"""Measures what a build costs, as ratios: `make bench`, or parts of it: `python -m tools.bench cold`.

- `cold`: a build of both languages against the same with the engine of the commit `ec47af6`, and
  against its floor: one process that imports torch and runs all cells, plus the same site rendered
  from stored results; then the memory that all processes of a build hold at once.
- `serve`: `mkdocs serve`, from a saved edit of prose and of a snippet to the page that shows it.
- `growth`: a build of ten times the chapter, against one.

What is compared is run in turn, several times; each ratio is taken within one turn. `BENCH_BASELINE`
names a folder with that commit and its environment in `.venv`; else one is made under build/bench.
"""

import contextlib
import functools
import os
import pickle
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import IO

from proven.build import read_and_check, run_sections
from proven.fork import children_of
from proven.settings import read_settings

PROJECT = Path(__file__).parents[1]
BASELINE = "ec47af6"
TURNS = 5
COPIES = 10
MARK = re.compile(r"`#!claim (\w+)`")

# Runs the cells of all scripts in one process, with no more machinery than that takes.
RAW = """
import contextlib, io, os, re, sys, torch
from pathlib import Path
os.environ["MPLBACKEND"] = "agg"
torch.set_num_threads(1)
os.chdir(sys.argv[1])
main = vars(sys.modules["__main__"])
for path in sorted(Path(sys.argv[2]).glob("[!_]*.py")):
    main["__file__"] = str(path)
    before, *cells = re.split(r"^# %% ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    line = before.count("\\n")
    for cell in cells:
        first, line = line + 1, line + cell.count("\\n")
        marker, source = cell.split("\\n", 1)
        source = "\\n" * first + source  # a function is looked for in the file by its line
        if "needs=" in marker and not torch.cuda.is_available():
            continue
        with contextlib.redirect_stdout(io.StringIO()):
            try:
                exec(compile(source, str(path), "exec"), main)
            except Exception:
                assert "raises=" in marker, (path, marker)
"""

# Builds the site from stored results: no process is started for a section, no torch imported.
RENDER = """
import pickle, sys
from pathlib import Path
import proven.runner as runner
results = pickle.loads(Path(sys.argv.pop(1)).read_bytes())

def nothing(settings, sections, claims, **rest):
    assert not sections, "the stored results are not those of this project"
    rest["meanwhile"]()
    return {}

runner.warm_up, runner.run = lambda settings: None, nothing  # before anyone has taken them from there
import proven.build as build
run_sections = build.run_sections
build.run_sections = lambda project, known, **rest: run_sections(project, results, **rest)
from mkdocs.__main__ import cli
cli()
"""


@dataclass(frozen=True)
class Engine:
    """A commit of this project, with the environment that runs it."""

    name: str
    python: str
    home: Path

    def start(self, *arguments: str, project: Path | None = None, log: IO[str]) -> Popen[bytes]:
        """Start a Python program in a project, which is its own if none is named."""
        folder = project or self.home
        path = os.pathsep.join([str(folder), str(self.home)])
        environment = {**os.environ, "PYTHONPATH": path, "NO_MKDOCS_2_WARNING": "1"}
        return Popen([self.python, *arguments], cwd=folder, env=environment, stdout=log, stderr=log)

    def seconds(self, *arguments: str, project: Path | None = None) -> float:
        """Run a Python program in a project; return its wall time."""
        with tempfile.TemporaryFile("w+") as log:
            begin = time.perf_counter()
            status = self.start(*arguments, project=project, log=log).wait()
            passed = time.perf_counter() - begin
            log.seek(0)
            assert status == 0, f"{self.name}: {arguments}\n{log.read()}"
        return passed

    def copy(self, folder: Path) -> Path:
        """Copy what it builds, and of an engine what lies beside the scripts."""
        for part in ("docs", "snippets", "tests"):
            shutil.copytree(self.home / part, folder / part)
        for path in (*self.home.glob("mkdocs*.yml"), *self.home.glob("p*.toml")):
            shutil.copy(path, folder)
        return folder


OURS = Engine("ours", sys.executable, PROJECT)


def baseline() -> Engine:
    """The engine of the baseline; its folder is made where there is none."""
    folder = Path(os.environ.get("BENCH_BASELINE") or PROJECT / "build" / "bench" / "baseline")
    inside = Path("Scripts/python.exe" if os.name == "nt" else "bin/python")
    python = folder / ".venv" / inside
    if not folder.is_dir():
        print(f"{folder}: a clone of this repository at {BASELINE}", flush=True)
        subprocess.run(["git", "clone", "--quiet", str(PROJECT), str(folder)], check=True)
        subprocess.run(["git", "checkout", "--quiet", BASELINE], cwd=folder, check=True)
    if not python.is_file():
        print(f"{folder}: what it needs is installed, about 1 GB and 3 minutes", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder / ".venv")], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "-r", "requirements.txt"]
        subprocess.run(pip, cwd=folder, check=True)
    return Engine("baseline", str(python), folder.resolve())


def told(name: str, values: Iterable[float]) -> None:
    """Print the median of some values, with the smallest and the largest."""
    row = sorted(values)
    print(f"{name:<50}{statistics.median(row):8.2f}  ({row[0]:.2f} … {row[-1]:.2f})", flush=True)


def in_turn(name: str, turns: int, **measured: Callable[[], float]) -> None:
    """Measure things in turn, and print how the first relates to each other one.

    One more turn before the others warms disks and caches, and does not count.
    """
    rows = [[measure() for measure in measured.values()] for _ in range(turns + 1)][1:]
    for number, other in enumerate(measured):
        told(f"{name}, {other}", [row[number] for row in rows])
    for number, other in list(enumerate(measured))[1:]:
        told(f"{name}, {next(iter(measured))} / {other}", [row[0] / row[number] for row in rows])


def cold(folder: Path, turns: int) -> None:
    """Measure a cold build, and its memory."""
    other, stored, empty = baseline(), folder / "results", folder / "empty"
    empty.mkdir()
    stored.write_bytes(pickle.dumps(run_sections(read_and_check(read_settings(PROJECT)))))

    def build(engine: Engine) -> tuple[str, ...]:
        # a folder for each: ours replaces only what it has made itself
        return ("-m", "mkdocs", "build", "--strict", "--site-dir", str(folder / engine.name))

    def floor() -> float:
        raw = OURS.seconds("-c", RAW, str(empty), str(PROJECT / "snippets"))
        render = OURS.seconds("-c", RENDER, str(stored), *build(OURS)[2:])
        print(f"raw {raw:.1f} s, render {render:.1f} s", flush=True)
        return raw + render

    ours, theirs = (functools.partial(one.seconds, *build(one)) for one in (OURS, other))
    in_turn("cold build, s", turns, ours=ours, baseline=theirs, floor=floor)
    ours, theirs = (functools.partial(memory, one, build(one)) for one in (OURS, other))
    in_turn("memory of all processes, MB", min(turns, 2), ours=ours, baseline=theirs)


def memory(engine: Engine, build: tuple[str, ...]) -> float:
    """The most memory that all processes of a build hold at once, in MB; what they share counts once."""
    with open(os.devnull, "w") as nothing:
        process = engine.start(*build, log=nothing)
    peak = 0.0
    while process.poll() is None:
        family, held = [process.pid], 0
        for number in family:  # which grows meanwhile
            with contextlib.suppress(OSError):  # it has just ended
                family += children_of(number)
                text = Path(f"/proc/{number}/smaps_rollup").read_text()
                held += sum(map(int, re.findall(r"^Pss: +(\d+)", text, re.MULTILINE)))
        peak = max(peak, held / 1000)
        time.sleep(0.2)
    assert process.returncode == 0, f"{engine.name}: the build failed"
    return peak


class Server:
    """`mkdocs serve` in a copy of a project."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._project, self._log = engine.copy(folder), folder / "serve.log"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._address = f"127.0.0.1:{free.getsockname()[1]}"
        with self._log.open("w") as log:
            command = ("-m", "mkdocs", "serve", "--dev-addr", self._address)
            self._process = engine.start(*command, project=folder, log=log)

    def until(self, true: Callable[[], bool]) -> None:
        """Wait until something is true."""
        patience = time.monotonic() + 600
        while not true():
            if time.monotonic() > patience or self._process.poll() is not None:
                raise RuntimeError(f"It does not happen.\n{self._log.read_text()[-3000:]}")
            time.sleep(0.02)

    def get(self, page: str) -> str:
        """What is served under an address; nothing while nobody listens."""
        try:
            with urllib.request.urlopen(f"http://{self._address}/{page}", timeout=600) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    def edited(self, path: str, added: str, page: str) -> float:
        """Save an edit, after which the page shows a `SIGN`, then take it back; return the seconds."""
        file, sign = self._project / path, f"edit-{time.monotonic_ns()}"
        old = file.read_text(encoding="utf-8")
        begin = time.perf_counter()
        file.write_text(f"{old}\n{added.replace('SIGN', sign)}\n", encoding="utf-8")
        self.until(lambda: sign in self.get(page))
        passed = time.perf_counter() - begin
        self.rest()
        file.write_text(old, encoding="utf-8")
        self.until(lambda: sign not in self.get(page))
        self.rest()
        return passed

    def rest(self) -> None:
        """Wait until it has said nothing for some seconds: claims are proven after a page is shown."""
        size, since = -1, time.monotonic()
        while time.monotonic() < since + 5:
            if self._log.stat().st_size != size:
                size, since = self._log.stat().st_size, time.monotonic()
            time.sleep(0.1)

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(30)


def serve(folder: Path, turns: int) -> None:
    """Measure `mkdocs serve` from a saved edit to the served page."""
    ours, other = Server(OURS, folder / "ours"), Server(baseline(), folder / "baseline")
    with contextlib.closing(ours), contextlib.closing(other):
        for server in (ours, other):
            server.until(lambda server=server: "</html>" in server.get(""))  # type: ignore[misc]
            server.rest()
        for name, path, added in (
            ("edit of prose, s", "docs/zh/blocks.md", "SIGN"),
            ("edit of a snippet, s", "snippets/blocks.py", 'print("SIGN")'),
        ):
            edits = {
                key: functools.partial(server.edited, path, added, "blocks/")
                for key, server in (("ours", ours), ("baseline", other))
            }
            in_turn(name, turns, **edits)


def multiplied(folder: Path, count: int) -> Path:
    """Copy the project with its sections, their tests and their pages several times in it."""
    OURS.copy(folder)
    settings = read_settings(folder)
    sections = [path.stem for path in (folder / "snippets").glob("[!_]*.py")]
    names, nav, claimed = "|".join(sections), "", ""
    for end, section in ((f"_{n}", s) for n in range(2, count + 1) for s in sections):
        for source in (f"snippets/{section}.py", f"tests/test_{section}.py"):
            text = (folder / source).read_text(encoding="utf-8")
            text = re.sub(rf'"({names})\.(?=[a-z0-9-]+")', rf'"\1{end}.', text)
            text = re.sub(r"^def (test_\w+)", rf"def \1{end}", text, flags=re.MULTILINE)
            target = source.replace(f"{section}.py", f"{section}{end}.py")
            (folder / target).write_text(text, encoding="utf-8")
        page = section.replace("_", "-")
        for language in settings.languages:
            path = folder / "docs" / language / f"{page}.md"
            text = MARK.sub(rf"`#!claim \g<1>{end}`", path.read_text(encoding="utf-8"))
            text = re.sub(rf"^( *)({names})\.(?=[a-z0-9-]+$)", rf"\1\2{end}.", text, flags=re.M)
            path.with_stem(page + end.replace("_", "-")).write_text(text, encoding="utf-8")
        nav += f"  - {page}{end.replace('_', '-')}.md\n"
        claimed += f"\n```claims\n{section}{end}\n```\n"
    config = folder / "mkdocs.yml"
    text = config.read_text(encoding="utf-8").replace(
        "  - glossary.md\n", f"{nav}  - glossary.md\n"
    )
    config.write_text(text, encoding="utf-8")
    for language in settings.languages:
        with (folder / "docs" / language / "claims.md").open("a", encoding="utf-8") as file:
            file.write(claimed)
    return folder


def growth(folder: Path, turns: int) -> None:
    """Measure how the time of a build grows with the number of sections."""
    one, many = multiplied(folder / "one", 1), multiplied(folder / "many", COPIES)
    build = ("-m", "mkdocs", "build", "-q")
    ours, alone = (functools.partial(OURS.seconds, *build, project=p) for p in (many, one))
    in_turn(f"chapters, s, {COPIES} or 1", min(turns, 2), many=ours, one=alone)


def main(chosen: list[str]) -> None:
    """Print the figures of some parts, or of all."""
    parts = {part.__name__: part for part in (cold, serve, growth)}
    turns = int(os.environ.get("BENCH_TURNS", TURNS))
    print(
        f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} processors, Python {sys.version.split()[0]}"
    )
    print(f"Medians (lowest … highest) of {turns} turns", flush=True)
    for name in chosen or parts:
        with tempfile.TemporaryDirectory() as folder:
            parts[name](Path(folder), turns)


if __name__ == "__main__":
    main(sys.argv[1:])

"""Measures what a build costs, as ratios: `make bench`, or parts of it: `python -m tools.bench cold`.

- `cold`: a build of both languages against the same with the engine of the commit `ec47af6`, and
  against its floor: one process that imports torch and runs all cells, plus the same site rendered
  from stored results; then the memory that all processes of a build hold at once.
- `serve`: `mkdocs serve`, from a saved edit of prose and of a snippet to the page that shows it.
- `growth`: a build of the chapter ten times over, against ten times one build.

What is compared is run in turn, several times; each ratio is taken within one turn. `BENCH_BASELINE`
names a folder with that commit and its environment in `.venv`; else one is made under build/bench.
"""

import contextlib
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

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
    for cell in re.split(r"^# %% ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        marker, source = cell.split("\\n", 1)
        if "needs=" in marker and not torch.cuda.is_available():
            continue
        with contextlib.redirect_stdout(io.StringIO()):
            try:
                exec(compile(source, str(path), "exec"), main)
            except Exception:
                assert "raises=" in marker, (path, marker)
"""

# Leaves the results of all sections in a file.
STORE = """
import pickle, sys
from pathlib import Path
from proven.build import read_and_check, run_sections
from proven.settings import read_settings
results = run_sections(read_and_check(read_settings(Path.cwd())))
Path(sys.argv[1]).write_bytes(pickle.dumps(results))
"""

# Builds the site from them: no process is started for a section, no torch imported.
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
    home: Path  # its engine is here

    def command(self, *arguments: str) -> list[str]:
        """The command line of a Python program."""
        return [self.python, *arguments]

    def environment(self, project: Path) -> dict[str, str]:
        """The variables of its processes; a project that has an engine of its own uses that."""
        path = os.pathsep.join([str(project), str(self.home)])
        return {**os.environ, "PYTHONPATH": path, "NO_MKDOCS_2_WARNING": "1"}

    def seconds(self, *arguments: str, project: Path | None = None) -> float:
        """Run a Python program in a project; return its wall time."""
        folder = project or self.home
        begin = time.perf_counter()
        done = subprocess.run(
            self.command(*arguments),
            cwd=folder,
            env=self.environment(folder),
            capture_output=True,
            text=True,
        )
        passed = time.perf_counter() - begin
        if done.returncode:
            sys.exit(f"{self.name}: {arguments} failed\n{done.stdout}{done.stderr}")
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


def told(name: str, values: list[float], unit: str = "") -> None:
    """Print the median of some values, with the smallest and the largest."""
    low, high = min(values), max(values)
    middle = statistics.median(values)
    print(f"{name:<58}{middle:7.2f}{unit}  ({low:.2f} … {high:.2f})", flush=True)


def in_turn(names: tuple[str, ...], turn: Callable[[int], tuple[float, ...]], turns: int) -> None:
    """Measure two or more things in turn, ours first, and print ours and how it relates to the others.

    Args:
        names: What is measured.
        turn: Measures each once.
        turns: How often; once more before, which warms disks and caches and does not count.
    """
    rows = [turn(number) for number in range(turns + 1)][1:]
    columns = list(zip(*rows, strict=True))
    for name, column in zip(names, columns, strict=True):
        told(name, list(column), " s")
    for name, column in zip(names[1:], columns[1:], strict=True):
        ratios = [ours / other for ours, other in zip(columns[0], column, strict=True)]
        told(f"{names[0]} / {name}", ratios)


def cold(folder: Path, turns: int) -> None:
    """Measure a cold build, and its memory."""
    other, stored, empty = baseline(), folder / "results", folder / "empty"
    empty.mkdir()
    build = ["-m", "mkdocs", "build", "--strict", "--site-dir", str(folder / "site")]
    OURS.seconds("-c", STORE, str(stored))

    def turn(number: int) -> tuple[float, ...]:
        ours, theirs = OURS.seconds(*build), other.seconds(*build)
        raw = OURS.seconds("-c", RAW, str(empty), str(PROJECT / "snippets"))
        render = OURS.seconds("-c", RENDER, str(stored), *build[2:])
        return ours, theirs, raw + render, raw, render

    in_turn(("ours", "baseline", "floor (raw + render)", "raw", "render"), turn, turns)
    held = [(memory(OURS, build), memory(other, build)) for _ in range(min(turns, 3))]
    told("memory of all processes at once, MB", [ours for ours, _ in held])
    told("memory of the same, ours / baseline", [ours / theirs for ours, theirs in held])


def memory(engine: Engine, build: list[str]) -> float:
    """The most memory that all processes of a build hold at once, in MB; what they share counts once."""
    process = subprocess.Popen(
        engine.command(*build),
        cwd=engine.home,
        env=engine.environment(engine.home),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    peak = 0.0
    while process.poll() is None:
        parents = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        family = [process.pid]
        for number in family:  # which grows meanwhile
            family += [child for child, parent in parents.items() if parent == number]
        held = 0
        for number in family:
            with contextlib.suppress(OSError):  # it has just ended
                text = Path(f"/proc/{number}/smaps_rollup").read_text()
                held += sum(map(int, re.findall(r"^Pss: +(\d+)", text, re.MULTILINE)))
        peak = max(peak, held / 1000)
        threading.Event().wait(0.2)
    assert process.returncode == 0, f"{engine.name}: the build failed"
    return peak


class Server:
    """`mkdocs serve` in a copy of a project."""

    def __init__(self, engine: Engine, project: Path) -> None:
        self.project, self.log = project, project / "serve.log"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._address = f"127.0.0.1:{free.getsockname()[1]}"
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                engine.command("-m", "mkdocs", "serve", "--dev-addr", self._address),
                cwd=project,
                env=engine.environment(project),
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def until(self, true: Callable[[], bool]) -> None:
        """Wait until something is true."""
        patience = time.monotonic() + 600
        while not true():
            if time.monotonic() > patience or self._process.poll() is not None:
                raise RuntimeError(f"It does not happen.\n{self.log.read_text()[-3000:]}")
            time.sleep(0.02)

    def get(self, page: str) -> str:
        """What is served under an address; nothing while nobody listens."""
        try:
            with urllib.request.urlopen(f"http://{self._address}/{page}", timeout=600) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    def edited(self, path: str, added: str, page: str, sign: str) -> float:
        """Save an edit; return the seconds until the page shows it. Then take it back."""
        file = self.project / path
        old = file.read_text(encoding="utf-8")
        begin = time.perf_counter()
        file.write_text(f"{old}\n{added}\n", encoding="utf-8")
        self.until(lambda: sign in self.get(page))
        passed = time.perf_counter() - begin
        self.rest()
        file.write_text(old, encoding="utf-8")
        self.until(lambda: sign not in self.get(page))
        self.rest()
        return passed

    def rest(self) -> None:
        """Wait until it has said nothing for some seconds: claims are proven after a page is shown."""
        seen, since = -1, time.monotonic()
        while time.monotonic() < since + 5:
            if (size := self.log.stat().st_size) != seen:
                seen, since = size, time.monotonic()
            time.sleep(0.1)

    def stop(self) -> None:
        """End it."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(30)


@contextlib.contextmanager
def served(engine: Engine, folder: Path) -> Iterator[Server]:
    """Serve a copy of a project once its first build is there."""
    server = Server(engine, engine.copy(folder))
    try:
        server.until(lambda: "</html>" in server.get(""))
        server.rest()
        yield server
    finally:
        server.stop()


def serve(folder: Path, turns: int) -> None:
    """Measure `mkdocs serve` from a saved edit to the served page."""
    edits = {
        "edit of prose": ("docs/zh/blocks.md", "{sign}", "blocks/"),
        "edit of a snippet": ("snippets/blocks.py", 'print("{sign}")', "blocks/"),
    }
    other = baseline()
    with served(OURS, folder / "ours") as one, served(other, folder / "baseline") as two:
        for name, (path, added, page) in edits.items():

            def turn(
                number: int, path: str = path, added: str = added, page: str = page
            ) -> tuple[float, ...]:
                sign = f"edit-{number}-{time.monotonic_ns()}"
                text = added.format(sign=sign)
                return one.edited(path, text, page, sign), two.edited(path, text, page, sign)

            in_turn((f"{name}, ours", f"{name}, baseline"), turn, turns)


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
    ratios = []
    for _ in range(min(turns, 2)):
        single = OURS.seconds(*build, project=one)
        ratios.append(OURS.seconds(*build, project=many) / COPIES / single)
    told(f"{COPIES} chapters / {COPIES} times one chapter", ratios)


def main(chosen: list[str], turns: int = TURNS) -> None:
    """Print the figures of some parts, or of all."""
    parts = {part.__name__: part for part in (cold, serve, growth)}
    version = sys.version.split()[0]
    print(
        f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} processors, Python {version}, {turns} turns"
    )
    for name in chosen or list(parts):
        with tempfile.TemporaryDirectory() as folder:
            parts[name](Path(folder), turns)


if __name__ == "__main__":
    main(sys.argv[1:], int(os.environ.get("BENCH_TURNS", TURNS)))

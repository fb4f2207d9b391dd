"""Measures what a build costs, as ratios: `make bench`.

- A cold build of both languages against its floor: one Python process that imports torch and runs
  all section scripts once, plus the same site built with nothing executed.
- `mkdocs serve`, from a saved edit to the served page, against the same pages without snippets: code
  and outputs stand in their Markdown as text, and no hook and no fence of ours has a part in it.
- The memory of a build, and how its time grows when the chapter is there 10 and 50 times.

What is compared is run in turn, several times; each ratio is taken within one turn, and the median
is printed.
"""

import contextlib
import os
import pickle
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from snippets.engine.build import Build
from snippets.engine.pages import FENCE, LANGUAGES, MARK
from snippets.engine.scripts import localise
from tests.engine.test_builds import Server

from tests.conftest import PROJECT
from tests.faults.chapter import whole

TURNS = 5
COPIES = (1, 10, 50)

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
import snippets.engine.runner as runner

runner.warm_up = lambda: None  # before anyone has taken it from there
import snippets.engine.build as build

results = pickle.loads(Path(sys.argv.pop(1)).read_bytes())

class Stored:
    def __init__(self, sections, claims, **options): pass
    def result(self, name): return results[name]
    def results(self): return results
    def problems(self): return []
    def close(self): pass

build.Runner = Stored
from mkdocs.__main__ import cli
cli()
"""

# All that a site without snippets needs in the place of our hooks: its second language.
PLAIN = """
from mkdocs.commands.build import build
from mkdocs.config import load_config

def on_config(config):
    for name, option in (("superfences", "custom_fences"), ("inlinehilite", "custom_inline")):
        entries = config.mdx_configs[f"pymdownx.{name}"]
        entries[option] = [entry for entry in entries[option] if entry["name"] == "math"]
    config.edit_uri = None
    config.strict = False  # what claims and fences linked to is not there
    return config

def on_env(env, config, files):
    env.globals["word"] = lambda *words, **rest: ""
    return env

def on_post_build(config):
    if config.theme["language"] == "zh":
        english = load_config("mkdocs.en.yml", site_dir=config.site_dir + "/en")
        english.plugins.on_startup(command="serve", dirty=False)
        build(english)
"""


def seconds(*command: str, project: Path = PROJECT) -> float:
    """Run a command in a project and return its wall time.

    Args:
        command: The program and its arguments.
        project: The folder of the project.

    Returns:
        Seconds.

    Raises:
        subprocess.CalledProcessError: It failed.
    """
    begin = time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": str(project)}
    subprocess.run(command, cwd=project, env=environment, check=True, capture_output=True)
    return time.perf_counter() - begin


def told(name: str, values: list[float]) -> None:
    """Print the median of some values, with the smallest and the largest.

    Args:
        name: What was measured.
        values: The values, one for each turn.
    """
    low, high = min(values), max(values)
    print(f"{name:<52}{statistics.median(values):5.2f}  ({low:.2f} … {high:.2f})", flush=True)


def without_snippets(folder: Path, build: Build) -> None:
    """Turn a copy of the project into a site that shows the same and runs nothing.

    Args:
        folder: The copy.
        build: A finished build of the project.
    """
    (folder / "plain.py").write_text(PLAIN)
    config = (folder / "mkdocs.yml").read_text(encoding="utf-8")
    config = config.replace("snippets/engine/hooks.py", "plain.py")
    (folder / "mkdocs.yml").write_text(config, encoding="utf-8")
    for language in LANGUAGES:
        for path in (folder / "docs" / language).glob("*.md"):
            lines = MARK.sub("", path.read_text(encoding="utf-8")).split("\n")
            text, number = [], 0
            while number < len(lines):
                fence = FENCE.match(lines[number])
                if fence and fence["language"] == "snippet":
                    indent = " " * (len(lines[number]) - len(lines[number].lstrip()))
                    name = lines[number + 1].strip()
                    outcome = build.outcome(name)
                    code = localise(build.snippets[name].source, language)
                    shown = f"{outcome.output}{outcome.error or ''}"
                    block = f"```python\n{code}\n```\n\n```text\n{shown}\n```"
                    text += [f"{indent}{line}" for line in block.split("\n")]
                    text += outcome.figures and [f'{indent}<img alt="" src="figure.svg">']
                    number += 3
                else:
                    text.append(lines[number])
                    number += 1
            path.write_text("\n".join(text), encoding="utf-8")


@contextlib.contextmanager
def served(folder: Path) -> Iterator[Server]:
    """Serve a project, and wait until its first build is served.

    Args:
        folder: The project.

    Yields:
        The server.
    """
    server = Server(folder)
    try:
        server.until(lambda: "Serving on" in server.log.read_text(), 600)
        yield server
    finally:
        server.stop()


def edited(server: Server, path: Path, added: str, page: str, sign: str) -> float:
    """Save an edit, and wait until the page with it is served.

    Args:
        server: The server.
        path: The file to edit; afterwards it is as it was.
        added: What is added to it.
        page: The address of the page.
        sign: What the page shows then, and does not show before.

    Returns:
        Seconds.
    """
    old = path.read_text(encoding="utf-8")
    begin = time.perf_counter()
    path.write_text(f"{old}\n{added}\n", encoding="utf-8")
    server.until(lambda: sign in server.get(page), 600)
    passed = time.perf_counter() - begin
    path.write_text(old, encoding="utf-8")
    server.until(lambda: sign not in server.get(page), 600)
    return passed


def cold(folder: Path, build: Build) -> None:
    """Measure a cold build against its floor.

    Args:
        folder: Takes files meanwhile.
        build: A finished build of the project.
    """
    stored, empty = folder / "results", folder / "empty"
    stored.write_bytes(pickle.dumps(build.results()))
    empty.mkdir()
    python, site = sys.executable, str(folder / "site")
    rows = []
    for turn in range(TURNS + 1):
        whole = seconds(python, "-m", "mkdocs", "build", "--site-dir", site)
        raw = seconds(python, "-c", RAW, str(empty), str(PROJECT / "snippets"))
        render = seconds(python, "-c", RENDER, str(stored), "build", "--site-dir", site)
        if turn:  # the first warms the disk
            rows.append((whole, raw, render))
            print(f"turn {turn}: cold {whole:.1f} s, raw {raw:.1f} s, render {render:.1f} s")
    told("cold / (raw + render)", [c / (raw + render) for c, raw, render in rows])
    told("cold / raw", [c / raw for c, raw, _ in rows])
    told("cold / render", [c / render for c, _, render in rows])


def serve(folder: Path, build: Build) -> None:
    """Measure `mkdocs serve` from a saved edit to the served page.

    Args:
        folder: Takes files meanwhile.
        build: A finished build of the project.
    """
    ours, plain = whole(folder / "ours").folder, whole(folder / "plain").folder
    without_snippets(plain, build)
    page = Path("docs", "zh", "blocks.md")
    prose, snippet = [], []
    with served(ours) as one, served(plain) as other:
        for turn in range(TURNS + 1):
            sign = f"edit{turn}"
            ran = one.log.read_text().count("Section ")
            took = [
                edited(server, root / page, sign, "blocks/", sign)
                for server, root in ((one, ours), (other, plain))
            ]
            assert one.log.read_text().count("Section ") == ran, "an edit of prose ran something"
            script = ours / "snippets" / "together.py"
            changed = edited(one, script, f"print('{sign}')", "together/", sign)
            again = one.log.read_text().count("Section ") - ran
            assert again == 2, "an edit of a snippet, and its undoing, run one section each"
            if turn:
                prose.append(took[0] / took[1])
                snippet.append(changed / took[1])
                print(
                    f"turn {turn}: prose {took[0]:.1f} s, snippet {changed:.1f} s, "
                    f"prose without snippets {took[1]:.1f} s"
                )
    told("edit of prose / the same without snippets", prose)
    told("edit of a snippet / edit of prose without snippets", snippet)


def memory(folder: Path) -> None:
    """Measure how much memory all processes of a build hold at once.

    Args:
        folder: Takes the site.
    """
    command = [sys.executable, "-m", "mkdocs", "build", "-q", "--site-dir", str(folder / "site")]
    process = subprocess.Popen(command, cwd=PROJECT, env={**os.environ, "PYTHONPATH": str(PROJECT)})
    peak = 0

    def family() -> list[int]:
        # the process and all that descend from it
        parents = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        found = [process.pid]
        for number in found:
            found += [child for child, parent in parents.items() if parent == number]
        return found

    while process.poll() is None:
        held = 0
        for number in family():
            with contextlib.suppress(OSError):  # what is shared between processes counts once
                text = Path(f"/proc/{number}/smaps_rollup").read_text()
                held += int(re.search(r"^Pss: +(\d+)", text, re.MULTILINE)[1])  # type: ignore[index]
        peak = max(peak, held)
        threading.Event().wait(0.2)
    assert process.returncode == 0
    print(f"{'memory of all processes at once, in MB':<52}{peak / 1000:5.0f}")


def multiplied(folder: Path, count: int) -> Path:
    """Copy the project with its sections, their tests and their pages several times in it.

    Args:
        folder: Where the copy goes.
        count: How many times.

    Returns:
        The same folder.
    """
    whole(folder)
    sections = [path.stem for path in (PROJECT / "snippets").glob("*.py") if path.stem[0] != "_"]
    names = "|".join(sections)
    nav, claimed = "", ""
    for number in range(2, count + 1):
        for section in sections:
            stem = section.replace("_", "-")
            end = f"_{number}"
            for source in (f"snippets/{section}.py", f"tests/test_{section}.py"):
                text = (PROJECT / source).read_text(encoding="utf-8")
                text = re.sub(rf'"({names})\.(?=[a-z0-9-]+")', rf'"\1{end}.', text)
                text = re.sub(r"^def (test_\w+)", rf"def \1{end}", text, flags=re.MULTILINE)
                target = source.replace(f"{section}.py", f"{section}{end}.py")
                (folder / target).write_text(text, encoding="utf-8")
            for language in LANGUAGES:
                path = folder / "docs" / language / f"{stem}.md"
                text = MARK.sub(rf"`#!claim \g<claim>{end}`", path.read_text(encoding="utf-8"))
                text = re.sub(rf"^( *)({names})\.(?=[a-z0-9-]+$)", rf"\1\2{end}.", text, flags=re.M)
                path.with_name(f"{stem}-{number}.md").write_text(text, encoding="utf-8")
            nav += f"  - {stem}-{number}.md\n"
            claimed += f"\n```claims\n{section}{end}\n```\n"
    config = folder / "mkdocs.yml"
    text = config.read_text(encoding="utf-8").replace(
        "  - glossary.md\n", f"{nav}  - glossary.md\n"
    )
    config.write_text(text, encoding="utf-8")
    for language in LANGUAGES:
        with (folder / "docs" / language / "claims.md").open("a", encoding="utf-8") as file:
            file.write(claimed)
    return folder


def growth(folder: Path) -> None:
    """Measure how the time of a build grows with the number of sections.

    Args:
        folder: Takes the projects.
    """
    took: dict[int, float] = {}
    for count in COPIES:
        project = multiplied(folder / str(count), count)
        took[count] = seconds(sys.executable, "-m", "mkdocs", "build", "-q", project=project)
        shutil.rmtree(project)
        ratio = took[count] / count / took[1]
        print(
            f"{f'time of {count} chapters / {count} times that of one':<52}{ratio:5.2f}", flush=True
        )


def main() -> None:
    """Print all figures."""
    print(
        f"{os.cpu_count()} processors, Python {sys.version.split()[0]}, {time.strftime('%Y-%m-%d')}"
    )
    build = Build(PROJECT)
    build.wait()
    build.close()
    for part in (
        lambda folder: cold(folder, build),
        lambda folder: serve(folder, build),
        memory,
        growth,
    ):
        with tempfile.TemporaryDirectory() as folder:
            part(Path(folder))


if __name__ == "__main__":
    main()

"""Builds the notebooks of this chapter with other tools, and this site beside them: `make compare`.

Each tool gets the sections of both languages as notebooks without outputs, and must run them: nothing
is kept from build to build. All of them start the same kernel, that of this environment, so that one
torch is measured. Then faults are planted, to see which of them a build notices. On Linux only.
"""

import datetime
import gzip
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
from nbformat.v4 import new_code_cell
from selectolax.lexbor import LexborHTMLParser

from proven.fork import adopt_orphans, end_descendants
from proven.notebooks import CHAPTER

PROJECT = Path(__file__).parents[1]
BUILD = PROJECT / "build"
TURNS = 3
LIMIT = 900  # seconds for a build, and for a cell
PAGE = ("en", "blocks")  # the page that is weighed
SCRIPT = "snippets/blocks.py"
HERE = Path(sys.executable)
# An error of torch.load quotes code in a way that no lexer of tracebacks knows; it is meant to be shown.
UNLIKE = ["misc.highlighting_failure"]

# Python imports this at every start of the tools: so it is seen which processes there are.
WATCH = """
import os, sys
# opened before a section of this site may open nothing outside of its folder any more; beside this
# file, since a section knows only some variables of the environment; a pipe, since no claim may write to files
log = os.open(os.path.join(os.path.dirname(__file__), "starts"), os.O_WRONLY)
def note(kind):
    os.write(log, (kind + "\\n").encode())
note("kernel" if any("ipykernel_launcher" in word for word in sys.orig_argv) else "start")
os.register_at_fork(after_in_child=lambda: note("fork"))
"""


@dataclass(frozen=True)
class Fault:
    """What is planted into a cell, which may declare that it shows an error."""

    name: str
    source: str
    declared: bool = False


CONTROL = Fault("nothing", "pass")
FAULTS = [
    Fault("an error that no cell declares", 'raise ValueError("planted")'),
    Fault("`sys.exit(0)`", "import sys; sys.exit(0)"),
    Fault("the process ends: `os._exit(0)`", "import os; os._exit(0)"),
    Fault("a declared error that does not come", "pass", declared=True),
    Fault("a warning", 'import warnings; warnings.warn("planted")'),
]


@dataclass(frozen=True)
class Tool:
    """Something that builds a site."""

    name: str  # the head of its column
    packages: tuple[str, ...]  # whose versions are told
    python: Path  # of its environment
    modes: tuple[str, ...]  # its settings, from the usual to the strictest
    # writes its configuration into a project with a mode; `docs` has the notebooks
    write: Callable[[Path, str], None]
    # gives the arguments of Python that build the project in this folder with a mode
    command: Callable[[str], list[str]]
    site: str  # where the site is, inside the project
    folders: bool  # whether a page is the index of a folder of its own

    def page(self, project: Path) -> Path:
        """The file of the page that is weighed, in a project that was built."""
        language, name = PAGE
        end = f"{name}/index.html" if self.folders else f"{name}.html"
        return project / self.site / language / end


@dataclass(frozen=True)
class Run:
    """What a build took."""

    status: int | None  # None if it did not end within the limit
    output: str
    wall: float  # seconds until it ended
    cpu: float  # seconds of processor time of all its processes
    starts: Counter[str]  # of kernels, other Python processes and forks


def _sphinx(project: Path, mode: str) -> None:
    (project / "docs" / "conf.py").write_text(
        'project = "Compared"\n'
        'extensions = ["myst_nb"]\n'
        'nb_execution_mode = "force"\n'
        f"nb_execution_timeout = {LIMIT}\n"
        f"nb_execution_raise_on_error = {mode == 'strict'}\n"
        f"suppress_warnings = {UNLIKE}\n"
    )
    pages = "\n".join(_pages(project))
    (project / "docs" / "index.md").write_text(f"# Compared\n\n```{{toctree}}\n{pages}\n```\n")


def _book(project: Path, mode: str) -> None:
    # JSON is YAML
    execute = {
        "execute_notebooks": "force",
        "timeout": LIMIT,
        "raise_on_error": mode == "strict",
    }
    sphinx = {"config": {"suppress_warnings": UNLIKE}}
    config = {"title": "Compared", "execute": execute, "sphinx": sphinx}
    (project / "docs" / "_config.yml").write_text(json.dumps(config))
    chapters = [{"file": page} for page in _pages(project)]
    contents = {"format": "jb-book", "root": "index", "chapters": chapters}
    (project / "docs" / "_toc.yml").write_text(json.dumps(contents))
    (project / "docs" / "index.md").write_text("# Compared\n")


def _mkdocs(project: Path, mode: str) -> None:
    options = {"execute": True, "cache": False, "allow_errors": mode != "strict"}
    config = {
        "site_name": "Compared",
        "theme": {"name": "material"},
        "plugins": ["search", {"mkdocs-jupyter": options}],
    }
    (project / "mkdocs.yml").write_text(json.dumps(config))
    (project / "docs" / "index.md").write_text("# Compared\n")


def _pages(project: Path) -> list[str]:
    docs = project / "docs"
    return [
        path.relative_to(docs).with_suffix("").as_posix() for path in sorted(docs.rglob("*.ipynb"))
    ]


def _environment(name: str) -> Path:
    return BUILD / "compare" / name / HERE.parent.name / HERE.name


STRICT = ("usual", "strict")
OURS = Tool(
    "this site",
    ("mkdocs", "mkdocs-material", "torch"),
    HERE,
    ("strict",),
    lambda project, mode: None,
    lambda mode: ["-m", "mkdocs", "build", "--strict"],
    "site",
    folders=True,
)
TOOLS = [
    OURS,
    Tool(
        "Sphinx with MyST-NB",
        ("sphinx", "myst-nb"),
        _environment("sphinx"),
        STRICT,
        _sphinx,
        lambda mode: [
            *["-m", "sphinx", "-j", "auto", "docs", "site"],
            *(["-W", "--keep-going"] if mode == "strict" else []),
        ],
        "site",
        folders=False,
    ),
    Tool(
        "Jupyter Book",
        ("jupyter-book", "sphinx", "myst-nb"),
        _environment("jupyter-book"),
        STRICT,
        _book,
        lambda mode: [
            *["-c", "from jupyter_book.cli.main import main; main()", "build", "docs"],
            *(["-W", "--keep-going"] if mode == "strict" else []),
        ],
        "docs/_build/html",
        folders=False,
    ),
    Tool(
        "mkdocs-jupyter",
        ("mkdocs-jupyter", "mkdocs-material"),
        HERE,
        STRICT,
        _mkdocs,
        lambda mode: ["-m", "mkdocs", "build", *(["--strict"] if mode == "strict" else [])],
        "site",
        folders=True,
    ),
]


def lay_out(tool: Tool, project: Path, mode: str, fault: Fault | None = None) -> None:
    """Make the project that a tool builds with one of its settings, in a folder that is emptied before.

    With a fault to plant, the other tools get one notebook only, of a title and this cell.
    """
    shutil.rmtree(project, ignore_errors=True)
    project.mkdir(parents=True)
    if tool is OURS:
        for part in ("docs", "snippets", "tests"):
            shutil.copytree(PROJECT / part, project / part)
        for part in ("mkdocs.yml", "mkdocs.en.yml", "proven.toml", "pyproject.toml"):
            shutil.copy(PROJECT / part, project)
        if fault:
            script = project / SCRIPT
            text = script.read_text(encoding="utf-8")
            script.write_text(_planted(text, fault), encoding="utf-8")
        return
    for source in (BUILD / "notebooks").glob("*.ipynb"):
        name, language = source.stem.rsplit(".", 1)
        if name == CHAPTER or (fault and (language, name) != PAGE):
            continue
        notebook = nbformat.read(source, 4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        if fault:
            tags = ["raises-exception"] if fault.declared else []
            planted = new_code_cell(fault.source, metadata={"tags": tags})
            notebook.cells = [notebook.cells[0], planted]
        path = project / "docs" / language / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, path)
    tool.write(project, mode)


def _planted(script: str, fault: Fault) -> str:
    """Plant a fault at the end of the last cell that declares nothing."""
    marker = list(re.finditer(r"^# %% [\w-]+$", script, re.MULTILINE))[-1]
    follows = script.find("\n# %% ", marker.end())
    end = len(script) if follows < 0 else follows
    declared = ' raises="ValueError"' if fault.declared else ""
    cell = script[marker.end() : end].rstrip("\n")
    return f"{script[: marker.end()]}{declared}{cell}\n{fault.source}\n\n{script[end:]}"


def build(tool: Tool, project: Path, mode: str, tools: Path) -> Run:
    """Build a project as one process, and wait until all its processes are gone.

    `tools` is the folder with the kernel and with what watches over the processes.
    """
    starts = noted(tools / "watch")
    environment = {
        **os.environ,
        "JUPYTER_PATH": str(tools / "jupyter"),
        "PYTHONPATH": os.pathsep.join(
            [str(tools / "watch"), *([str(PROJECT)] if tool is OURS else [])]
        ),
    }
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    status: int | None
    try:
        done = subprocess.run(
            [tool.python, *tool.command(mode)],
            cwd=project,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=LIMIT,
        )
        status, output = done.returncode, done.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired as late:
        status, output = None, (late.stdout or b"").decode(errors="replace")
    wall = time.perf_counter() - begin
    end_descendants(grace=10, limit=20)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(status, output, wall, cpu, starts())


def noted(folder: Path) -> Callable[[], Counter[str]]:
    """Make the pipe into which `WATCH` writes; what is returned reads how many processes of each kind began."""
    path = folder / "starts"
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    pipe = os.open(
        path, os.O_RDWR | os.O_NONBLOCK
    )  # as long as it is open, nothing written is lost

    def read() -> Counter[str]:
        words = os.read(pipe, 1 << 16).decode().split()
        os.close(pipe)
        return Counter(words)

    return read


def loads(page: Path, site: Path) -> tuple[set[Path], set[str]]:
    """What a page makes a browser load: the site's own files, this page among them, and the other hosts."""
    tree = LexborHTMLParser(page.read_text(encoding="utf-8"))
    own, hosts, found = {page}, set[str](), list[tuple[Path, str]]()
    for tag in tree.css("script[src], img[src], iframe[src]"):
        found.append((page, str(tag.attributes["src"])))
    for tag in tree.css("link[rel~=stylesheet], link[rel~=preload], link[rel~=preconnect]"):
        found.append((page, str(tag.attributes["href"])))
    for tag in tree.css("script:not([src]), style"):
        found += [(page, url) for url in re.findall(_CODE, tag.text())]
    while found:
        source, url = found.pop()
        parts = urlsplit(url)
        if parts.netloc:
            hosts.add(parts.netloc)
        elif parts.path and parts.scheme != "data":
            folder = site if parts.path.startswith("/") else source.parent
            file = (folder / parts.path.lstrip("/")).resolve()
            if file.is_file() and file not in own:
                own.add(file)
                if file.suffix == ".css":
                    style = file.read_text(encoding="utf-8")
                    found += [(file, "".join(urls)) for urls in re.findall(_STYLE, style)]
    return own, hosts


# What scripts in a page load from elsewhere; what styles import, and what they load from elsewhere.
_CODE = r"https?://[^\s\"'<>]+?\.(?:m?js|css|woff2?)\b"
_STYLE = r"@import\s+(?:url\()?[\"']?([^\"')\s;]+)|url\([\"']?((?:https?:)?//[^\"')]+)"


def fails(tool: Tool, project: Path, tools: Path, fault: Fault) -> str:
    """Whether a fault makes the build of a tool fail: the words of the cell, for each setting if they differ."""
    words = []
    for mode in tool.modes:
        lay_out(tool, project, mode, fault)
        status = build(tool, project, mode, tools).status
        words.append("does not end" if status is None else "fails" if status else "passes")
    return (
        words[0]
        if len(set(words)) == 1
        else "; ".join(f"{mode}: {word}" for mode, word in zip(tool.modes, words, strict=True))
    )


def versions(tool: Tool) -> str:
    """The packages of a tool with their versions, as its environment tells."""
    code = "import sys; from importlib.metadata import version\nprint(*map(version, sys.argv[1:]))"
    command = [str(tool.python), "-c", code, *tool.packages]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return ", ".join(f"{name} {number}" for name, number in zip(tool.packages, told, strict=True))


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} … {max(values):.2f})"


def table(rows: dict[str, list[str]], turns: int) -> str:
    """Write what was measured as Markdown; the cells of a row are in the order of the tools."""
    head = [
        f"{datetime.date.today():%Y-%m-%d}, {os.cpu_count()} CPUs, Python "
        f"{'.'.join(map(str, sys.version_info[:3]))}, turns: {turns}. Medians (lowest … highest).",
        "",
        f"| | {' | '.join(tool.name for tool in TOOLS)} |",
        f"|---{'|---' * len(TOOLS)}|",
    ]
    return "\n".join(
        [*head, *(f"| {name} | {' | '.join(row)} |" for name, row in rows.items()), ""]
    )


def main(turns: int = TURNS) -> None:
    """Build everything, each site in so many turns, and write `build/compare.md`."""
    adopt_orphans()  # else the time of those whose parent has ended would not be counted
    with tempfile.TemporaryDirectory() as folder:
        tools, project = Path(folder), Path(folder, "project")
        kernel = tools / "jupyter" / "kernels" / "python3" / "kernel.json"
        kernel.parent.mkdir(parents=True)
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        kernel.write_text(
            json.dumps({"argv": argv, "display_name": "Python 3", "language": "python"})
        )
        (tools / "watch").mkdir()
        (tools / "watch" / "sitecustomize.py").write_text(WATCH)

        rows = {"versions": [versions(tool) for tool in TOOLS]}
        runs: dict[str, list[Run]] = {tool.name: [] for tool in TOOLS}
        pages: list[list[str]] = []
        for turn in range(turns):
            for tool in TOOLS:
                mode = tool.modes[-1]
                lay_out(tool, project, mode)
                run = build(tool, project, mode, tools)
                if run.status != 0:
                    sys.exit(f"{tool.name} did not build the notebooks:\n{run.output}")
                runs[tool.name].append(run)
                print(f"turn {turn + 1}: {tool.name} {run.wall:.1f} s, CPU {run.cpu:.1f} s")
                if not turn:
                    own, hosts = loads(tool.page(project), project / tool.site)
                    weight = sum(len(gzip.compress(file.read_bytes())) for file in own)
                    starts = [str(run.starts[kind]) for kind in ("kernel", "start", "fork")]
                    names = ", ".join(sorted(hosts)) or "none"
                    pages.append([" / ".join(starts), f"{weight / 1000:.0f} KB", names])
        ours = runs[OURS.name]
        for label, of in (("wall time", "wall"), ("processor time", "cpu")):
            seconds = {name: [getattr(run, of) for run in them] for name, them in runs.items()}
            rows[f"{label}, seconds"] = [f"{statistics.median(s):.0f}" for s in seconds.values()]
            rows[f"{label}, this site = 1"] = [
                _spread([one / getattr(run, of) for one, run in zip(s, ours, strict=True)])
                for s in seconds.values()
            ]
        labels = (
            "kernels / other Python processes / forks",
            f"what the page {'/'.join(PAGE)} loads of its own, gzip",
            "other hosts it loads from",
        )
        rows.update(zip(labels, map(list, zip(*pages, strict=True)), strict=True))
        for fault in [CONTROL, *FAULTS]:
            rows[f"planted: {fault.name}"] = [fails(tool, project, tools, fault) for tool in TOOLS]
            print(f"planted: {fault.name}: {rows[f'planted: {fault.name}']}")
    text = table(rows, turns)
    (BUILD / "compare.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

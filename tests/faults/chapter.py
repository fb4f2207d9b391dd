"""Copies of the real project in which a test plants one fault, and what a build may leave of them."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import PROJECT
from tests.engine.projects import contents, processes

SECTION = "lazy_initialization"  # what a cut copy keeps: a short section with all that others have
PAGE = "lazy-initialization.md"
KEPT = ("index.md", PAGE, "claims.md")


class Chapter:
    """A copy of the project, which a test may break.

    Args:
        folder: The folder of the copy.

    Attributes:
        seconds: How long a build took, where one was made to find out.
    """

    seconds: float = 0

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # the names of sockets are short: not in the folder of the test
        self.temporary = Path(tempfile.mkdtemp(prefix="fault-"))
        weakref.finalize(self, shutil.rmtree, self.temporary, ignore_errors=True)

    def read(self, path: str) -> str:
        """The text of a file.

        Args:
            path: Its path inside the project.

        Returns:
            The text.
        """
        return (self.folder / path).read_text(encoding="utf-8")

    def write(self, path: str, text: str) -> None:
        """Write a file.

        Args:
            path: Its path inside the project.
            text: What is in it from now on.
        """
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text, encoding="utf-8")

    def replace(self, path: str, old: str, new: str) -> None:
        """Replace a piece of a file that is there once.

        Args:
            path: The path of the file inside the project.
            old: The piece.
            new: What stands there from now on.
        """
        text = self.read(path)
        assert text.count(old) == 1, f"{path} has {text.count(old)} times {old!r}"
        self.write(path, text.replace(old, new))

    def place(self, path: str, piece: str, last: bool = False) -> str:
        """Where a file says something, as messages of the engine name it.

        Args:
            path: The path of the file inside the project.
            piece: What stands on the line.
            last: Whether the last such line is meant, and not the first.

        Returns:
            The path and the line.
        """
        lines = [n for n, line in enumerate(self.read(path).split("\n"), 1) if piece in line]
        return f"{path}:{lines[-1 if last else 0]}"

    def fences(self, snippet: str) -> list[str]:
        """Where the pages of the section show a snippet.

        Args:
            snippet: The full name of the snippet.

        Returns:
            The places of the fences, Chinese first.
        """
        places = []
        for language in ("zh", "en"):
            path, line = self.place(f"docs/{language}/{PAGE}", snippet).split(":")
            places.append(f"{path}:{int(line) - 1}")
        return places

    def start(self) -> "subprocess.Popen[str]":
        """Start a build in a process of its own, whose temporary files have a folder of their own.

        Returns:
            The process, which writes both its streams to `stdout`.
        """
        return subprocess.Popen(
            [sys.executable, "-m", "mkdocs", "build"],
            cwd=self.folder,
            env={
                **os.environ,
                "PYTHONPATH": str(self.folder),
                "TMPDIR": str(self.temporary),
                "NO_MKDOCS_2_WARNING": "1",
            },
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # in the background of a shell SIGINT is ignored, and children inherit that
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def build(self) -> "subprocess.CompletedProcess[str]":
        """Build the site.

        Returns:
            How the build ended, with both its streams in `stdout`.
        """
        process = self.start()
        output, _ = process.communicate(timeout=300)
        return subprocess.CompletedProcess(process.args, process.returncode, output)

    def site(self) -> dict[str, bytes]:
        """Every file of the site that is published.

        Returns:
            What is in the files, by their paths.
        """
        return contents(self.folder / "site")

    def sources(self) -> set[str]:
        """Every other file and folder of the project.

        Returns:
            The paths, without those of the bytecode that Python keeps.
        """
        return {
            path.relative_to(self.folder).as_posix()
            for path in self.folder.rglob("*")
            if "__pycache__" not in path.parts and path.relative_to(self.folder).parts[0] != "site"
        }

    def running(self) -> list[str]:
        """The processes of builds that still run, once they had the time to end.

        Returns:
            Their commands.
        """
        deadline = time.monotonic() + 30
        while (found := processes(str(self.temporary))) and time.monotonic() < deadline:
            time.sleep(0.1)
        return found

    def left(self) -> list[str]:
        """What a build has left behind.

        Returns:
            The processes that still run, and the temporary files.
        """
        running = self.running()
        files = {path.name for path in self.temporary.iterdir()}
        return [*running, *(files - {"jieba.cache"})]  # a dictionary that jieba reads faster so


def whole(folder: Path) -> Chapter:
    """A copy of everything that a build reads.

    Args:
        folder: The folder of the copy.

    Returns:
        The copy.
    """
    for name in ("docs", "snippets"):
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns(".*"))
    (folder / "tests").mkdir()
    for path in [*PROJECT.glob("tests/*.py"), *PROJECT.glob("mkdocs*.yml")]:
        shutil.copy2(path, folder / path.relative_to(PROJECT))
    return Chapter(folder)


def cut(folder: Path) -> Chapter:
    """A copy with one section, for faults that are found by running: the others would run, too.

    Args:
        folder: The folder of the copy.

    Returns:
        The copy, which builds without a warning.
    """
    chapter = whole(folder)
    for left_out in list(_left_out(folder)):
        left_out.unlink()
    gone = "|".join(re.escape(path.name) for path in PROJECT.glob("docs/zh/*.md"))
    gone = "|".join(part for part in gone.split("|") if part.replace("\\", "") not in KEPT)
    for language in ("zh", "en"):
        for name in KEPT:
            path = f"docs/{language}/{name}"
            text = re.sub(rf"\[([^][]*)\]\(({gone})[^)]*\)", r"\1", chapter.read(path))
            if name == "claims.md":
                head, *parts = text.split("\n## ")
                text = "\n## ".join([head, *(part for part in parts if f"\n{SECTION}\n" in part)])
            chapter.write(path, text)
    nav = re.sub(rf"^  - ({gone})\n", "", chapter.read("mkdocs.yml"), flags=re.MULTILINE)
    chapter.write("mkdocs.yml", nav)
    names = re.split(r"(?m)^(?=\[)", chapter.read("docs/search.toml"))
    chapter.write("docs/search.toml", "".join(n for n in names if not re.match(rf'\["({gone})', n)))
    return chapter


def _left_out(folder: Path) -> Iterator[Path]:
    """The pages, scripts, tests and records of the other sections."""
    yield from (path for path in folder.glob("docs/*/*.md") if path.name not in KEPT)
    yield from (p for p in folder.glob("snippets/[!_]*.py") if p.stem != SECTION)
    yield from (p for p in folder.glob("tests/test_*.py") if p.stem != f"test_{SECTION}")
    yield from folder.glob("snippets/records/*.json")


def fails(chapter: Chapter, says: list[str]) -> str:
    """Build a copy with a fault, and see that all that should happen does, and nothing else.

    Args:
        chapter: The copy.
        says: What the build has to say: what is wrong, which it says once, then the places and all
            else that makes it plain.

    Returns:
        What the build said.
    """
    site, sources = chapter.site(), chapter.sources()
    done = chapter.build()
    assert done.returncode != 0, done.stdout
    assert "Traceback" not in done.stdout, done.stdout
    for piece in says:
        assert piece in done.stdout, f"it does not say {piece!r}:\n{done.stdout}"
    assert done.stdout.count(says[0]) == 1, done.stdout
    assert re.search(r"^  at {7}\S", done.stdout, re.MULTILINE)
    assert re.search(r"^  do {7}\S", done.stdout, re.MULTILINE)
    assert site == chapter.site()
    assert sources == chapter.sources()
    assert not chapter.left()
    return done.stdout

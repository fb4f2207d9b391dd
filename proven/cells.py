"""Runs the cells of a section, one after the other, in this process, and keeps what they show."""

import ast
import contextlib
import ctypes
import io
import linecache
import os
import re
import sys
import tempfile
import threading
import time
import traceback
import types
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, Literal

from proven import devices, guard
from proven.problems import Problem, ProjectError
from proven.scripts import Section, Snippet
from proven.settings import Settings

OUTPUT_LIMIT = 100_000  # bytes of one snippet: a page with more is not read by anyone
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")  # colours for a terminal, as in torch's UnpicklingError
# also what turns the order of the letters round, and halves of characters, which no file can hold
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
UNSTABLE = re.compile(r"\bat 0x[0-9a-fA-F]{6,}")  # the address in a default repr

State = Literal["ran", "raised", "skipped"]


@dataclass(frozen=True)
class Outcome:
    """What one snippet did.

    Attributes:
        name: The full name of the snippet.
        state: `ran`, `raised` (as declared) or `skipped` (for want of devices).
        output: What it wrote to standard output.
        error: The declared error as Python words it, `Type: message`.
        error_line: The line of the snippet, counted from 1, on which the error came.
        figures: The figures that it left open, as SVG.
        seconds: How long it took.
        had: How many such devices there were, where it needed more.
    """

    name: str
    state: State
    output: str = ""
    error: str | None = None
    error_line: int | None = None
    figures: tuple[str, ...] = ()
    seconds: float = 0.0
    had: int = 0


def run_cells(
    settings: Settings, section: Section, module: types.ModuleType, last: str | None = None
) -> Iterator[Outcome | Snippet]:
    """Run the cells of a section in the namespace of a module.

    The module stands in for `__main__` meanwhile, so that `pickle` and `inspect.getsource` work as
    in any script, and standard input, output and error are the engine's. The working directory
    is the caller's affair.

    Args:
        settings: Of the project.
        section: The section.
        module: The module in whose namespace the cells run.
        last: The full name of the snippet after which to stop; None for the whole section.

    Yields:
        Each snippet before it runs, and its outcome afterwards.

    Raises:
        ProjectError: A cell ended otherwise than it declares.
    """
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)  # the same sums on every machine; the cores are for other sections
    folder = os.path.realpath(os.getcwd())
    module.__file__ = str(section.path)
    linecache.checkcache(str(section.path))
    main = sys.modules["__main__"]
    sys.modules["__main__"] = module
    try:
        with _streams() as streams, warnings.catch_warnings(record=True) as caught:
            _default_warning_filters()
            for snippet in section.snippets:
                yield snippet
                caught.clear()
                had = devices.count(settings, snippet.kind) if snippet.devices else 0
                if had < snippet.devices:
                    yield Outcome(snippet.name, "skipped", had=had)
                else:
                    yield _run_cell(section, snippet, vars(module), streams, caught, folder)
                if snippet.name == last:
                    return
    finally:
        sys.modules["__main__"] = main


def _run_cell(
    section: Section,
    snippet: Snippet,
    namespace: dict[str, Any],
    streams: "_Streams",
    caught: list[warnings.WarningMessage],
    folder: str,
) -> Outcome:
    begin, process, threads = time.perf_counter(), os.getpid(), set(threading.enumerate())
    children = guard.children()
    try:
        error, row = _execute(section, snippet, namespace)
    except ProjectError:
        _check_refusals(section, snippet)  # the reason, and not what came of it
        raise
    if os.getpid() != process:
        os._exit(1)  # a child of os.fork() that fell out of its cell: the rest is not its to run
    _check_refusals(section, snippet)
    figures = _take_figures(section, snippet)
    left = [t.name for t in set(threading.enumerate()) - threads if not t.daemon]
    if left:
        what = f"a thread still runs ({', '.join(left)}): what it prints would go to another cell"
        raise _fails(section, snippet, what, "wait for it: join() the thread, or close the pool")
    if guard.children() - children:
        what = "it did not wait for a process that it started: what that prints would be lost"
        raise _fails(section, snippet, what, "wait for its end: wait(), join() or subprocess.run")
    try:
        out, err = streams.take()
    except ValueError as problem:
        raise _fails(
            section, snippet, str(problem), "leave sys.stdout and its file alone"
        ) from None
    seconds = time.perf_counter() - begin

    for warning in caught:
        line = warning.lineno if warning.filename == str(section.path) else snippet.line
        raise _fails(
            section,
            snippet,
            f"{warning.category.__name__}: {warning.message}",
            "change the cell so that it does not warn, or catch the warning and print it",
            line,
        )
    if err:
        text = err.decode(errors="replace")[:2000]
        what = f"it wrote to standard error, which no page shows:\n{_with_reason(text)}"
        raise _fails(section, snippet, what, "print what readers should see, and nothing else")
    if len(out) > OUTPUT_LIMIT:
        what = f"it printed more than a page shows: at most {OUTPUT_LIMIT:,} bytes"
        raise _fails(section, snippet, what, "print less")
    try:
        output = ESCAPES.sub("", out.decode().replace("\r\n", "\n"))
    except UnicodeDecodeError as problem:
        what = f"its output is not UTF-8: {problem.reason} at byte {problem.start}"
        raise _fails(section, snippet, what, "print text") from None
    _check_text(section, snippet, f"{output}{error or ''}", folder)
    return Outcome(
        name=snippet.name,
        state="raised" if error else "ran",
        output=output,
        error=error,
        error_line=row,
        figures=figures,
        seconds=seconds,
    )


def _execute(
    section: Section, snippet: Snippet, namespace: dict[str, Any]
) -> tuple[str | None, int | None]:
    """Run the statements of a cell; return the declared error and its line, or two Nones."""
    path = str(section.path)
    statements = ast.parse("\n" * (snippet.line - 1) + snippet.source, path).body
    for statement in statements:
        try:
            exec(compile(ast.Module([statement], []), path, "exec", dont_inherit=True), namespace)
        except BaseException as error:
            line = _line(error, path) or snippet.line
            if isinstance(error, KeyboardInterrupt):
                raise
            if type(error).__name__ != snippet.raises:
                raise _undeclared(section, snippet, error, line) from None
            if statement is not statements[-1]:
                raise _fails(
                    section,
                    snippet,
                    f"{snippet.raises} came before the last statement: the rest never ran",
                    "end the cell with the statement that raises",
                    line,
                ) from None
            text = ESCAPES.sub("", "".join(traceback.format_exception_only(error)).strip())
            return text, line - snippet.line + 1
    if snippet.raises:
        raise _fails(
            section,
            snippet,
            f"it declares {snippet.raises}, and nothing was raised",
            "mend the cell, or take raises= off its marker",
        )
    return None, None


def _undeclared(
    section: Section, snippet: Snippet, error: BaseException, line: int
) -> ProjectError:
    text = _with_reason("".join(traceback.format_exception_only(error)))
    name = type(error).__name__
    if isinstance(error, SystemExit):
        return _fails(
            section,
            snippet,
            f"{text or name}: it ends Python",
            "a snippet must run to its end",
            line,
        )
    if snippet.raises:
        return _fails(
            section,
            snippet,
            f"it declares {snippet.raises} and raised {text}",
            "mend one of them",
            line,
        )
    return _fails(section, snippet, text, f'mend it, or declare it: raises="{name}"', line)


def _with_reason(text: str) -> str:
    return "\n".join(filter(None, (text.strip(), guard.reason(text))))


def _check_refusals(section: Section, snippet: Snippet) -> None:
    if refusal := guard.pop_first_refusal():
        what, line = refusal
        raise _fails(section, snippet, what, "let it do without, or show it as text", line)


def _line(error: BaseException, path: str) -> int | None:
    """The line of the script, as near to the error as the traceback tells."""
    if isinstance(error, SyntaxError) and error.filename == path:
        return error.lineno
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == path
    ]
    # the innermost frame may be a class defined cells ago: the line of this cell is the first
    return lines[0] if lines else None


def _check_text(section: Section, snippet: Snippet, text: str, folder: str) -> None:
    """Refuse what differs from build to build or from machine to machine, or is no text."""
    home = os.path.expanduser("~").rstrip(os.sep)
    places = {
        "the temporary directory": (folder, tempfile.gettempdir() + os.sep),
        "a path of this machine": (
            str(section.path)[: -len(section.place) - 1],
            home and home + os.sep,
        ),
    }
    found = [what for what, paths in places.items() if any(p and p in text for p in paths)]
    if UNSTABLE.search(text):
        found.append("a memory address")
    if found:
        what = f"its output contains {' and '.join(found)}, which differs from build to build"
        raise _fails(section, snippet, what, "print something that does not")
    if CONTROL.search(text):
        raise _fails(section, snippet, "its output contains control characters", "print text")
    if len(text) > OUTPUT_LIMIT:
        what = f"its error has {len(text):,} characters; a page shows at most {OUTPUT_LIMIT:,}"
        raise _fails(section, snippet, what, "raise a shorter one")


def _fails(
    section: Section, snippet: Snippet, what: str, advice: str, line: int | None = None
) -> ProjectError:
    place = f"{section.place}:{line or snippet.line}"
    return ProjectError(Problem(what, advice, (place,), snippet.name))


def _default_warning_filters() -> None:
    """The filters of a fresh interpreter, also where a test runner has set its own."""
    warnings.resetwarnings()
    for category in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
        warnings.simplefilter("ignore", category)
    warnings.filterwarnings("default", category=DeprecationWarning, module="__main__")


class _NoInput(io.TextIOBase):
    """Stands in for standard input: a page cannot answer."""

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> str:
        raise RuntimeError("a snippet cannot read from standard input")

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
        return self.read()

    def fileno(self) -> int:
        return 0


class _Streams:
    """Standard output and error, written to temporary files."""

    def __init__(self) -> None:
        self.files = [tempfile.TemporaryFile(), tempfile.TemporaryFile()]
        self.ends = [0, 0]
        self.text: list[IO[str]] = []

    def take(self) -> tuple[bytes, bytes]:
        """Take what came on both since the last time.

        Returns:
            Standard output and standard error.

        Raises:
            ValueError: A cell replaced, closed, moved or cut the stream, so that output may be lost.
        """
        for stream in self.text:
            stream.flush()
        _flush_c()
        taken = []
        for index, file in enumerate(self.files):
            name = ("stdout", "stderr")[index]
            there = os.fstat(file.fileno())
            size = there.st_size
            try:
                same = os.path.samestat(os.fstat(index + 1), there)
            except OSError:
                same = False
            moved = os.lseek(file.fileno(), 0, os.SEEK_CUR) != size
            if getattr(sys, name) is not self.text[index] or not same or moved:
                raise ValueError(
                    f"the cell replaced, closed, moved or cut {name}: output may be lost"
                )
            # read no more than is needed to see that it is too much
            want = min(size - self.ends[index], OUTPUT_LIMIT + 1)
            taken.append(
                os.pread(file.fileno(), want, self.ends[index])
                if hasattr(os, "pread")
                else _read_at(file.fileno(), want, self.ends[index])
            )
            self.ends[index] = size
        return taken[0], taken[1]


def _read_at(descriptor: int, size: int, offset: int) -> bytes:
    """`os.pread` for Windows, which shares the position with the writer: put it back."""
    position = os.lseek(descriptor, 0, os.SEEK_CUR)
    os.lseek(descriptor, offset, os.SEEK_SET)
    data = os.read(descriptor, size)
    os.lseek(descriptor, position, os.SEEK_SET)
    return data


def _flush_c() -> None:
    """Flush the buffers of C's standard output, which Python's flush does not know."""
    library = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)
    library.fflush(None)


@contextlib.contextmanager
def _streams() -> Iterator[_Streams]:
    """Redirect the descriptors 0, 1 and 2, and what `sys` calls by their names."""
    streams = _Streams()
    names = ("stdin", "stdout", "stderr")
    before = [getattr(sys, name) for name in names]
    for stream in before[1:]:
        stream.flush()
    saved = [os.dup(number) for number in range(3)]
    nothing = os.open(
        os.devnull, os.O_WRONLY
    )  # reading from it fails, where /dev/null would be empty
    try:
        for number, target in enumerate((nothing, *(file.fileno() for file in streams.files))):
            os.dup2(target, number)
        sys.stdin = _NoInput()
        streams.text = [
            open(number, "w", encoding="utf-8", newline="\n", closefd=False, buffering=1)
            for number in (1, 2)
        ]
        sys.stdout, sys.stderr = streams.text
        yield streams
    finally:
        for stream in streams.text:
            with contextlib.suppress(ValueError, OSError):
                stream.flush()
        for name, stream in zip(names, before, strict=True):
            setattr(sys, name, stream)
        for number, descriptor in enumerate(saved):
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.close(nothing)
        for file in streams.files:
            file.close()


def _take_figures(section: Section, snippet: Snippet) -> tuple[str, ...]:
    """Save the open figures as SVG that is the same in every build, and close them."""
    pyplot: Any = sys.modules.get("matplotlib.pyplot")
    if not pyplot:
        return ()
    import matplotlib

    figures = []
    options: Any = {"svg.hashsalt": snippet.name, "svg.fonttype": "none"}
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    for number in pyplot.get_fignums():
        file = io.StringIO()
        try:
            with matplotlib.rc_context(options):
                pyplot.figure(number).savefig(
                    file, format="svg", transparent=True, bbox_inches="tight", metadata=nothing
                )
        except Exception as error:
            what = f"its figure cannot be drawn: {type(error).__name__}: {error}"
            raise _fails(section, snippet, what, "mend the figure") from None
        figure = file.getvalue()
        if re.search(r'\shref="(?!#|data:image/)|:href="(?!#|data:image/)', figure):
            what = "its figure holds a link"
            raise _fails(section, snippet, what, "put the link on the pages")
        figures.append(figure)
    pyplot.close("all")
    return tuple(figures)

"""Runs the cells of a section, one after the other, in this process, and keeps what they show."""

import _thread
import ast
import atexit
import contextlib
import ctypes
import errno
import gc
import io
import linecache
import multiprocessing
import os
import re
import signal
import sys
import tempfile
import threading
import time
import traceback
import types
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from time import perf_counter  # a cell may replace that of the module, which is found later
from typing import IO, Any, Literal

from proven import devices, guard
from proven.problems import CONTROL, Problem, ProjectError
from proven.scripts import Section, Snippet
from proven.settings import Settings
from proven.surroundings import QUIET
from proven.svg import clean

OUTPUT_LIMIT = 100_000  # bytes of one snippet: nobody reads a page with more
FIGURE_LIMIT = 2_000_000  # characters of one figure: browsers become slow with more
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")  # colours for a terminal, as in torch's UnpicklingError
# the address in a default repr, and one that was asked for by id() or data_ptr()
UNSTABLE = re.compile(r"\bat 0x[0-9a-fA-F]{6,}|\b0x[0-9a-f]{11,12}\b")

TOO_LONG = (f"it printed more than a page shows: at most {OUTPUT_LIMIT:,} bytes", "print less")
TOO_LARGE = (
    f"its figure has more than {FIGURE_LIMIT:,} characters, the most that a page shows",
    "draw less, or pass rasterized=True to what draws so much",
)
# what may write when Python ends
LEAVES = re.compile(r"\batexit\.|_register_atexit|\bfinalize\(|__del__")
FIGURES = 20  # of one snippet: the number of open ones from which matplotlib warns
PROGRESS = (
    "a progress bar writes over its line, which a page cannot: switch it off (tqdm: disable=True), "
    "and print a line for each step"
)

State = Literal["ran", "raised", "skipped"]


@dataclass(frozen=True)
class Raised:
    """A declared error that a statement raised; the next statement ran all the same."""

    text: str  # as Python words it, `Type: message`
    line: int  # of the snippet, counted from 1
    after: int  # how many characters of the output came before it


@dataclass(frozen=True)
class Outcome:
    """What one snippet did."""

    name: str  # in full, as `blocks.mlp`
    state: State  # `raised`: as it declares; `skipped`: for want of devices
    output: str = ""
    errors: tuple[Raised, ...] = ()
    figures: tuple[str, ...] = ()  # those that it left open, as SVG
    seconds: float = 0.0
    had: int = 0  # how many such devices there were, where it needed more

    @property
    def error(self) -> str | None:
        """The text of the last error."""
        return self.errors[-1].text if self.errors else None


class Fault(Exception):
    """A cell did what a snippet may not do: what, what to do about it, and on which line."""

    def __init__(self, what: str, advice: str, line: int | None = None) -> None:
        super().__init__(what)
        self.what, self.advice, self.line = what, advice, line


def check_outcome(outcome: Outcome) -> Outcome:
    """Hold what a section or a record says that a snippet did to the rules of pages.

    In what is returned, figures are pictures and nothing else. A `Fault` tells what no page can
    show, or no snippet can have done.
    """
    output, errors, figures = outcome.output, outcome.errors, []
    for figure in outcome.figures:
        if len(figure) > FIGURE_LIMIT:
            raise Fault(*TOO_LARGE)
        try:
            figures.append(clean(figure))
        except ValueError as error:
            what, advice = f"its figure holds {error}", "draw without it; links can stand on pages"
            raise Fault(what, advice) from None
    texts = [("output", text) for text in (output, *(error.text for error in errors))]
    for name, text in (*texts, *(("figure", figure) for figure in figures)):
        if name == "output" and len(text.encode(errors="surrogatepass")) > OUTPUT_LIMIT:
            raise Fault(*TOO_LONG)
        if UNSTABLE.search(text):
            what = f"its {name} contains a memory address, which differs from build to build"
            raise Fault(what, "show something that does not")
        if found := CONTROL.search(text):
            line = text.count("\n", 0, found.start()) + 1
            what = f"its {name} contains control characters: {found[0]!a} on line {line} of it"
            raise Fault(what, PROGRESS if found[0] == "\r" else "show text")
    shows = bool(output or errors or outcome.figures)
    after = [0, *(error.after for error in errors), len(output)]
    if (
        (outcome.state == "raised") != bool(errors)
        or (outcome.state == "skipped" and shows)
        or after != sorted(after)
        or any(error.line < 1 for error in errors)
    ):
        raise Fault(f"it is said to have {outcome.state}, and what it shows is of no such run", "")
    return replace(outcome, figures=tuple(figures))


def run_cells(
    settings: Settings, section: Section, module: types.ModuleType, last: str | None = None
) -> Iterator[Outcome | Snippet]:
    """Run the cells of a section in the namespace of a module.

    The module stands in for `__main__` meanwhile, so that `pickle` and `inspect.getsource` work as
    in any script. Standard input, output and error are the engine's; the working directory is the
    one that the caller has chosen.
    """
    if torch := sys.modules.get("torch"):
        # sums are the same on every machine, and other sections use the other cores
        torch.set_num_threads(1)
    folder = os.path.realpath(os.getcwd())
    module.__file__ = str(section.path)
    linecache.checkcache(str(section.path))
    main, arguments = sys.modules["__main__"], sys.argv
    sys.modules["__main__"], sys.argv = module, [section.place]  # as of a script without any
    try:
        with _streams() as streams, warnings.catch_warnings(record=True) as caught:
            _default_warning_filters()
            for snippet in section.snippets:
                yield snippet
                caught.clear()
                cell = _Cell(section, snippet, vars(module), streams, caught, folder)
                had = devices.count(settings, snippet.kind) if snippet.devices else 0
                if had < snippet.devices:
                    yield Outcome(snippet.name, "skipped", had=had)
                else:
                    with _places(section, snippet):
                        outcome = cell.run()
                    yield outcome
                if snippet.name == last:
                    return
            cell.end()
    finally:
        sys.modules["__main__"], sys.argv = main, arguments


@contextlib.contextmanager
def _places(section: Section, snippet: Snippet) -> Iterator[None]:
    """Tell where a fault is."""
    try:
        yield
    except Fault as fault:
        place = f"{section.place}:{fault.line or snippet.line}"
        raise ProjectError(Problem(fault.what, fault.advice, (place,), snippet.name)) from None


@dataclass
class _Cell:
    """A cell that is about to run."""

    section: Section
    snippet: Snippet
    namespace: dict[str, Any]
    streams: "_Streams"
    caught: list[warnings.WarningMessage]
    folder: str

    def run(self) -> Outcome:
        """Run the cell and check all that it did; a `Fault` says what it may not do."""
        begin, process, threads = perf_counter(), os.getpid(), set(threading.enumerate())
        children, count = guard.children(), _thread._count()
        self.streams.take()  # what a claim wrote, or what runs where a process is forked
        try:
            raised = self._execute()
        except Fault:
            self._check_refusals()  # tells the refusal, and not the error that followed from it
            raise
        if os.getpid() != process:
            os._exit(1)  # the cell called os.fork(): its child must not run the rest of the section
        self._check_refusals()
        figures = self._take_figures()
        patience = time.monotonic() + 1  # some are about to end
        while _thread._count() > count and time.monotonic() < patience:
            time.sleep(0.005)
        if _thread._count() > count:
            left = [t.name for t in set(threading.enumerate()) - threads] or ["without a name"]
            names = ", ".join(left)
            what = f"a thread still runs ({names}): what it prints would go to another cell"
            raise Fault(what, "wait for it: join() the thread, or close the pool")
        timers = [value for name, value in vars(signal).items() if name.startswith("ITIMER_")]
        if any(signal.getitimer(timer)[0] for timer in timers):  # Windows has none
            what = "a timer still runs: what its handler prints would go to another cell"
            raise Fault(what, "stop it: signal.alarm(0)")
        if not f"{_working_directory()}{os.sep}".startswith(f"{self.folder}{os.sep}"):
            what = "it changed the working directory, in which the later cells work"
            raise Fault(what, "go back: with contextlib.chdir(…)")
        if guard.children() - children:
            what = "it did not wait for a process that it started: what that prints would be lost"
            advice = "wait for its end: wait(), join() or subprocess.run; "
            advice += "del a DataLoader whose persistent workers go on as long as it is there"
            raise Fault(what, advice)
        pieces = [*(piece for _, _, piece in raised), self.streams.take()]
        out, err = (b"".join(written) for written in zip(*pieces, strict=True))
        seconds = perf_counter() - begin
        for warning in self.caught:
            advice = "change the cell so that it does not warn, or catch the warning and print it"
            if "missing from font" in str(warning.message):
                advice = "write in figures what matplotlib's own font has, such as English"
            line = warning.lineno if warning.filename == str(self.section.path) else None
            raise Fault(f"{warning.category.__name__}: {warning.message}", advice, line)
        if err:
            text = with_reason(err.decode(errors="replace")[:2000])
            what = f"it wrote to standard error, which no page shows:\n{text}"
            advice = "print what readers should see, and nothing else"
            raise Fault(what, PROGRESS if b"\r" in err else advice)
        if len(out) > OUTPUT_LIMIT:
            raise Fault(*TOO_LONG)
        output, errors = "", list[Raised]()
        for index, (written, _) in enumerate(pieces):
            try:
                output += ESCAPES.sub("", written.decode().replace("\r\n", "\n"))
            except UnicodeDecodeError as problem:
                what = f"its output is not UTF-8: {problem.reason} at byte {problem.start}"
                raise Fault(what, "print text") from None
            if index < len(raised):
                text, line, _ = raised[index]
                errors.append(Raised(text, line, len(output)))
        self._check_paths("output", "\n".join([output, *(error.text for error in errors)]))
        self._check_paths("figure", "\n".join(figures))
        state: State = "raised" if errors else "ran"
        did = Outcome(self.snippet.name, state, output, tuple(errors), figures, seconds)
        return check_outcome(did)

    def end(self) -> None:
        """Do what Python does when a script has ended, and see that it writes nothing: no page shows it."""
        found = ((s, LEAVES.search(s.source)) for s in self.section.snippets)
        snippet, leaves = next((pair for pair in found if pair[1]), (self.snippet, None))
        line = snippet.line + (snippet.source.count("\n", 0, leaves.start()) if leaves else 0)
        with _places(self.section, snippet):
            self.streams.take()
            self.caught.clear()
            try:
                for function in reversed(getattr(threading, "_threading_atexits", [])):
                    function()
            except BaseException as error:
                text = traceback.format_exception_only(error)[-1]
                raise Fault(
                    f"when Python ends: {text}", "do without threading._register_atexit", line
                ) from None
            atexit._run_exitfuncs()
            self.namespace.clear()
            gc.collect()
            text = b"".join(self.streams.take()).decode(errors="replace")[:2000]
            text += "\n".join(f"{one.category.__name__}: {one.message}" for one in self.caught)
            advice = "let it end in a cell, or do without: atexit, weakref.finalize, __del__"
            if refusal := guard.pop_first_refusal():
                raise Fault(f"{refusal[0]}, when Python ends", advice, refusal[1] or line)
            if text:
                what = f"it writes when Python ends, and no page shows that:\n{text}"
                raise Fault(what, advice, line)

    def _execute(self) -> list[tuple[str, int, tuple[bytes, bytes]]]:
        """Run the statements of the cell; return each error, its line, and what was written before it."""
        raised = list[tuple[str, int, tuple[bytes, bytes]]]()
        path, snippet = str(self.section.path), self.snippet
        statements = ast.parse("\n" * (snippet.line - 1) + snippet.source, path).body
        for statement in statements:
            try:
                code = compile(ast.Module([statement], []), path, "exec", dont_inherit=True)
                exec(code, self.namespace)
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt) and not multiprocessing.parent_process():
                    raise  # Ctrl-C under pytest: the process of a section gets none
                line, name = _line(error, path) or snippet.line, type(error).__name__
                declared = snippet.raises[len(raised) : len(raised) + 1] == (name,)
                if not declared or _ends(error, path):
                    raise self._undeclared(error, line, len(raised)) from None
                text = ESCAPES.sub("", "".join(traceback.format_exception_only(error)).strip())
                if len(text) > OUTPUT_LIMIT:
                    what = f"its error has {len(text):,} characters; a page shows at most {OUTPUT_LIMIT:,}"
                    raise Fault(what, "raise a shorter one", line) from None
                raised.append((text, line - snippet.line + 1, self.streams.take()))
        if missing := snippet.raises[len(raised) :]:
            what = f"it declares {missing[0]}, and nothing was raised"
            if raised:
                what = f"it declares {', '.join(snippet.raises)}, and raised {len(raised)} of them"
            raise Fault(what, "mend the cell, or correct raises= on its marker")
        return raised

    def _undeclared(self, error: BaseException, line: int, before: int) -> Fault:
        text, name = "".join(traceback.format_exception_only(error)), type(error).__name__
        if _ends(error, str(self.section.path)):
            advice = "a snippet must run to its end; exec() can show what no script may hold"
            return Fault(f"{text.strip()}: it ends Python", advice, line)
        if declared := self.snippet.raises[before:]:
            what = f"it declares {declared[0]} and raised {with_reason(text)}"
            return Fault(what, "mend one of them", line)
        if guard.reason(text):  # no reader would get this error
            return Fault(with_reason(text), "let it do with less, or do without", line)
        names = ", ".join([*self.snippet.raises, name])
        declare = f'declare it: raises="{names}"'
        if isinstance(error, ModuleNotFoundError):
            advice = f"install {error.name} and add it to requirements.txt, or {declare}"
            return Fault(text, advice, line)
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            advice = f"make room in {tempfile.gettempdir()}, where sections work, or {declare}"
            return Fault(with_reason(text), advice, line)
        if isinstance(error, AssertionError):  # such as the check of an exercise, far from its call
            frames = traceback.extract_tb(error.__traceback__)
            own = [frame for frame in frames if frame.filename == str(self.section.path)]
            if own and own[-1].line:
                text = f"{text.strip()}\n{own[-1].line}  (line {own[-1].lineno})"
        return Fault(with_reason(text), f"mend it, or {declare}", line)

    def _check_refusals(self) -> None:
        if refusal := guard.pop_first_refusal():
            raise Fault(refusal[0], "let it do without, or show it as text", refusal[1])

    def _check_paths(self, name: str, text: str) -> None:
        """Refuse what differs from build to build or from machine to machine, or is no text."""
        project = str(self.section.path)[: -len(self.section.place) - 1]
        above = os.path.dirname(self.folder)  # in a build, of the folder of temporary files as well
        its_own = above == os.path.dirname(tempfile.gettempdir())
        places = {
            "the temporary directory": (above if its_own else self.folder,),
            "a path of this machine": (
                *(project, os.path.expanduser("~").rstrip(os.sep)),
                *({sys.prefix} - {sys.base_prefix}),  # of a virtual environment
            ),
        }
        found = [what for what, paths in places.items() if any(_names(p, text) for p in paths if p)]
        if its_own and os.path.basename(above) in text and not found:  # as in a relative path
            found = ["the name of the temporary directory"]
        if found:
            what = f"its {name} contains {' and '.join(found)}, which differs from build to build"
            raise Fault(what, "show something that does not")

    def _take_figures(self) -> tuple[str, ...]:
        """Save the open figures as SVG that is the same in every build, and close them."""
        pyplot: Any = sys.modules.get("matplotlib.pyplot")
        if not pyplot:
            return ()
        figures = []
        options = {"svg.hashsalt": self.snippet.name, "svg.fonttype": "none"}
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        how: Any = {"format": "svg", "transparent": True, "bbox_inches": "tight"}
        numbers = pyplot.get_fignums()
        if (count := len(numbers)) > FIGURES:
            what = f"it left {count} figures open; a page shows at most {FIGURES} of a snippet"
            raise Fault(what, "draw less, or plt.close() those that are not to be shown")
        for number in numbers:
            file = _Drawing()
            try:
                with pyplot.rc_context(options):
                    pyplot.figure(number).savefig(file, metadata=nothing, **how)
            except Fault:
                raise
            except (Exception, SystemExit) as error:
                what = f"its figure cannot be drawn: {type(error).__name__}: {error}"
                raise Fault(what, "mend the figure") from None
            figures.append(file.getvalue())
        pyplot.close("all")
        return tuple(figures)


def _working_directory() -> str:
    """Where the process works; nowhere, if that folder is gone."""
    try:
        return os.path.realpath(os.getcwd())
    except FileNotFoundError:
        return ""


class _Drawing(io.StringIO):
    """The file of a figure, which does not take what no page shows."""

    def write(self, text: str, /) -> int:
        if self.tell() + len(text) > FIGURE_LIMIT:
            raise Fault(*TOO_LARGE)
        return super().write(text)


def _names(path: str, text: str) -> bool:
    """Whether a text has a path as a whole: in `./data/x` and in an address, `/data` is none."""
    found = rf"(?:(?<![\w./~+%-])|(?<=file://)){re.escape(path)}(?![\w-])"
    return re.search(found, text) is not None


def with_reason(text: str) -> str:
    """The text of an error, and which limit is behind it."""
    return "\n".join(filter(None, (text.strip(), guard.reason(text))))


def _ends(error: BaseException, path: str) -> bool:
    """Whether the script of the section ends, or does not even begin, whatever catches its errors."""
    own = isinstance(error, SyntaxError) and error.filename == path
    return own or not isinstance(error, Exception)


def _line(error: BaseException, path: str) -> int | None:
    """The line of the script, as near to the error as the traceback tells."""
    if isinstance(error, SyntaxError) and error.filename == path:
        return error.lineno
    frames = traceback.extract_tb(error.__traceback__)
    # the first frame of the script is in this cell; inner ones may be in a class that an earlier cell defined
    return next((frame.lineno for frame in frames if frame.filename == path), None)


def _default_warning_filters() -> None:
    """Set the filters of a fresh interpreter, also where a test runner has set its own."""
    warnings.resetwarnings()
    for category in QUIET:
        warnings.simplefilter("ignore", category)
    warnings.filterwarnings("default", category=DeprecationWarning, module="__main__")


class _NoInput(io.TextIOBase):
    """Standard input of the cells: reading from it is an error, since a page cannot answer."""

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
        self.files = [_kept_whole(), _kept_whole()]
        self.ends = [0, 0]
        self.text: list[IO[str]] = []

    def take(self) -> tuple[bytes, bytes]:
        """Return what was written to each since the last call; a Fault says that output may be lost."""
        for stream in self.text:
            if not stream.closed:
                stream.flush()
        # C has buffers of its own for standard output, which Python's flush leaves as they are
        ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None).fflush(None)
        taken = list[bytes]()
        for index, file in enumerate(self.files):
            name = ("stdout", "stderr")[index]
            there = os.fstat(file.fileno())
            size = there.st_size
            try:
                same = os.path.samestat(os.fstat(index + 1), there)
            except OSError:
                same = False
            moved = os.lseek(file.fileno(), 0, os.SEEK_CUR) != size
            text = self.text[index]
            lost = getattr(sys, name) is not text or vars(text).keys() != {"mode"}
            if lost or text.closed or not same or moved:
                what = f"the cell replaced, closed, moved or cut {name}: output may be lost"
                raise Fault(what, "leave sys.stdout and its file alone")
            # one byte over the limit is enough to see that the output is too long
            want = min(size - self.ends[index], OUTPUT_LIMIT + 1)
            read = getattr(os, "pread", _read_at)
            taken.append(read(file.fileno(), want, self.ends[index]))
            self.ends[index] = size
        out, err = taken
        return out, err


def _kept_whole() -> IO[bytes]:
    """A temporary file to which cells and their children append, and of which nobody who opens it anew can cut.

    Who opens it as /dev/stdout has to append as well. Where the kernel has no such files, `_Streams.take` finds
    some of what is lost, and not all.
    """
    if not hasattr(os, "memfd_create"):
        return tempfile.TemporaryFile()
    import fcntl

    file = open(os.memfd_create("output", os.MFD_ALLOW_SEALING), "r+b", buffering=0)
    fcntl.fcntl(file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
    fcntl.fcntl(file, fcntl.F_SETFL, os.O_APPEND)
    return file


def _read_at(descriptor: int, size: int, offset: int) -> bytes:
    """Stand in for `os.pread`, which Windows lacks: read, then restore the position, which the writer shares."""
    position = os.lseek(descriptor, 0, os.SEEK_CUR)
    os.lseek(descriptor, offset, os.SEEK_SET)
    data = os.read(descriptor, size)
    os.lseek(descriptor, position, os.SEEK_SET)
    return data


@contextlib.contextmanager
def _streams() -> Iterator[_Streams]:
    """Redirect the descriptors 0, 1 and 2, and what `sys` calls by their names."""
    streams = _Streams()
    names = ("stdin", "stdout", "stderr", "__stdout__", "__stderr__")
    before = [getattr(sys, name) for name in names]
    for stream in before[1:3]:
        stream.flush()
    saved = [os.dup(number) for number in range(3)]
    # opened for writing: reading from it is an error, not the end of a file
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        for number, target in enumerate((nothing, *(file.fileno() for file in streams.files))):
            os.dup2(target, number)
        sys.stdin = _NoInput()
        how: Any = {"encoding": "utf-8", "newline": "\n", "closefd": False, "buffering": 1}
        streams.text = [open(number, "w", **how) for number in (1, 2)]
        for name, stream in zip(names[1:], streams.text * 2, strict=True):
            setattr(sys, name, stream)
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
